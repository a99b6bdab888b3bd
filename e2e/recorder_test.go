package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"countersign/internal/app"
)

// newBinary builds the program and runs its dev command, as its users do.
func newBinary(t *testing.T) app.Started {
	t.Helper()
	program := filepath.Join(t.TempDir(), "countersign")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/countersign")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program, "dev", "--json", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "data"))
	cmd.Stderr = testLog{t}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself: Wait tells
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the program ended with %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the program said nothing: %v", err)
	}
	var s app.Started
	if err := json.Unmarshal(line, &s); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return s
}

// exchange is a request and its answer, as they went over the wire.
type exchange struct {
	request  *http.Request // its body has been read
	status   int
	header   http.Header
	body     []byte
	question string // the method and the path with its query
}

// recorder stands between a client and the server and keeps what goes by. It leaves
// the Host alone, so that the server's links lead through it as well.
type recorder struct {
	URL string

	mu   sync.Mutex
	seen []exchange
}

func newRecorder(t *testing.T, server string) *recorder {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = to.Scheme, to.Host, p.In.Host
		},
		ModifyResponse: r.keep,
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	r.URL = front.URL
	return r
}

func (r *recorder) keep(res *http.Response) error {
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	if strings.HasPrefix(res.Request.URL.Path, "/dev/") {
		return nil // the inbox is for developers and no part of the interface
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, exchange{
		request: res.Request, status: res.StatusCode, header: res.Header.Clone(), body: body,
		question: res.Request.Method + " " + res.Request.URL.RequestURI(),
	})
	return nil
}

// exchanges are all so far.
func (r *recorder) exchanges() []exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]exchange(nil), r.seen...)
}
