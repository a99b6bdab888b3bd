package telnyxapi_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/internal/secret"
	"countersign/internal/store"
	"countersign/internal/telnyxapi"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// refusing is an engine that answers everything with one error.
type refusing struct{ err error }

func (r refusing) Start(context.Context, verify.Start) (verify.Started, error) {
	return verify.Started{}, r.err
}

func (r refusing) Check(context.Context, verify.Check) (verify.Checked, error) {
	return verify.Checked{}, r.err
}

func (r refusing) Verification(context.Context, verify.ID) (*verify.Verification, error) {
	return nil, r.err
}

func (r refusing) Cancel(context.Context, verify.Cancel) (verify.Verification, error) {
	return verify.Verification{}, r.err
}

func (r refusing) Approve(context.Context, verify.Approve) (verify.Verification, error) {
	return verify.Verification{}, r.err
}

func (r refusing) History(context.Context, verify.Target, int) ([]verify.Verification, error) {
	return nil, r.err
}

func (r refusing) OpenSession(context.Context, verify.OpenSession) (verify.Session, error) {
	return verify.Session{}, r.err
}

func (r refusing) EndSession(context.Context, verify.EndSession) (verify.Session, error) {
	return verify.Session{}, r.err
}

func (r refusing) Redeem(context.Context, verify.Redeem) (verify.Session, error) {
	return verify.Session{}, r.err
}

func (r refusing) Session(context.Context, verify.ID) (*verify.Session, error) {
	return nil, r.err
}

func (r refusing) Deliveries(context.Context, verify.ID) ([]verify.Delivery, error) {
	return nil, r.err
}

// directory has the key x and the one profile, on a database of its own.
func directory(t testing.TB) *tenant.Directory {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "c.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() }) // it was only looked at
	return tenant.New(tenant.Config{
		Store: st, Keys: secret.Generate(), Now: time.Now, Random: rand.Reader, Configured: []string{"x"},
		Fixed: []tenant.Profile{{Meta: tenant.Meta{ID: profileID, Tenant: tenant.Default}, Name: "default"}},
	})
}

func refuse(t *testing.T, err error, log io.Writer) *httptest.ResponseRecorder {
	t.Helper()
	h := telnyxapi.NewHandler(telnyxapi.Config{
		Engine: refusing{err}, Log: slog.New(slog.NewTextHandler(log, nil)), Now: func() time.Time { return time.Time{} },
		Directory: directory(t),
	})
	body := `{"phone_number":"+13035551234","verify_profile_id":"` + profileID.String() + `"}`
	req := httptest.NewRequest(http.MethodPost, "/v2/verifications/sms", strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer x")
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

type envelope struct {
	Errors []struct {
		Code, Title, Detail string
		Source              *struct{ Pointer string }
		Meta                struct{ URL string }
	}
}

func read(t *testing.T, rec *httptest.ResponseRecorder) envelope {
	t.Helper()
	var e envelope
	if err := json.Unmarshal(rec.Body.Bytes(), &e); err != nil || len(e.Errors) != 1 {
		t.Fatalf("%v: %s", err, rec.Body)
	}
	return e
}

func TestEveryKindHasAForm(t *testing.T) {
	for _, kind := range verify.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			rec := refuse(t, &verify.Error{Kind: kind, Wait: 1500 * time.Millisecond, Err: errors.New("because")}, io.Discard)
			e := read(t, rec).Errors[0]
			if rec.Code < 400 || e.Code == "" || e.Title == "" || len(e.Detail) < 20 || !strings.HasSuffix(e.Meta.URL, e.Code) {
				t.Errorf("%d %+v", rec.Code, e)
			}
			if got := rec.Header().Get("Retry-After"); got != "2" {
				t.Errorf("Retry-After is %q; a second and a half is rounded up", got)
			}
			if rec.Code == http.StatusInternalServerError {
				t.Error("a refusal is not our fault")
			}
		})
	}
}

