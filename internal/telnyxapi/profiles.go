package telnyxapi

import (
	"context"
	"math/big"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"countersign/internal/tenant"
	"countersign/internal/verify"
)

func (a *api) listProfiles(r *request) (any, error) {
	query := r.URL.Query()
	n, size, err := paging(query)
	if err != nil {
		return nil, err
	}
	q := tenant.Query{Name: query.Get("filter[name]"), Offset: (n - 1) * size, Limit: size}
	profiles, total, err := a.Directory.Profiles(r.Context(), r.who.Tenant, q)
	if err != nil {
		return nil, err
	}
	shown := make([]profile, 0, len(profiles))
	for _, p := range profiles {
		shown = append(shown, showProfile(p))
	}
	return page{shown, newMeta(n, size, total)}, nil
}

func (a *api) createProfile(r *request) (any, error) {
	var in profileBody
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	if !in.Name.set {
		return nil, problem(missing, "/name", "name is required.")
	}
	p := tenant.Profile{CustomCodes: true}
	if err := in.apply(&p); err != nil {
		return nil, err
	}
	p, err := a.Directory.AddProfile(r.Context(), r.who.Tenant, p)
	if err != nil {
		return nil, err
	}
	return showProfile(p), nil
}

func (a *api) retrieveProfile(r *request) (any, error) {
	return a.onProfile(r, a.Directory.Profile)
}

func (a *api) deleteProfile(r *request) (any, error) {
	return a.onProfile(r, a.Directory.DropProfile)
}

func (a *api) updateProfile(r *request) (any, error) {
	var in profileBody
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	return a.onProfile(r, func(ctx context.Context, owner string, id verify.ID) (tenant.Profile, error) {
		return a.Directory.ChangeProfile(ctx, owner, id, in.apply)
	})
}

// onProfile does something with the profile of the path, and shows it as it is then
// or, if it is gone, was.
func (a *api) onProfile(r *request, do func(context.Context, string, verify.ID) (tenant.Profile, error)) (any, error) {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil || len(r.PathValue("id")) != 36 {
		return nil, errNoProfile()
	}
	p, err := do(r.Context(), r.who.Tenant, id)
	if verify.KindOf(err) == verify.NotFound {
		return nil, errNoProfile()
	}
	if err != nil {
		return nil, err
	}
	return showProfile(p), nil
}

func errNoProfile() error {
	return problem(notFound, "/verify_profile_id", "No verify profile has this id.")
}

// profileBody is the body of a create or an update. A field that is left out stays as
// it is; null empties it.
type profileBody struct {
	Name               field[string]         `json:"name"`
	Language           field[string]         `json:"language"`
	WebhookURL         field[string]         `json:"webhook_url"`
	WebhookFailoverURL field[string]         `json:"webhook_failover_url"`
	ReturnURLs         field[[]string]       `json:"return_urls"` // ours: where sessions may lead
	SpendLimit         field[jsontext.Value] `json:"daily_spend_limit"`
	SpendLimited       field[bool]           `json:"daily_spend_limit_enabled"`
	SMS                field[channelBody]    `json:"sms"`
	Call               field[channelBody]    `json:"call"`
	Flashcall          field[channelBody]    `json:"flashcall"` // the SDKs' update has none; this one takes it
	WhatsApp           field[channelBody]    `json:"whatsapp"`
}

// channelBody is what a profile says of one channel. Telnyx's quickstart has
// default_timeout_secs where its SDKs have the longer name.
type channelBody struct {
	AppName      field[string]   `json:"app_name"`
	CodeLength   field[int]      `json:"code_length"`
	Timeout      field[int64]    `json:"default_verification_timeout_secs"`
	OldTimeout   field[int64]    `json:"default_timeout_secs"`
	Template     field[string]   `json:"messaging_template_id"`
	Destinations field[[]string] `json:"whitelisted_destinations"`
	AlphaSender  field[string]   `json:"alpha_sender"`
	SenderNumber field[string]   `json:"sender_phone_number"`
	TemplateID   field[string]   `json:"template_id"`
	BusinessID   field[string]   `json:"waba_id"`
}

// apply changes p as the body says.
func (in profileBody) apply(p *tenant.Profile) error {
	in.Name.to(&p.Name)
	in.Language.to(&p.Language)
	in.WebhookURL.to(&p.WebhookURL)
	in.WebhookFailoverURL.to(&p.WebhookFailoverURL)
	in.ReturnURLs.to(&p.ReturnURLs)
	in.SpendLimited.to(&p.SpendLimited)
	if in.SpendLimit.set {
		limit, err := dollars(string(in.SpendLimit.value))
		if err != nil {
			return err
		}
		p.SpendLimit = limit
	}
	for _, c := range []struct {
		field[channelBody]
		channel verify.Channel
	}{{in.SMS, verify.SMS}, {in.Call, verify.Call}, {in.Flashcall, verify.Flashcall}, {in.WhatsApp, verify.WhatsApp}} {
		if !c.set {
			continue
		}
		if c.null {
			delete(p.Channels, c.channel)
			continue
		}
		s := p.Channels[c.channel]
		if err := c.value.apply(&s, "/"+string(c.channel)); err != nil {
			return err
		}
		if p.Channels == nil {
			p.Channels = map[verify.Channel]tenant.Settings{}
		}
		p.Channels[c.channel] = s
	}
	return nil
}

