package verify_test

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/internal/code"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

// Who uses the simulated service: three profiles of two tenants, and numbers of
// which the last two get no text by some or any of them.
var (
	simProfiles = []verify.Profile{
		profile,
		{ID: verify.ID{15: 2}, Tenant: "t", Name: "short", AppName: "App", Template: message.Branded,
			Code: code.Spec{Alphabet: code.Alphanumeric, Length: 8}, Validity: 90 * time.Second},
		{ID: profile.ID, Tenant: "u", Name: "default", Template: message.Plain, Events: true, Countries: []string{"GB"},
			Code: code.Spec{Alphabet: code.Digits, Length: 4}, Validity: 5 * time.Minute},
	}
	simNumbers = parsed("+447400123456", "+447400654321", "+447400999888", "+491711234567", "+442079460018")
)

const (
	foreign  = 3 // of simNumbers: not in the third profile's country
	landline = 4
)

func parsed(texts ...string) (out []phone.Number) {
	for _, text := range texts {
		n, err := phone.ParseE164(text)
		if err != nil {
			panic(err)
		}
		out = append(out, n)
	}
	return out
}

// unreachable says that no message may go out for this start, whatever the rows.
func (s *sim) unreachable(cmd verify.Start) bool {
	to := slices.IndexFunc(simNumbers, func(n phone.Number) bool { return verify.Phone(n).Equal(cmd.Address) })
	return cmd.Channel == verify.WhatsApp || to == landline && cmd.Channel != verify.Call ||
		to == foreign && len(cmd.Profile.Countries) > 0
}

// client sends one request to a node, perhaps one that was sent before.
func (s *sim) client(n *simNode) {
	if len(s.retries) > 0 && s.rand.IntN(2) == 0 {
		again := s.retries[0]
		s.retries = s.retries[1:]
		again(n)
		return
	}
	p := s.rand.IntN(100)
	if s.streak && p >= 30 && s.rand.IntN(20) > 0 {
		p = 50
	}
	switch v := s.known(); {
	case len(s.requests) > 0 && p < 5:
		s.requests[max(0, len(s.requests)-1-s.rand.IntN(6))](n)
	case p < 30 || v == nil:
		s.start(n)
	case p < 40:
		s.resend(n, v)
	case p < 88:
		s.check(n, v)
	case p < 92:
		cmd := verify.Cancel{Tenant: s.tenant(v), Verification: v.id}
		call(n, cmd, func(_ verify.Verification, err error) { s.seen.canceled(cmd, err, s.now) })
	case p < 93:
		cmd := verify.Unlock{Target: s.target()}
		call(n, cmd, func(had bool, err error) { s.seen.unlocked(cmd, had, err) })
	default:
		if row, ok := s.store.verifications[v.id]; ok {
			s.seen.looked(row, row.StatusAt(n.now()), s.now)
		}
	}
}

// known picks one of the last verifications that clients were told of.
func (s *sim) known() *seenVerification {
	if len(s.seen.all) == 0 {
		return nil
	}
	back := s.rand.IntN(2 + s.rand.IntN(7))
	if s.streak {
		back = 0
	}
	return s.seen.all[max(0, len(s.seen.all)-1-back)]
}

// tenant is that of v, and at times another.
func (s *sim) tenant(v *seenVerification) string {
	if s.rand.IntN(20) == 0 {
		return "u"
	}
	return v.subject.name.tenant
}

func (s *sim) target() verify.Target {
	if s.streak {
		return verify.Target{Tenant: "t", Profile: profile.ID, Address: verify.Phone(simNumbers[0])}
	}
	p := simProfiles[s.rand.IntN(len(simProfiles))]
	t := verify.Target{Tenant: p.Tenant, Profile: p.ID, Address: verify.Phone(simNumbers[s.rand.IntN(2)])}
	if s.rand.IntN(8) == 0 {
		t.Purpose = "login"
	}
	if s.rand.IntN(8) == 0 {
		t.Address = verify.Phone(simNumbers[s.rand.IntN(len(simNumbers))])
	}
	return t
}

