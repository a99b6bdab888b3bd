package verify_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/limit"
	"countersign/internal/mailbox"
	"countersign/internal/phone"
	"countersign/internal/secret"
	"countersign/internal/verify"
)

const (
	back  = "https://shop.example/back?lang=de"
	inbox = "ada@example.com"
)

var (
	hers   = verify.BrowserKey{1}
	theirs = verify.BrowserKey{2}
)

// visited is a world in which every channel has a carrier.
func visited() *world {
	w := newWorld()
	w.env.Channels = []verify.Channel{verify.SMS, verify.Call, verify.WhatsApp, verify.Email}
	return w
}

// visit asks for a session that is for these channels.
func visit(channels ...verify.Channel) verify.OpenSession {
	return verify.OpenSession{
		Profile: profile, Returns: []string{"https://shop.example/other", back},
		Details: verify.SessionDetails{ReturnURL: back, Channels: channels},
	}
}

func mailed(text string) verify.Address { return verify.Mail(mailbox.Trusted(text)) }

// session is one as it is stored, or nil.
func (w *world) session(id verify.ID) *verify.Session {
	return w.Rows(verify.Needs{Session: id}).Session
}

func TestASessionIsGivenWhatWasLeftOut(t *testing.T) {
	for name, tt := range map[string]struct {
		address verify.Address
		want    verify.SessionDetails
	}{
		"the page asks for a number": {want: verify.SessionDetails{Channels: []verify.Channel{verify.SMS}}},
		"a number is given":          {verify.Phone(ada), verify.SessionDetails{Channels: []verify.Channel{verify.SMS}, Given: true}},
		"a mailbox is given":         {mailed(inbox), verify.SessionDetails{Channels: []verify.Channel{verify.Email}, Given: true}},
	} {
		t.Run(name, func(t *testing.T) {
			w, cmd := visited(), visit()
			cmd.Address = tt.address
			s := must(t, w, cmd)
			tt.want.ReturnURL, tt.want.Reveal = back, verify.RevealMasked
			if d := cmp.Diff(tt.want, s.Details); d != "" {
				t.Error(d)
			}
			if to, err := s.To(w.env.Keys); err != nil || !to.Equal(tt.address) {
				t.Errorf("it is for %v, %v", to, err)
			}
			if s.StatusAt(w.now) != verify.SessionOpen || !s.ExpiresAt.Equal(w.now.Add(30*time.Minute)) || s.Tenant != "t" || s.Profile != profile.ID {
				t.Errorf("%+v", s)
			}
			if d := cmp.Diff(&s, w.session(s.ID)); d != "" {
				t.Errorf("what is stored is not what was answered: %s", d)
			}
			if len(w.jobs) != 0 || s.Channel() != "" || s.Verification != (verify.ID{}) {
				t.Error("something was sent, though nobody has asked yet")
			}
		})
	}
}

func TestWhatAnApplicationAsksForIsKept(t *testing.T) {
	w, cmd := visited(), visit(verify.WhatsApp, verify.SMS, verify.Call)
	cmd.Details = verify.SessionDetails{
		Channels: cmd.Details.Channels, ReturnURL: back, State: "a&b=c", Locale: "de", Purpose: "log in",
		Reveal: verify.RevealNone, Share: true, Popup: true, Given: true, // which nothing was
	}
	want := cmd.Details
	want.Given = false
	if d := cmp.Diff(want, must(t, w, cmd).Details); d != "" {
		t.Error(d)
	}
}

