package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// standIn answers as the service does, with a code that is always 123456.
func standIn(t *testing.T, sinkAddr, rightAnswer string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/verifications/sms", func(w http.ResponseWriter, r *http.Request) {
		var in floorRequest
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.VerifyProfileID != profileID {
			t.Errorf("a start that cannot be read: %+v, %v", in, err)
		}
		_, _ = fmt.Fprintf(w, `{"data":{"id":"v-%s"}}`, in.PhoneNumber[1:])
		go func() {
			if _, err := textOnce(context.Background(), http.DefaultClient, "http://"+sinkAddr+sinkPath, in.PhoneNumber); err != nil {
				t.Error(err)
			}
		}()
	})
	mux.HandleFunc("POST /v2/verifications/{id}/actions/verify", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Code string `json:"code"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("Authorization") != "Bearer key" {
			t.Errorf("a check that cannot be read: %v", err)
		}
		answer := "rejected"
		if in.Code == "123456" {
			answer = rightAnswer
		}
		_, _ = fmt.Fprintf(w, `{"data":{"response_code":%q}}`, answer)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func testWork(t *testing.T) *work {
	t.Helper()
	s, err := newSink()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return &work{sink: s}
}

func short(name, addr string, s step) phase {
	return phase{
		name: name, addr: addr, apiKey: "key", pid: os.Getpid(), callers: 4,
		warmUp: 20 * time.Millisecond, duration: 150 * time.Millisecond, step: s, strict: true,
	}
}

// done measures for as long as this machine needs to get something done.
func done(t *testing.T, p phase) figure {
	t.Helper()
	for {
		f, err := measure(t.Context(), p)
		if err == nil {
			return f
		}
		if f.Done+f.Refused+f.Errors > 0 || p.duration > time.Minute {
			t.Fatalf("%s: %+v, %v", p.name, f, err)
		}
		p.duration *= 4
	}
}

func TestCycleAndGuess(t *testing.T) {
	w := testWork(t)
	b := &bench{options: options{duration: time.Second}, work: w}
	addr := standIn(t, w.sink.addr(), "accepted")
	f := done(t, short(nameCycles, addr, w.cycle))
	if f.Done == 0 || f.PerSecond == 0 || f.P50 <= 0 || f.P50 > f.P99 {
		t.Errorf("cycles: %+v", f)
	}
	d := &database{name: nameSQLite, server: &server{addr: addr, apiKey: "key", child: selfAsChild(t)}}
	if err := b.fill(t.Context(), d, 4, 10); err != nil {
		t.Fatal(err)
	}
	if got, want := len(w.stock.all), 14; got != want {
		t.Fatalf("%d verifications in stock, want %d", got, want)
	}
	p := short(nameChecks, addr, w.guess)
	p.warmUp, p.duration = 0, time.Minute // it ends when the stock does
	f, err := measure(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if want := 14 * guessesEach; f.Done != want {
		t.Errorf("%d checks, want %d", f.Done, want)
	}
}

func TestWrongAnswerEndsTheRun(t *testing.T) {
	w := testWork(t)
	addr := standIn(t, w.sink.addr(), "rejected")
	_, err := measure(t.Context(), short(nameCycles, addr, w.cycle))
	if err == nil || !strings.Contains(err.Error(), "wanted accepted") {
		t.Errorf("error %v", err)
	}
}

func TestInterruptDoesNotWaitForTexts(t *testing.T) {
	w := testWork(t)
	lost := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":{"id":"v"}}`)
	}))
	defer lost.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begun := time.Now()
	p := short(nameCycles, strings.TrimPrefix(lost.URL, "http://"), w.cycle)
	p.duration = time.Minute
	if _, err := measure(ctx, p); err == nil {
		t.Error("no error")
	}
	if took := time.Since(begun); took > grace/2 {
		t.Errorf("it took %v to stop", took)
	}
}

func TestFloors(t *testing.T) {
	w := testWork(t)
	stdin, hold := io.Pipe()
	lines, stdout := io.Pipe()
	served := make(chan error, 1)
	go func() { served <- serveFloor(stdin, stdout, w.sink.addr()) }()
	var addr string
	if _, err := fmt.Fscanln(lines, &addr); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{bareFloorPath, postFloorPath} {
		if f := done(t, short(path, addr, w.floor(path))); f.Done == 0 {
			t.Errorf("%s: %+v", path, f)
		}
	}
	if w.sink.received.Load() != 0 || w.sink.served.Load() == 0 {
		t.Errorf("the sink took %d of %d messages for the service's", w.sink.received.Load(), w.sink.served.Load())
	}
	_ = hold.Close()
	if err := <-served; err != nil {
		t.Errorf("the floors ended with %v", err)
	}
}

// selfAsChild stands in for a server's process where only its clock is read.
func selfAsChild(t *testing.T) *child {
	t.Helper()
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	c := &child{ended: make(chan struct{})}
	c.cmd = &exec.Cmd{Process: self}
	return c
}
