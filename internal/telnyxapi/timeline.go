package telnyxapi

import (
	"time"

	"countersign/internal/verify"
)

// moment is a step of a verification in the wire's words. Times are UTC; took_ms is
// until the carrier's answer.
type moment struct {
	At      time.Time `json:"at"`
	Step    string    `json:"step"`
	Message int       `json:"message,omitzero"`
	Type    string    `json:"type,omitzero"`
	Carrier string    `json:"carrier,omitzero"`
	Class   string    `json:"class,omitzero"`
	Why     string    `json:"why,omitzero"`
	TookMS  int64     `json:"took_ms,omitzero"`
}

// part is what can be read of a verification besides itself. A pattern of its own for the
// time line would be at odds with that of a number.
func (a *api) part(r *request) (any, error) {
	if r.PathValue("part") != "timeline" {
		return nowhere(r)
	}
	return a.timeline(r)
}

// timeline shows every step of a verification with its reason: ours, Telnyx has no such
// thing.
func (a *api) timeline(r *request) (any, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	v, err := a.find(r, id)
	if err != nil {
		return nil, err
	}
	rows, err := a.Engine.Deliveries(r.Context(), v.ID)
	if err != nil {
		return nil, err
	}
	list := []moment{}
	for _, m := range verify.Timeline(*v, rows, a.Now()) {
		list = append(list, moment{
			m.At.UTC(), string(m.Step), m.Message, string(m.Channel), m.Carrier, string(m.Class), m.Why, m.Took.Milliseconds(),
		})
	}
	return list, nil
}
