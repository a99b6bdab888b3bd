package verify_test

import (
	"strings"
	"time"

	"countersign/internal/verify"
)

// seenMessage is what nodes were told of a delivery and carriers handed.
type seenMessage struct {
	asked     bool // a client was told that it goes out
	handed    int  // to a carrier
	tries     int  // claims asked for
	owner     string
	ownedAt   time.Time
	notBefore time.Time // of the next attempt
	state     verify.DeliveryState
	unheard   bool // a node was not told what became of a report, or of a claim
	again     int  // attempts that were put off
}

func (o *observer) message(key verify.DeliveryKey) *seenMessage {
	m := o.messages[key]
	if m == nil {
		m = &seenMessage{}
		o.messages[key] = m
	}
	return m
}

// claimed judges that a node was given a delivery to send.
func (o *observer) claimed(n *simNode, j verify.Job, t time.Time) {
	key, node := j.Delivery.Key, n.env.Node
	m, v := o.message(key), o.byID[key.Verification]
	switch {
	case m.state != "":
		o.sim.fail("%s was given to %s, and is %s", key, node, m.state)
	case m.owner != "" && m.owner != node && t.Before(m.ownedAt.Add(verify.Lease-slack)):
		o.sim.fail("%s was given to %s, and %s has it since %s", key, node, m.owner, t.Sub(m.ownedAt))
	case t.Before(m.notBefore.Add(-slack)):
		o.sim.fail("%s was given to %s %s too early", key, node, m.notBefore.Sub(t))
	case v != nil && (v.dead() || !t.Before(v.end.Add(slack))):
		o.sim.fail("%s was given to %s, and its verification is over: %s", key, node, v)
	}
	if m.owner != "" && m.owner != node {
		o.sim.figures.Takeovers++
	}
	m.owner, m.ownedAt, m.notBefore = node, t, time.Time{}
}

// died frees what a node had where no other node could have waited for it.
func (o *observer) died(node string) {
	if len(o.sim.nodes) > 1 {
		return
	}
	for _, m := range o.messages {
		if m.owner == node {
			m.owner = ""
		}
	}
}

// handed judges a message that a carrier was given.
func (o *observer) handed(m verify.Message, key verify.DeliveryKey, claimedAt, t time.Time) {
	o.message(key).handed++
	text, id := m.Code.Text(), key.Verification
	if was := o.codes[id]; was != "" && was != text {
		o.sim.fail("%s was sent with two codes", m.ID)
	}
	o.codes[id] = text
	v := o.byID[id]
	if v == nil {
		return // of a start that nobody was answered
	}
	written := text
	if m.Channel == verify.Call { // it is said character by character
		written = strings.Join(strings.Split(strings.ToUpper(text), ""), ", ")
	}
	switch {
	case m.To.Text() != v.subject.name.number:
		o.sim.fail("%s goes to another number than %s was started for", m.ID, id)
	case v.custom != "" && !v.vague && !strings.EqualFold(v.custom, text):
		o.sim.fail("%s holds another code than its customer chose", m.ID)
	case !strings.Contains(m.Text.Reveal(), written) || m.ID != key.String():
		o.sim.fail("%s does not hold its code", m.ID)
	case key.Number > 5 || key.Number > v.last+v.maybeSends:
		o.sim.fail("%s was never asked for: %s", m.ID, v)
	case t.Sub(claimedAt) > verify.Lease-verify.RenewEvery+slack:
		o.sim.fail("%s was handed over %s after it was claimed", m.ID, t.Sub(claimedAt))
	}
}

// final says from which states a message moves no more; others may still turn out
// to have been sent.
var final = map[verify.DeliveryState]bool{verify.Sent: true, verify.Failed: true}

