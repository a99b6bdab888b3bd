package verify_test

import (
	"strings"
	"time"

	"countersign/internal/verify"
)

// waits are the promised waits after the first, second, … message.
var waits = []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}

// adopt finds the verification that a client was told of. One whose start was
// never answered is seen for the first time, and little is known of it.
func (o *observer) adopt(got verify.Verification, t time.Time) *seenVerification {
	if v := o.byID[got.ID]; v != nil {
		return v
	}
	number, err := got.To(o.sim.ring)
	if err != nil {
		o.sim.fail("the number of %s cannot be read: %v", got.ID, err)
	}
	s := o.subject(subjectName{got.Tenant, got.Profile, got.Purpose, number.Text()})
	if s.unheard == 0 {
		o.sim.fail("%s was never started", got.ID)
	}
	v := o.begin(s, got, got.CreatedAt)
	v.vague, v.maybe, v.maybeAccepted, v.maybeCanceled, v.maybeSends = true, 5, true, true, 5
	return v
}

func (o *observer) begin(s *seenSubject, got verify.Verification, born time.Time) *seenVerification {
	v := &seenVerification{
		id: got.ID, subject: s, born: born, end: born.Add(got.ExpiresAt.Sub(got.CreatedAt)),
		sends: map[int]time.Time{}, channel: got.Channel,
	}
	o.byID[v.id] = v
	o.all = append(o.all, v)
	if s.newest == nil || s.newest.born.Before(born) {
		s.newest = v
	}
	return v
}

// started judges the answer to a start.
func (o *observer) started(cmd verify.Start, got verify.Started, err error, t time.Time) {
	s := o.subject(subjectName{cmd.Profile.Tenant, cmd.Profile.ID, cmd.Purpose, cmd.Address.Text()})
	replay := o.replayed(cmd.Profile.Tenant, "start", cmd.Once, t)
	if unknown(err) {
		o.maybeStarted(s, cmd, t)
		o.remember(cmd.Profile.Tenant, "start", cmd.Once, seenReplay{at: t})
		return
	}
	if o.reused(cmd.Profile.Tenant, "start", cmd.Once, err, t) {
		return
	}
	if err != nil {
		o.startRefused(s, cmd, verify.KindOf(err), t)
		return
	}
	if replay != nil && !got.Sent && (!replay.sure || got.Verification.ID == replay.id) {
		v := o.adopt(got.Verification, t)
		if v.subject != s {
			o.sim.fail("a start of %v was answered with %s of %v", s.name, v.id, v.subject.name)
		}
		o.remember(cmd.Profile.Tenant, "start", cmd.Once, seenReplay{at: t, id: v.id, sure: true})
		return
	}
	if replay != nil && replay.sure && t.Sub(replay.at) < 24*time.Hour-slack {
		o.sim.fail("a start was answered with %s first and %s again (sent=%v)", replay.id, got.Verification.ID, got.Sent)
		return
	}
	o.begun(s, cmd, got, t)
	o.remember(cmd.Profile.Tenant, "start", cmd.Once, seenReplay{at: t, id: got.Verification.ID, sure: true})
}

// begun judges a start that was carried out.
func (o *observer) begun(s *seenSubject, cmd verify.Start, got verify.Started, t time.Time) {
	old, v := s.newest, o.byID[got.Verification.ID]
	if s.low >= 100 || o.sim.unreachable(cmd) {
		o.sim.fail("a start of %v was let in: streak %d", s.name, s.low)
	}
	if v == nil && s.unheard > 0 && (!got.Sent || got.Verification.Sends > 1) {
		v = o.adopt(got.Verification, t)
		v.custom = cmd.CustomCode
	}
	if v == nil {
		o.replaced(s, cmd, old, t)
		v = o.begin(s, got.Verification, t)
		v.custom = cmd.CustomCode
		s.newest = v
		o.lifetime(cmd, got.Verification, t)
	}
	switch {
	case v.subject != s, s.newest != v && s.maybeNew == 0, v.over(t):
		o.sim.fail("a start of %v was answered with %s: %s", s.name, v.id, v)
	case !v.vague && !strings.EqualFold(v.custom, cmd.CustomCode):
		o.sim.fail("a start with another code of its own was answered with %s", v.id)
	case got.Sent && got.Verification.Channel != cmd.Channel:
		o.sim.fail("a start by %s sent %s by %s", cmd.Channel, v.id, got.Verification.Channel)
	case got.Sent:
		o.sent(v, got.Verification, cmd.Network, cmd.Backlog, t)
	case v.maybeSends == 0 && (t.Sub(v.sends[v.last]) > verify.RepeatWindow+slack || v.channel != cmd.Channel):
		o.sim.fail("a start of %s sent nothing %s after the last one", v.id, t.Sub(v.sends[v.last]))
	}
	s.newest, s.maybeNew = v, 0
}

