package gate_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"countersign/gate"
)

func TestAPersonWhoTypedTheCodeComesBackWithAProof(t *testing.T) {
	for name, change := range map[string]func(*gate.Config){"offline": func(*gate.Config) {}, "redeemed": redeeming} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, change)
			trip := w.begin(gate.Ask{Visit: visit, PhoneNumber: number, Channels: []string{"sms", "call"}, Locale: "de", Purpose: "sign in", ShareAddress: true})
			claims := trip.claims()
			claims["phone_number"], claims["purpose"] = number, "sign in"
			p, err := trip.finish(w.key.sign(t, "proof+jwt", claims))
			if err != nil {
				t.Fatal(err)
			}
			if p.SessionID != trip.session || p.PhoneNumber != number || p.Assurance != gate.Restricted || p.Channel != "sms" ||
				p.Methods[0] != "sms" || p.Purpose != "sign in" || p.AcceptedAt.Unix() != w.instant() {
				t.Errorf("%+v", p)
			}
			asked := w.requests[0]
			if asked["verify_profile_id"] != profile || asked["return_url"] != "https://app.example/back" || asked["locale"] != "de" ||
				asked["share_address"] != true || asked["purpose"] != "sign in" || len(asked["channels"].([]any)) != 2 {
				t.Errorf("the service was asked for %v", asked)
			}
		})
	}
}

func TestWhatIsLeftOutIsNotSent(t *testing.T) {
	w := newWorld(t)
	w.begin(gate.Ask{Visit: visit, AnyAddress: true})
	if len(w.requests[0]) != 3 {
		t.Errorf("the service was asked for %v", w.requests[0])
	}
}

func TestEveryTripHasAStateOfItsOwn(t *testing.T) {
	w := newWorld(t)
	one, two := w.start(), w.start()
	if one.state == two.state || len(one.state) < 26 {
		t.Errorf("%q and %q", one.state, two.state)
	}
}

func TestTheCookieIsTheBrowsersAlone(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*gate.Config)
		cookie string
		secure bool
	}{"https": {func(*gate.Config) {}, "__Host-gate", true}, "http": {withoutTLS, "gate", false}} {
		t.Run(name, func(t *testing.T) {
			trip := newWorld(t, c.change).start()
			got := trip.cookies
			if len(got) != 1 || got[0].Name != c.cookie+"-"+trip.state[:8] || got[0].Secure != c.secure || !got[0].HttpOnly ||
				got[0].SameSite != http.SameSiteLaxMode || got[0].Path != "/" || got[0].Domain != "" || got[0].MaxAge <= 0 || got[0].MaxAge > 3600 {
				t.Errorf("%v", got)
			}
		})
	}
}

func TestTheCookieIsGoneWhateverCameOfIt(t *testing.T) {
	w := newWorld(t)
	for name, proof := range map[string]func(*trip) string{"good": (*trip).proof, "bad": func(*trip) string { return "nothing" }} {
		trip := w.start()
		_, set, _ := trip.back(visit, trip.query(proof(trip)))
		if len(set) != 1 || set[0].Name != trip.cookies[0].Name || set[0].MaxAge >= 0 || !set[0].Secure {
			t.Errorf("%s: %v", name, set)
		}
	}
}

func TestAnAnswerToNoQuestionEndsNone(t *testing.T) {
	w := newWorld(t)
	trip := w.start()
	query := trip.query(trip.proof())
	for _, state := range []string{trip.state[:8], trip.state[:20] + "AAAAAA", "passed", ""} {
		query.Set("state", state)
		_, set, err := trip.back(visit, query)
		refuses(t, err, gate.ErrState)
		if len(set) != 0 {
			t.Errorf("state %q: %v", state, set)
		}
	}
	_, err := trip.finish(trip.proof())
	refuses(t, err, nil)
}

func TestAnAnswerWithAProofInItsAddressIsNotKept(t *testing.T) {
	w := newWorld(t)
	rec := httptest.NewRecorder()
	_, _ = w.gate.Finish(rec, httptest.NewRequest(http.MethodGet, "/back?proof=x", nil), visit)
	if rec.Header().Get("Cache-Control") != "no-store" || rec.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%v", rec.Header())
	}
}

