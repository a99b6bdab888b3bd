// Package verify is the core: every rule of a verification, and nothing else.
//
// A change of state is a Command. It names the rows it needs and decides, as a
// pure function of those rows, an Env and an instant, what changes and what to
// answer. The package does no input or output, starts no goroutine and reads no
// clock, so any history can be run again exactly. Commands are carried out by
// package ledger on a Store; messages leave through a Sender. Wire formats,
// pages, SQL and carriers are other packages, and none of them holds a rule.
//
// # Glossary
//
// One word per idea, in the code, the database, the API and the documents:
//
//   - A verification is one attempt to prove that a person holds an address:
//     from its start until it is accepted, canceled, exhausted or expired.
//   - An address is what a message goes to: a telephone number or a mailbox.
//   - A subject is one address seen by one profile of one tenant for one purpose.
//     It carries what outlives a verification: the streak, the send history.
//   - A profile is a tenant's named set of settings for its verifications.
//   - A channel is the way a code travels: sms, call, email, …
//   - A carrier is a company (or the development inbox) that takes messages; a
//     route is the order in which a channel's carriers are tried.
//   - A delivery is one message to be sent; the outbox is the deliveries not
//     yet sent. A node holds a lease on the deliveries that it is sending.
//   - A receipt is a carrier's later word about a delivery.
//   - A guess is one code typed; the streak is the wrong guesses in a row.
//   - To settle is to reach a status other than pending.
//   - A quota is a limit that a tenant sets, over and above the operator's.
//   - An attempt is a delivery as a tenant sees it.
//   - A session is a person's visit to the pages on behalf of an application, from the
//     link to the proof.
//   - A proof is a signed statement that a session was verified.
//   - A replay is the remembered answer to a request with an Idempotency-Key.
package verify

import (
	"encoding/binary"
	"io"
	"time"

	"github.com/google/uuid"

	"countersign/internal/code"
	"countersign/internal/limit"
	"countersign/internal/secret"
)

// The rules' figures that no setting changes.
const (
	// MaxGuesses are evaluated per verification, right or wrong.
	MaxGuesses = 5
	// MaxStreak wrong guesses in a row, over all verifications of a subject, lock
	// it: NIST SP 800-63B-4, 3.2.2.
	MaxStreak = 100
	// MaxSends messages go out per verification.
	MaxSends = 5
	// MaxValidity is the ceiling of NIST SP 800-63B-4, 3.1.3.2. MinValidity only
	// keeps zero and less out: tests of an application ask for a second.
	MaxValidity = 10 * time.Minute
	MinValidity = time.Second
	// RepeatWindow is how long an equal start is taken for a client's retry of the
	// last one: it gets the same answer and causes no message.
	RepeatWindow = 10 * time.Second
	// ClockSlack is how far the clocks of two nodes may differ.
	ClockSlack = 5 * time.Second
	// ReplayAge is how long the answer to an Idempotency-Key is remembered.
	ReplayAge = 24 * time.Hour
	// StreakAge is how long wrong guesses in a row, and with them the number that
	// they were made at, are remembered at the least: else whoever waits for the
	// retention to end could guess without end.
	StreakAge = 30 * 24 * time.Hour
	// MinRetention keeps a verification until whoever asked for it has looked.
	MinRetention = time.Hour
	MaxRetention = 3650 * 24 * time.Hour
)

// cooldowns are the waits after the first, second, … send.
var cooldowns = [...]time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}

// ID identifies a verification: a UUID of version 7, so that rows are appended
// in the order of their creation.
type ID = uuid.UUID

// NewID makes an ID of an instant and ten random bytes. The error is the reader's.
func NewID(now time.Time, random io.Reader) (ID, error) {
	var id ID
	if _, err := io.ReadFull(random, id[6:]); err != nil {
		return ID{}, err
	}
	ms := uint64(now.UnixMilli())
	binary.BigEndian.PutUint32(id[0:], uint32(ms>>16))
	binary.BigEndian.PutUint16(id[4:], uint16(ms))
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id, nil
}

// Channel is the way a code travels.
type Channel string

// The channels.
const (
	SMS       Channel = "sms"
	Call      Channel = "call"
	WhatsApp  Channel = "whatsapp"
	Flashcall Channel = "flashcall"
	Email     Channel = "email"
)

// Channels lists every channel.
func Channels() []Channel { return []Channel{SMS, Call, WhatsApp, Flashcall, Email} }

