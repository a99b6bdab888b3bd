package telnyxapi

import (
	"countersign/internal/verify"
)

func (a *api) checkByID(r *request) (any, error) {
	id, err := parseID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var in checkBody
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	switch {
	case in.Status != nil && in.Code != nil:
		return nil, problem(badRequest, "/status", "Give either code or status, not both.")
	case in.Status != nil:
		return a.settle(r, id, *in.Status)
	}
	return a.check(r, in, verify.Check{Tenant: r.who.Tenant, Verification: id})
}

func (a *api) checkByNumber(r *request) (any, error) {
	number, err := parseNumber(new(r.PathValue("phone")))
	if err != nil {
		return nil, err
	}
	var in checkBody
	if err := r.decode(&in); err != nil {
		return nil, err
	}
	profile, err := a.profile(r, in.VerifyProfileID)
	if err != nil {
		return nil, err
	}
	target := verify.Target{Tenant: r.who.Tenant, Profile: profile.ID, Address: verify.Phone(number)}
	return a.check(r, in, verify.Check{Tenant: r.who.Tenant, Target: target})
}

func (a *api) check(r *request, in checkBody, cmd verify.Check) (any, error) {
	if in.Code == nil {
		return nil, problem(missing, "/code", "code is required.")
	}
	once, err := r.once()
	if err != nil {
		return nil, err
	}
	cmd.Guess, cmd.Once = *in.Code, once
	checked, err := a.Engine.Check(r.Context(), cmd)
	if err != nil {
		return nil, err
	}
	to, err := checked.Verification.To(a.Keys)
	if err != nil {
		return nil, err
	}
	return checkAnswer{to.Text(), responseCodes[checked.Outcome].code, responseCodes[checked.Outcome].reason}, nil
}

// settle takes the caller's own word for a code that was the caller's own: whoever
// chose the code can compare it, and nobody else.
func (a *api) settle(r *request, id verify.ID, status string) (any, error) {
	if status != "accepted" && status != "rejected" {
		return nil, problem(notOfList, "/status", "status must be accepted or rejected.")
	}
	v, err := a.find(r, id)
	if err != nil {
		return nil, err
	}
	if v.CustomCode == nil && v.StatusAt(a.Now()) == verify.Pending {
		return nil, problem(unprocessable, "/status", "status may be given only for a verification that was started with custom_code. Give code instead.")
	}
	to, err := v.To(a.Keys)
	if err != nil {
		return nil, err
	}
	if status == "accepted" {
		_, err = a.Engine.Approve(r.Context(), verify.Approve{Tenant: r.who.Tenant, Verification: id})
		return checkAnswer{to.Text(), "accepted", ""}, err
	}
	_, err = a.Engine.Cancel(r.Context(), verify.Cancel{Tenant: r.who.Tenant, Verification: id})
	return checkAnswer{to.Text(), "rejected", "canceled"}, err
}
