package verify

import (
	"strings"
	"time"

	"countersign/internal/message"
	"countersign/internal/secret"
)

// Job is a delivery that this node holds the lease of, with its verification.
type Job struct {
	Delivery     Delivery
	Verification Verification
}

// Converted says whether this message is the one after which the person was through.
func (j Job) Converted() bool {
	return j.Verification.Status == Accepted && j.Delivery.Key.Number == j.Verification.Sends
}

// Message makes what is handed to a carrier, in the words of its channel: a text by
// the verification's template, an e-mail, or what is said in a call. The error is of
// package secret.
func (j Job) Message(keys *secret.Ring, now time.Time) (Message, error) {
	to, err := j.Verification.To(keys)
	if err != nil {
		return Message{}, err
	}
	c, err := j.Verification.Reveal(keys)
	if err != nil {
		return Message{}, err
	}
	v, d := j.Verification, j.Verification.Details
	m := Message{
		ID: j.Delivery.Key.String(), Channel: j.Delivery.Channel, To: to, Code: c,
		AppName: v.AppName, Locale: d.Locale, ValidFor: max(v.ExpiresAt.Sub(now), 0),
	}
	values := message.Values{
		Code: c, AppName: v.AppName, Validity: v.ExpiresAt.Sub(v.CreatedAt), Locale: d.Locale,
		Amount: d.Amount, Payee: d.Payee, AppHash: d.AppHash, Domain: d.Domain,
	}
	switch m.Channel {
	case Call:
		m.Text, m.Keys = message.Spoken(values), d.Keys
	case Email:
		m.Subject, m.Text = message.Mail(values)
	default:
		m.Text = message.Render(v.text(), values)
	}
	return m, nil
}

// text is the template of a text message. One about a payment always says which, so
// that nobody approves another than they think.
func (v Verification) text() string {
	says := strings.Contains(v.Template, "{{amount}}") && strings.Contains(v.Template, "{{payee}}")
	if v.Details.Amount != "" && !says {
		return message.Payment(v.Details.Locale)
	}
	return v.Template
}
