package twilioapi_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign/internal/code"
	"countersign/internal/ledger"
	"countersign/internal/limit"
	"countersign/internal/message"
	"countersign/internal/secret"
	"countersign/internal/store"
	"countersign/internal/tenant"
	"countersign/internal/twilioapi"
	"countersign/internal/verify"
)

// fixedProfile is a profile of the operator's configuration, of the first tenant.
var fixedProfile = uuid.MustParse("11111111-2222-4333-8444-555555555555")

// login is a user name and a password.
type login struct{ user, password string }

// service is the dialect on a real ledger, a real directory and a real database, with a
// clock that the test moves.
type service struct {
	handler   http.Handler
	directory *tenant.Directory
	keys      *secret.Ring
	store     *store.SQLite
	ledger    *ledger.Ledger
	env       *verify.Env
	now       time.Time
	log       strings.Builder
	logins    map[string]login // by the name that tests call them
	names     map[string]string
	sids      map[string]string // by name, such as $VA1
	asked     []verify.AttemptQuery
}

// newService has carriers for those channels; without any, for texts, calls and mail.
func newService(t *testing.T, channels ...verify.Channel) *service {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "c.db"))
	if err != nil {
		t.Fatal(err)
	}
	s := &service{
		keys: secret.Generate(), store: st, now: time.Date(2026, 3, 1, 12, 0, 0, 987_000_000, time.UTC),
		names: map[string]string{}, sids: map[string]string{},
	}
	clock := func() time.Time { return s.now }
	if len(channels) == 0 {
		channels = []verify.Channel{verify.SMS, verify.Call, verify.Email}
	}
	s.env = &verify.Env{
		Keys: s.keys, Random: rand.Reader, Node: "n1", Limits: verify.Limits{Hour: limit.Rule{Count: 6, Per: time.Hour}},
		Channels: channels,
	}
	s.ledger = ledger.New(ledger.Config{Store: st, Env: s.env, Now: clock})
	t.Cleanup(func() {
		s.ledger.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	s.directory = tenant.New(tenant.Config{
		Store: st, Keys: s.keys, Now: clock, Random: rand.Reader,
		Fixed: []tenant.Profile{{
			Meta: tenant.Meta{ID: fixedProfile, Tenant: tenant.Default}, Name: "configured",
			Base: tenant.Settings{Validity: 10 * time.Minute}, Code: code.Default, Retention: time.Hour,
		}},
	})
	s.open(t)
	s.serve(s)
	return s
}

// serve puts the dialect on an engine.
func (s *service) serve(engine twilioapi.Engine) {
	s.handler = twilioapi.NewHandler(twilioapi.Config{
		Engine: engine, Directory: s.directory, Keys: s.keys, Now: func() time.Time { return s.now },
		Locale: message.Match, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
		Base: func(*http.Request) string { return "https://verify.example.com" },
	})
}

// open makes the accounts and keys of the tests: ours, one of ours that may only read,
// and another tenant's.
func (s *service) open(t *testing.T) {
	t.Helper()
	s.logins = map[string]login{"nobody": {"AC00000000000000000000000000000000", "KEYnone"}}
	for _, k := range []struct {
		name, tenant string
		scopes       []tenant.Scope
	}{
		{"owner", tenant.Default, nil}, {"other", "another", nil},
		{"reader", tenant.Default, []tenant.Scope{tenant.ScopeRead}},
		{"verifier", tenant.Default, []tenant.Scope{tenant.ScopeVerify}},
	} {
		a, err := s.directory.EnsureAccount(t.Context(), k.tenant, k.tenant)
		if err != nil {
			t.Fatal(err)
		}
		_, text, err := s.directory.CreateKey(t.Context(), k.tenant, k.name, k.scopes)
		if err != nil {
			t.Fatal(err)
		}
		s.logins[k.name] = login{"AC" + hex.EncodeToString(a.ID[:]), text}
	}
}

func (s *service) pass(d time.Duration) { s.now = s.now.Add(d) }

func (s *service) Start(ctx context.Context, c verify.Start) (verify.Started, error) {
	return ledger.Do(ctx, s.ledger, c)
}

func (s *service) Check(ctx context.Context, c verify.Check) (verify.Checked, error) {
	return ledger.Do(ctx, s.ledger, c)
}

func (s *service) Cancel(ctx context.Context, c verify.Cancel) (verify.Verification, error) {
	return ledger.Do(ctx, s.ledger, c)
}

func (s *service) Approve(ctx context.Context, c verify.Approve) (verify.Verification, error) {
	return ledger.Do(ctx, s.ledger, c)
}

func (s *service) Verification(ctx context.Context, id verify.ID) (*verify.Verification, error) {
	return s.store.Verification(ctx, id)
}

func (s *service) Newest(ctx context.Context, target verify.Target) (*verify.Verification, error) {
	key, _, err := target.Keys(s.env)
	if err != nil {
		return nil, err
	}
	return s.store.Live(ctx, key)
}

func (s *service) Deliveries(ctx context.Context, id verify.ID) ([]verify.Delivery, error) {
	return s.store.Deliveries(ctx, id)
}

func (s *service) Attempts(ctx context.Context, q verify.AttemptQuery) ([]verify.Job, error) {
	s.asked = append(s.asked, q)
	return s.store.Attempts(ctx, q)
}

// codes are the code of a verification, by its sid, and one that it is not.
func (s *service) codes(t *testing.T, sid string) (right, wrong string) {
	t.Helper()
	id, err := hex.DecodeString(sid[2:])
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.store.Verification(t.Context(), verify.ID(id))
	if err != nil || v == nil {
		t.Fatal("there is no verification", sid, err)
	}
	c, err := v.Reveal(s.keys)
	if err != nil {
		t.Fatal(err)
	}
	if c.Text() == "000000" {
		return c.Text(), "000001"
	}
	return c.Text(), "000000"
}
