package verify

import (
	"strings"
	"time"

	"countersign/internal/message"
	"countersign/internal/secret"
)

// Lease is how long a node may keep a delivery without renewing its claim. A
// dead node's deliveries are free after it, so that they are taken over within
// ten seconds.
const Lease = 8 * time.Second

// RenewEvery is how often a node renews the lease of a delivery that takes long.
const RenewEvery = Lease / 3

// DeliveryState is where a delivery stands. It moves only forward.
type DeliveryState string

// The states.
const (
	Queued      DeliveryState = "queued"
	Sent        DeliveryState = "sent"        // a carrier took it
	Unconfirmed DeliveryState = "unconfirmed" // a carrier may have taken it
	Delivered   DeliveryState = "delivered"   // a carrier says that it has arrived
	Failed      DeliveryState = "failed"
	Dropped     DeliveryState = "dropped" // not needed any more when its turn came
)

// Delivery is one message to be sent. It holds neither address nor code: both
// come from its verification when it is sent.
type Delivery struct {
	Key       DeliveryKey
	Channel   Channel
	State     DeliveryState
	Attempt   int    // how often a node has claimed it
	Node      string // who holds the lease
	DueAt     time.Time
	Carrier   string // who took or refused it last
	CarrierID string // the carrier's name for the message
	Class     Class  // of the last refusal
	CreatedAt time.Time
	UpdatedAt time.Time
}

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
func (j Job) Message(keys *secret.Ring) (Message, error) {
	to, err := j.Verification.To(keys)
	if err != nil {
		return Message{}, err
	}
	c, err := j.Verification.Reveal(keys)
	if err != nil {
		return Message{}, err
	}
	v, d := j.Verification, j.Verification.Details
	m := Message{ID: j.Delivery.Key.String(), Channel: j.Delivery.Channel, To: to, Code: c}
	values := message.Values{
		Code: c, AppName: v.AppName, Validity: v.ExpiresAt.Sub(v.CreatedAt), Locale: d.Locale,
		Amount: d.Amount, Payee: d.Payee, AppHash: d.AppHash,
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

// Claim takes over a delivery whose lease has run out, or renews a lease of this
// node's own. Its answer is false where another node holds the delivery or it is
// no longer to be sent.
type Claim struct {
	Key    DeliveryKey
	Orphan bool // the caller is alone on its database: other leases are of the dead
}

// Needs names the delivery and its verification.
func (c Claim) Needs(*Env) (Needs, error) {
	return Needs{Delivery: c.Key, Verification: c.Key.Verification}, nil
}

// Decide gives the lease to this node, or drops a delivery that came too late.
func (c Claim) Decide(env *Env, rows Rows, now time.Time) (Changes, *Job, error) {
	d, v := rows.Delivery, rows.Verification
	if d == nil || v == nil || d.State != Queued {
		return Changes{}, nil, nil
	}
	mine := d.Node == env.Node
	if notYet := now.Before(d.DueAt); notYet && (mine == c.Orphan || d.Node == "") {
		return Changes{}, nil, nil // another's; or no orphan, but this node's own, or nobody's and waiting
	}
	d.UpdatedAt = now
	if v.StatusAt(now) != Pending {
		d.State = Dropped
		return Changes{Deliveries: []Delivery{*d}}, nil, nil
	}
	if !mine || !now.Before(d.DueAt) {
		d.Attempt++
	}
	d.Node, d.DueAt = env.Node, now.Add(Lease)
	return Changes{Deliveries: []Delivery{*d}}, &Job{*d, *v}, nil
}

// Report says what came of an attempt to send.
type Report struct {
	Key       DeliveryKey
	Carrier   string // who was tried last
	CarrierID string
	Refusal   *SendError // nil if the carrier took the message
	ExpiresAt time.Time  // of the verification: no retry is planned for after it
	Events    bool       // of the verification's details: somebody wants to be told
}

// retries are the waits before the second, third, … attempt over the whole route.
var retries = [...]time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second}

// Needs names the delivery, and its verification where an event may be made of it:
// other reports cost no row more.
func (r Report) Needs(*Env) (Needs, error) {
	n := Needs{Delivery: r.Key}
	if r.Events {
		n.Verification = r.Key.Verification
	}
	return n, nil
}

// Decide moves the delivery forward, or gives it another time to be tried. The
// answer is the delivery as it is then; nil if there is none.
func (r Report) Decide(env *Env, rows Rows, now time.Time) (Changes, *Delivery, error) {
	d := rows.Delivery
	if d == nil {
		return Changes{}, nil, nil
	}
	if goodNews := r.Refusal == nil; d.State != Queued && (!goodNews || d.State == Sent || d.State == Failed) {
		return Changes{}, d, nil
	}
	if r.Refusal != nil && d.Node != env.Node {
		return Changes{}, d, nil // another node has it now; only good news counts
	}
	d.Carrier, d.CarrierID, d.UpdatedAt = r.Carrier, r.CarrierID, now
	switch again := now.Add(r.backoff(d.Attempt)); {
	case r.Refusal == nil:
		d.State, d.Class = Sent, ""
	case r.Refusal.Ambiguous:
		d.State, d.Class = Unconfirmed, r.Refusal.Class
	case r.Refusal.Later() && d.Attempt <= len(retries) && again.Before(r.ExpiresAt):
		// Without a node nobody renews it, so it is due for whoever comes first.
		d.Node, d.DueAt, d.Class = "", again, r.Refusal.Class
	default:
		d.State, d.Class = Failed, r.Refusal.Class
	}
	changes := Changes{Deliveries: []Delivery{*d}}
	changes.told(env, *d, rows.Verification, now)
	return changes, d, nil
}

func (r Report) backoff(attempt int) time.Duration {
	wait := retries[min(max(attempt, 1), len(retries))-1]
	if r.Refusal != nil {
		wait = max(wait, r.Refusal.Wait)
	}
	return wait
}