func (in channelBody) apply(s *tenant.Settings, pointer string) error {
	in.AppName.to(&s.AppName)
	in.CodeLength.to(&s.CodeLength)
	in.Destinations.to(&s.Countries)
	in.AlphaSender.to(&s.Sender)
	for _, f := range []field[int64]{in.OldTimeout, in.Timeout} {
		if f.set {
			s.Validity = time.Duration(max(0, min(f.value, 1<<20))) * time.Second // the room cuts what is too long
		}
		if f.set && f.value < 0 {
			return problem(outOfRange, pointer+"/default_verification_timeout_secs", "default_verification_timeout_secs must be at least 1.")
		}
	}
	if in.Template.set {
		id, err := uuid.Parse(in.Template.value)
		if in.Template.value != "" && (err != nil || len(in.Template.value) != 36) {
			return problem(badParameter, pointer+"/messaging_template_id", "messaging_template_id must be a UUID.")
		}
		s.Template = id
	}
	for name, f := range map[string]field[string]{
		"sender_phone_number": in.SenderNumber, "template_id": in.TemplateID, "waba_id": in.BusinessID,
	} {
		s.Keep(name, f.value, f.set)
	}
	return nil
}

// dollars reads an amount in US dollars, exactly: a millionth is the least there is.
func dollars(text string) (tenant.Money, error) {
	text = strings.Trim(strings.TrimSpace(text), `"`)
	if text == "null" || text == "" {
		return 0, nil
	}
	const most = 1_000_000_000
	// Looked at before it is read: an exponent of seven bytes is work for many milliseconds.
	plain := len(text) <= 32 && !strings.ContainsAny(text, "/eE_xXpP")
	amount, ok := new(big.Rat), false
	if plain {
		amount, ok = amount.SetString(text)
	}
	if !ok || amount.Sign() < 0 || amount.Cmp(big.NewRat(most, 1)) > 0 {
		return 0, problem(outOfRange, "/daily_spend_limit", "daily_spend_limit must be a number of US dollars, such as 25.50.")
	}
	millionths := amount.Mul(amount, big.NewRat(int64(tenant.Dollar), 1))
	return tenant.Money(new(big.Int).Quo(millionths.Num(), millionths.Denom()).Int64()), nil
}

// profile is a verify profile as Telnyx shows it.
type profile struct {
	ID                 string   `json:"id"`
	RecordType         string   `json:"record_type"`
	Name               string   `json:"name"`
	Language           string   `json:"language,omitzero"`
	WebhookURL         string   `json:"webhook_url,omitzero"`
	WebhookFailoverURL string   `json:"webhook_failover_url,omitzero"`
	ReturnURLs         []string `json:"return_urls,omitzero"`
	SpendLimit         float64  `json:"daily_spend_limit,omitzero"`
	SpendLimited       bool     `json:"daily_spend_limit_enabled"`
	SMS                *channel `json:"sms,omitzero"`
	Call               *channel `json:"call,omitzero"`
	Flashcall          *channel `json:"flashcall,omitzero"`
	WhatsApp           *channel `json:"whatsapp,omitzero"`
	CreatedAt          string   `json:"created_at,omitzero"`
	UpdatedAt          string   `json:"updated_at,omitzero"`
}

type channel struct {
	AppName      string   `json:"app_name,omitzero"`
	CodeLength   int      `json:"code_length,omitzero"`
	Timeout      int64    `json:"default_verification_timeout_secs,omitzero"`
	Template     string   `json:"messaging_template_id,omitzero"`
	Destinations []string `json:"whitelisted_destinations"`
	AlphaSender  string   `json:"alpha_sender,omitzero"`
	SenderNumber string   `json:"sender_phone_number,omitzero"`
	TemplateID   string   `json:"template_id,omitzero"`
	BusinessID   string   `json:"waba_id,omitzero"`
}

// showProfile shows sms always, with what holds for it, and other channels where the
// profile says something of them.
func showProfile(p tenant.Profile) profile {
	out := profile{
		ID: p.ID.String(), RecordType: "verification_profile", Name: p.Name, Language: p.Language,
		WebhookURL: p.WebhookURL, WebhookFailoverURL: p.WebhookFailoverURL, ReturnURLs: p.ReturnURLs,
		SpendLimit: float64(p.SpendLimit) / float64(tenant.Dollar), SpendLimited: p.SpendLimited,
		SMS: showChannel(p, verify.SMS),
	}
	for ch, place := range map[verify.Channel]**channel{
		verify.Call: &out.Call, verify.Flashcall: &out.Flashcall, verify.WhatsApp: &out.WhatsApp,
	} {
		if _, has := p.Channels[ch]; has {
			*place = showChannel(p, ch)
		}
	}
	if !p.CreatedAt.IsZero() { // the configuration's own has no such instant
		out.CreatedAt, out.UpdatedAt = p.CreatedAt.UTC().Format(naive), p.UpdatedAt.UTC().Format(naive)
	}
	return out
}

func showChannel(p tenant.Profile, ch verify.Channel) *channel {
	s := p.Effective(ch)
	out := &channel{
		AppName: s.AppName, CodeLength: s.CodeLength, Timeout: int64(s.Validity / time.Second), Destinations: s.Countries,
		AlphaSender: s.Sender, SenderNumber: s.Kept["sender_phone_number"], TemplateID: s.Kept["template_id"], BusinessID: s.Kept["waba_id"],
	}
	if out.CodeLength == 0 {
		out.CodeLength = p.Code.Length
	}
	if len(out.Destinations) == 0 {
		out.Destinations = []string{tenant.AllCountries}
	}
	if s.Template != (verify.ID{}) {
		out.Template = s.Template.String()
	}
	return out
}
