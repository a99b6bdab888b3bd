package twilioapi

import (
	"cmp"
	"slices"
	"strings"

	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// webhook is a webhook of a service as Twilio shows it. Twilio's events are all of
// factors and challenges: codes raise none of them. Those of codes are the profile's,
// which the Telnyx dialect sets.
type webhook struct {
	SID           string   `json:"sid"`
	ServiceSID    string   `json:"service_sid"`
	AccountSID    string   `json:"account_sid"`
	FriendlyName  string   `json:"friendly_name"`
	EventTypes    []string `json:"event_types"`
	Status        string   `json:"status"`
	Version       string   `json:"version"`
	WebhookURL    string   `json:"webhook_url"`
	WebhookMethod string   `json:"webhook_method"`
	DateCreated   string   `json:"date_created"`
	DateUpdated   string   `json:"date_updated"`
	URL           string   `json:"url"`
}

// eventTypes are what a webhook may ask for; * is all of them.
var eventTypes = []string{"*", "factor.deleted", "factor.created", "factor.verified", "challenge.approved", "challenge.denied"}

func (a *api) createWebhook(r *request, p tenant.Profile) (any, error) {
	r.form.need("FriendlyName")
	r.form.need("WebhookUrl")
	if !r.form.given("EventTypes") {
		r.form.fail("EventTypes", "it is required")
	}
	w := tenant.Webhook{Meta: tenant.Meta{Parent: p.ID}, Enabled: true, Version: "v2"}
	if err := r.changeWebhook(&w); err != nil {
		return nil, err
	}
	w, err := a.Directory.Webhooks.Add(r.Context(), r.who.Tenant, w)
	if err != nil {
		return nil, webhookRefused(err)
	}
	return r.showWebhook(w), nil
}

func webhookRefused(err error) error {
	return recast(err, verify.Taken, codeInvalid, "Invalid parameter: FriendlyName: another webhook of the service has it.")
}

// changeWebhook writes what was given.
func (r *request) changeWebhook(w *tenant.Webhook) error {
	f := r.form
	w.Name = cmp.Or(f.text("FriendlyName"), w.Name)
	w.URL = cmp.Or(f.text("WebhookUrl"), w.URL)
	w.Version = cmp.Or(f.choice("Version", "v1", "v2"), w.Version)
	if status := f.choice("Status", "enabled", "disabled"); status != "" {
		w.Enabled = status == "enabled"
	}
	if f.given("EventTypes") {
		w.Events = slices.Clone(f.many("EventTypes"))
	}
	for _, e := range w.Events {
		if !slices.Contains(eventTypes, e) {
			f.fail("EventTypes", "each must be one of %s", strings.Join(eventTypes, ", "))
		}
	}
	return f.err
}

func (a *api) listWebhooks(r *request, p tenant.Profile) (any, error) {
	return listed(r, "webhooks", p.ID, a.Directory.Webhooks.List, r.showWebhook)
}

// webhook finds the webhook that a path names.
func (a *api) webhook(r *request, p tenant.Profile) (tenant.Webhook, error) {
	id, ok := idOf(sidWebhook, r.PathValue("webhook"))
	if !ok {
		return tenant.Webhook{}, notFound()
	}
	w, err := a.Directory.Webhooks.Find(r.Context(), r.who.Tenant, id)
	if err == nil && w.Parent != p.ID {
		err = notFound()
	}
	return w, err
}

func (a *api) fetchWebhook(r *request, p tenant.Profile) (any, error) {
	w, err := a.webhook(r, p)
	if err != nil {
		return nil, err
	}
	return r.showWebhook(w), nil
}

func (a *api) updateWebhook(r *request, p tenant.Profile) (any, error) {
	w, err := a.webhook(r, p)
	if err != nil {
		return nil, err
	}
	w, err = a.Directory.Webhooks.Change(r.Context(), r.who.Tenant, w.ID, r.changeWebhook)
	if err != nil {
		return nil, webhookRefused(err)
	}
	return r.showWebhook(w), nil
}

func (a *api) deleteWebhook(r *request, p tenant.Profile) (any, error) {
	w, err := a.webhook(r, p)
	if err != nil {
		return nil, err
	}
	_, err = a.Directory.Webhooks.Drop(r.Context(), r.who.Tenant, w.ID)
	return nil, err
}

func (r *request) showWebhook(w tenant.Webhook) webhook {
	out := webhook{
		SID: sid(sidWebhook, w.ID), ServiceSID: sid(sidService, w.Parent), AccountSID: sid(sidAccount, r.who.Account),
		FriendlyName: w.Name, EventTypes: w.Events, Status: "disabled", Version: w.Version,
		WebhookURL: w.URL, WebhookMethod: "POST", DateCreated: iso(w.CreatedAt), DateUpdated: iso(w.UpdatedAt),
	}
	if w.Enabled {
		out.Status = "enabled"
	}
	out.URL = r.base + "/v2/Services/" + out.ServiceSID + "/Webhooks/" + out.SID
	return out
}
