// Package receipt is what carriers that post receipts to us have in common: what is
// posted, who reads it, and the refusal of whatever is not the carrier's.
//
// The one idea is that a receipt is a claim until it is verified: a Receiver is given
// the whole request as it came, with the address as the carrier knows it, and returns
// receipts only of one that it knows to be the carrier's, whole and fresh. It has its
// key from the start: a carrier without one has no Receiver.
//
// What a receipt does to a delivery is the core's rule (verify.Receive).
package receipt

import (
	"errors"
	"net/http"
	"time"

	"countersign/internal/verify"
)

// Posted is a request to a carrier's receipt address.
type Posted struct {
	Method string
	URL    string // as the carrier called it: the public address, path and query
	Header http.Header
	Body   []byte
	Now    time.Time
}

// Receiver reads what one carrier posts. It is safe for concurrent use.
type Receiver interface {
	// Receive verifies a request and returns what it says of messages: nothing if it is
	// about something else. The error is ErrForged (wrapped, with a reason that quotes
	// nothing of the request) or ErrUnreadable.
	Receive(p Posted) ([]verify.Receipt, error)
}

// Errors of a Receiver.
var (
	ErrForged     = errors.New("not signed by the carrier, changed, or too old")
	ErrUnreadable = errors.New("signed by the carrier, but not as its documents say")
)