// replaced takes in that a subject has another verification now.
func (o *observer) replaced(s *seenSubject, cmd verify.Start, old *seenVerification, t time.Time) {
	if old == nil || old.over(t) {
		return
	}
	other := !strings.EqualFold(old.custom, cmd.CustomCode)
	if old.alive(t) {
		if !other {
			o.sim.fail("%v has two verifications at a time", s.name)
		}
		if !o.cooled(old, old.last+1, t) {
			o.sim.fail("%s was replaced in its cooldown", old.id)
		}
		old.canceled = true
		old.settle(t)
		return
	}
	old.maybeCanceled = old.maybeCanceled || other || old.vague
}

// lifetime demands that a code is good for as long as asked, ten minutes at most.
func (o *observer) lifetime(cmd verify.Start, got verify.Verification, t time.Time) {
	want := cmd.Validity
	if want == 0 {
		want = cmd.Profile.Validity
	}
	if has := got.ExpiresAt.Sub(got.CreatedAt); has != min(want, 10*time.Minute) {
		o.sim.fail("%s is good for %s, asked was %s", got.ID, has, want)
	}
	if off := got.CreatedAt.Sub(t).Abs(); off > slack || got.Status != verify.Pending || got.Guesses != 0 {
		o.sim.fail("%s begins %s off, %s, with %d guesses", got.ID, off, got.Status, got.Guesses)
	}
}

// cooled says whether message n of v may go out at t for all that clients know.
func (o *observer) cooled(v *seenVerification, n int, t time.Time) bool {
	if v.last == 0 {
		return true
	}
	least := -slack
	for i := v.last; i < n && i <= len(waits); i++ {
		least += waits[i-1]
	}
	return t.Sub(v.sends[v.last]) >= least
}

// sent takes in a message that a client was told of.
func (o *observer) sent(v *seenVerification, got verify.Verification, network string, backlog int, t time.Time) {
	n := got.Sends
	if n > 5 || n <= v.last || n > v.last+v.maybeSends+1 || !o.cooled(v, n, t) {
		o.sim.fail("message %d of %s goes out %s after number %d: %s", n, v.id, t.Sub(v.sends[v.last]), v.last, v)
	}
	if most := o.sim.limits.Backlog; most > 0 && backlog >= most {
		o.sim.fail("%s was let in behind %d messages, %d are the bound", v.id, backlog, most)
	}
	v.maybeSends = max(0, v.maybeSends-(n-v.last-1))
	v.sends[n], v.last, v.channel = t, n, got.Channel
	o.message(verify.DeliveryKey{Verification: v.id, Number: n}).asked = true
	s := &v.subject.spent
	broken := s.draw(o.sim.limits.Hour, t) || s.draw(o.sim.limits.Day, t)
	s.sure = append(s.sure, t)
	if network != "" {
		w := o.network(network)
		broken = broken || w.draw(o.sim.limits.Network, t)
		w.sure = append(w.sure, t)
	}
	if broken {
		o.sim.fail("message %d of %s is over a limit (%+v)", n, v.id, o.sim.limits)
	}
}