func profileOf(t verify.Target) verify.Profile {
	return simProfiles[slices.IndexFunc(simProfiles, func(p verify.Profile) bool { return p.ID == t.Profile && p.Tenant == t.Tenant })]
}

// once draws an Idempotency-Key for a new request: none, a new one, or one that
// belongs to another request.
func (s *sim) once() *verify.Once {
	if s.rand.IntN(3) > 0 {
		return nil
	}
	s.drawn++
	o := &verify.Once{Key: "k" + strconv.FormatUint(s.drawn, 10)}
	if s.rand.IntN(10) == 0 {
		o.Key = "k" + strconv.FormatUint(s.rand.Uint64N(s.drawn)+1, 10)
	}
	binary.BigEndian.PutUint64(o.Fingerprint[:], s.drawn)
	return o
}

// issue sends a request, and keeps it where it may be sent again.
func (s *sim) issue(n *simNode, once *verify.Once, request func(*simNode)) {
	if once != nil {
		s.requests = append(s.requests, request)
	}
	request(n)
}

// lost notes a request of unknown outcome; half the clients try again.
func (s *sim) lost(request func(*simNode)) {
	s.figures.Unknown++
	if s.rand.IntN(2) == 0 {
		s.retries = append(s.retries, request)
	}
}

func (s *sim) start(n *simNode) {
	to := s.target()
	cmd := verify.Start{
		Profile: profileOf(to), Purpose: to.Purpose, Address: to.Address, Channel: verify.SMS, Once: s.once(),
	}
	if s.rand.IntN(4) == 0 && !s.streak {
		cmd.Channel = []verify.Channel{verify.Call, verify.Call, verify.Call, verify.WhatsApp}[s.rand.IntN(4)]
	}
	if s.rand.IntN(4) == 0 && !s.streak {
		cmd.Validity = time.Duration(30+s.rand.IntN(1000)) * time.Second
	}
	if s.rand.IntN(6) == 0 && !s.streak {
		cmd.CustomCode = []string{"1234", "ABCD99", "abcd99", "zz"}[s.rand.IntN(4)]
	}
	if s.rand.IntN(3) == 0 {
		cmd.Network = []string{"net1", "net2"}[s.rand.IntN(2)]
		cmd.Worked = true // when work is needed is for a test of its own
	}
	if s.rand.IntN(50) == 0 {
		cmd.Validity = time.Millisecond
	}
	var request func(*simNode)
	request = func(n *simNode) {
		cmd := cmd
		cmd.Backlog = s.store.queued()
		call(n, cmd, func(got verify.Started, err error) {
			s.trace("%s start %s %v %s once=%v: %s sent=%v %v", n.env.Node, cmd.Address.Text(), cmd.Purpose, cmd.Channel, cmd.Once, got.Verification.ID, got.Sent, err)
			s.seen.started(cmd, got, err, s.now)
			s.count(err)
			if unknown(err) {
				s.lost(request)
			}
		})
	}
	s.issue(n, cmd.Once, request)
}

func (s *sim) resend(n *simNode, v *seenVerification) {
	cmd := verify.Resend{Tenant: s.tenant(v), Verification: v.id, Backlog: s.store.queued()}
	if s.rand.IntN(3) == 0 {
		cmd.Sends = max(0, v.last-s.rand.IntN(2))
	}
	if s.rand.IntN(3) == 0 {
		cmd.Network = []string{"net1", "net2"}[s.rand.IntN(2)]
	}
	call(n, cmd, func(got verify.Started, err error) {
		s.trace("%s resend %s sends=%d: sent=%v number %d %v", n.env.Node, cmd.Verification, cmd.Sends, got.Sent, got.Verification.Sends, err)
		s.seen.resent(cmd, got, err, s.now)
		s.count(err)
	})
}