func TestOnlyTheBrowserAndTheVisitThatAskedComeBack(t *testing.T) {
	w := newWorld(t)
	one, other := w.start(), w.start()
	theirs := w.begin(gate.Ask{Visit: "visit-2", PhoneNumber: "+447700900456"})

	refuse := func(name string, from *trip, v string, query map[string][]string) {
		t.Helper()
		if _, _, err := from.back(v, query); !errors.Is(err, gate.ErrState) {
			t.Errorf("%s: %v", name, err)
		}
	}
	refuse("no cookie", &trip{w: w, session: one.session, state: one.state}, visit, one.query(one.proof()))
	refuse("the cookie of another tab", other, visit, one.query(one.proof()))
	// Whoever holds a browser can put any cookie into it, also that of their own account.
	refuse("the proof of one's own account at another's", theirs, visit, theirs.query(theirs.proof()))
	refuse("no visit", one, "", one.query(one.proof()))
	for _, name := range []string{"state", "session_id"} {
		for _, value := range []string{"", "x", other.query("").Get(name)} {
			query := one.query(one.proof())
			query.Set(name, value)
			refuse(name+" "+value, one, visit, query)
		}
	}
	mutated := *one.cookies[0]
	for i := range mutated.Value {
		c := mutated
		c.Value = flip(c.Value, i)
		refuse("a changed cookie", &trip{w, one.session, one.state, []*http.Cookie{&c}}, visit, one.query(one.proof()))
	}
	w.pass(36 * time.Minute)
	refuse("too late", one, visit, one.query(one.proof()))
}

// flip changes the character at i.
func flip(s string, i int) string {
	with := byte('A')
	if s[i] == with {
		with = 'B'
	}
	return s[:i] + string(with) + s[i+1:]
}

func TestAPersonWhoGaveUpIsToldApart(t *testing.T) {
	trip := newWorld(t).start()
	query := trip.query("")
	query.Set("error", "canceled")
	_, _, err := trip.back(visit, query)
	refuses(t, err, gate.ErrCanceled)

	query.Set("error", "expired")
	_, _, err = trip.back(visit, query)
	refuses(t, err, gate.ErrExpired)

	query.Set("error", "else")
	_, _, err = trip.back(visit, query)
	refuses(t, err, gate.ErrProof)

	query.Set("error", "canceled")
	query.Set("state", "x")
	_, _, err = trip.back(visit, query)
	refuses(t, err, gate.ErrState)
}

func TestAProofIsGoodOnce(t *testing.T) {
	w := newWorld(t)
	trip := w.start()
	proof := trip.proof()
	if _, err := trip.finish(proof); err != nil {
		t.Fatal(err)
	}
	_, err := trip.finish(proof)
	refuses(t, err, gate.ErrUsed)
	w.pass(5*time.Minute + 29*time.Second)
	_, err = trip.finish(proof)
	refuses(t, err, gate.ErrUsed)
	w.pass(time.Second)
	_, err = trip.finish(proof)
	refuses(t, err, gate.ErrExpired)
}

func TestTheServiceSaysWhetherAnotherProcessHadTheProof(t *testing.T) {
	w := newWorld(t, redeeming)
	trip := w.start()
	w.redeemed[trip.session] = true
	_, err := trip.finish(trip.proof())
	refuses(t, err, gate.ErrUsed)
}

func TestTheServiceMustHaveRedeemedThisProof(t *testing.T) {
	w := newWorld(t, redeeming)
	trip := w.start()
	proof := trip.proof()
	first := w.start() // which has the keys fetched
	if _, err := first.finish(first.proof()); err != nil {
		t.Fatal(err)
	}
	w.instead(func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte(`{"data":{"jti":"another"}}`)) })
	if _, err := trip.finish(proof); err == nil {
		t.Error("taken")
	}
}

func TestEmailIsNoSecondFactorUnlessItIsAllowed(t *testing.T) {
	w := newWorld(t)
	for _, ask := range []gate.Ask{{Visit: visit, Email: "a@example.com"}, {Visit: visit, Channels: []string{"sms", "email"}}} {
		refuses(t, w.gate.Begin(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), ask), gate.ErrAssurance)
	}
	byEmail := func(w *world) error {
		trip := w.start()
		claims := trip.claims()
		claims["channel"], claims["assurance"] = "email", "address_confirmed"
		delete(claims, "amr")
		_, err := trip.finish(w.key.sign(t, "proof+jwt", claims))
		return err
	}
	refuses(t, byEmail(w), gate.ErrAssurance)
	if err := byEmail(newWorld(t, allowEmail)); err != nil {
		t.Error(err)
	}
}

