// Package smpp hands texts to a message centre over a session of SMPP 3.4, and takes
// its delivery receipts.
//
// The one idea is that a request is known to be unsent until its bytes are being
// written, and answered from when the response of its sequence number is there; only
// in between is the outcome unknown. So every request is a frame that can be taken
// back while it waits, and a response that comes too late is a receipt. Of what a
// centre says nothing is shown but the status, by its name.
//
// The package takes no calls, never tries a message twice, reads no texts that people
// send, and paces nothing but its window. It holds one session; a centre that wants
// more is given another carrier. It begins that session at Start or the first Send.
//
// Wire facts are from "Short Message Peer to Peer Protocol Specification v3.4", issue
// 1.2, by its numbers.
package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"countersign/internal/verify"
)

var _ verify.Sender = (*Carrier)(nil)

// Carrier is a message centre that texts go through. It is safe for concurrent use.
// Printed in any way, it does not show the password.
type Carrier struct{ link *link }

// Format writes where the centre is, whatever the verb.
func (c Carrier) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "smpp to "+c.link.set.address) }

type settings struct {
	// They stand behind a pointer of their own: for a verb that does not fit, such as
	// %q, fmt follows a pointer to a struct even out of an unexported field, but never
	// one to bytes.
	secret       *[]byte // the body of the bind
	bind         command
	address      string // host:port
	from         string
	tls          *tls.Config // nil in the clear
	window       int
	enquireEvery time.Duration
	timeout      time.Duration
	receipts     bool // are asked for
	tell         func(verify.Receipt)
	log          *slog.Logger
	dial         func(ctx context.Context, network, address string) (net.Conn, error)
	reference    atomic.Uint32 // of the last text in parts
}

// New makes a carrier of a configuration, or says in a sentence what is wrong with it.
// It does not speak to the centre yet. The error never holds the password.
func New(c Config) (*Carrier, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("smpp: %w", err)
	}
	secret := c.bindBody()
	set := &settings{
		secret: &secret, bind: bindTransceiver, address: net.JoinHostPort(c.Host, strconv.Itoa(c.port())), from: c.From,
		window: orElse(c.Window, DefaultWindow), enquireEvery: orElse(c.EnquireEvery, DefaultEnquireEvery),
		timeout: orElse(c.Timeout, DefaultTimeout), receipts: c.Receipts != nil && c.Bind != Transmitter,
		tell: c.Receipts, log: c.Log, dial: c.Dial,
	}
	if c.Bind == Transmitter {
		set.bind = bindTransmitter
	}
	if c.security() == Implicit {
		set.tls = &tls.Config{ServerName: c.Host, RootCAs: c.Roots, MinVersion: tls.VersionTLS12}
	}
	if set.log == nil {
		set.log = slog.New(slog.DiscardHandler)
	}
	if set.dial == nil {
		set.dial = (&net.Dialer{}).DialContext
	}
	set.reference.Store(rand.Uint32())
	for _, name := range c.tooLong() {
		set.log.Warn("smpp: longer than SMPP 3.4 lets it be; a centre may refuse the bind or cut it", "field", name)
	}
	return &Carrier{&link{
		set: set, tracks: newTracks(orElse(c.ReceiptIDs, Auto), set.receipts), news: make(chan news, maxNews), changed: make(chan struct{}),
	}}, nil
}

func orElse[T comparable](value, other T) T {
	var zero T
	if value == zero {
		return other
	}
	return value
}

// bindBody is the same for each way to bind (SMPP v3.4, 4.1.1 and 4.1.5): no address
// range, since the centre knows our addresses.
func (c Config) bindBody() []byte {
	const version = 0x34
	body := cString(cString(cString(nil, c.SystemID), c.Password), c.SystemType)
	return cString(append(body, version, 0, 0), "")
}

func (s *settings) credentials() []byte { return *s.secret }

// Start opens the session without waiting for it, so that receipts of earlier messages
// come and the first message need not wait. The session lives until Close, whatever
// becomes of ctx.
func (c *Carrier) Start(ctx context.Context) { c.link.start(ctx) }

var errLeft = errors.New("the carrier is closed")

// Send hands a text to the centre. Without a session it waits for one for at most
// three seconds, and not at all after three sessions in a row that came to nothing.
// Every error is a *verify.SendError, with no credential, code, text or whole number
// in it. A text of which a part was taken and another one was not is ambiguous.
func (c *Carrier) Send(ctx context.Context, m verify.Message) (verify.Submission, error) {
	composed, refusal := c.link.set.compose(m)
	if refusal != nil {
		return verify.Submission{}, refusal
	}
	if !c.link.enter() {
		return verify.Submission{}, refuse(verify.Temporary, errLeft)
	}
	defer c.link.sends.Done()
	ctx, cancel := context.WithTimeout(ctx, c.link.set.timeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return verify.Submission{}, refuse(verify.Temporary, err)
	}
	c.Start(ctx)
	session, refusal := c.link.await(ctx)
	if refusal != nil {
		return verify.Submission{}, refusal
	}
	sent := c.link.tracks.begin(composed)
	if refusal := session.deliver(ctx, composed, sent); refusal != nil {
		return verify.Submission{}, refusal
	}
	id := c.link.tracks.nameOf(sent)
	return verify.Submission{CarrierID: id, Unnamed: c.link.set.receipts && id != ""}, nil
}

// Close lets the messages end that are being handed over, takes leave of the centre
// and ends the session, until ctx ends. Later messages are refused, as not sent.
func (c *Carrier) Close(ctx context.Context) error { return c.link.close(ctx) }
