package events

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"countersign/internal/secret"
	"countersign/internal/verify"
)

// The body of an event as Telnyx sends it: contract "telnyx-verify", part Webhook.
type envelope struct {
	Data event `json:"data"`
	Meta meta  `json:"meta"`
}

type event struct {
	EventType  string       `json:"event_type"`
	ID         string       `json:"id"`
	OccurredAt string       `json:"occurred_at"`
	Payload    verification `json:"payload"`
	RecordType string       `json:"record_type"`
}

type meta struct {
	Attempt     int    `json:"attempt"`
	DeliveredTo string `json:"delivered_to"`
}

// verification is not quite the one that the API shows: the profile has another name
// here. CustomCode is always null, as a code is nobody's business but the person's.
type verification struct {
	ID             string  `json:"id"`
	PhoneNumber    string  `json:"phone_number"`
	ProfileID      string  `json:"profile_id"`
	Type           string  `json:"type"`
	Status         string  `json:"status"`
	DeliveryStatus string  `json:"delivery_status"`
	FailedAttempts int     `json:"failed_attempts"`
	CustomCode     *string `json:"custom_code"`
	Extension      *string `json:"extension"`
	MCCMNC         *string `json:"mccmnc"`
	TimeoutSecs    int     `json:"timeout_secs"`
	RecordType     string  `json:"record_type"`
	CreatedAt      string  `json:"created_at"`
	UpdatedAt      string  `json:"updated_at"`
}

// The two forms of an instant that Telnyx has in one body.
const (
	zoned = "2006-01-02T15:04:05.000-07:00"
	naive = "2006-01-02T15:04:05.000000"
)

// statuses maps the core's statuses to Telnyx's.
var statuses = map[verify.Status]string{
	verify.Pending:   "pending",
	verify.Accepted:  "accepted",
	verify.Canceled:  "invalid",
	verify.Exhausted: "invalid",
	verify.Expired:   "expired",
}

// names maps the core's types of events to Telnyx's, and to what has become of the
// delivery.
var names = map[verify.EventType]struct{ event, delivery string }{
	verify.EventSent:      {"verify.sent", "sent"},
	verify.EventDelivered: {"verify.delivered", "delivered"},
	verify.EventFailed:    {"verify.failed", "sending_failed"},
}

// render makes the body of an attempt. Of the verification it tells what is so now; the
// error holds nothing of it.
func render(j verify.EventJob, keys *secret.Ring, url string, now time.Time) ([]byte, error) {
	v, name := j.Verification, names[j.Event.Key.Type]
	to, err := v.To(keys)
	if err != nil {
		return nil, fmt.Errorf("the address could not be opened: %w", err)
	}
	var extension *string
	if v.Details.Keys != "" {
		extension = &v.Details.Keys
	}
	wrong := v.Guesses
	if v.Status == verify.Accepted && wrong > 0 {
		wrong-- // the last one was right
	}
	return json.Marshal(envelope{
		Data: event{
			EventType: name.event, ID: j.Event.Key.ID().String(), OccurredAt: j.Event.CreatedAt.UTC().Format(zoned), RecordType: "event",
			Payload: verification{
				ID: v.ID.String(), PhoneNumber: to.Text(), ProfileID: v.Profile.String(), Type: string(j.Delivery.Channel),
				Status: statuses[v.StatusAt(now)], DeliveryStatus: name.delivery, FailedAttempts: wrong, Extension: extension,
				TimeoutSecs: int(v.ExpiresAt.Sub(v.CreatedAt) / time.Second), RecordType: "verification",
				CreatedAt: v.CreatedAt.UTC().Format(naive), UpdatedAt: v.UpdatedAt.UTC().Format(naive),
			},
		},
		Meta: meta{Attempt: j.Event.Attempt, DeliveredTo: url},
	}, json.Deterministic(true))
}