func TestAnAccountWithoutAnAddressIsNotSignedInByAnybodysTelephone(t *testing.T) {
	w := newWorld(t)
	refuses(t, w.gate.Begin(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), gate.Ask{Visit: visit}), gate.ErrAddress)
	if len(w.requests) != 0 {
		t.Error("the service was asked")
	}
	typed := func(trip *trip) (gate.Proof, error) {
		claims := trip.claims()
		claims["address_given"] = false
		return trip.finish(w.key.sign(t, "proof+jwt", claims))
	}
	_, err := typed(w.start())
	refuses(t, err, gate.ErrAddress)
	p, err := typed(w.begin(gate.Ask{Visit: visit, AnyAddress: true}))
	if err != nil || p.AddressGiven {
		t.Errorf("%v, given %v", err, p.AddressGiven)
	}
	named := w.start()
	if p, err := named.finish(named.proof()); err != nil || !p.AddressGiven {
		t.Errorf("%v, given %v", err, p.AddressGiven)
	}
}

func TestARefusalOfTheServiceSaysWhichFieldIsWrong(t *testing.T) {
	w := newWorld(t)
	w.instead(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		rw.WriteHeader(http.StatusBadRequest)
		_, _ = rw.Write([]byte(`{"errors":[{"code":"10002","detail":"phone_number is too long.","source":{"pointer":"/phone_number"}}]}`))
	})
	rec := httptest.NewRecorder()
	err := w.gate.Begin(rec, httptest.NewRequest(http.MethodGet, "/", nil), gate.Ask{Visit: visit, PhoneNumber: number})
	refused, ok := errors.AsType[*gate.ServiceError](err)
	if !ok || refused.Status != 400 || refused.Pointer != "/phone_number" || refused.Code != "10002" {
		t.Fatalf("%v", err)
	}
	if len(rec.Result().Cookies()) > 0 || rec.Body.Len() > 0 {
		t.Error("something was written besides")
	}
	if strings.Contains(err.Error(), number) || strings.Contains(err.Error(), apiKey) {
		t.Errorf("the error tells too much: %v", err)
	}
}

func TestAServiceThatMisbehavesIsAServiceError(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"hangs up":       func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"is down":        func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusBadGateway) },
		"is not JSON":    func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("<html>")) },
		"has no session": func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte(`{"data":{}}`)) },
		"sends people to a script": func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = rw.Write([]byte(`{"data":{"id":"x","url":"javascript:alert(1)"}}`))
		},
		"never ends": func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = rw.Write([]byte(`{"data":{"id":"x","url":"https://verify.example.com/s/x"}}`))
			_, _ = rw.Write([]byte(strings.Repeat(" ", 1<<20)))
		},
		"leads elsewhere": func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				t.Error("the API key went elsewhere")
			}
			http.Redirect(rw, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.instead(answer)
			err := w.gate.Begin(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), gate.Ask{Visit: visit, PhoneNumber: number})
			if _, ok := errors.AsType[*gate.ServiceError](err); !ok {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestNewSaysWhatIsMissing(t *testing.T) {
	good := gate.Config{Server: "https://verify.example.com/", APIKey: "k", ProfileID: "p", ReturnURL: "https://app.example/back"}
	if _, err := gate.New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*gate.Config){
		"no server":          func(c *gate.Config) { c.Server = "" },
		"no scheme":          func(c *gate.Config) { c.Server = "verify.example.com" },
		"another scheme":     func(c *gate.Config) { c.ReturnURL = "app://back" },
		"a fragment":         func(c *gate.Config) { c.ReturnURL += "#x" },
		"no key":             func(c *gate.Config) { c.APIKey = "" },
		"no profile":         func(c *gate.Config) { c.ProfileID = "" },
		"no way back":        func(c *gate.Config) { c.ReturnURL = "" },
		"an issuer's rubble": func(c *gate.Config) { c.Issuer = "x" },
	} {
		c := good
		spoil(&c)
		if _, err := gate.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestOfManyAnswersAtOnceOneIsTaken(t *testing.T) {
	trip := newWorld(t).start()
	proof := trip.proof()
	results := make(chan error)
	const many = 32
	for range many {
		go func() { _, err := trip.finish(proof); results <- err }()
	}
	taken := 0
	for range many {
		err := <-results
		if err == nil {
			taken++
			continue
		}
		refuses(t, err, gate.ErrUsed)
	}
	if taken != 1 {
		t.Errorf("%d were taken", taken)
	}
}
