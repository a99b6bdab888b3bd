package telnyxapi_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign/internal/code"
	"countersign/internal/ledger"
	"countersign/internal/message"
	"countersign/internal/secret"
	"countersign/internal/store"
	"countersign/internal/telnyxapi"
	"countersign/internal/verify"
)

const (
	apiKey   = "KEY-of-the-tenant"
	otherKey = "KEY-of-another-tenant"
)

var profileID = uuid.MustParse("11111111-2222-4333-8444-555555555555")

// service is the dialect on a real ledger and a real database, with a clock that
// the test moves.
type service struct {
	handler http.Handler
	keys    *secret.Ring
	store   *store.SQLite
	ledger  *ledger.Ledger
	now     time.Time
	lastID  string
}

func newService(t *testing.T) *service {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "c.db"))
	if err != nil {
		t.Fatal(err)
	}
	s := &service{keys: secret.Generate(), store: st, now: time.Date(2026, 3, 1, 12, 0, 0, 987_000_000, time.UTC)}
	env := &verify.Env{Keys: s.keys, Random: rand.Reader, Node: "n1", Channels: []verify.Channel{verify.SMS}}
	s.ledger = ledger.New(ledger.Config{Store: st, Env: env, Now: func() time.Time { return s.now }})
	s.handler = telnyxapi.NewHandler(telnyxapi.Config{
		Engine: s, Keys: s.keys, Now: func() time.Time { return s.now }, Log: slog.New(slog.DiscardHandler),
		Authenticate: func(key string) (string, bool) {
			tenant, ok := map[string]string{apiKey: "t", otherKey: "u"}[key]
			return tenant, ok
		},
		Profile: func(tenant string, id verify.ID) (verify.Profile, bool) {
			return verify.Profile{
				ID: profileID, Tenant: "t", Template: message.Plain, Code: code.Default, Validity: 5 * time.Minute,
			}, tenant == "t" && id == profileID
		},
	})
	t.Cleanup(func() {
		s.ledger.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *service) pass(d time.Duration) { s.now = s.now.Add(d) }

func (s *service) Start(ctx context.Context, c verify.Start) (verify.Started, error) {
	return ledger.Do(ctx, s.ledger, c)
}

func (s *service) Check(ctx context.Context, c verify.Check) (verify.Checked, error) {
	return ledger.Do(ctx, s.ledger, c)
}

func (s *service) Verification(ctx context.Context, id verify.ID) (*verify.Verification, error) {
	return s.store.Verification(ctx, id)
}

// expand puts what a request needs in the place of its $NAMES.
func (s *service) expand(t *testing.T, text string) string {
	t.Helper()
	text = strings.NewReplacer("$ID", s.lastID, "$PROFILE", profileID.String(), "$OTHERKEY", otherKey).Replace(text)
	if !strings.Contains(text, "$CODE") && !strings.Contains(text, "$WRONG") {
		return text
	}
	v, err := s.store.Verification(t.Context(), uuid.MustParse(s.lastID))
	if err != nil || v == nil {
		t.Fatal("no verification was started", err)
	}
	c, err := v.Reveal(s.keys)
	if err != nil {
		t.Fatal(err)
	}
	wrong := "000000"
	if c.Text() == wrong {
		wrong = "000001"
	}
	return strings.NewReplacer("$CODE", c.Text(), "$WRONG", wrong).Replace(text)
}
