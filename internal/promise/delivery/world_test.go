package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"countersign/internal/app"
	"countersign/internal/deliver/telnyx/telnyxtest"
)

const carrierKey = "KEY-of-the-carrier"

// fault is a way for a carrier to fail. It may look at the request and answer as it
// likes; what it does not do itself is done by the working carrier.
type fault func(http.ResponseWriter, *http.Request)

// carrier is a server of messages that can fail.
type carrier struct {
	api  *telnyxtest.API
	url  string
	mu   sync.Mutex
	fail fault         // nil: it works
	free chan struct{} // closed when the test is over: whoever hangs may go
}

func newCarrier(t *testing.T) *carrier {
	t.Helper()
	c := &carrier{api: telnyxtest.New(carrierKey), free: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		fail := c.fail
		c.mu.Unlock()
		if fail != nil {
			fail(w, r)
			return
		}
		c.api.ServeHTTP(w, r)
	}))
	c.url = server.URL + "/v2"
	t.Cleanup(func() { close(c.free); server.CloseClientConnections(); server.Close() })
	return c
}

func (c *carrier) set(f fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = f
}

// service is a running service with its carriers, the first one first.
type service struct {
	app.Started
	t        *testing.T
	carriers []*carrier
	client   *http.Client
}

// serve runs a service with n carriers of texts, named a, b and so on.
func serve(t *testing.T, n int, more func(*app.Config)) *service {
	t.Helper()
	s := &service{t: t, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	conf := app.Development(filepath.Join(t.TempDir(), "data"))
	conf.Listen = "127.0.0.1:0"
	for i := range n {
		k := newCarrier(t)
		s.carriers = append(s.carriers, k)
		conf.Carriers = append(conf.Carriers, app.CarrierConfig{
			Name: string(rune('a' + i)), Type: "telnyx", APIKey: app.NewSecret(carrierKey), From: "+12015550100", BaseURL: k.url, Timeout: "2s",
		})
	}
	more(&conf)
	ctx, stop := context.WithCancel(t.Context())
	a, err := app.Open(ctx, conf, app.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", conf.Listen)
	if err != nil {
		t.Fatal(err)
	}
	s.Started = a.Describe(l)
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		s.client.CloseIdleConnections()
	})
	return s
}

// start begins a verification and says when the answer was there.
func (s *service) start(ctx context.Context, number string) (answered time.Time, err error) {
	body, err := json.Marshal(map[string]string{"phone_number": number, "verify_profile_id": s.ProfileID})
	if err != nil {
		return answered, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/v2/verifications/sms", bytes.NewReader(body))
	if err != nil {
		return answered, err
	}
	r.Header.Set("Authorization", "Bearer "+s.APIKey)
	r.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(r)
	if err != nil {
		return answered, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return answered, fmt.Errorf("a start answers %s", res.Status)
	}
	return time.Now(), nil
}

// number is the nth mobile number.
func number(n int) string { return fmt.Sprintf("+44740%07d", n) }