// reported judges what a node was told after it had reported.
func (o *observer) reported(node string, f *flight, after *verify.Delivery, err error, t time.Time) {
	key := f.Delivery.Key
	m := o.message(key)
	if err != nil {
		if !unknown(err) {
			o.sim.fail("the report of %s was refused: %v", key, err)
		}
		m.unheard = true
		return
	}
	if after == nil {
		o.sim.fail("%s is lost", key)
		return
	}
	if m.state != "" && after.State != m.state && (final[m.state] || after.State != verify.Sent) {
		o.sim.fail("%s was %s and is %s", key, m.state, after.State)
	}
	lost := m.owner != node && m.owner != "" && !m.unheard && m.state == ""
	switch {
	case lost && f.refusal != nil && (after.State == verify.Failed || after.State == verify.Unconfirmed || after.Node == ""):
		o.sim.fail("%s was refused (%v) to %s, but %s has it, and it is %s", key, f.refusal, node, m.owner, after.State)
	case after.State != verify.Queued:
		if after.State == verify.Failed && m.state == "" && !m.unheard {
			o.failed(m, f, t)
		}
		m.state = after.State
	case f.refusal == nil:
		o.sim.fail("%s was taken and is still to be sent", key)
	case after.Node == node:
		o.sim.fail("%s was refused (%v), and %s keeps it", key, f.refusal, node)
	case after.Node == "" && m.owner == node:
		m.owner, m.notBefore = "", t.Add(max(time.Second, f.refusal.Wait))
		m.again++
		if !temporary(f.refusal) || m.again > 5 || m.notBefore.After(f.Verification.ExpiresAt.Add(slack)) {
			o.sim.fail("%s was refused (%v) and is tried again, the %dth time: %s", key, f.refusal, m.again, o.byID[key.Verification])
		}
	}
}

// temporary says that a refusal surely is one, and may not stay.
func temporary(e *verify.SendError) bool {
	return !e.Ambiguous && (e.Class == verify.Temporary || e.Class == verify.Throttled)
}

// failed demands that a message is given up only where no attempt is left.
func (o *observer) failed(m *seenMessage, f *flight, t time.Time) {
	if f.refusal == nil || f.refusal.Ambiguous {
		o.sim.fail("%s is given up after %v", f.Delivery.Key, f.refusal)
		return
	}
	soon := t.Add(max(15*time.Second, f.refusal.Wait) + slack)
	if temporary(f.refusal) && m.tries < 5 && soon.Before(f.Verification.ExpiresAt) {
		o.sim.fail("%s is given up after %d attempts", f.Delivery.Key, m.tries+1)
	}
}

// nothingLost is asked when every node has had time to work off what is due.
func (o *observer) nothingLost(t time.Time) {
	for _, v := range o.all {
		row, ok := o.sim.store.verifications[v.id]
		if !ok {
			o.sim.fail("%s is lost", v.id)
		}
		o.looked(row, row.StatusAt(t), t)
		for n := range v.sends {
			key := verify.DeliveryKey{Verification: v.id, Number: n}
			m, d := o.message(key), o.sim.store.deliveries[key]
			waits := d.State == verify.Queued || d.State == verify.Dropped || d.State == ""
			if v.alive(t) && waits || m.handed == 0 && d.State != verify.Dropped && d.State != verify.Queued {
				o.sim.fail("%s is %q at the end, handed over %d times: %s", key, d.State, m.handed, v)
			}
		}
	}
	o.codesDiffer()
}

// codesDiffer demands that a subject's verifications do not share their code. Two
// or three of four digits may by chance, five do not.
func (o *observer) codesDiffer() {
	drawn := map[*seenSubject]map[string]int{}
	for _, v := range o.all {
		if code := o.codes[v.id]; code != "" && v.custom == "" && !v.vague {
			if drawn[v.subject] == nil {
				drawn[v.subject] = map[string]int{}
			}
			drawn[v.subject][code]++
		}
	}
	for s, codes := range drawn {
		for _, n := range codes {
			if n >= 5 {
				o.sim.fail("%d verifications of %v have one code", n, s.name)
			}
		}
	}
}