// An SDK retries 408, 409, 429 and 5xx by itself. Where the retry would only be
// refused again, the answer says so.
func TestNoRefusalMakesAnSDKRetryInVain(t *testing.T) {
	for _, kind := range verify.Kinds() {
		rec := refuse(t, &verify.Error{Kind: kind, Err: errors.New("because")}, io.Discard)
		retried := rec.Code == 408 || rec.Code == 409 || rec.Code == 429 || rec.Code >= 500
		useful := kind == verify.Busy || kind == verify.Unavailable
		if retried && !useful && rec.Header().Get("X-Should-Retry") != "false" {
			t.Errorf("%s (%d) is retried by SDKs", kind, rec.Code)
		}
		if useful && rec.Header().Get("X-Should-Retry") == "false" {
			t.Errorf("%s is worth a retry", kind)
		}
	}
}

func TestEveryFieldOfTheCoreHasItsNameHere(t *testing.T) {
	for field, want := range map[string]string{
		verify.FieldAddress: "/phone_number", verify.FieldCode: "/code", verify.FieldTimeout: "/timeout_secs", verify.FieldCustom: "/custom_code",
	} {
		rec := refuse(t, &verify.Error{Kind: verify.Invalid, Field: field, Err: errors.New("must be so")}, io.Discard)
		e := read(t, rec).Errors[0]
		if e.Source == nil || e.Source.Pointer != want || !strings.Contains(e.Detail, "must be so") || rec.Code != 422 {
			t.Errorf("%s: %d %+v", field, rec.Code, e)
		}
	}
}

func TestOurOwnFaultIsA500ThatTellsNothing(t *testing.T) {
	var log bytes.Buffer
	rec := refuse(t, errors.New("the secret cause"), &log)
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "cause") || !strings.Contains(log.String(), "the secret cause") {
		t.Errorf("%d %s; log %s", rec.Code, rec.Body, &log)
	}
}

func TestACallerThatHangsUpIsNotToldYes(t *testing.T) {
	rec := refuse(t, fmt.Errorf("waiting: %w", context.Canceled), io.Discard)
	if rec.Code != http.StatusServiceUnavailable || len(rec.Body.Bytes()) == 0 {
		t.Errorf("%d %q", rec.Code, rec.Body)
	}
}

func TestABodyOfAMegabyteIsRefused(t *testing.T) {
	s := newService(t)
	req := httptest.NewRequest(http.MethodPost, "/v2/verifications/sms", strings.NewReader(`{"phone_number":"`+strings.Repeat("1", 1<<20)+`"}`))
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, req)
	if rec.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	read(t, rec)
}

// FuzzStart: whatever the body, the answer is one of the dialect's forms, and
// never a 500.
func FuzzStart(f *testing.F) {
	for _, body := range []string{`{}`, `{"phone_number":"+13035551234"}`, `{"a":1,"a":2}`, "\xff", `[[[[`, `{"timeout_secs":1e400}`} {
		f.Add(body)
	}
	h := telnyxapi.NewHandler(telnyxapi.Config{
		Engine: refusing{&verify.Error{Kind: verify.Busy}}, Log: slog.New(slog.DiscardHandler), Directory: directory(f),
		Now: func() time.Time { return time.Time{} },
	})
	f.Fuzz(func(t *testing.T, body string) {
		req := httptest.NewRequest(http.MethodPost, "/v2/verifications/sms", strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer x")
		req.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if rec.Code == 500 || rec.Code < 400 {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		read(t, rec)
	})
}

// endless is an engine with more verifications of any number than anybody asks for.
type endless struct {
	refusing
	read *int
}

func (e endless) History(_ context.Context, _ verify.Target, limit int) ([]verify.Verification, error) {
	*e.read += limit
	return make([]verify.Verification, limit), nil
}

func TestAListOfANumberIsBoundedHoweverManyProfilesThereAre(t *testing.T) {
	d, n := directory(t), 0
	for range 10 {
		if _, err := d.AddProfile(t.Context(), tenant.Default, tenant.Profile{Name: "one of many"}); err != nil {
			t.Fatal(err)
		}
	}
	h := telnyxapi.NewHandler(telnyxapi.Config{
		Engine: endless{read: &n}, Directory: d, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	req := httptest.NewRequest(http.MethodGet, "/v2/verifications/by_phone_number/+13035551234", nil)
	req.Header.Set("Authorization", "Bearer x")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	if rec.Code != http.StatusOK || n > 1000 {
		t.Errorf("%d, after %d verifications were read", rec.Code, n)
	}
}
