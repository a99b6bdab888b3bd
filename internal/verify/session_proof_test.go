package verify_test

import (
	"slices"
	"testing"
	"time"

	"countersign/internal/verify"
)

func TestAProofIsTakenOnceAndInTime(t *testing.T) {
	w := visited()
	s, _ := verified(t, w)
	redeem := verify.Redeem{Tenant: "t", Session: s.ID}
	refused(t, w, verify.Redeem{Tenant: "u", Session: s.ID}, verify.NotFound)
	refused(t, w, verify.Redeem{Tenant: "t", Session: verify.ID{7}}, verify.NotFound)
	refused(t, w, verify.Redeem{Tenant: "t", Session: must(t, w, visit()).ID}, verify.NotFound)
	stays(t, w, s)
	w.now = s.ProofUntil().Add(-time.Millisecond)
	got := must(t, w, redeem)
	if !got.RedeemedAt.Equal(w.now) || !got.UpdatedAt.Equal(w.now) || got.Status != verify.SessionVerified {
		t.Errorf("%+v", got)
	}
	stays(t, w, got)
	refused(t, w, redeem, verify.Settled)
	stays(t, w, got)

	w = visited()
	s, _ = verified(t, w)
	w.now = s.ProofUntil()
	redeem.Session = s.ID
	refused(t, w, redeem, verify.Settled)
	stays(t, w, s)

	w = visited()
	s, _ = begun(t, w, visit())
	must(t, w, verify.EndSession{Tenant: "t", Session: s.ID})
	redeem.Session = s.ID
	refused(t, w, redeem, verify.NotFound)
}

// What a session proves goes by the messages that its code was in, whoever asked for them.
func TestMessagesThatOthersCausedWeakenTheProof(t *testing.T) {
	by := func(ch verify.Channel, to verify.Address) verify.Start {
		s := start(ada)
		s.Channel, s.Address, s.Purpose = ch, to, verify.Session{}.Purpose() // another session's, or this one's
		return s
	}
	phoned, box := verify.Phone(ada), mailed(inbox)
	type step struct {
		channel verify.Channel
		by      string // session, or somebody else
	}
	for name, tt := range map[string]struct {
		to      verify.Address
		steps   []step
		want    verify.Assurance
		methods []string
		last    verify.Channel
	}{
		"one by WhatsApp":                      {phoned, []step{{verify.WhatsApp, "session"}}, verify.OutOfBand, []string{"otp"}, verify.WhatsApp},
		"two by WhatsApp":                      {phoned, []step{{verify.WhatsApp, "session"}, {verify.WhatsApp, "session"}}, verify.OutOfBand, []string{"otp"}, verify.WhatsApp},
		"by WhatsApp, then by text":            {phoned, []step{{verify.WhatsApp, "session"}, {verify.SMS, "session"}}, verify.Restricted, []string{"otp", "sms"}, verify.SMS},
		"by text, then by WhatsApp":            {phoned, []step{{verify.SMS, "session"}, {verify.WhatsApp, "session"}}, verify.Restricted, []string{"sms", "otp"}, verify.WhatsApp},
		"by text, WhatsApp, and text":          {phoned, []step{{verify.SMS, "session"}, {verify.WhatsApp, "session"}, {verify.SMS, "session"}}, verify.Restricted, []string{"otp", "sms"}, verify.SMS},
		"somebody else's text before":          {phoned, []step{{verify.SMS, "else"}, {verify.WhatsApp, "session"}}, verify.Restricted, []string{"sms", "otp"}, verify.WhatsApp},
		"somebody else's text after":           {phoned, []step{{verify.WhatsApp, "session"}, {verify.SMS, "else"}}, verify.Restricted, []string{"sms", "otp"}, verify.WhatsApp},
		"somebody else's by WhatsApp":          {phoned, []step{{verify.WhatsApp, "else"}, {verify.WhatsApp, "session"}}, verify.Restricted, []string{"sms", "otp"}, verify.WhatsApp},
		"a call":                               {phoned, []step{{verify.Call, "session"}}, verify.Restricted, []string{"tel"}, verify.Call},
		"an e-mail":                            {box, []step{{verify.Email, "session"}}, verify.AddressConfirmed, nil, verify.Email},
		"somebody else's e-mail":               {box, []step{{verify.Email, "else"}, {verify.Email, "join"}}, verify.AddressConfirmed, nil, verify.Email},
		"somebody else's text, joined":         {phoned, []step{{verify.SMS, "else"}, {verify.SMS, "join"}}, verify.Restricted, []string{"sms"}, verify.SMS},
		"somebody else's by WhatsApp, joined":  {phoned, []step{{verify.WhatsApp, "else"}, {verify.WhatsApp, "join"}}, verify.Restricted, []string{"sms"}, verify.SMS},
		"somebody else's text, and two of his": {phoned, []step{{verify.SMS, "session"}, {verify.SMS, "else"}, {verify.SMS, "session"}}, verify.Restricted, []string{"sms"}, verify.SMS},
	} {
		t.Run(name, func(t *testing.T) {
			w := visited()
			s := must(t, w, visit(verify.SMS, verify.Call, verify.WhatsApp, verify.Email))
			var v verify.Verification
			for _, one := range tt.steps {
				if one.by == "else" {
					v = must(t, w, by(one.channel, tt.to)).Verification
				} else {
					v = must(t, w, verify.SessionStart{Session: s.ID, Browser: hers, Start: by(one.channel, tt.to)}).Verification
				}
				if one.by != "else" || tt.steps[len(tt.steps)-1].by != "join" { // who joins does so at once
					w.pass(time.Minute)
				}
			}
			typed(t, w, types(s, hers, v, w.code(t, v)), verify.OutcomeAccepted)
			got := w.session(s.ID)
			if assurance, methods := got.Proves(); assurance != tt.want || !slices.Equal(methods, tt.methods) || got.Channel() != tt.last {
				t.Errorf("it proves %s by %v, last by %s", assurance, methods, got.Channel())
			}
		})
	}
}

// Every order in which a code may have gone by any of the channels, each at most once.
func TestACodeProvesWhatTheWeakestOfItsChannelsDoes(t *testing.T) {
	strength := map[verify.Channel]int{verify.Email: 0, verify.SMS: 1, verify.Call: 1, verify.WhatsApp: 2}
	method := map[verify.Channel]string{verify.SMS: "sms", verify.Call: "tel", verify.WhatsApp: "otp"}
	names := []verify.Assurance{"address_confirmed", "restricted", "out_of_band"}
	var try func(used []verify.Channel)
	try = func(used []verify.Channel) {
		s := verify.Session{Progress: verify.SessionProgress{Used: used}}
		weakest, last := 2, verify.Channel("")
		var want []string
		for _, ch := range used {
			weakest, last = min(weakest, strength[ch]), ch
			if m := method[ch]; m != "" {
				want = append(want, m)
			}
		}
		if len(used) == 0 {
			weakest = 0 // nothing is known of it
		}
		if assurance, methods := s.Proves(); assurance != names[weakest] || !slices.Equal(methods, want) || s.Channel() != last {
			t.Errorf("%v proves %s by %v, last by %s", used, assurance, methods, s.Channel())
		}
		for ch := range strength {
			if !slices.Contains(used, ch) {
				try(append(slices.Clone(used), ch))
			}
		}
	}
	try(nil)
	twice := verify.Session{Progress: verify.SessionProgress{Used: []verify.Channel{verify.SMS, verify.SMS}}}
	if _, methods := twice.Proves(); !slices.Equal(methods, []string{"sms"}) {
		t.Errorf("a channel that was used twice is named %v", methods)
	}
}