// Status is where a verification stands. Only Pending can change.
type Status string

// The statuses.
const (
	Pending   Status = "pending"
	Accepted  Status = "accepted"
	Canceled  Status = "canceled"
	Exhausted Status = "exhausted" // all guesses used, none right
	Expired   Status = "expired"
)

// Profile is a tenant's set of settings for its verifications. A verification
// copies what it needs at its start, so that a later edit cannot change it.
type Profile struct {
	ID        ID
	Tenant    string
	Name      string
	AppName   string
	Template  string // of package message; a call and an e-mail have words of their own
	Locale    string // of package message, where a start names none
	Domain    string // of the page that codes are typed into; may be empty
	Code      code.Spec
	Validity  time.Duration
	Retention time.Duration // how long a verification is kept after its time is over
	Countries []string      // ISO 3166; none means every country
	Quotas    []Quota       // limits of its own; each is spent by every message
	Events    bool          // somebody wants to be told of each delivery
	Payments  bool          // for payments alone: a start says which one
	// Joint profiles of a tenant have the limits on a number together, besides each its
	// own: a tenant can make as many of them as it likes.
	Joint bool
}

// SubjectKey finds a subject: a keyed hash, so that the database does not tell
// whose number it is.
type SubjectKey [16]byte

// Subject carries what outlives one verification of an address.
type Subject struct {
	Key    SubjectKey
	KeyID  string      // of the key that made Key
	Live   ID          // the newest verification; zero if there never was one
	Streak int         // wrong guesses since the last right one
	Hour   limit.State // sends in the last hour
	Day    limit.State // sends in the last day
}

// Verification is one attempt to prove that a person holds an address.
type Verification struct {
	ID         ID
	Tenant     string
	Profile    ID
	Subject    SubjectKey
	Purpose    string
	Channel    Channel
	Previous   ID     // of the same subject, made before this one; zero if there was none
	Address    []byte // as Address.Text has it, sealed
	KeyID      string // of the key that the code is drawn with
	Code       code.Spec
	CustomCode []byte // the customer's own code, sealed; nil if the code is ours
	Template   string
	AppName    string
	Details    Details
	Status     Status
	Guesses    int
	Sends      int
	SentAt     time.Time // when the last message was decided, not when it arrived
	CreatedAt  time.Time
	ExpiresAt  time.Time
	PurgeAt    time.Time // when it may be deleted; zero: never
	UpdatedAt  time.Time
}

// StatusAt is the status as anyone should see it at now: a pending verification
// whose time is over has expired even before anyone has written so. One that
// begins in the future was made by a clock that stood ahead; it has expired too,
// for it would otherwise live for longer than anyone meant.
func (v Verification) StatusAt(now time.Time) Status {
	over := !now.Before(v.ExpiresAt) || now.Add(ClockSlack).Before(v.CreatedAt)
	if v.Status == Pending && over {
		return Expired
	}
	return v.Status
}

// ResendAt is when the next message may be asked for; the zero time if no more
// will be sent.
func (v Verification) ResendAt() time.Time {
	if v.Sends < 1 || v.Sends >= MaxSends {
		return time.Time{}
	}
	return v.SentAt.Add(cooldowns[v.Sends-1])
}

// GuessesLeft is how many more guesses will be evaluated.
func (v Verification) GuessesLeft() int { return max(0, MaxGuesses-v.Guesses) }

// To opens the address. The error is of package secret.
func (v Verification) To(keys *secret.Ring) (Address, error) {
	plain, err := keys.Open(secret.Row, place(v.ID, "address"), v.Address)
	if err != nil {
		return Address{}, err
	}
	return Trusted(string(plain)), nil
}

// Reveal returns the code of the verification: drawn again from the key and the
// id, or opened if it is the customer's own. The error is of package secret.
func (v Verification) Reveal(keys *secret.Ring) (code.Code, error) {
	if v.CustomCode != nil {
		plain, err := keys.Open(secret.Row, place(v.ID, "code"), v.CustomCode)
		if err != nil {
			return code.Code{}, err
		}
		return code.Custom(string(plain))
	}
	random, err := keys.Stream(v.KeyID, secret.Code, v.ID.String())
	if err != nil {
		return code.Code{}, err
	}
	return v.Code.Draw(random)
}

// place is the associated data of a sealed column: it ties the value to its row.
func place(id ID, column string) string { return "verification " + id.String() + " " + column }
