package app_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"countersign/internal/app"
)

// logbook is a log that tells when something has been said in it.
type logbook struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newLogbook() *logbook { return &logbook{changed: make(chan struct{})} }

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	close(l.changed)
	l.changed = make(chan struct{})
	return len(p), nil
}

func (l *logbook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// await returns when the log holds a text so many times.
func (l *logbook) await(t *testing.T, text string, times int) {
	t.Helper()
	for {
		l.mu.Lock()
		n, changed := strings.Count(l.text.String(), text), l.changed
		l.mu.Unlock()
		if n >= times {
			return
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			t.Fatalf("the log never said %q", text)
		}
	}
}

// counts runs a query that counts on the database of a configuration.
func counts(t *testing.T, c app.Config, query string) (n int) {
	t.Helper()
	if path, ok := strings.CutPrefix(c.Database, "sqlite:"); ok {
		db, err := sql.Open("sqlite", "file:"+path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.QueryRow(query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	db, err := pgx.Connect(t.Context(), c.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// cycles runs clients until stop: each begins verifications, guesses wrong and then
// right, and stops the test at the first answer that is not the true one.
func (f *flow) cycles(clients int) (stop func() int) {
	var all sync.WaitGroup
	var done atomic.Int64
	end := make(chan struct{})
	for i := range clients {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-end:
					return
				default:
				}
				// A new number each time and, every fourth, one that was here before.
				number := fmt.Sprintf("+1303555%d%03d", i+1, max(n, 1)%1000)
				if n%4 == 3 {
					number = fmt.Sprintf("+1303555%d000", i+1)
				}
				if err := f.cycle(number); err != nil {
					f.t.Errorf("client %d, cycle %d: %v", i, n, err)
					return
				}
				done.Add(1)
			}
		})
	}
	return func() int {
		close(end)
		all.Wait()
		return int(done.Load())
	}
}

func (f *flow) cycle(number string) error {
	before, err := f.inbox(number, 0)
	if err != nil {
		return err
	}
	status, v, err := f.call(http.MethodPost, "/v2/verifications/sms", map[string]string{"phone_number": number, "verify_profile_id": f.ProfileID})
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("start: %d %v %w", status, v, err)
	}
	codes, err := f.inbox(number, len(before)+1)
	if err != nil {
		return err
	}
	right := codes[len(codes)-1]
	wrong := "000000"
	if right == wrong {
		wrong = "000001"
	}
	for _, try := range []struct{ code, want string }{{wrong, "rejected"}, {right, "accepted"}, {right, "rejected"}} {
		status, data, err := f.call(http.MethodPost, fmt.Sprintf("/v2/verifications/%v/actions/verify", v["id"]), map[string]string{"code": try.code})
		if err != nil || status != http.StatusOK || data["response_code"] != try.want {
			return fmt.Errorf("check: %d %v %w, want %s", status, data, err, try.want)
		}
	}
	return nil
}
