package verify

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/code"
	"countersign/internal/message"
)

// Sender takes a message towards a person. A carrier is a Sender, and so is
// whatever is wrapped round one. Package sendertest says what each must do.
type Sender interface {
	// Send hands the message over. It stops when ctx ends. Every error is a
	// *SendError, and none holds a credential, a code or a whole number.
	Send(ctx context.Context, m Message) (Submission, error)
}

// Message is one message to one person.
type Message struct {
	ID      string // the same over all attempts
	Channel Channel
	To      Address
	Code    code.Code
	Subject string       // of an e-mail; it holds no code
	Text    message.Text // of a call: what is said
	Keys    string       // pressed when a call is taken, before anything is said

	AppName  string        // who asks for the code; may be empty
	Locale   string        // of Text, as package message names it: "de", "pt-BR"
	Sender   string        // who it is to come from, as its route says; empty for the carrier's own choice
	ValidFor time.Duration // how long the code is good from now on; 0 if that is not known
}

// Submission is a carrier's word that it took a message.
type Submission struct {
	CarrierID string // the carrier's name for the message; empty if it gave none
	Line      Line   // what the carrier said the number belongs to
	// Unnamed says that receipts will have the carrier's name for the message and not
	// ours, so that the message must be found by it.
	Unnamed bool
}

// Line is what a number belongs to, as a carrier says.
type Line string

// The lines. Empty is not known.
const (
	Mobile   Line = "mobile"
	Landline Line = "landline"
	VoIP     Line = "voip"
)

// Receipt is a carrier's later word on a message that it took. It moves a delivery only
// forward and never settles a verification.
type Receipt struct {
	Message   string // Message.ID where the carrier repeats it
	CarrierID string // the carrier's name for the message
	// State is Sent while the message is on its way, Delivered, or Failed.
	State DeliveryState
	Class Class // why it failed
	Line  Line
}

// SendError says why a message was not taken, or not surely.
type SendError struct {
	Class Class
	// Ambiguous: the message may have been taken all the same, as when the answer
	// did not come. No second message goes out by itself then.
	Ambiguous bool
	Wait      time.Duration // the carrier's own word on when to try again; may be zero
	Err       error
}

// Error says the class and the reason.
func (e *SendError) Error() string {
	sure := ""
	if e.Ambiguous {
		sure = ", outcome unknown"
	}
	return fmt.Sprintf("not sent (%s%s): %v", e.Class, sure, e.Err)
}

// Unwrap returns the reason.
func (e *SendError) Unwrap() error { return e.Err }

// Class is the kind of a carrier's refusal. Only the class steers what follows.
type Class string

// The classes. A carrier's codes are sorted into them by its own package.
const (
	NotMobile     Class = "not a mobile"
	BadNumber     Class = "invalid number"
	OptedOut      Class = "opted out"
	Filtered      Class = "content filtered"
	Temporary     Class = "temporary"
	Throttled     Class = "throttled"
	Pumping       Class = "pumping suspected"
	SenderUnready Class = "sender not registered"
	RegionOff     Class = "region not enabled"
	NoMoney       Class = "no money"
	Credentials   Class = "credentials refused"
	UnknownClass  Class = "unknown"
)

// Classes lists every class, for tests.
func Classes() []Class {
	return []Class{
		NotMobile, BadNumber, OptedOut, Filtered, Temporary, Throttled, Pumping,
		SenderUnready, RegionOff, NoMoney, Credentials, UnknownClass,
	}
}

// steering says what a class allows. What is not in the table allows nothing:
// a person who opted out, a landline or a suspected fraud is not tried again.
var steering = map[Class]struct{ otherCarrier, later bool }{
	Filtered:      {otherCarrier: true},
	Temporary:     {otherCarrier: true, later: true},
	Throttled:     {otherCarrier: true, later: true},
	SenderUnready: {otherCarrier: true},
	NoMoney:       {otherCarrier: true},
	Credentials:   {otherCarrier: true},
	UnknownClass:  {otherCarrier: true},
}

// OtherCarrier says whether the next carrier of the route may try at once.
func (e *SendError) OtherCarrier() bool { return !e.Ambiguous && steering[e.Class].otherCarrier }

// Later says whether the route may be tried again after a while.
func (e *SendError) Later() bool { return !e.Ambiguous && steering[e.Class].later }
