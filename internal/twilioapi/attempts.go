package twilioapi

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"countersign/internal/phone"
	"countersign/internal/verify"
)

// attempt is a delivery as Twilio shows it. Its price is null: what a carrier takes is
// not known here.
type attempt struct {
	SID              string         `json:"sid"`
	AccountSID       string         `json:"account_sid"`
	ServiceSID       string         `json:"service_sid"`
	VerificationSID  string         `json:"verification_sid"`
	DateCreated      string         `json:"date_created"`
	DateUpdated      string         `json:"date_updated"`
	ConversionStatus string         `json:"conversion_status"`
	Channel          string         `json:"channel"`
	Price            *struct{}      `json:"price"`
	ChannelData      map[string]any `json:"channel_data"`
	URL              string         `json:"url"`
}

// attemptsSummary counts attempts.
type attemptsSummary struct {
	Total       int    `json:"total_attempts"`
	Converted   int    `json:"total_converted"`
	Unconverted int    `json:"total_unconverted"`
	Percentage  string `json:"conversion_rate_percentage"`
	URL         string `json:"url"`
}

const (
	// chunk is how many attempts are read at once.
	chunk = 500
	// maxScan bounds what one request looks through for those that it asks for: a list
	// goes on on its next page, and a summary must be told of less.
	maxScan = 20_000
)

// wanted chooses attempts: by the query in the store, and by the rest here, since it is
// known in the clear alone.
type wanted struct {
	query     verify.AttemptQuery
	channel   string // Twilio's word; a flash call is a call
	converted string // converted, unconverted or empty
	country   string
	to        string // a whole address
	prefix    string // of a number
}

func (a *api) listAttempts(r *request) (any, error) {
	p := r.form.page()
	w := r.wanted()
	// twilio-go writes a backslash into this name: its encoder of queries (v1.31.0,
	// client/client.go) guards the dot.
	w.to = cmp.Or(r.form.text("ChannelData.To"), r.form.text(`ChannelData\.To`))
	switch strings.ToLower(r.form.text("Status")) {
	case "":
	case "converted", "unconverted":
		w.converted = strings.ToLower(r.form.text("Status"))
	default:
		r.form.fail("Status", "it must be converted or unconverted")
	}
	if strings.HasPrefix(w.to, " ") {
		r.form.fail("ChannelData.To", "it begins with a space where a + should be: in an address, + is written %%2B")
	}
	if r.form.err != nil {
		return nil, r.form.err
	}
	p = w.pinned(p, a.Now())
	items := []attempt{}
	end, err := a.scan(r, w, p.offset, func(j verify.Job, to verify.Address) bool {
		items = append(items, r.showAttempt(j, to, a.Now()))
		return len(items) < p.size
	})
	if err != nil {
		return nil, err
	}
	previous := p.before()
	if w.clear() { // how many were passed over is not known
		previous = noPage
	}
	return r.list("attempts", items, p, previous, end), nil
}

// pinned keeps what comes after the first page was read out of the others, which it
// would push along.
func (w *wanted) pinned(p page, now time.Time) page {
	if p.pin == 0 {
		p.pin = now.UnixMilli()
	}
	if pin := time.UnixMilli(p.pin); w.query.Before.IsZero() || pin.Before(w.query.Before) {
		w.query.Before = pin
	}
	return p
}

