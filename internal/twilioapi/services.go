package twilioapi

import (
	"cmp"
	"regexp"
	"strings"
	"unicode/utf8"

	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// service is a profile as Twilio shows it.
type service struct {
	SID                string            `json:"sid"`
	AccountSID         string            `json:"account_sid"`
	FriendlyName       string            `json:"friendly_name"`
	CodeLength         int               `json:"code_length"`
	LookupEnabled      bool              `json:"lookup_enabled"`
	PSD2Enabled        bool              `json:"psd2_enabled"`
	SkipSMSToLandlines bool              `json:"skip_sms_to_landlines"`
	DTMFInputRequired  bool              `json:"dtmf_input_required"`
	TTSName            *string           `json:"tts_name"`
	DoNotShareWarning  bool              `json:"do_not_share_warning_enabled"`
	CustomCodeEnabled  bool              `json:"custom_code_enabled"`
	Push               map[string]any    `json:"push"`
	TOTP               map[string]any    `json:"totp"`
	DefaultTemplateSID *string           `json:"default_template_sid"`
	WhatsApp           map[string]any    `json:"whatsapp"`
	Passkeys           map[string]any    `json:"passkeys"`
	EventSubscription  bool              `json:"verify_event_subscription_enabled"`
	DateCreated        *string           `json:"date_created"` // null: it comes from the configuration
	DateUpdated        *string           `json:"date_updated"`
	URL                string            `json:"url"`
	Links              map[string]string `json:"links"`
}

func (a *api) createService(r *request) (any, error) {
	r.form.need("FriendlyName")
	var p tenant.Profile
	if err := a.changeService(r, &p); err != nil {
		return nil, err
	}
	p, err := a.Directory.AddProfile(r.Context(), r.who.Tenant, p)
	if err != nil {
		return nil, err
	}
	return r.showService(p), nil
}

func (a *api) listServices(r *request) (any, error) {
	return listed(r, "services", verify.ID{}, a.Directory.Profiles, r.showService)
}

func (a *api) fetchService(r *request, p tenant.Profile) (any, error) { return r.showService(p), nil }

func (a *api) updateService(r *request, p tenant.Profile) (any, error) {
	p, err := a.Directory.ChangeProfile(r.Context(), r.who.Tenant, p.ID, func(p *tenant.Profile) error {
		return a.changeService(r, p)
	})
	if err != nil {
		return nil, err
	}
	return r.showService(p), nil
}

func (a *api) deleteService(r *request, p tenant.Profile) (any, error) {
	_, err := a.Directory.DropProfile(r.Context(), r.who.Tenant, p.ID)
	return nil, err
}

// changeService writes the parameters that were given into a profile.
func (a *api) changeService(r *request, p *tenant.Profile) error {
	f := r.form
	if name := f.friendlyName("FriendlyName"); name != "" {
		// Twilio's messages name the service; a profile may have a name for messages of
		// its own, which the other dialect sets.
		if p.Base.AppName == p.Name {
			p.Base.AppName = name
		}
		p.Name = name
	}
	if f.given("CodeLength") {
		p.Base.CodeLength = f.whole("CodeLength", minCode, maxCode, 0)
		p.Channels = channelSettings(p.Channels, func(s *tenant.Settings) { s.CodeLength = 0 })
	}
	p.LookupEnabled = f.flag("LookupEnabled", p.LookupEnabled)
	p.SkipLandlines = f.flag("SkipSmsToLandlines", p.SkipLandlines)
	p.KeyPressRequired = f.flag("DtmfInputRequired", p.KeyPressRequired)
	p.Payments = f.flag("Psd2Enabled", p.Payments)
	p.DoNotShareWarning = f.flag("DoNotShareWarningEnabled", p.DoNotShareWarning)
	p.CustomCodes = f.flag("CustomCodeEnabled", p.CustomCodes)
	p.EventsSubscription = f.flag("VerifyEventSubscriptionEnabled", p.EventsSubscription)
	if f.given("TtsName") {
		p.Voice = f.bounded("TtsName", 64)
	}
	if err := a.changeTemplate(r, p); err != nil {
		return err
	}
	f.factors(p)
	return f.err
}

// changeTemplate sets the template of texts, the only channel that Twilio's has one for.
func (a *api) changeTemplate(r *request, p *tenant.Profile) error {
	if !r.form.given("DefaultTemplateSid") {
		return nil
	}
	id := r.form.sid("DefaultTemplateSid", sidTemplate)
	if id != (verify.ID{}) {
		_, err := a.Directory.Template(r.Context(), r.who.Tenant, id)
		if err != nil {
			return recast(err, verify.NotFound, codeInvalid, "Invalid parameter: DefaultTemplateSid: there is no such template.")
		}
	}
	p.Channels = channelSettings(p.Channels, func(*tenant.Settings) {})
	texts := p.Channels[verify.SMS]
	texts.Template = id
	p.Channels[verify.SMS] = texts
	return nil
}

// channelSettings is a changed copy: what was read may be shared with other readers.
func channelSettings(old map[verify.Channel]tenant.Settings, change func(*tenant.Settings)) map[verify.Channel]tenant.Settings {
	out := make(map[verify.Channel]tenant.Settings, len(old)+1)
	for ch, s := range old {
		change(&s)
		out[ch] = s
	}
	return out
}

// Bounds of a service's parameters, as Twilio documents them.
const (
	maxFriendlyName  = 32 // characters
	minCode, maxCode = 4, 10
)

var fiveDigits = regexp.MustCompile(`[0-9]{5}`)

// friendlyName is a name that messages show: a number in it could pass for the code.
func (f *form) friendlyName(parameter string) string {
	v := f.text(parameter)
	switch {
	case f.given(parameter) && strings.TrimSpace(v) == "":
		f.fail(parameter, "it must not be empty")
	case utf8.RuneCountInString(v) > maxFriendlyName:
		f.fail(parameter, "it must have at most %d characters", maxFriendlyName)
	case fiveDigits.MatchString(v):
		f.fail(parameter, "it must not hold five digits in a row, which could be taken for a code")
	case tenant.AppName(v) != nil:
		f.fail(parameter, "it must not hold brackets or slashes, which could make it seem to lead somewhere")
	}
	return v
}

// factors keeps the settings of what is not served yet: bounded, so that nobody keeps
// books here, and of the right type.
func (f *form) factors(p *tenant.Profile) {
	kept := make(map[string]string, len(p.Factors))
	for name, value := range p.Factors {
		kept[name] = value
	}
	for _, name := range []string{
		"Push.ApnCredentialSid", "Push.FcmCredentialSid", "Totp.Issuer", "Whatsapp.MsgServiceSid", "Whatsapp.From",
		"Passkeys.RelyingParty.Id", "Passkeys.RelyingParty.Name", "Passkeys.RelyingParty.Origins",
	} {
		if f.given(name) {
			kept[name] = f.bounded(name, 256)
		}
	}
	f.keep(kept, "Push.IncludeDate", func(n string) { f.flag(n, false) })
	f.keep(kept, "Totp.TimeStep", func(n string) { f.whole(n, 20, 60, 0) })
	f.keep(kept, "Totp.CodeLength", func(n string) { f.whole(n, 3, 8, 0) })
	f.keep(kept, "Totp.Skew", func(n string) { f.whole(n, 0, 2, 0) })
	f.keep(kept, "Passkeys.AuthenticatorAttachment", func(n string) { f.choice(n, "platform", "cross-platform", "any") })
	for _, name := range []string{"Passkeys.DiscoverableCredentials", "Passkeys.UserVerification"} {
		f.keep(kept, name, func(n string) { f.choice(n, "required", "preferred", "discouraged") })
	}
	if len(kept) > 0 {
		p.Factors = kept
	}
}

// keep stores a value as it was given, once check has found nothing wrong with it.
func (f *form) keep(kept map[string]string, name string, check func(string)) {
	if !f.given(name) {
		return
	}
	check(name)
	kept[name] = strings.ToLower(f.text(name))
}

func (r *request) showService(p tenant.Profile) service {
	url := r.base + "/v2/Services/" + sid(sidService, p.ID)
	texts := p.Effective(verify.SMS)
	out := service{
		SID: sid(sidService, p.ID), AccountSID: sid(sidAccount, r.who.Account), FriendlyName: p.Name,
		CodeLength:    cmp.Or(texts.CodeLength, p.Code.Length),
		LookupEnabled: p.LookupEnabled, PSD2Enabled: p.Payments, SkipSMSToLandlines: p.SkipLandlines,
		DTMFInputRequired: p.KeyPressRequired, TTSName: orNull(p.Voice), DoNotShareWarning: p.DoNotShareWarning,
		CustomCodeEnabled: p.CustomCodes, EventSubscription: p.EventsSubscription,
		URL: url, Links: map[string]string{},
	}
	if !p.CreatedAt.IsZero() {
		out.DateCreated, out.DateUpdated = orNull(iso(p.CreatedAt)), orNull(iso(p.UpdatedAt))
	}
	if texts.Template != (verify.ID{}) {
		out.DefaultTemplateSID = orNull(sid(sidTemplate, texts.Template))
	}
	out.showFactors(p.Factors)
	for name, path := range map[string]string{
		"verification_checks": "VerificationCheck", "verifications": "Verifications", "rate_limits": "RateLimits",
		"messaging_configurations": "MessagingConfigurations", "entities": "Entities", "webhooks": "Webhooks",
		"access_tokens": "AccessTokens",
	} {
		out.Links[name] = url + "/" + path
	}
	return out
}
