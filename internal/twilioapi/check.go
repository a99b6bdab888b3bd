package twilioapi

import (
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// check says whether a code is right. A wrong one is an answer and no refusal. What is
// unknown, used, canceled and over looks the same: 20404.
func (a *api) check(r *request, p tenant.Profile) (any, error) {
	cmd, err := a.readCheck(r, p)
	if err != nil {
		return nil, err
	}
	checked, err := a.Engine.Check(r.Context(), cmd)
	if err != nil {
		return nil, err
	}
	v, status := checked.Verification, "pending"
	switch checked.Outcome {
	case verify.OutcomeWrong:
	case verify.OutcomeAccepted:
		status = "approved"
	case verify.OutcomeExhausted:
		if !a.visible(v) {
			return nil, notFound()
		}
		return nil, refuse(codeMaxChecks, "Max check attempts reached: this verification has had its five. Start a new one.")
	case verify.OutcomeLocked:
		return nil, refuse(codeMaxChecks, "Max check attempts reached: too many wrong codes in a row were tried for this address.")
	default:
		return nil, notFound()
	}
	to, err := v.To(a.Keys)
	if err != nil {
		return nil, err
	}
	return verificationCheck{
		SID: sid(sidVerification, v.ID), ServiceSID: sid(sidService, v.Profile), AccountSID: sid(sidAccount, r.who.Account),
		To: to.Text(), Channel: channels[v.Channel].name, Status: status,
		Valid:  checked.Outcome == verify.OutcomeAccepted,
		Amount: orNull(v.Details.Amount), Payee: orNull(v.Details.Payee), SNAErrorCodes: []string{},
		DateCreated: iso(v.CreatedAt), DateUpdated: iso(v.UpdatedAt),
	}, nil
}

func (a *api) readCheck(r *request, p tenant.Profile) (verify.Check, error) {
	f := r.form
	to, name := f.text("To"), f.text("VerificationSid")
	cmd := verify.Check{Tenant: r.who.Tenant, Guess: f.need("Code"), Amount: f.text("Amount"), Payee: f.text("Payee")}
	switch {
	case f.err != nil:
		return cmd, f.err
	case to == "" && name == "":
		return cmd, refuse(codeNoTarget, "No verification named: send To or VerificationSid.")
	case p.Payments && (cmd.Amount == "" || cmd.Payee == ""):
		return cmd, refuse(codePaymentMissing, "Amount and Payee are required: the service has Psd2Enabled.")
	}
	var err error
	if cmd.Once, err = r.once(); err != nil {
		return cmd, err
	}
	if to != "" {
		cmd.Target = verify.Target{Tenant: r.who.Tenant, Profile: p.ID}
		if cmd.Target.Address, err = anyAddress(to); err != nil {
			return cmd, err
		}
	}
	if name == "" {
		return cmd, nil
	}
	id, ok := idOf(sidVerification, name)
	if !ok {
		return cmd, notFound()
	}
	// A sid of another service is nobody's business here. One that is over goes on to
	// the core all the same: it may be a repeat, which has its answer coming.
	v, err := a.Engine.Verification(r.Context(), id)
	if err != nil {
		return cmd, err
	}
	if v == nil || v.Tenant != r.who.Tenant || v.Profile != p.ID {
		return cmd, notFound()
	}
	if to != "" {
		if is, err := v.To(a.Keys); err != nil || !is.Equal(cmd.Target.Address) {
			return cmd, notFound()
		}
	}
	cmd.Verification = id
	return cmd, nil
}