// maybeStarted takes in a start of which nobody knows what came.
func (o *observer) maybeStarted(s *seenSubject, cmd verify.Start, t time.Time) {
	if v := s.newest; v != nil && !v.over(t) {
		v.maybeSends++
		if !strings.EqualFold(v.custom, cmd.CustomCode) {
			v.maybeCanceled = true
		}
	}
	s.maybeNew++
	s.unheard++
	o.maybeSpent(s, cmd.Network, t)
}

func (o *observer) maybeSpent(s *seenSubject, network string, t time.Time) {
	s.spent.maybe = append(s.spent.maybe, t)
	if network != "" {
		o.network(network).maybe = append(o.network(network).maybe, t)
	}
}

func (o *observer) startRefused(s *seenSubject, cmd verify.Start, kind verify.Kind, t time.Time) {
	v := s.newest
	switch kind {
	case verify.Invalid:
		if cmd.Validity != 0 && cmd.Validity < time.Second || len(cmd.CustomCode) > 0 && len(cmd.CustomCode) < 4 {
			return
		}
	case verify.NumberType, verify.Country, verify.NoChannel:
		if o.sim.unreachable(cmd) {
			return
		}
	default:
		repeats := v != nil && v.alive(t) && v.maybeSends == 0 && s.maybeNew == 0 && v.channel == cmd.Channel &&
			strings.EqualFold(v.custom, cmd.CustomCode) && t.Sub(v.sends[v.last]) < verify.RepeatWindow-slack && s.high < 100
		if !repeats && o.sendRefused(s, v, kind, cmd.Network, cmd.Backlog, t) {
			return
		}
	}
	o.sim.fail("a start of %v was refused: %s; the newest is %s", s.name, kind, v)
}

// sendRefused says whether a message may be refused so.
func (o *observer) sendRefused(s *seenSubject, v *seenVerification, kind verify.Kind, network string, backlog int, t time.Time) bool {
	switch kind {
	case verify.Locked:
		return s.high >= 100
	case verify.Cooldown:
		return s.maybeNew > 0 || v != nil && !v.over(t) &&
			(v.maybeSends > 0 || v.last > 0 && v.last < 5 && t.Sub(v.sends[v.last]) < waits[v.last-1]+slack)
	case verify.TooManySends:
		return s.maybeNew > 0 || v != nil && !v.over(t) && v.last+v.maybeSends >= 5
	case verify.TooManyStarts:
		l := o.sim.limits
		return s.spent.mayWait(l.Hour, t) || s.spent.mayWait(l.Day, t) || network != "" && o.network(network).mayWait(l.Network, t)
	case verify.Busy:
		return o.sim.limits.Backlog > 0 && backlog >= o.sim.limits.Backlog
	}
	return false
}

// resent judges the answer to a resend.
func (o *observer) resent(cmd verify.Resend, got verify.Started, err error, t time.Time) {
	v := o.byID[cmd.Verification]
	mine := v != nil && v.subject.name.tenant == cmd.Tenant
	switch kind := verify.KindOf(err); {
	case unknown(err):
		if mine {
			v.maybeSends++
			o.maybeSpent(v.subject, cmd.Network, t)
		}
	case err != nil:
		ok := kind == verify.NotFound && !mine || kind == verify.Settled && mine && !v.alive(t)
		if !ok && (!mine || !o.sendRefused(v.subject, v, kind, cmd.Network, cmd.Backlog, t)) {
			o.sim.fail("a resend of %s was refused: %s: %s", cmd.Verification, kind, v)
		}
	case !mine || got.Verification.ID != v.id || v.over(t):
		o.sim.fail("a resend of %s by %s was carried out: %s", cmd.Verification, cmd.Tenant, v)
	case !got.Sent:
		if cmd.Sends == 0 || got.Verification.Sends <= cmd.Sends {
			o.sim.fail("a resend of %s sent nothing", v.id)
		}
	case v.subject.low >= 100, cmd.Sends > 0 && got.Verification.Sends > cmd.Sends+1:
		o.sim.fail("a resend of %s after %d messages sent number %d; streak %d", v.id, cmd.Sends, got.Verification.Sends, v.subject.low)
	default:
		o.sent(v, got.Verification, cmd.Network, cmd.Backlog, t)
	}
}