func (a *api) summary(r *request) (any, error) {
	w := r.wanted()
	w.prefix = r.form.text("DestinationPrefix")
	if w.prefix != "" && (w.prefix[0] != '+' || strings.Trim(w.prefix[1:], "0123456789") != "") {
		r.form.fail("DestinationPrefix", "it must be + and digits; in an address, + is written %%2B")
	}
	if r.form.err != nil {
		return nil, r.form.err
	}
	out := attemptsSummary{Percentage: "0", URL: r.base + "/v2/Attempts/Summary"}
	end, err := a.scan(r, w, 0, func(j verify.Job, _ verify.Address) bool {
		out.Total++
		if j.Converted() {
			out.Converted++
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	if end != noPage {
		return nil, invalid("DateCreatedAfter", "there are more attempts than "+strconv.Itoa(maxScan)+", which is as many as are counted at once; ask for a shorter time")
	}
	out.Unconverted = out.Total - out.Converted
	if out.Total > 0 {
		rate := strconv.FormatFloat(100*float64(out.Converted)/float64(out.Total), 'f', 9, 64)
		out.Percentage = strings.TrimSuffix(strings.TrimRight(rate, "0"), ".")
	}
	return out, nil
}

// wanted reads the filters that a list and a summary have in common.
func (r *request) wanted() wanted {
	f := r.form
	w := wanted{query: verify.AttemptQuery{
		Tenant: r.who.Tenant, Profile: f.sid("VerifyServiceSid", sidService), Verification: f.sid("VerificationSid", sidVerification),
		After: f.instant("DateCreatedAfter"), Before: f.instant("DateCreatedBefore"),
	}}
	w.channel = f.choice("Channel", "sms", "call", "email", "whatsapp", "rbm")
	if w.channel != "call" { // two of the core's channels are calls
		w.query.Channel = verify.Channel(w.channel)
	}
	if c := f.text("Country"); c != "" {
		region, err := phone.Region(c)
		if err != nil || len(c) != 2 {
			f.fail("Country", "it must be a country of ISO 3166 in two letters, such as US")
		}
		w.country = region
	}
	return w
}

// clear says whether some of the choice is made here.
func (w wanted) clear() bool {
	return w.channel == "call" || w.converted != "" || w.country != "" || w.to != "" || w.prefix != ""
}

// chooses says whether an attempt is one of those.
func (w wanted) chooses(j verify.Job, to verify.Address) bool {
	number, phones := to.Number()
	switch {
	case w.channel != "" && channels[j.Delivery.Channel].name != w.channel,
		w.converted != "" && conversion(j) != w.converted,
		w.to != "" && to.Text() != w.to,
		w.country != "" && (!phones || number.Region() != w.country),
		w.prefix != "" && (!phones || !strings.HasPrefix(number.E164(), w.prefix)):
		return false
	}
	return true
}

// scan shows those attempts to see that w chooses, from an offset on, until see has
// enough. It returns where the rest begins, or noPage if there is none.
func (a *api) scan(r *request, w wanted, offset int, see func(verify.Job, verify.Address) bool) (int, error) {
	for end := offset + maxScan; offset < end; {
		q := w.query
		q.Offset, q.Limit = offset, chunk+1 // one more, to know whether there is one
		jobs, err := a.Engine.Attempts(r.Context(), q)
		if err != nil {
			return noPage, err
		}
		for i, j := range jobs[:min(chunk, len(jobs))] {
			to, err := j.Verification.To(a.Keys)
			if err != nil {
				return noPage, err
			}
			if !w.chooses(j, to) || see(j, to) {
				continue
			}
			if i+1 < len(jobs) {
				return offset + i + 1, nil
			}
			return noPage, nil
		}
		if len(jobs) <= chunk {
			return noPage, nil
		}
		offset += chunk
	}
	return offset, nil
}

func (a *api) fetchAttempt(r *request) (any, error) {
	id, ok := idOf(sidAttempt, r.PathValue("attempt"))
	key, isKey := verify.DeliveryOf(id)
	if !ok || !isKey {
		return nil, notFound()
	}
	v, err := a.Engine.Verification(r.Context(), key.Verification)
	if err != nil {
		return nil, err
	}
	if v == nil || v.Tenant != r.who.Tenant {
		return nil, notFound()
	}
	sent, err := a.Engine.Deliveries(r.Context(), v.ID)
	if err != nil {
		return nil, err
	}
	for _, d := range sent {
		if d.Key != key {
			continue
		}
		to, err := v.To(a.Keys)
		if err != nil {
			return nil, err
		}
		return r.showAttempt(verify.Job{Delivery: d, Verification: *v}, to, a.Now()), nil
	}
	return nil, notFound()
}

func conversion(j verify.Job) string {
	if j.Converted() {
		return "converted"
	}
	return "unconverted"
}

// messageStatuses and callStatuses map a delivery's states to Twilio's words for a
// message and a call. What a carrier took has been sent, and no more is known of it.
var (
	messageStatuses = map[verify.DeliveryState]string{
		verify.Queued: "queued", verify.Sent: "sent", verify.Unconfirmed: "sending", verify.Delivered: "delivered",
		verify.Failed: "failed", verify.Dropped: "canceled",
	}
	callStatuses = map[verify.DeliveryState]string{
		verify.Queued: "queued", verify.Sent: "in-progress", verify.Unconfirmed: "queued", verify.Delivered: "completed",
		verify.Failed: "failed", verify.Dropped: "canceled",
	}
)

func (r *request) showAttempt(j verify.Job, to verify.Address, now time.Time) attempt {
	d, v := j.Delivery, j.Verification
	status := "unconfirmed"
	if j.Converted() {
		status = "confirmed"
	} else if v.StatusAt(now) == verify.Expired {
		status = "expired"
	}
	data := map[string]any{
		"verification_sid": sid(sidVerification, v.ID), "to": to.Text(), "status": status,
		"error_code": nil, "country": nil, "code_length": nil, "locale": orNull(v.Details.Locale),
		"mcc": nil, "mnc": nil, "carrier": nil,
	}
	if number, ok := to.Number(); ok {
		data["country"] = orNull(number.Region())
	}
	if v.CustomCode == nil {
		data["code_length"] = v.Code.Length
	}
	channel := channels[d.Channel].name
	if channel == "call" {
		data["call_status"] = callStatuses[d.State]
	} else {
		data["message_status"] = messageStatuses[d.State]
	}
	out := attempt{
		SID: sid(sidAttempt, d.Key.ID()), AccountSID: sid(sidAccount, r.who.Account), ServiceSID: sid(sidService, v.Profile),
		VerificationSID: sid(sidVerification, v.ID), DateCreated: iso(d.CreatedAt), DateUpdated: iso(d.UpdatedAt),
		ConversionStatus: conversion(j), Channel: channel, ChannelData: data,
	}
	out.URL = r.base + "/v2/Attempts/" + out.SID
	return out
}