func TestASessionThatCannotBeIsRefused(t *testing.T) {
	long := func(n int) string { return strings.Repeat("ü", n) }
	for name, tt := range map[string]struct {
		change func(*verify.OpenSession)
		kind   verify.Kind // empty: it can be
		field  string
	}{
		"as it is":                      {func(*verify.OpenSession) {}, "", ""},
		"no return URL":                 {func(o *verify.OpenSession) { o.Details.ReturnURL = "" }, verify.Invalid, verify.FieldReturnURL},
		"none of the profile's":         {func(o *verify.OpenSession) { o.Details.ReturnURL = "https://evil.example/" }, verify.Invalid, verify.FieldReturnURL},
		"one with more behind it":       {func(o *verify.OpenSession) { o.Details.ReturnURL += "&x" }, verify.Invalid, verify.FieldReturnURL},
		"the beginning of one":          {func(o *verify.OpenSession) { o.Details.ReturnURL = "https://shop.example/back" }, verify.Invalid, verify.FieldReturnURL},
		"one in capitals":               {func(o *verify.OpenSession) { o.Details.ReturnURL = strings.ToUpper(back) }, verify.Invalid, verify.FieldReturnURL},
		"a profile without return URLs": {func(o *verify.OpenSession) { o.Returns = nil }, verify.Invalid, verify.FieldReturnURL},
		"another one of the profile's":  {func(o *verify.OpenSession) { o.Details.ReturnURL = o.Returns[0] }, "", ""},

		"a state of 512 characters":    {func(o *verify.OpenSession) { o.Details.State = long(512) }, "", ""},
		"a state of 513":               {func(o *verify.OpenSession) { o.Details.State = long(513) }, verify.Invalid, verify.FieldState},
		"a state with a line's end":    {func(o *verify.OpenSession) { o.Details.State = "a\nb" }, verify.Invalid, verify.FieldState},
		"a state that is no text":      {func(o *verify.OpenSession) { o.Details.State = "\xff" }, verify.Invalid, verify.FieldState},
		"a purpose of 64 characters":   {func(o *verify.OpenSession) { o.Details.Purpose = long(64) }, "", ""},
		"a purpose of 65":              {func(o *verify.OpenSession) { o.Details.Purpose = long(65) }, verify.Invalid, verify.FieldPurpose},
		"a purpose with a nil":         {func(o *verify.OpenSession) { o.Details.Purpose = "a\x00" }, verify.Invalid, verify.FieldPurpose},
		"a purpose that is no text":    {func(o *verify.OpenSession) { o.Details.Purpose = "\xff" }, verify.Invalid, verify.FieldPurpose},
		"an address shown in full":     {func(o *verify.OpenSession) { o.Details.Reveal = verify.RevealFull }, "", ""},
		"an address shown in some way": {func(o *verify.OpenSession) { o.Details.Reveal = "some" }, verify.Invalid, verify.FieldReveal},

		"every channel":            {func(o *verify.OpenSession) { o.Details.Channels = visited().env.Channels }, "", ""},
		"a channel twice":          {func(o *verify.OpenSession) { o.Details.Channels = []verify.Channel{verify.SMS, verify.SMS} }, verify.Invalid, verify.FieldChannels},
		"a channel without a code": {func(o *verify.OpenSession) { o.Details.Channels = []verify.Channel{verify.Flashcall} }, verify.Invalid, verify.FieldChannels},
		"no such channel":          {func(o *verify.OpenSession) { o.Details.Channels = []verify.Channel{verify.SMS, "pigeon"} }, verify.Invalid, verify.FieldChannels},
		"a number by e-mail": {func(o *verify.OpenSession) {
			o.Address, o.Details.Channels = verify.Phone(ada), []verify.Channel{verify.SMS, verify.Email}
		}, verify.Invalid, verify.FieldChannels},
		"a mailbox by text": {func(o *verify.OpenSession) {
			o.Address, o.Details.Channels = mailed(inbox), []verify.Channel{verify.SMS}
		}, verify.Invalid, verify.FieldChannels},
		"a landline by text": {func(o *verify.OpenSession) { o.Address = verify.Phone(phone.Trusted("+442079460123")) }, verify.NumberType, verify.FieldAddress},
		"a landline by either": {func(o *verify.OpenSession) {
			o.Address, o.Details.Channels = verify.Phone(phone.Trusted("+442079460123")), []verify.Channel{verify.SMS, verify.Call}
		}, "", ""},
		"a landline by call": {func(o *verify.OpenSession) {
			o.Address, o.Details.Channels = verify.Phone(phone.Trusted("+442079460123")), []verify.Channel{verify.Call}
		}, "", ""},
		"a country that is not open":  {func(o *verify.OpenSession) { o.Address, o.Profile.Countries = verify.Phone(ada), []string{"DE"} }, verify.Country, verify.FieldAddress},
		"a profile for payments only": {func(o *verify.OpenSession) { o.Profile.Payments = true }, verify.Invalid, verify.FieldPayment},
	} {
		t.Run(name, func(t *testing.T) {
			w, cmd := visited(), visit()
			tt.change(&cmd)
			if tt.kind == "" {
				must(t, w, cmd)
				return
			}
			if e := refused(t, w, cmd, tt.kind); e.Field != tt.field {
				t.Errorf("names the field %q", e.Field)
			}
			// And whoever asks the command alone is told the same: nothing rests on Needs.
			if _, _, err := cmd.Decide(w.env, verify.Rows{}, w.now); verify.KindOf(err) != tt.kind {
				t.Errorf("to decide gives %v", err)
			}
		})
	}
	w := visited()
	w.env.Channels = []verify.Channel{verify.SMS}
	refused(t, w, visit(verify.SMS, verify.WhatsApp), verify.NoChannel)
}

