package history

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/app"
	"countersign/internal/deliver/telnyx/telnyxtest"
	"countersign/internal/secret"
	"countersign/internal/store/pgtest"
	"countersign/internal/verify"
)

// TestMain ends the PostgreSQL server that the tests start.
func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// patience bounds every wait for something that must come.
const patience = 30 * time.Second

// forms are the ways in which the service is run: alone on a file, alone on a
// server, and two nodes on one server.
var forms = []struct {
	name     string
	database func(testing.TB) string
	nodes    int
}{
	{"SQLite", func(testing.TB) string { return "" }, 1},
	{"PostgreSQL", pgtest.URL, 1},
	{"PostgreSQL with two nodes", pgtest.URL, 2},
}

// onEveryForm runs a test on each of them, beside one another.
func onEveryForm(t *testing.T, test func(t *testing.T, database string, nodes int)) {
	for _, form := range forms {
		t.Run(form.name, func(t *testing.T) {
			t.Parallel()
			test(t, form.database(t), form.nodes)
		})
	}
}

// world is a service of one or two nodes, its carrier, and the true time, which
// passes only when the test says so.
type world struct {
	t       *testing.T
	config  app.Config
	carrier *telnyxtest.API
	nodes   []*node
	client  *http.Client
	begun   time.Time
	passed  atomic.Int64 // true nanoseconds since begun
	numbers atomic.Int64
}

// node is one process's worth of the service.
type node struct {
	app.Started
	now   func() time.Time // nil: the world's
	wrap  func(verify.Store) verify.Store
	stop  func()
	world *world
}

func newWorld(t *testing.T, database string, nodes int) *world {
	t.Helper()
	w := emptyWorld(t, database)
	for range nodes {
		n := &node{world: w}
		n.open()
		w.nodes = append(w.nodes, n)
	}
	return w
}

// emptyWorld has a carrier and a configuration, and no node yet.
func emptyWorld(t *testing.T, database string) *world {
	t.Helper()
	const key = "KEY-of-the-carrier"
	w := &world{t: t, carrier: telnyxtest.New(key), begun: time.Now().Truncate(time.Second).UTC()}
	carrier := httptest.NewServer(w.carrier)
	t.Cleanup(carrier.Close)
	w.config = app.Development(t.TempDir())
	if database != "" {
		w.config.Database = database
	}
	w.config.KeyFile, w.config.Key = "", app.NewSecret(secret.Generate().Text())
	w.config.Listen = "127.0.0.1:0"
	w.config.Carriers = []app.CarrierConfig{{
		Name: "telnyx", Type: "telnyx", APIKey: app.NewSecret(key), From: "+13035550000", BaseURL: carrier.URL + "/v2",
	}}
	transport := &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 256}
	w.client = &http.Client{Transport: transport, Timeout: patience}
	t.Cleanup(transport.CloseIdleConnections)
	return w
}

func (w *world) now() time.Time       { return w.begun.Add(time.Duration(w.passed.Load())) }
func (w *world) pass(d time.Duration) { w.passed.Add(int64(d)) }
func (w *world) node(i int) *node     { return w.nodes[i%len(w.nodes)] }
func (w *world) number() string       { return fmt.Sprintf("+1303%07d", 2_300_000+w.numbers.Add(1)) }
func (n *node) clock() (f func() time.Time) {
	if n.now != nil {
		return n.now
	}
	return n.world.now
}

