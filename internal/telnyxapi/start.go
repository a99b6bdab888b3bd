package telnyxapi

import (
	"strconv"
	"time"

	"github.com/google/uuid"

	"countersign/internal/phone"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// starts are the channels by their paths, and by their types in the older
// POST /verifications.
var starts = map[string]verify.Channel{
	"sms": verify.SMS, "call": verify.Call, "whatsapp": verify.WhatsApp, "flashcall": verify.Flashcall,
}

// startOfType is POST /verifications, as clients did before each type had a path.
func (a *api) startOfType(r *request) (any, error) {
	var in startBody
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	if in.Type == nil {
		return nil, problem(missing, "/type", "type is required: sms, call, whatsapp or flashcall.")
	}
	channel, ok := starts[*in.Type]
	if !ok {
		return nil, problem(notOfList, "/type", "type must be sms, call, whatsapp or flashcall.")
	}
	return a.begin(r, channel, in)
}

// confirmByKey is POST /verifications/dtmf_confirm: a call that asks for a key.
func (a *api) confirmByKey(*request) (any, error) {
	return nil, problem(notEnabled, "", "This type is not enabled: no carrier of this release tells which keys a person presses. Start a verification by call instead.")
}

func (a *api) start(r *request, channel verify.Channel) (any, error) {
	var in startBody
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	return a.begin(r, channel, in)
}

func (a *api) begin(r *request, channel verify.Channel, in startBody) (any, error) {
	number, err := parseNumber(in.PhoneNumber)
	if err != nil {
		return nil, err
	}
	profile, err := a.profile(r, in.VerifyProfileID)
	if err != nil {
		return nil, err
	}
	cmd := verify.Start{Channel: channel, Address: verify.Phone(number)}
	if cmd.Profile, err = a.Directory.Rules(r.Context(), profile, channel, verify.ID{}, ""); err != nil {
		return nil, err
	}
	if cmd.Once, err = r.once(); err != nil {
		return nil, err
	}
	if err := in.settings(profile, &cmd); err != nil {
		return nil, err
	}
	started, err := a.Engine.Start(r.Context(), cmd)
	if err != nil {
		return nil, err
	}
	if left := started.Allowance; left.Limit > 0 {
		r.head.Set("RateLimit-Limit", strconv.Itoa(left.Limit))
		r.head.Set("RateLimit-Remaining", strconv.Itoa(left.Left))
		r.head.Set("RateLimit-Reset", strconv.Itoa(seconds(left.Reset)))
	}
	return a.show(started.Verification, cmd.Address), nil
}

// settings puts what a start says besides the number into cmd.
func (in startBody) settings(profile tenant.Profile, cmd *verify.Start) error {
	if in.TimeoutSecs != nil {
		// Bounded before it is multiplied, so that no large number wraps round to
		// a small one; the core cuts what is too long.
		if *in.TimeoutSecs < 1 {
			return problem(outOfRange, "/timeout_secs", "timeout_secs must be at least 1.")
		}
		cmd.Validity = time.Duration(min(*in.TimeoutSecs, 1<<20)) * time.Second
	}
	if in.Extension != nil && cmd.Channel == verify.Call {
		cmd.Details.Keys = *in.Extension
	}
	if in.CustomCode == nil {
		return nil
	}
	if !profile.CustomCodes {
		return problem(notEnabled, "/custom_code", "Custom codes are not enabled for this verify profile.")
	}
	if *in.CustomCode == "" {
		return problem(badLength, "/custom_code", "custom_code must be 4 to 10 letters or digits, or be left out.")
	}
	cmd.CustomCode = *in.CustomCode
	return nil
}

// profile finds the verify profile that a request names.
func (a *api) profile(r *request, text *string) (tenant.Profile, error) {
	if text == nil {
		return tenant.Profile{}, problem(missing, "/verify_profile_id", "verify_profile_id is required.")
	}
	id, err := uuid.Parse(*text)
	if err != nil || len(*text) != 36 {
		return tenant.Profile{}, problem(badParameter, "/verify_profile_id", "verify_profile_id must be a UUID.")
	}
	p, err := a.Directory.Profile(r.Context(), r.who.Tenant, id)
	if verify.KindOf(err) == verify.NotFound {
		err = errNoProfile()
	}
	return p, err
}

// parseNumber takes what stands for a number, E.164 as Telnyx demands.
func parseNumber(text *string) (phone.Number, error) {
	const pointer = "/phone_number"
	if text == nil {
		return phone.Number{}, problem(missing, pointer, "phone_number is required.")
	}
	n, err := phone.ParseE164(*text)
	if err != nil {
		return phone.Number{}, numberProblem(err, pointer)
	}
	return n, nil
}

func parseID(text string) (verify.ID, error) {
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return verify.ID{}, problem(notFound, "/verification_id", "No verification has this id.")
	}
	return id, nil
}
