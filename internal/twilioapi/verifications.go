package twilioapi

import (
	"cmp"
	"crypto/sha256"
	"net/netip"
	"strconv"
	"strings"

	"countersign/internal/mailbox"
	"countersign/internal/phone"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// order is what a request to start a verification asks for.
type order struct {
	channels   []verify.Channel // the first that has a carrier
	address    verify.Address
	template   verify.ID
	locale     string
	appName    string
	customCode string
	details    verify.Details
	limits     map[string]string
}

// start begins a verification, or sends a pending one's code once more.
func (a *api) start(r *request, p tenant.Profile) (any, error) {
	in, err := a.readOrder(r.form, p)
	if err != nil {
		return nil, err
	}
	once, err := r.once()
	if err != nil {
		return nil, err
	}
	cmd := verify.Start{Address: in.address, CustomCode: in.customCode, Details: in.details, Once: once}
	if len(in.limits) > 0 {
		cmd.Quotas, err = a.Directory.Quotas(r.Context(), p, in.limits)
		if err != nil {
			return nil, recast(err, verify.NotFound, codeInvalid, "Invalid parameter: RateLimits: the service has no rate limit of one of these names.")
		}
	}
	started, err := a.send(r, p, in, cmd)
	if err != nil {
		return nil, err
	}
	if left := started.Allowance; left.Limit > 0 {
		r.head.Set("RateLimit-Limit", strconv.Itoa(left.Limit))
		r.head.Set("RateLimit-Remaining", strconv.Itoa(left.Left))
		r.head.Set("RateLimit-Reset", strconv.Itoa(seconds(left.Reset)))
	}
	return a.show(r, started.Verification, in.address)
}

// send starts on the first channel that has a carrier.
func (a *api) send(r *request, p tenant.Profile, in order, cmd verify.Start) (verify.Started, error) {
	var err error
	for _, ch := range in.channels {
		cmd.Channel = ch
		cmd.Profile, err = a.Directory.Rules(r.Context(), p, ch, in.template, in.locale)
		if err != nil {
			return verify.Started{}, recast(err, verify.NotFound, codeInvalid, "Invalid parameter: TemplateSid: there is no such template.")
		}
		cmd.Profile.AppName = cmp.Or(in.appName, cmd.Profile.AppName)
		var started verify.Started
		if started, err = a.Engine.Start(r.Context(), cmd); verify.KindOf(err) != verify.NoChannel {
			return started, err
		}
	}
	return verify.Started{}, err
}

func (a *api) readOrder(f *form, p tenant.Profile) (order, error) {
	in := order{
		template: f.sid("TemplateSid", sidTemplate), appName: f.friendlyName("CustomFriendlyName"),
		limits: f.object("RateLimits"), customCode: f.text("CustomCode"),
		details: verify.Details{
			Amount: f.text("Amount"), Payee: f.text("Payee"), AppHash: f.text("AppHash"),
			Keys: f.text("SendDigits"), Tags: f.object("Tags"),
		},
	}
	to, channel := f.need("To"), f.need("Channel")
	if f.err != nil {
		return in, f.err
	}
	var err error
	if in.channels, err = channelsOf(channel, to); err != nil {
		return in, err
	}
	if in.address, err = parseTo(to, in.channels[0]); err != nil {
		return in, err
	}
	if in.locale = f.text("Locale"); in.locale != "" {
		var ok bool
		if in.locale, ok = a.Locale(in.locale); !ok {
			f.fail("Locale", "there are no words in this language")
		}
	}
	in.details.Locale = in.locale
	if f.given("CustomCode") && in.customCode == "" {
		f.fail("CustomCode", "it must be 4 to 10 letters or digits, or be left out")
	}
	f.passedOver()
	if f.err != nil {
		return in, f.err
	}
	return in, permitted(in, channel, p)
}

// permitted refuses what the service has not enabled.
func permitted(in order, channel string, p tenant.Profile) error {
	amount, payee := in.details.Amount, in.details.Payee
	switch {
	case in.customCode != "" && !p.CustomCodes:
		return refuse(codeUnsupported, "The service does not support this feature: CustomCode needs CustomCodeEnabled.")
	case !p.Payments && (amount != "" || payee != ""):
		return refuse(codeUnsupported, "The service does not support this feature: Amount and Payee need Psd2Enabled.")
	case p.Payments && (amount == "" || payee == ""):
		return refuse(codePaymentMissing, "Amount and Payee are required: the service has Psd2Enabled.")
	case p.Payments && channel == "call":
		return refuse(codePaymentByCall, "Channel call is not allowed for a payment: the service has Psd2Enabled.")
	}
	return nil
}

// passedOver looks at what changes nothing here, so that a mistake shows all the same.
func (f *form) passedOver() {
	f.choice("RiskCheck", "enable", "disable")
	f.object("ChannelConfiguration")
	if ip := f.text("DeviceIp"); ip != "" {
		if _, err := netip.ParseAddr(ip); err != nil {
			f.fail("DeviceIp", "it must be an IPv4 or IPv6 address")
		}
	}
	if len(f.object("TemplateCustomSubstitutions")) > 0 {
		f.fail("TemplateCustomSubstitutions", "templates here have no variables but those that are filled in by themselves; leave it out")
	}
}

// channelsOf are the channels that a word stands for, in the order of trial. A call is
// never chosen by itself: it reaches people who did not ask for one.
func channelsOf(word, to string) ([]verify.Channel, error) {
	switch word {
	case "sms", "call", "whatsapp", "email":
		return []verify.Channel{verify.Channel(word)}, nil
	case "auto":
		if strings.Contains(to, "@") {
			return []verify.Channel{verify.Email}, nil
		}
		return []verify.Channel{verify.SMS, verify.WhatsApp}, nil
	case "sna", "rbm":
		return nil, refuse(codeNoChannel, "Delivery channel disabled: this server has no channel "+word+".")
	}
	return nil, invalid("Channel", "it must be one of sms, call, email, whatsapp, auto")
}

// parseTo takes an address of a channel: a mailbox, or a number in E.164.
func parseTo(text string, ch verify.Channel) (verify.Address, error) {
	if ch == verify.Email {
		m, err := mailbox.Parse(text)
		if err != nil || !strings.Contains(text, "@") {
			return verify.Address{}, invalid("To", "it must be an e-mail address such as name@example.com")
		}
		return verify.Mail(m), nil
	}
	n, err := parseNumber(text, "To")
	return verify.Phone(n), err
}

// parseNumber takes what stands for a number. Whoever forgets to encode the + of a
// number sends a space, and is told so.
func parseNumber(text, parameter string) (phone.Number, error) {
	n, err := phone.ParseE164(text)
	if err == nil {
		return n, nil
	}
	if strings.HasPrefix(text, " ") {
		return n, invalid(parameter, "it begins with a space where a + should be: in a form, + is written %2B")
	}
	if strings.Contains(text, "@") {
		return n, invalid(parameter, "an e-mail address needs Channel=email")
	}
	return n, invalid(parameter, numberReason(err))
}

// anyAddress takes an address of whatever channel.
func anyAddress(text string) (verify.Address, error) {
	if strings.Contains(text, "@") {
		return parseTo(text, verify.Email)
	}
	return parseTo(text, verify.SMS)
}

// fetch shows a pending verification, or one that has had all its guesses until its
// time is over. All others are not found, as at Twilio.
func (a *api) fetch(r *request, p tenant.Profile) (any, error) {
	v, to, err := a.find(r, p, r.PathValue("verification"))
	if err != nil {
		return nil, err
	}
	return a.show(r, v, to)
}

// update approves or cancels a pending verification.
func (a *api) update(r *request, p tenant.Profile) (any, error) {
	r.form.need("Status")
	status := r.form.choice("Status", "approved", "canceled")
	if r.form.err != nil {
		return nil, r.form.err
	}
	v, to, err := a.find(r, p, r.PathValue("verification"))
	if err != nil {
		return nil, err
	}
	if status == "approved" {
		v, err = a.Engine.Approve(r.Context(), verify.Approve{Tenant: r.who.Tenant, Verification: v.ID})
	} else {
		v, err = a.Engine.Cancel(r.Context(), verify.Cancel{Tenant: r.who.Tenant, Verification: v.ID})
	}
	if err != nil {
		return nil, err
	}
	return a.show(r, v, to)
}

// find reads a verification of a service by its sid, or the newest one of an address.
// Refusals: NotFound, also for one that is over.
func (a *api) find(r *request, p tenant.Profile, name string) (verify.Verification, verify.Address, error) {
	v, err := a.named(r, p, name)
	if err != nil {
		return verify.Verification{}, verify.Address{}, err
	}
	if v == nil || !a.visible(*v) {
		return verify.Verification{}, verify.Address{}, notFound()
	}
	to, err := v.To(a.Keys)
	return *v, to, err
}

func (a *api) named(r *request, p tenant.Profile, name string) (*verify.Verification, error) {
	if id, ok := idOf(sidVerification, name); ok {
		v, err := a.Engine.Verification(r.Context(), id)
		if err != nil || v == nil || v.Tenant != r.who.Tenant || v.Profile != p.ID {
			return nil, err
		}
		return v, nil
	}
	to, err := anyAddress(name)
	if err != nil {
		return nil, notFound()
	}
	v, err := a.Engine.Newest(r.Context(), verify.Target{Tenant: r.who.Tenant, Profile: p.ID, Address: to})
	if err != nil || v == nil {
		return nil, err
	}
	// What is sealed in the row says whose it is, whatever the database says.
	if is, err := v.To(a.Keys); err != nil || !is.Equal(to) {
		return nil, err
	}
	return v, nil
}

// visible says whether Twilio would still know a verification.
func (a *api) visible(v verify.Verification) bool {
	now := a.Now()
	status := v.StatusAt(now)
	return status == verify.Pending || status == verify.Exhausted && now.Before(v.ExpiresAt)
}

func (a *api) show(r *request, v verify.Verification, to verify.Address) (any, error) {
	sent, err := a.Engine.Deliveries(r.Context(), v.ID)
	if err != nil {
		return nil, err
	}
	out := verification{
		SID: sid(sidVerification, v.ID), ServiceSID: sid(sidService, v.Profile), AccountSID: sid(sidAccount, r.who.Account),
		To: to.Text(), Channel: channels[v.Channel].name, Status: statuses[v.StatusAt(a.Now())],
		Valid: v.Status == verify.Accepted, Amount: orNull(v.Details.Amount), Payee: orNull(v.Details.Payee),
		SendCodeAttempts: make([]sendCode, 0, len(sent)), DateCreated: iso(v.CreatedAt), DateUpdated: iso(v.UpdatedAt),
	}
	out.URL = r.base + "/v2/Services/" + out.ServiceSID + "/Verifications/" + out.SID
	for _, d := range sent {
		out.SendCodeAttempts = append(out.SendCodeAttempts, sendCode{iso(d.CreatedAt), channels[d.Channel].attempt, sid(sidAttempt, d.Key.ID())})
	}
	return out, nil
}

// once reads the Idempotency-Key, or the token that Twilio's own SDKs call by another
// name. The fingerprint covers what was asked: where and with which body.
func (r *request) once() (*verify.Once, error) {
	for _, name := range []string{"Idempotency-Key", "I-Twilio-Idempotency-Token"} {
		keys := r.Header.Values(name)
		if len(keys) == 0 {
			continue
		}
		if len(keys) > 1 || keys[0] == "" || len(keys[0]) > 255 {
			return nil, refuse(codeInvalid, name+" must be given once and have 1 to 255 characters.")
		}
		sum := sha256.Sum256([]byte(r.Method + " " + r.URL.Path + "\n" + string(r.body)))
		return &verify.Once{Key: keys[0], Fingerprint: [16]byte(sum[:16])}, nil
	}
	return nil, nil
}