func TestOfAGivenAddressOnlyWhatReachesItIsOffered(t *testing.T) {
	landline, mobile := verify.Phone(phone.Trusted("+442079460123")), verify.Phone(ada)
	for name, tt := range map[string]struct {
		to   verify.Address
		want []verify.Channel
	}{
		"a landline":       {landline, []verify.Channel{verify.Call}},
		"a mobile":         {mobile, []verify.Channel{verify.SMS, verify.Call, verify.WhatsApp}},
		"nobody knows yet": {verify.Address{}, []verify.Channel{verify.SMS, verify.Call, verify.WhatsApp}},
	} {
		w, o := visited(), visit(verify.SMS, verify.Call, verify.WhatsApp)
		o.Address = tt.to
		if s := must(t, w, o); !slices.Equal(s.Details.Channels, tt.want) {
			t.Errorf("%s: %v", name, s.Details.Channels)
		}
		if len(o.Details.Channels) != 3 {
			t.Errorf("%s: the caller's channels were changed: %v", name, o.Details.Channels)
		}
	}
}

func TestALinkOpensItsSessionAndNoOther(t *testing.T) {
	w := visited()
	one, two := must(t, w, visit()), must(t, w, visit())
	link, err := one.Link(w.env.Keys)
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := verify.LinkOf(link); !ok || id != one.ID || !one.Opens(w.env.Keys, link) {
		t.Fatalf("%q is of %v, %v", link, id, ok)
	}
	other, err := two.Link(w.env.Keys)
	if err != nil {
		t.Fatal(err)
	}
	if two.Opens(w.env.Keys, link) || one.Opens(w.env.Keys, other) || one.Opens(w.env.Keys, other[:22]+link[22:]) || one.Opens(w.env.Keys, link[:22]+other[22:]) {
		t.Error("another one's link opens it")
	}
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range len(link) {
		for _, letter := range letters {
			if wrong := link[:i] + string(letter) + link[i+1:]; wrong != link && one.Opens(w.env.Keys, wrong) {
				t.Errorf("it opens with %q at %d", letter, i)
			}
		}
	}
	for _, wrong := range []string{"", link[:42], link + "A", link + "=", link + "\n", " " + link, strings.ToUpper(link)} {
		if one.Opens(w.env.Keys, wrong) {
			t.Errorf("it opens with %q", wrong)
		}
	}
	for _, none := range []string{"", "A", link[:42], link[:41], link + "A", link + "AAAA", link + "=", "!" + link[1:]} {
		if id, ok := verify.LinkOf(none); ok || id != (verify.ID{}) {
			t.Errorf("%q is a link of %v", none, id)
		}
	}
	if one.Opens(secret.Generate(), link) {
		t.Error("a link is made without the key")
	}
}

func TestASessionIsOverAtItsEnd(t *testing.T) {
	w := visited()
	s := must(t, w, visit())
	for _, tt := range []struct {
		after time.Duration
		want  verify.SessionStatus
	}{
		{0, verify.SessionOpen},
		{verify.SessionValidity - time.Millisecond, verify.SessionOpen},
		{verify.SessionValidity, verify.SessionExpired},
		{-verify.ClockSlack, verify.SessionOpen},
		{-verify.ClockSlack - time.Millisecond, verify.SessionExpired}, // of a clock that stood ahead
	} {
		if got := s.StatusAt(w.now.Add(tt.after)); got != tt.want {
			t.Errorf("%s after its making it is %s", tt.after, got)
		}
	}
	s.Status = verify.SessionVerified
	if got := s.StatusAt(s.ExpiresAt.Add(time.Hour)); got != verify.SessionVerified {
		t.Errorf("a verified one becomes %s", got)
	}
}

func TestASessionsAddressIsSealedInItsOwnRow(t *testing.T) {
	w, cmd := visited(), visit()
	cmd.Address = verify.Phone(ada)
	s, other := must(t, w, cmd), must(t, w, visit())
	if bytes.Contains(s.Address, []byte("7400123456")) {
		t.Error("the number is in the row")
	}
	other.Address = s.Address
	if to, err := other.To(w.env.Keys); err == nil {
		t.Errorf("moved to another row it opens: %v", to)
	}
}

