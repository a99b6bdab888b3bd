package verify

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// EventType is what became of a delivery, as a tenant's webhook is told of it.
type EventType string

// The types.
const (
	EventSent      EventType = "sent"      // a carrier took the message
	EventDelivered EventType = "delivered" // a carrier says that it has arrived
	EventFailed    EventType = "failed"    // nobody took it, and nobody will be asked again
)

// EventTypes lists every type.
func EventTypes() []EventType { return []EventType{EventSent, EventDelivered, EventFailed} }

// EventState is where an event stands. It moves only forward.
type EventState string

// The states.
const (
	EventQueued  EventState = "queued"
	EventDone    EventState = "done"   // a receiver took it
	EventGivenUp EventState = "failed" // nobody did, or there was nobody to tell
)

// The figures of telling a receiver: see docs/webhooks.md.
const (
	// EventTries is how often each URL of a profile is tried.
	EventTries = 3
	// EventLease is how long a node may keep an event: it waits in memory until its
	// receiver has dealt with the ones before it.
	EventLease = 30 * time.Second
	// EventAge ends the trying: a receiver that is slower than its events come would
	// otherwise have ever more of them waiting.
	EventAge = time.Hour
)

// eventRetries are the waits after the first, second, … attempt. The third of them is
// the step to the failover URL, which need not wait.
var eventRetries = [...]time.Duration{15 * time.Second, 2 * time.Minute, time.Second, 15 * time.Second, 2 * time.Minute}

// EventKey finds an event: a delivery has at most one of a type.
type EventKey struct {
	Delivery DeliveryKey
	Type     EventType
}

// ID is the event's own id, by which a receiver knows it again: a UUID of version 7
// that depends on the key alone, and has the verification's time.
func (k EventKey) ID() ID {
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(k.Delivery.Number))
	h := sha256.New()
	_, _ = h.Write(k.Delivery.Verification[:]) // a hash's Write never fails
	_, _ = h.Write(number[:])
	_, _ = h.Write([]byte(k.Type))
	id := k.Delivery.Verification
	copy(id[6:], h.Sum(nil))
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Compare orders keys.
func (k EventKey) Compare(o EventKey) int {
	a, b := k.ID(), o.ID()
	return cmp.Or(bytes.Compare(a[:], b[:]), k.Delivery.Compare(o.Delivery))
}

// Event is something that a tenant's webhook is to be told. What it is told lies in
// the verification and the delivery.
type Event struct {
	Key       EventKey
	Tenant    string
	Profile   ID
	State     EventState
	Attempt   int    // at telling it, this one included
	Node      string // who holds the lease
	DueAt     time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Target chooses the URL that this attempt goes to, and says how many attempts there
// are in all; zero if the profile has no URL.
func (e Event) Target(webhook, failover string) (url string, of int) {
	var urls []string
	for _, u := range [...]string{webhook, failover} {
		if u != "" {
			urls = append(urls, u)
		}
	}
	if len(urls) == 0 {
		return "", 0
	}
	return urls[min((max(e.Attempt, 1)-1)/EventTries, len(urls)-1)], len(urls) * EventTries
}

// EventJob is an event that this node holds the lease of, with all that it tells.
type EventJob struct {
	Event        Event
	Delivery     Delivery
	Verification Verification
}

// ClaimEvent takes over an event whose lease has run out or whose next attempt is due,
// or renews a lease of this node's own. Its answer is nil where another node holds it,
// or it is no longer to be told.
type ClaimEvent struct{ Key EventKey }

// Needs names the event, its delivery and its verification.
func (c ClaimEvent) Needs(*Env) (Needs, error) {
	return Needs{Event: c.Key, Delivery: c.Key.Delivery, Verification: c.Key.Delivery.Verification}, nil
}

// Decide gives the lease to this node, or gives the event up.
func (c ClaimEvent) Decide(env *Env, rows Rows, now time.Time) (Changes, *EventJob, error) {
	e := rows.Event
	if e == nil || e.State != EventQueued {
		return Changes{}, nil, nil
	}
	mine, due := e.Node == env.Node, !now.Before(e.DueAt)
	if !due && !mine {
		return Changes{}, nil, nil // another node has it, or it waits
	}
	e.UpdatedAt = now
	if rows.Verification == nil || rows.Delivery == nil || !now.Before(e.CreatedAt.Add(EventAge)) {
		e.State = EventGivenUp
		return Changes{Events: []Event{*e}}, nil, nil
	}
	if !mine {
		e.Attempt++ // this node knows of its own that it has tried nobody
	}
	e.Node, e.DueAt = env.Node, now.Add(EventLease)
	return Changes{Events: []Event{*e}}, &EventJob{*e, *rows.Delivery, *rows.Verification}, nil
}

// ReportEvent says what came of an attempt to tell a receiver.
type ReportEvent struct {
	Key  EventKey
	Done bool // the receiver took it
	// Of is how many attempts there are: see Event.Target. Zero gives the event up.
	Of int
	// PutOff says that nobody was tried, and not before when anybody is to be; zero if
	// somebody was.
	PutOff time.Duration
}

// Needs names the event.
func (r ReportEvent) Needs(*Env) (Needs, error) { return Needs{Event: r.Key}, nil }

// Decide moves the event forward, or gives it another time. The answer is the event
// as it is then; nil if there is none.
func (r ReportEvent) Decide(env *Env, rows Rows, now time.Time) (Changes, *Event, error) {
	e := rows.Event
	if e == nil || e.State != EventQueued {
		return Changes{}, e, nil
	}
	if !r.Done && e.Node != env.Node {
		return Changes{}, e, nil // another node has it now; only good news counts
	}
	e.UpdatedAt = now
	switch {
	case r.Done:
		e.State = EventDone
	case r.PutOff > 0:
		// Its next claim counts it again.
		e.Node, e.DueAt, e.Attempt = "", now.Add(r.PutOff), e.Attempt-1
	case e.Attempt >= r.Of:
		e.State = EventGivenUp
	default:
		e.Node, e.DueAt = "", now.Add(eventRetries[min(max(e.Attempt, 1), len(eventRetries))-1])
	}
	return Changes{Events: []Event{*e}}, e, nil
}

// told adds the event that a change of a delivery is to its verification's webhook. It
// is written with the change, leased to this node, so that no crash can have the one
// without the other.
func (c *Changes) told(env *Env, before DeliveryState, d Delivery, v *Verification, now time.Time) {
	typ := map[DeliveryState]EventType{Sent: EventSent, Delivered: EventDelivered, Failed: EventFailed}[d.State]
	if v == nil || !v.Details.Events || typ == "" || d.State == before {
		return
	}
	e := Event{
		Key: EventKey{d.Key, typ}, Tenant: v.Tenant, Profile: v.Profile, State: EventQueued,
		Attempt: 1, Node: env.Node, DueAt: now.Add(EventLease), CreatedAt: now, UpdatedAt: now,
	}
	c.Events = append(c.Events, e)
	c.EventJobs = append(c.EventJobs, EventJob{e, d, *v})
}

// eventsOf are the keys of all events that a verification can have.
func eventsOf(v Verification) []EventKey {
	if !v.Details.Events {
		return nil
	}
	var keys []EventKey
	for number := 1; number <= v.Sends; number++ {
		for _, typ := range EventTypes() {
			keys = append(keys, EventKey{DeliveryKey{v.ID, number}, typ})
		}
	}
	return keys
}
