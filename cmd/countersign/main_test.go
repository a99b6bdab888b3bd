package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"countersign/internal/app"
	"countersign/internal/store/pgtest"
)

// TestMain lets the test's own binary be the program, so that the tests start,
// signal and kill a real process.
func TestMain(m *testing.M) {
	if os.Getenv("BE_COUNTERSIGN") == "1" {
		main()
	}
	os.Exit(pgtest.Main(m))
}

// process is a running countersign.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout *bufio.Reader
	stderr *syncBuffer
	app.Started
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), self, args...)
	cmd.Dir = t.TempDir()
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "COUNTERSIGN_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, "BE_COUNTERSIGN=1")
	return cmd
}

// start runs the program and waits for its first line, which says where it is.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: command(t, args...), stderr: &syncBuffer{}}
	p.cmd.Stderr = p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill() // it may have ended meanwhile
			_ = p.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("standard error of %v:\n%s", args, p.stderr)
		}
	})
	p.stdout = bufio.NewReader(out)
	line, err := p.stdout.ReadString('\n')
	if err != nil {
		_ = p.cmd.Wait()
		t.Fatalf("%v did not start: %v\n%s", args, err, p.stderr)
	}
	if err := json.Unmarshal([]byte(line), &p.Started); err != nil {
		url := strings.Fields(line[strings.Index(line, "http://"):])[0]
		p.URL = url
		_, profile, _ := strings.Cut(line, "(profile ")
		p.ProfileID, _, _ = strings.Cut(profile, ")")
	}
	return p
}

// dev runs the dev command on a free port.
func dev(t *testing.T, args ...string) *process {
	t.Helper()
	return start(t, append([]string{"dev", "--json", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "data")}, args...)...)
}

const testKey = "KEY-for-the-tests-of-the-command"

// serveWith runs the serve command with one carrier, in a folder that outlives it.
func serveWith(t *testing.T, dir, carrierURL string) *process {
	t.Helper()
	return serveOn(t, dir, "sqlite:"+filepath.Join(dir, "c.db"), carrierURL)
}

func serveOn(t *testing.T, dir, database, carrierURL string) *process {
	t.Helper()
	path := filepath.Join(dir, "config.yml")
	conf := map[string]any{
		"listen": "127.0.0.1:0", "environment": "development", "database": database,
		"key_file": filepath.Join(dir, "key"), "api_keys": []string{testKey},
		"carriers": []any{map[string]string{
			"name": "telnyx", "type": "telnyx", "api_key": carrierKey, "from": "+12015550100", "base_url": carrierURL,
		}},
	}
	text, err := json.Marshal(conf)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "serve", "--config", path)
	p.APIKey = testKey
	return p
}

const carrierKey = "KEY-of-the-carrier"

type verification struct{ ID, Status string }

// post sends JSON and reads the data of the answer.
func post[T any](p *process, path string, body map[string]string) (status int, data T) {
	p.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, p.URL+path, bytes.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.APIKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Error(err)
		return 0, data
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Error(err)
	}
	var envelope struct{ Data T }
	if err := json.Unmarshal(answer, &envelope); err != nil {
		p.t.Errorf("%d %s", res.StatusCode, answer)
	}
	return res.StatusCode, envelope.Data
}

func (p *process) begin(number string) verification {
	p.t.Helper()
	status, v := post[verification](p, "/v2/verifications/sms", map[string]string{"phone_number": number, "verify_profile_id": p.ProfileID})
	if status != http.StatusOK || v.ID == "" {
		p.t.Fatalf("start: %d %+v", status, v)
	}
	return v
}

type checked struct {
	ResponseCode string `json:"response_code"`
	Reason       string
}

func (p *process) check(id, code string) checked {
	p.t.Helper()
	_, c := post[checked](p, "/v2/verifications/"+id+"/actions/verify", map[string]string{"code": code})
	return c
}

// inboxCode waits for the message to a number and takes its code.
func (p *process) inboxCode(number string) string {
	p.t.Helper()
	res, err := http.Get(p.URL + "/dev/messages/wait?to=" + strings.Replace(number, "+", "%2B", 1))
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	var m struct{ Code string }
	if err := json.NewDecoder(res.Body).Decode(&m); err != nil || m.Code == "" {
		p.t.Fatalf("%d %v", res.StatusCode, err)
	}
	return m.Code
}

func wrong(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// atOnce runs f in n goroutines that begin at one moment.
func atOnce(n int, f func(i int)) {
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-begin
			f(i)
		})
	}
	close(begin)
	all.Wait()
}
