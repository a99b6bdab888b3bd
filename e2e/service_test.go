package e2e_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"countersign/internal/app"
)

// service is the whole service in this process, as the dev command runs it, but
// for its clock, which a test can put forward.
type service struct {
	app.Started
	client *http.Client

	mu    sync.Mutex
	ahead time.Duration
}

func (s *service) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.ahead)
}

func (s *service) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

func newService(t *testing.T, changes ...func(*app.Config)) *service {
	t.Helper()
	s := &service{client: &http.Client{}}
	conf := app.Development(t.TempDir())
	conf.Listen = "127.0.0.1:0"
	conf.AddInbox()
	for _, change := range changes {
		change(&conf)
	}
	a, err := app.Open(t.Context(), conf, app.Options{Now: s.now, Log: slog.New(slog.NewTextHandler(testLog{t}, nil))})
	if err != nil {
		t.Fatal(err)
	}
	l, err := a.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Started = a.Describe(l)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s
}

type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", p)
	return len(p), nil
}

type message struct {
	ID, To, Text, Code string
}

// message waits for the first message to a number that is newer than after.
func (s *service) message(t *testing.T, to, after string) message {
	t.Helper()
	q := url.Values{"to": {to}, "timeout": {"30s"}}
	if after != "" {
		q.Set("after", after)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/dev/messages/wait?"+q.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("no message to %s: %d %v", to, res.StatusCode, err)
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	return m
}