func TestASessionIsPurgedAnHourAfterItsEnd(t *testing.T) {
	w := visited()
	s := must(t, w, visit())
	if must(t, w, verify.PurgeSession{Session: verify.ID{9}}) {
		t.Error("one that is not there was deleted")
	}
	w.now = s.ExpiresAt.Add(time.Hour - time.Millisecond)
	if must(t, w, verify.PurgeSession{Session: s.ID}) || w.session(s.ID) == nil {
		t.Error("it was deleted too early")
	}
	w.pass(time.Millisecond)
	if !must(t, w, verify.PurgeSession{Session: s.ID}) || w.session(s.ID) != nil {
		t.Error("it was not deleted")
	}
	if must(t, w, verify.PurgeSession{Session: s.ID}) {
		t.Error("it was deleted twice")
	}
}

func TestTheLastHalfOfANetworksShareIsForBrowsersThatWork(t *testing.T) {
	for _, tt := range []struct{ share, free int }{{1, 1}, {2, 1}, {3, 2}, {8, 4}} {
		w := visited()
		w.env.Limits = verify.Limits{Network: hourly(tt.share)}
		n := 0
		ask := func(worked bool) verify.Start {
			n++
			s := start(caller(n))
			s.Network, s.Worked = "192.0.2.0/24", worked
			return s
		}
		for range tt.free {
			must(t, w, ask(false))
		}
		step := time.Hour / time.Duration(tt.share)
		for left := tt.share - tt.free; left > 0; left-- {
			// Without work it takes until less than the first half is spent.
			spent := tt.share - left
			want := max(time.Duration(spent-tt.free+1)*step, time.Hour/time.Duration(tt.free))
			if e := refused(t, w, ask(false), verify.WorkNeeded); e.Wait != want {
				t.Errorf("a share of %d, %d spent: told to wait %s, want %s", tt.share, spent, e.Wait, want)
			}
			must(t, w, ask(true))
		}
		refused(t, w, ask(true), verify.TooManyStarts)
		refused(t, w, ask(false), verify.TooManyStarts) // nor is anybody made to work for nothing
		w.pass(time.Duration(tt.share-tt.free+1)*step - time.Millisecond)
		if tt.share > 1 {
			refused(t, w, ask(false), verify.WorkNeeded)
		}
		w.pass(time.Millisecond)
		must(t, w, ask(false))
		unlimited := ask(false)
		unlimited.Network = "" // an application asks
		must(t, w, unlimited)
	}
}

// Half of the share each hour, not all of it but the first half: what comes back is for
// those who work, too.
func TestAMachineThatIsPatientGetsHalfOfANetworksShareWithoutWork(t *testing.T) {
	for worked, want := range map[bool]int{false: 4 + 4*24, true: 8 + 8*24} {
		w := visited()
		w.env.Limits = verify.Limits{Network: hourly(8)}
		got := 0
		for range 24 * 60 {
			for refused := false; !refused; {
				s := start(phone.Trusted(fmt.Sprintf("+447400%06d", got)))
				s.Network, s.Worked = "192.0.2.0/24", worked
				_, err := do(w, s)
				if refused = err != nil; !refused {
					got++
				}
			}
			w.pass(time.Minute)
		}
		if got < want-1 || got > want {
			t.Errorf("worked: %t: %d messages in a day, want %d", worked, got, want)
		}
	}
}

func TestTheWorseRefusalIsToldAndWorkOnlyIfItIsNotInVain(t *testing.T) {
	w := visited()
	w.env.Limits = verify.Limits{Network: hourly(2)}
	s := start(ada)
	s.Network = "192.0.2.0/24"
	s.Profile.Quotas = []verify.Quota{{Name: "a day", Rule: limit.Rule{Count: 1, Per: 10 * time.Minute}, Kind: verify.QuotaSpent}}
	must(t, w, s)
	s.Address = verify.Phone(bob)
	if e := refused(t, w, s, verify.QuotaSpent); e.Wait != 10*time.Minute {
		t.Errorf("told to wait %s", e.Wait)
	}
	w.pass(10 * time.Minute)
	if e := refused(t, w, s, verify.WorkNeeded); e.Wait != 50*time.Minute {
		t.Errorf("told to wait %s", e.Wait)
	}
}

// caller is one of a hundred numbers besides ada's and bob's.
func caller(n int) phone.Number {
	return phone.Trusted(fmt.Sprintf("+447400123%03d", n%100))
}
