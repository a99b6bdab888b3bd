package inbox

import (
	"cmp"
	"slices"
	"time"

	"countersign/internal/verify"
)

// Verified is the step after which the person was through. The other steps are the
// states of a delivery.
const Verified verify.DeliveryState = "verified"

// labels are how the page names the steps. One that is not here is shown as it is.
var labels = map[verify.DeliveryState]string{
	verify.Queued: "Queued", verify.Sent: "Submitted", verify.Unconfirmed: "No answer", verify.Delivered: "Delivered",
	verify.Failed: "Failed", verify.Dropped: "Dropped", Verified: "Verified",
}

// mostSteps bounds the time line of one message: the newest stay.
const mostSteps = 50

// step is one thing that happened to a message.
type step struct {
	state verify.DeliveryState
	at    time.Time
	note  string
}

// Record adds a step to the time line of a message, whether or not it has been seen
// here: one that is only queued will be. note says why or by whom, in a few words, with
// no secret in it; it may be empty. Steps may come in any order and are shown by their
// time. Steps without a message that comes are forgotten with the oldest messages.
func (b *Inbox) Record(id string, state verify.DeliveryState, at time.Time, note string) {
	if id == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	line, has := b.steps[id]
	if !has {
		b.order = append(b.order, id)
		if len(b.order) > keep {
			delete(b.steps, b.order[0])
			b.order = b.order[1:]
		}
	}
	line = append(slices.Clone(line), step{state, at, note}) // a reader may hold the old one
	slices.SortStableFunc(line, func(a, b step) int { return a.at.Compare(b.at) })
	b.steps[id] = line[max(0, len(line)-mostSteps):]
	if i := b.find(id); i >= 0 {
		b.change(i)
	}
}

// Show puts a message of another carrier on the page, and later that it has arrived:
// only then does it count as one of the phone's messages.
func (b *Inbox) Show(carrier string, m verify.Message, arrived bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(carrier, m, arrived)
}

// put keeps a message, or changes the one that is kept. It returns its id.
func (b *Inbox) put(carrier string, m verify.Message, arrived bool) int64 {
	if i := b.find(m.ID); i >= 0 {
		kept := b.messages[i]
		if kept.arrived {
			return kept.id // as phones do that are sent a message again
		}
		b.messages = slices.Delete(b.messages, i, i+1)
		kept.carrier, kept.arrived, kept.at = carrier, arrived, b.now()
		if arrived {
			kept.id = b.nextID() // it is the newest now, for whoever waits for the next
			b.ids[m.ID] = kept.id
			b.messages = append(b.messages, kept)
			b.change(len(b.messages) - 1)
			return kept.id
		}
		b.messages = slices.Insert(b.messages, i, kept)
		b.change(i)
		return kept.id
	}
	kept := message{
		id: b.nextID(), sent: m.ID, to: m.To, code: m.Code.Text(), subject: m.Subject, text: m.Text.Reveal(),
		keys: m.Keys, channel: m.Channel, at: b.now(), carrier: carrier, arrived: arrived,
	}
	if len(b.messages) == keep {
		delete(b.ids, b.messages[0].sent)
		b.messages = b.messages[1:]
	}
	b.messages = append(b.messages, kept)
	if m.ID != "" {
		b.ids[m.ID] = kept.id
	}
	b.change(len(b.messages) - 1)
	return kept.id
}

// find returns where the message of a sender's name is kept; negative if nowhere.
func (b *Inbox) find(sent string) int {
	id, has := b.ids[sent]
	if !has {
		return -1
	}
	i, has := slices.BinarySearchFunc(b.messages, id, func(m message, id int64) int { return cmp.Compare(m.id, id) })
	if !has {
		return -1
	}
	return i
}

// change notes that a message changed, and wakes whoever waits. Changes are counted on
// from the clock, as ids are.
func (b *Inbox) change(i int) {
	b.changes = max(b.changes+1, b.now().UnixMilli())
	b.messages[i].changed = b.changes
	close(b.arrived)
	b.arrived = make(chan struct{})
}
