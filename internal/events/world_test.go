package events

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"countersign/internal/code"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

const number = "+447400123456"

// world is one database, in memory, that several nodes may work on: the core decides,
// and a Snapshot that is never written holds the rows.
type world struct {
	mu      sync.Mutex
	snap    *verify.Snapshot
	keys    *secret.Ring
	jobs    []verify.EventJob
	events  []verify.EventKey
	records *records
	log     bytes.Buffer
	// away makes reports fail: what came of an attempt is lost.
	away atomic.Bool
}

func newWorld() *world {
	return &world{snap: verify.NewSnapshot(), keys: secret.Generate(), records: &records{}}
}

// node is what one process asks of the database.
type node struct {
	*world
	name string
}

func run[A any](n node, cmd verify.Command[A]) (A, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	env := &verify.Env{Keys: n.keys, Random: rand.Reader, Node: n.name, Channels: []verify.Channel{verify.SMS}}
	needs, err := cmd.Needs(env)
	if err != nil {
		return *new(A), err
	}
	changes, answer, err := cmd.Decide(env, n.snap.Rows(needs), time.Now())
	if err == nil {
		n.snap.Apply(changes)
		n.jobs = append(n.jobs, changes.EventJobs...)
		for _, j := range changes.EventJobs {
			n.events = append(n.events, j.Event.Key)
		}
	}
	return answer, err
}

func (n node) ClaimEvent(_ context.Context, cmd verify.ClaimEvent) (*verify.EventJob, error) {
	return run(n, cmd)
}

func (n node) ReportEvent(_ context.Context, cmd verify.ReportEvent) (*verify.Event, error) {
	if n.away.Load() {
		return nil, errors.New("away")
	}
	return run(n, cmd)
}

func (n node) DueEvents(_ context.Context, now time.Time, limit int) (due []verify.Event, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, key := range n.events {
		if e := n.snap.Rows(verify.Needs{Event: key}).Event; e.State == verify.EventQueued && !now.Before(e.DueAt) && len(due) < limit {
			due = append(due, *e)
		}
	}
	return due, nil
}

func (w *world) event(key verify.EventKey) verify.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return *w.snap.Rows(verify.Needs{Event: key}).Event
}

// sent has a message of a profile sent by node n1, and returns the event of it.
func (w *world) sent(t *testing.T, profile byte) verify.EventJob {
	t.Helper()
	n := node{w, "n1"}
	started, err := run(n, verify.Start{
		Profile: verify.Profile{
			ID: verify.ID{15: profile}, Tenant: "t", Template: message.Plain, Code: code.Default, Validity: 5 * time.Minute, Events: true,
		},
		Channel: verify.SMS, Address: verify.Phone(phone.Trusted(number)), Purpose: rand.Text(),
	})
	if err != nil {
		t.Fatal(err)
	}
	v := started.Verification
	if _, err := run(n, verify.Report{Key: verify.DeliveryKey{Verification: v.ID, Number: 1}, Handovers: []verify.Handover{verify.Handed("c", verify.Submission{}, nil)}, Events: true}); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.jobs[len(w.jobs)-1]
}

// urls are the profiles of a test.
type urls map[byte][2]string

func (u urls) Profile(_ context.Context, _ string, id verify.ID) (webhook, failover string, err error) {
	pair, ok := u[id[15]]
	if !ok {
		return "", "", &verify.Error{Kind: verify.NotFound}
	}
	return pair[0], pair[1], nil
}

func (w *world) signer() *Signer { return NewSigner(w.records, w.keys, time.Now, rand.Reader) }

// dispatcher makes a node's, which nobody has started.
func (w *world) dispatcher(name string, profiles Profiles) *Dispatcher {
	return New(Config{
		Outbox: node{w, name}, Profiles: profiles, Signer: w.signer(), Keys: w.keys, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(&w.log, nil)), AllowLoopback: true,
	})
}

// pass lets time go by in a bubble of synctest, and all that happens until then happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// start runs a dispatcher until the end of the test.
func start(t *testing.T, d *Dispatcher) *Dispatcher {
	t.Helper()
	if err := d.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close(context.WithoutCancel(t.Context())) })
	return d
}

// records keeps records in memory.
type records struct {
	mu  sync.Mutex
	row *tenant.Record
}

func (r *records) Record(_ context.Context, kind tenant.Kind, id verify.ID) (*tenant.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.row == nil || r.row.Kind != kind || r.row.ID != id {
		return nil, nil
	}
	row := *r.row
	return &row, nil
}

func (r *records) AddRecord(_ context.Context, row tenant.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.row != nil {
		return tenant.ErrTaken
	}
	r.row = &row
	return nil
}

func (r *records) ChangeRecord(_ context.Context, row tenant.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.row == nil || r.row.Version != row.Version-1 {
		return tenant.ErrChanged
	}
	r.row = &row
	return nil
}

// receivers stand for the network.
type receivers func(*http.Request) (status int, err error)

func (f receivers) RoundTrip(r *http.Request) (*http.Response, error) {
	status, err := f(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("taken")), Request: r}, nil
}

// got is a request as a receiver has it.
type got struct {
	at     time.Time
	url    string
	header http.Header
	body   []byte
	said   envelope
}

// heard is what receivers have been told.
type heard struct {
	mu   sync.Mutex
	list []got
}

// add takes a request and says how many there are now.
func (h *heard) add(t *testing.T, r *http.Request) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, receive(t, r))
	return len(h.list)
}

func (h *heard) all() []got {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list)
}

func receive(t *testing.T, r *http.Request) got {
	t.Helper()
	g := got{at: time.Now(), url: r.URL.String(), header: r.Header}
	var err error
	if g.body, err = io.ReadAll(r.Body); err == nil {
		err = json.Unmarshal(g.body, &g.said, json.RejectUnknownMembers(true))
	}
	if err != nil {
		t.Errorf("a body that cannot be read: %v", err)
	}
	return g
}

// wantSigned checks a signature as the documents tell receivers to.
func wantSigned(t *testing.T, s *Signer, g got) {
	t.Helper()
	text, err := s.PublicKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		t.Fatalf("the public key is %q", text)
	}
	if err := Verify(raw, g.header, g.body, g.at); err != nil {
		t.Error(err)
	}
}

// wantSilent checks that the log tells nothing that it must not.
func (w *world) wantSilent(t *testing.T) {
	t.Helper()
	for _, word := range []string{number, number[1:], "token", "verify."} {
		if strings.Contains(w.log.String(), word) {
			t.Errorf("the log has %q:\n%s", word, w.log.String())
		}
	}
}
