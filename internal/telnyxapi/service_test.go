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
	"countersign/internal/limit"
	"countersign/internal/message"
	"countersign/internal/proof"
	"countersign/internal/secret"
	"countersign/internal/store"
	"countersign/internal/telnyxapi"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

const apiKey = "KEY-of-the-tenant"

var profileID = uuid.MustParse("11111111-2222-4333-8444-555555555555")

// service is the dialect on a real ledger and a real database, with a clock that
// the test moves.
type service struct {
	handler   http.Handler
	directory *tenant.Directory
	otherKey  string // of another tenant
	keys      *secret.Ring
	store     *store.SQLite
	ledger    *ledger.Ledger
	now       time.Time
	lastID    string
	proofs    *proof.Signer
	public    string // address of the pages
}

func newService(t *testing.T) *service {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "c.db"))
	if err != nil {
		t.Fatal(err)
	}
	s := &service{keys: secret.Generate(), store: st, now: time.Date(2026, 3, 1, 12, 0, 0, 987_000_000, time.UTC)}
	env := &verify.Env{Keys: s.keys, Random: rand.Reader, Node: "n1", Channels: []verify.Channel{verify.SMS, verify.Flashcall},
		Limits: verify.Limits{Hour: limit.Rule{Count: 100, Per: time.Hour}}}
	s.ledger = ledger.New(ledger.Config{Store: st, Env: env, Now: func() time.Time { return s.now }})
	s.directory = tenant.New(tenant.Config{
		Store: st, Keys: s.keys, Now: func() time.Time { return s.now }, Random: rand.Reader,
		Configured: []string{apiKey}, Price: tenant.Dollar / 100, Fixed: []tenant.Profile{{
			Meta: tenant.Meta{ID: profileID, Tenant: tenant.Default}, Name: "default", CustomCodes: true,
			Code: code.Default, Text: message.Plain, Base: tenant.Settings{Validity: 5 * time.Minute},
			ReturnURLs: []string{"https://app.example.com/back"},
		}},
	})
	s.otherKey = s.key(t, "another tenant")
	s.public = "https://verify.example.com"
	s.proofs = &proof.Signer{Keys: s.keys, Now: func() time.Time { return s.now }, Subjects: func(context.Context) ([]byte, error) { return make([]byte, 32), nil }}
	s.handler = telnyxapi.NewHandler(telnyxapi.Config{
		Engine: s, Directory: s.directory, Keys: s.keys, Now: func() time.Time { return s.now }, Log: slog.New(slog.DiscardHandler),
		Proofs: s.proofs, Public: func(*http.Request) string { return s.public },
	})
	t.Cleanup(func() {
		s.ledger.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// key makes an account and a key of it with scopes, or with all.
func (s *service) key(t *testing.T, account string, scopes ...tenant.Scope) string {
	t.Helper()
	made, err := s.directory.AddAccount(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	_, text, err := s.directory.CreateKey(t.Context(), made.Tenant, "test", scopes)
	if err != nil {
		t.Fatal(err)
	}
	return text
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

func (s *service) OpenSession(ctx context.Context, c verify.OpenSession) (verify.Session, error) {
	return ledger.Do(ctx, s.ledger, c)
}

func (s *service) EndSession(ctx context.Context, c verify.EndSession) (verify.Session, error) {
	return ledger.Do(ctx, s.ledger, c)
}

func (s *service) Redeem(ctx context.Context, c verify.Redeem) (verify.Session, error) {
	return ledger.Do(ctx, s.ledger, c)
}

func (s *service) Session(ctx context.Context, id verify.ID) (*verify.Session, error) {
	return s.store.Session(ctx, id)
}

func (s *service) Approve(ctx context.Context, c verify.Approve) (verify.Verification, error) {
	return ledger.Do(ctx, s.ledger, c)
}

func (s *service) Deliveries(ctx context.Context, id verify.ID) ([]verify.Delivery, error) {
	return s.store.Deliveries(ctx, id)
}

func (s *service) History(ctx context.Context, to verify.Target, limit int) (out []verify.Verification, err error) {
	key, _, err := to.Keys(&verify.Env{Keys: s.keys})
	if err != nil {
		return nil, err
	}
	v, err := s.store.Live(ctx, key)
	for err == nil && v != nil && len(out) < limit {
		out = append(out, *v)
		v, err = s.store.Verification(ctx, v.Previous)
	}
	return out, err
}

func (s *service) Verification(ctx context.Context, id verify.ID) (*verify.Verification, error) {
	return s.store.Verification(ctx, id)
}

// expand puts what a request needs in the place of its $NAMES.
func (s *service) expand(t *testing.T, text string) string {
	t.Helper()
	text = strings.NewReplacer("$ID", s.lastID, "$PROFILE", profileID.String(), "$OTHERKEY", s.otherKey).Replace(text)
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
