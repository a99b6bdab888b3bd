package app

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestNobodyChoosesTheirOwnNetwork(t *testing.T) {
	trusted, err := prefixes([]string{"10.0.0.0/8", "192.0.2.1", "fd00::/8"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, remote string
		header       []string
		want         string
	}{
		{"a direct visitor", "203.0.113.9:1234", nil, "203.0.113.9/32"},
		{"a direct visitor with a forged header", "203.0.113.9:1234", []string{"198.51.100.7"}, "203.0.113.9/32"},
		{"behind a proxy", "10.1.2.3:1", []string{"198.51.100.7"}, "198.51.100.7/32"},
		{"behind a proxy, with a forged beginning", "10.1.2.3:1", []string{"1.1.1.1, 198.51.100.7"}, "198.51.100.7/32"},
		{"behind two proxies", "10.1.2.3:1", []string{"198.51.100.7, 192.0.2.1"}, "198.51.100.7/32"},
		{"the header in two lines", "10.1.2.3:1", []string{"1.1.1.1", "198.51.100.7"}, "198.51.100.7/32"},
		{"rubbish at the end", "10.1.2.3:1", []string{"198.51.100.7, unknown"}, "10.1.2.3/32"},
		{"an address with a port", "10.1.2.3:1", []string{"198.51.100.7:99"}, "10.1.2.3/32"},
		{"no header behind a proxy", "10.1.2.3:1", nil, "10.1.2.3/32"},
		{"everyone is a proxy", "10.1.2.3:1", []string{"10.9.9.9"}, "10.9.9.9/32"},
		{"IPv6 by the subscriber's network", "[2001:db8:1:2:3:4:5:6]:1", nil, "2001:db8:1:2::/64"},
		{"IPv6 with a zone", "[fe80::1%eth0]:1", nil, "fe80::/64"},
		{"IPv4 written as IPv6", "[::ffff:203.0.113.9]:1", nil, "203.0.113.9/32"},
		{"a proxy written as IPv6", "[::ffff:10.1.2.3]:1", []string{"::ffff:198.51.100.7"}, "198.51.100.7/32"},
		{"no address at all", "@", nil, "unknown"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = tt.remote
		for _, h := range tt.header {
			r.Header.Add("X-Forwarded-For", h)
		}
		r.Header.Set("X-Real-IP", "9.9.9.9")
		r.Header.Set("Forwarded", "for=9.9.9.9")
		if got := network(r, trusted); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestAForeignNameDoesNotReachTheInbox(t *testing.T) {
	h := loopbackNames(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	for host, want := range map[string]int{
		"127.0.0.1:3000": 200, "localhost:3000": 200, "localhost": 200, "[::1]:3000": 200, "[::1]": 200,
		"evil.example:3000": 421, "evil.example": 421, "127.0.0.1.evil.example:3000": 421, "10.0.0.1:3000": 421, "": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "/dev/messages", nil)
		r.Host = host
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != want {
			t.Errorf("Host %q: %d, want %d", host, rec.Code, want)
		}
	}
}

func TestAPanicIsA500AndTheNextRequestIsServed(t *testing.T) {
	var log bytes.Buffer
	mux := http.NewServeMux()
	mux.HandleFunc("GET /panic/{number}", func(http.ResponseWriter, *http.Request) { panic("the cause") })
	mux.HandleFunc("GET /ok", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	h := withLog(slog.New(withRequestID{slog.NewTextHandler(&log, nil)}), time.Now, mux)
	get := func(path string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		return rec
	}
	rec := get("/panic/+447400123456")
	id := rec.Header().Get("X-Request-Id")
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "cause") || !strings.Contains(rec.Body.String(), id) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if get("/ok").Code != 200 {
		t.Error("the next request is not served")
	}
	if line, _, _ := strings.Cut(log.String(), "\n"); !strings.Contains(line, id) {
		t.Errorf("the line about the fault has no id: %s", line)
	}
	if s := log.String(); !strings.Contains(s, "the cause") || strings.Contains(s, "7400123") || !strings.Contains(s, id) {
		t.Errorf("log: %s", s)
	}
}

func TestTheClockNeverGoesBack(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	wall := start
	c := NewClock(func() time.Time { return wall })
	for _, tt := range []struct {
		step, told time.Duration
	}{
		{time.Minute, time.Minute},
		{-time.Hour, time.Minute},                    // set back: it stands still
		{time.Minute, 2 * time.Minute},               // and goes on from there
		{2 * time.Hour, 2*time.Hour + 2*time.Minute}, // set ahead: it is believed
		{-48 * time.Hour, 2*time.Hour + 2*time.Minute},
	} {
		wall = wall.Add(tt.step)
		if got := c.Now().Sub(start); got != tt.told {
			t.Errorf("after a step of %s it tells %s past the start, want %s", tt.step, got, tt.told)
		}
	}
}
