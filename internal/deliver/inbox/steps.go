package inbox

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"countersign/internal/verify"
)

// labels are how the page names steps where their own names are not clear to whoever
// has not read the code.
var labels = map[verify.Step]string{
	verify.StepUnconfirmed:       "No answer",
	verify.Step(verify.Accepted): "Verified",
}

// mostSteps bounds the time line of one message: the newest stay.
const mostSteps = 50

// step is one thing that happened to a message.
type step struct {
	what verify.Step
	at   time.Time
	note string
}

// Record adds a step to the time line of a message, whether or not the message has been
// seen here: one that is only queued will be. note says why or by whom, in a few words,
// with no secret in it; it may be empty. Steps may come in any order, are shown by their
// time, and may be recorded again. What belongs to no message that comes is forgotten
// with the oldest messages.
func (b *Inbox) Record(id string, what verify.Step, at time.Time, note string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	line := slices.DeleteFunc(slices.Clone(b.steps[id]), func(s step) bool { return s.what == what && s.at.Equal(at) })
	b.line(id, append(line, step{what, at, note}))
}

// Tell replaces the time lines of a verification's messages by what the core knows of
// it (verify.Timeline). How the verification ended stands with its last message.
func (b *Inbox) Tell(verification verify.ID, moments []verify.Moment) {
	lines, last := map[int][]step{}, 0
	for _, m := range moments {
		last = max(last, m.Message)
	}
	for _, m := range moments {
		n := m.Message
		if m.Step == verify.StepStarted {
			continue // the first message is queued in that instant
		}
		if n == 0 {
			n = last
		}
		lines[n] = append(lines[n], step{m.Step, m.At, note(m)})
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for n, line := range lines {
		b.line(verify.DeliveryKey{Verification: verification, Number: n}.String(), line)
	}
}

func note(m verify.Moment) string {
	parts := slices.DeleteFunc([]string{m.Carrier, string(m.Class), m.Why}, func(s string) bool { return s == "" })
	return strings.Join(slices.Compact(parts), ": ")
}

// line sets a message's time line, and wakes whoever follows if it is another than
// before.
func (b *Inbox) line(id string, line []step) {
	if id == "" {
		return
	}
	slices.SortStableFunc(line, func(a, b step) int { return a.at.Compare(b.at) })
	line = line[max(0, len(line)-mostSteps):]
	before, has := b.steps[id]
	if has && slices.EqualFunc(line, before, func(a, b step) bool { return a.what == b.what && a.at.Equal(b.at) && a.note == b.note }) {
		return
	}
	if !has {
		b.order = append(b.order, id)
		if len(b.order) > keep {
			delete(b.steps, b.order[0])
			b.order = b.order[1:]
		}
	}
	b.steps[id] = line
	if i := b.find(id); i >= 0 {
		b.change(i)
	}
}

// label is a step's name on the page.
func (s step) label() string {
	if l := labels[s.what]; l != "" || s.what == "" {
		return l
	}
	return strings.ToUpper(string(s.what[:1])) + string(s.what[1:])
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
