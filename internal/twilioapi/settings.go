package twilioapi

import (
	"context"
	"slices"
	"strings"

	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// messagingConfiguration is the sender of a service's texts to one country, as Twilio
// shows it.
type messagingConfiguration struct {
	AccountSID          string `json:"account_sid"`
	ServiceSID          string `json:"service_sid"`
	Country             string `json:"country"`
	MessagingServiceSID string `json:"messaging_service_sid"`
	DateCreated         string `json:"date_created"`
	DateUpdated         string `json:"date_updated"`
	URL                 string `json:"url"`
}

func (a *api) createSender(r *request, p tenant.Profile) (any, error) {
	s := tenant.Sender{Meta: tenant.Meta{Parent: p.ID}, Country: r.form.need("Country")}
	if err := r.changeSender(&s); err != nil {
		return nil, err
	}
	s, err := a.Directory.Senders.Add(r.Context(), r.who.Tenant, s)
	if err != nil {
		return nil, recast(err, verify.Taken, codeMessagingExists, "Messaging configuration exists: the service has one for this Country.")
	}
	return r.showSender(s), nil
}

func (r *request) changeSender(s *tenant.Sender) error {
	if s.Service = r.form.need("MessagingServiceSid"); r.form.err == nil {
		r.form.sid("MessagingServiceSid", sidMessagingService)
	}
	return r.form.err
}

func (a *api) listSenders(r *request, p tenant.Profile) (any, error) {
	return listed(r, "messaging_configurations", p.ID, a.Directory.Senders.List, r.showSender)
}

// sender finds the messaging configuration that a path names by its country.
func (a *api) sender(r *request, p tenant.Profile) (tenant.Sender, error) {
	return a.Directory.Senders.Named(r.Context(), r.who.Tenant, p.ID, r.PathValue("country"))
}

func (a *api) fetchSender(r *request, p tenant.Profile) (any, error) {
	s, err := a.sender(r, p)
	if err != nil {
		return nil, err
	}
	return r.showSender(s), nil
}

func (a *api) updateSender(r *request, p tenant.Profile) (any, error) {
	s, err := a.sender(r, p)
	if err != nil {
		return nil, err
	}
	s, err = a.Directory.Senders.Change(r.Context(), r.who.Tenant, s.ID, r.changeSender)
	if err != nil {
		return nil, err
	}
	return r.showSender(s), nil
}

func (a *api) deleteSender(r *request, p tenant.Profile) (any, error) {
	s, err := a.sender(r, p)
	if err != nil {
		return nil, err
	}
	_, err = a.Directory.Senders.Drop(r.Context(), r.who.Tenant, s.ID)
	return nil, err
}

func (r *request) showSender(s tenant.Sender) messagingConfiguration {
	service := sid(sidService, s.Parent)
	return messagingConfiguration{
		AccountSID: sid(sidAccount, r.who.Account), ServiceSID: service, Country: s.Country, MessagingServiceSID: s.Service,
		DateCreated: iso(s.CreatedAt), DateUpdated: iso(s.UpdatedAt),
		URL: r.base + "/v2/Services/" + service + "/MessagingConfigurations/" + s.Country,
	}
}

// safeNumber is a number of the safe list as Twilio shows it.
type safeNumber struct {
	SID         string `json:"sid"`
	PhoneNumber string `json:"phone_number"`
	URL         string `json:"url"`
}

// addSafe puts a number on the safe list. One that is there already is answered like a
// new one: an SDK may have sent the request again.
func (a *api) addSafe(r *request) (any, error) {
	text := r.form.need("PhoneNumber")
	if r.form.err != nil {
		return nil, r.form.err
	}
	n, err := parseNumber(text, "PhoneNumber")
	if err != nil {
		return nil, err
	}
	s, err := a.Directory.AddSafe(r.Context(), r.who.Tenant, n.E164())
	if verify.KindOf(err) == verify.Taken {
		s, err = a.Directory.Safe(r.Context(), r.who.Tenant, n.E164())
	}
	if err != nil {
		return nil, err
	}
	return r.showSafe(s, n.E164()), nil
}

func (a *api) fetchSafe(r *request) (any, error) {
	n, err := parseNumber(r.PathValue("number"), "PhoneNumber")
	if err != nil {
		return nil, notFound()
	}
	s, err := a.Directory.Safe(r.Context(), r.who.Tenant, n.E164())
	if err != nil {
		return nil, err
	}
	return r.showSafe(s, n.E164()), nil
}

func (a *api) dropSafe(r *request) (any, error) {
	n, err := parseNumber(r.PathValue("number"), "PhoneNumber")
	if err != nil {
		return nil, notFound()
	}
	return nil, a.Directory.DropSafe(r.Context(), r.who.Tenant, n.E164())
}

func (r *request) showSafe(s tenant.SafeNumber, e164 string) safeNumber {
	return safeNumber{sid(sidSafeNumber, s.ID), e164, r.base + "/v2/SafeList/Numbers/" + e164}
}

// messageTemplate is a template as Twilio shows it.
type messageTemplate struct {
	SID          string                 `json:"sid"`
	AccountSID   string                 `json:"account_sid"`
	FriendlyName string                 `json:"friendly_name"`
	Channels     []string               `json:"channels"`
	Translations map[string]translation `json:"translations"`
}

// translation is a template's text in one language. A template has one text here: the
// languages of messages without a template are package message's.
type translation struct {
	IsDefault   bool    `json:"is_default_translation"`
	Status      string  `json:"status"`
	Locale      string  `json:"locale"`
	Text        string  `json:"text"`
	DateUpdated *string `json:"date_updated"` // null: it is one of everybody's
	DateCreated *string `json:"date_created"`
}

// listTemplates lists those of everybody and then the tenant's own.
func (a *api) listTemplates(r *request) (any, error) {
	wanted := strings.ToLower(r.form.text("FriendlyName"))
	if r.form.err != nil {
		return nil, r.form.err
	}
	return listed(r, "templates", verify.ID{}, func(ctx context.Context, who string, q tenant.Query) ([]tenant.Template, int, error) {
		const all = 1 << 20
		own, _, err := a.Directory.Templates.List(ctx, who, tenant.Query{Limit: all})
		found := slices.DeleteFunc(append(tenant.Stock(), own...), func(t tenant.Template) bool {
			return !strings.Contains(strings.ToLower(t.Name), wanted)
		})
		from := min(q.Offset, len(found))
		return found[from:min(from+q.Limit, len(found))], len(found), err
	}, r.showTemplate)
}

func (r *request) showTemplate(t tenant.Template) messageTemplate {
	out := messageTemplate{SID: sid(sidTemplate, t.ID), AccountSID: sid(sidAccount, r.who.Account), FriendlyName: t.Name, Channels: []string{}}
	for _, ch := range []verify.Channel{verify.SMS, verify.Call, verify.Email, verify.WhatsApp} {
		if len(t.Channel) > 0 && !slices.Contains(t.Channel, ch) {
			continue
		}
		name := channels[ch].name
		if ch == verify.Call {
			name = "voice"
		}
		out.Channels = append(out.Channels, name)
	}
	en := translation{IsDefault: true, Status: "approved", Locale: "en", Text: t.Text}
	if !t.CreatedAt.IsZero() {
		en.DateCreated, en.DateUpdated = orNull(iso(t.CreatedAt)), orNull(iso(t.UpdatedAt))
	}
	out.Translations = map[string]translation{"en": en}
	return out
}