func (s *sim) check(n *simNode, v *seenVerification) {
	cmd := verify.Check{Tenant: s.tenant(v), Verification: v.id, Guess: s.guess(v), Once: s.once()}
	switch s.rand.IntN(10) {
	case 0, 1:
		name := v.subject.name
		to := slices.IndexFunc(simNumbers, func(n phone.Number) bool { return n.E164() == name.number })
		cmd.Target = verify.Target{Tenant: name.tenant, Profile: name.profile, Purpose: name.purpose, Address: verify.Phone(simNumbers[to])}
		cmd.Tenant, cmd.Verification = name.tenant, verify.ID{}
		if newest := v.subject.newest; newest != v {
			cmd.Guess = s.guess(newest)
		}
		if v.subject.maybeNew > 0 {
			cmd.Guess = impossible // it may be of one whose code nobody has seen
		}
	case 2:
		cmd.Target = s.target()
		cmd.Tenant, cmd.Verification, cmd.Guess = cmd.Target.Tenant, verify.ID{}, impossible
	}
	var request func(*simNode)
	request = func(n *simNode) {
		call(n, cmd, func(got verify.Checked, err error) {
			s.trace("%s check %s %q once=%v: %s of %s %v", n.env.Node, cmd.Verification, cmd.Guess, cmd.Once, got.Outcome, got.Verification.ID, err)
			s.seen.checked(cmd, got, err, s.now)
			s.count(err)
			s.counted(got.Outcome)
			if unknown(err) {
				s.lost(request)
			}
		})
	}
	s.issue(n, cmd.Once, request)
}

// impossible is a guess that no alphabet can make right.
const impossible = "!!!!!!"

// guess draws what a person types: the code of a message, nearly it, that of
// another verification, or nonsense.
func (s *sim) guess(v *seenVerification) string {
	text := s.seen.codes[v.id]
	right := 30
	if s.streak && v.subject.low < 100 && s.rand.IntN(200) > 0 {
		return impossible
	}
	p := s.rand.IntN(100)
	switch {
	case p > 97:
		return ""
	case text == "":
		return impossible
	case p < right:
		return text
	case p < right+4:
		return " " + strings.ToLower(text[:2]) + " " + text[2:]
	case p < right+8:
		return text[:len(text)-1]
	case p < right+12:
		return text + "0"
	case p < right+24:
		if other := s.seen.codes[s.known().id]; other != "" && !strings.EqualFold(other, text) {
			return other
		}
	}
	return impossible
}

func (s *sim) count(err error) {
	if verify.KindOf(err) == verify.Locked {
		s.figures.Locked++
	}
}

func (s *sim) counted(x verify.Outcome) {
	switch x {
	case verify.OutcomeLocked:
		s.figures.Locked++
	case verify.OutcomeWrong:
		s.figures.Wrong++
	}
}

// housekeep does what the keeper does now and then.
func (s *sim) housekeep(n *simNode) {
	if s.rand.IntN(4) == 0 {
		s.store.forget(n.now().Add(-verify.ReplayAge))
	}
	if v := s.known(); v != nil && s.rand.IntN(3) > 0 {
		s.rekey(n, v)
	} else if v != nil {
		cmd := verify.Expire{Verification: v.id}
		call(n, cmd, func(changed bool, err error) { s.seen.lapsed(cmd, changed, err, s.now) })
	}
}

// rekey asks for a verification to be put under the current key.
func (s *sim) rekey(n *simNode, v *seenVerification) {
	row, ok := s.store.verifications[v.id]
	if !ok || row.KeyID == n.current().Keys.Current() {
		return
	}
	target, err := row.Target(s.ring)
	if err != nil {
		s.fail("%s is of nobody: %v", v.id, err)
		return
	}
	call(n, verify.Rekey{Verification: v.id, Target: target}, func(done bool, err error) {
		if err == nil && done {
			s.figures.Rekeyed++
		}
		if err == nil && done && s.store.verifications[v.id].Status == verify.Expired && v.alive(s.now) {
			s.fail("%s was put under another key: %s", v.id, v)
		}
	})
}
