package verify_test

import (
	"fmt"
	"testing"

	"countersign/internal/verify"
)

// TestACodeWorksForItsOwnVerificationAndNoOther tries the code of each of some
// verifications, which differ in one thing from the first, at each other one: by
// id, by target, and by id in the name of the tenant that the code belongs to.
func TestACodeWorksForItsOwnVerificationAndNoOther(t *testing.T) {
	base := verify.Start{Profile: profile, Channel: verify.SMS, Address: verify.Phone(ada), Purpose: "log in"}
	starts := []verify.Start{base, base, base, base, base, base}
	starts[1].Profile.Tenant = "u"
	starts[2].Profile.ID = verify.ID{15: 9}
	starts[3].Purpose = "pay"
	starts[4].Address = verify.Phone(bob)
	starts[5].Address, starts[5].Channel = verify.Phone(simNumbers[2]), verify.Call
	for i := range starts {
		for j := range starts {
			for _, how := range []string{"by id", "by target", "by id for its own tenant"} {
				w := newWorld()
				vs := make([]verify.Verification, len(starts))
				for k, s := range starts {
					s.CustomCode = fmt.Sprintf("Code%d", k)
					vs[k] = must(t, w, s).Verification
				}
				cmd := verify.Check{Tenant: vs[j].Tenant, Verification: vs[j].ID, Guess: fmt.Sprintf("code%d", i)}
				switch how {
				case "by target":
					s := starts[j]
					cmd.Verification = verify.ID{}
					cmd.Target = verify.Target{Tenant: s.Profile.Tenant, Profile: s.Profile.ID, Purpose: s.Purpose, Address: s.Address}
				case "by id for its own tenant":
					cmd.Tenant = vs[i].Tenant
				}
				got, err := do(w, cmd)
				if accepted := got.Outcome == verify.OutcomeAccepted; accepted != (i == j) {
					t.Errorf("the code of %d at %d %s: %q, %v", i, j, how, got.Outcome, err)
				}
				for k, v := range vs {
					if now := w.Verification(v.ID).Status; (now == verify.Accepted) != (i == j && k == j) {
						t.Errorf("after the code of %d at %d %s, %d is %s", i, j, how, k, now)
					}
				}
			}
		}
	}
}

func TestOfTwoAnswersUnderTwoKeysTheLaterHolds(t *testing.T) {
	w := newWorld()
	w.LoadReplay(verify.Replay{Key: verify.ReplayKey{1}, CreatedAt: w.now})
	w.LoadReplay(verify.Replay{Key: verify.ReplayKey{2}, CreatedAt: w.now.Add(verify.ReplayAge)})
	for _, n := range []verify.Needs{
		{Replay: verify.ReplayKey{1}, OtherReplay: verify.ReplayKey{2}},
		{Replay: verify.ReplayKey{2}, OtherReplay: verify.ReplayKey{1}},
	} {
		if got := w.Rows(n).Replay; got == nil || got.Key != (verify.ReplayKey{2}) {
			t.Errorf("%v: the answer is %+v", n, got)
		}
	}
}
