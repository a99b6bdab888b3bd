package smpp

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/internal/deliver/post"
	"countersign/internal/message"
	"countersign/internal/verify"
)

// composed is a message as bodies of submit_sm.
type composed struct {
	id     string // verify.Message.ID
	to     string // digits
	bodies [][]byte
}

// address is a number with its type_of_number and numbering_plan_indicator (SMPP
// v3.4, 5.2.5 and 5.2.6).
type address struct {
	ton, npi byte
	text     string
}

const (
	international   = 1
	networkSpecific = 3
	alphanumeric    = 5
	isdn            = 1 // E.164
)

// international numbers go without +: the type of number says it.
func numbered(e164 string) address {
	return address{international, isdn, strings.TrimPrefix(e164, "+")}
}

// origin is what a message is from.
func origin(from string) (address, error) {
	form, err := post.ParseOrigin(from)
	switch {
	case err != nil:
		return address{}, err
	case form == post.Number:
		return numbered(from), nil
	case form == post.ShortCode:
		return address{ton: networkSpecific, text: from}, nil
	}
	return address{ton: alphanumeric, text: from}, nil
}

func (a address) appendTo(body []byte) []byte { return cString(append(body, a.ton, a.npi), a.text) }

// maxParts is how many texts one message may be. A code needs one.
const maxParts = 10

// compose refuses what cannot be sent.
func (s *settings) compose(m verify.Message) (composed, *verify.SendError) {
	if m.Channel != verify.SMS {
		return composed{}, refuse(verify.UnknownClass, fmt.Errorf("this carrier takes texts only, not %q", m.Channel))
	}
	number, is := m.To.Number()
	if !is || number.IsZero() {
		return composed{}, refuse(verify.BadNumber, errors.New("the message goes to no number"))
	}
	from := s.from
	if m.Sender != "" {
		from = m.Sender
	}
	source, err := origin(from)
	if err != nil {
		return composed{}, refuse(verify.SenderUnready, err)
	}
	encoding, parts := message.Encode(m.Text.Reveal())
	if len(parts) > maxParts {
		return composed{}, refuse(verify.UnknownClass, fmt.Errorf("the text is longer than %d messages", maxParts))
	}
	destination := numbered(number.E164())
	c := composed{id: m.ID, to: destination.text}
	reference := byte(s.reference.Add(1))
	for i, part := range parts {
		text := part
		if len(parts) > 1 {
			text = append(joined(reference, i, len(parts)), part...)
		}
		c.bodies = append(c.bodies, s.body(source, destination, shape{encoding, len(parts) > 1, m.ValidFor}, text))
	}
	return c, nil
}

// joined is the header by which a handset puts parts together (3GPP TS 23.040,
// 9.2.3.24.1).
func joined(reference byte, at, of int) []byte {
	return []byte{5, 0, 3, reference, byte(of), byte(at + 1)}
}

// shape is what else a submit_sm says of its text.
type shape struct {
	encoding string
	header   bool
	validFor time.Duration
}

// body makes that of a submit_sm (SMPP v3.4, 4.4.1).
func (s *settings) body(from, to address, as shape, text []byte) []byte {
	var class, receipts, coding byte
	if as.header {
		class = 0x40 // 5.2.12: the text begins with a header
	}
	if s.receipts {
		receipts = 1 // 5.2.17: of success and of failure
	}
	if as.encoding == message.UCS2 {
		coding = 8 // 5.2.19; 0 is the centre's own alphabet, which is GSM-7
	}
	body := cString(nil, "") // service_type
	body = to.appendTo(from.appendTo(body))
	body = append(body, class, 0, 0) // protocol_id, priority_flag
	body = cString(body, "")         // schedule_delivery_time
	body = cString(body, validity(as.validFor))
	body = append(body, receipts, 0, coding, 0, byte(len(text)))
	return append(body, text...)
}

// maxValidity is the longest that a relative time can say in days and less.
const maxValidity = 30 * 24 * time.Hour

// validity is a relative time (SMPP v3.4, 7.1.1.2), in whole seconds that are not
// more than d; empty, which is the centre's own, if d is not known.
func validity(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	seconds := int(min(max(d, time.Second), maxValidity) / time.Second)
	return fmt.Sprintf("0000%02d%02d%02d%02d000R", seconds/86400, seconds/3600%24, seconds/60%60, seconds%60)
}

func refuse(class verify.Class, err error) *verify.SendError {
	return &verify.SendError{Class: class, Err: fmt.Errorf("smpp: %w", err)}
}