// open begins the node; close ends it, as a deploy would.
func (n *node) open() {
	t := n.world.t
	t.Helper()
	a, err := app.Open(t.Context(), n.world.config, app.Options{Now: n.clock(), WrapStore: n.wrap})
	if err != nil {
		t.Fatal(err)
	}
	l, err := a.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n.Started = a.Describe(l)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx, l) }()
	n.stop = sync.OnceFunc(func() {
		stop()
		if err := <-served; err != nil && !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	t.Cleanup(n.stop)
}

// said is what a client is told, of whatever was asked.
type said struct {
	Status int    // of HTTP; 0: no answer came
	ID     string // of the verification
	State  string // its status
	Reason string // why a check was rejected; "accepted" if it was not
	Detail string // of a refusal
}

// unknown says whether a client cannot tell if what it asked for was done.
func (s said) unknown() bool { return s.Status == 0 || s.Status == http.StatusServiceUnavailable }

// call asks base, which is a node's address or that of a proxy before it.
func (n *node) call(base, method, path string, body map[string]any) (said, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return said{}, err
	}
	req, err := http.NewRequestWithContext(n.world.t.Context(), method, base+path, bytes.NewReader(text))
	if err != nil {
		return said{}, err
	}
	req.Header.Set("Authorization", "Bearer "+n.APIKey)
	req.Header.Set("Content-Type", "application/json")
	if base != n.URL {
		req.Header.Set(cut, "yes")
	}
	res, err := n.world.client.Do(req)
	if err != nil {
		return said{}, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return said{}, err
	}
	var envelope struct {
		Data struct {
			ID, Status, Reason string
			ResponseCode       string `json:"response_code"`
		}
		Errors []struct{ Detail string }
	}
	if err := json.Unmarshal(answer, &envelope); err != nil {
		return said{}, fmt.Errorf("%d %s: %w", res.StatusCode, answer, err)
	}
	s := said{Status: res.StatusCode, ID: envelope.Data.ID, State: envelope.Data.Status, Reason: envelope.Data.Reason}
	if envelope.Data.ResponseCode == "accepted" {
		s.Reason = "accepted"
	}
	if len(envelope.Errors) > 0 {
		s.Detail = envelope.Errors[0].Detail
	}
	return s, nil
}

// start begins a verification and fails the test if it is refused.
func (n *node) start(number string) string {
	n.world.t.Helper()
	s := n.tryStart(number, "")
	if s.Status != http.StatusOK {
		n.world.t.Fatalf("a start of %s: %+v", number, s)
	}
	return s.ID
}

func (n *node) tryStart(number, code string) said {
	n.world.t.Helper()
	body := map[string]any{"phone_number": number, "verify_profile_id": n.ProfileID}
	if code != "" {
		body["custom_code"] = code
	}
	return n.must(n.call(n.URL, http.MethodPost, "/v2/verifications/sms", body))
}

func (n *node) check(id, code string) said {
	n.world.t.Helper()
	return n.must(n.call(n.URL, http.MethodPost, byID(id), map[string]any{"code": code}))
}

func (n *node) checkNumber(number, code string) said {
	n.world.t.Helper()
	return n.must(n.call(n.URL, http.MethodPost, byNumber(number), map[string]any{"code": code, "verify_profile_id": n.ProfileID}))
}

// must reports what cannot be judged. It may be called from any goroutine.
func (n *node) must(s said, err error) said {
	n.world.t.Helper()
	if err != nil {
		n.world.t.Error(err)
	}
	return s
}

func byID(id string) string { return "/v2/verifications/" + id + "/actions/verify" }
func byNumber(number string) string {
	return "/v2/verifications/by_phone_number/" + number + "/actions/verify"
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// code waits for the next message to a number and returns its code.
func (w *world) code(number string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	m, err := w.carrier.Wait(ctx, number)
	if err != nil {
		w.t.Fatalf("no message to %s: %v", number, err)
	}
	code := sixDigits.FindString(m.Text)
	if code == "" {
		w.t.Fatal("a message without a code")
	}
	return code
}

// wrong is the i-th code that is not code. The digits are read as decimal whatever
// they begin with.
func wrong(code string, i int) string {
	n, _ := strconv.Atoi(code) // six digits, as world.code has seen to
	return fmt.Sprintf("%06d", (n+1+i)%1_000_000)
}

// TestNoWrongCodeIsTheRightOne keeps the proofs from guessing right by mistake, as they
// did when a code that began with noughts was read as an octal number.
func TestNoWrongCodeIsTheRightOne(t *testing.T) {
	for n := range 1_000 {
		code := fmt.Sprintf("%06d", n)
		for i := range 200 {
			if wrong(code, i) == code {
				t.Fatalf("wrong code %d of %s is the right one", i, code)
			}
		}
	}
}

// together runs n clients that are released at once, and returns what each was told.
func together(n int, ask func(i int) said) []said {
	told := make([]said, n)
	var ready, done sync.WaitGroup
	ready.Add(n)
	gate := make(chan struct{})
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-gate
			told[i] = ask(i)
		})
	}
	ready.Wait()
	close(gate)
	done.Wait()
	return told
}

func count(told []said, reason string) (n int) {
	for _, s := range told {
		if s.Status == http.StatusOK && s.Reason == reason {
			n++
		}
	}
	return n
}
