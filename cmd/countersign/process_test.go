package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"countersign/internal/deliver/telnyx/telnyxtest"
	"countersign/internal/store/pgtest"
)

func TestOver64ConnectionsARightCodeIsAcceptedOnce(t *testing.T) {
	p := dev(t)
	v := p.begin("+13035551201")
	code := p.inboxCode("+13035551201")
	var accepted atomic.Int32
	atOnce(64, func(int) {
		if c := p.check(v.ID, code); c.ResponseCode == "accepted" {
			accepted.Add(1)
		}
	})
	if accepted.Load() != 1 {
		t.Errorf("accepted %d times", accepted.Load())
	}
}

func TestOver64ConnectionsFiveWrongCodesAreEvaluated(t *testing.T) {
	p := dev(t)
	v := p.begin("+13035551201")
	code := p.inboxCode("+13035551201")
	var wrongs, exhausted atomic.Int32
	atOnce(64, func(int) {
		switch c := p.check(v.ID, wrong(code)); c.Reason {
		case "wrong_code":
			wrongs.Add(1)
		case "max_attempts_exceeded":
			exhausted.Add(1)
		default:
			t.Errorf("%+v", c)
		}
	})
	if wrongs.Load() != 4 || exhausted.Load() != 60 {
		t.Errorf("%d told wrong, %d told that it is over; want 4 and 60", wrongs.Load(), exhausted.Load())
	}
	if c := p.check(v.ID, code); c.ResponseCode != "rejected" {
		t.Errorf("the right code after five wrong ones: %+v", c)
	}
}

// carrierAt serves the imitation of Telnyx on a listener.
func carrierAt(t *testing.T, l net.Listener, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	if l != nil {
		_ = s.Listener.Close()
		s.Listener = l
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL + "/v2"
}

// The process dies after it said yes and before any carrier took the message: at
// first nobody listens at the carrier's address.
func TestKilledBetweenAcceptAndSendTheMessageGoesOutOnce(t *testing.T) {
	reserve, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := reserve.Addr().String()
	if err := reserve.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := serveWith(t, dir, "http://"+addr+"/v2")
	v := p.begin("+13035551201")
	kill(t, p)

	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	api := telnyxtest.New(carrierKey)
	carrierAt(t, l, api)
	restarted(t, dir, "http://"+addr+"/v2", api, v)
}

// The process dies while the carrier has the request and has not answered.
func TestKilledWhileTheCarrierIsSilentTheMessageStillGoesOut(t *testing.T) {
	arrived := make(chan struct{}, 8)
	silent := carrierAt(t, nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // until then the server does not see the client go
		arrived <- struct{}{}
		<-r.Context().Done()
	}))
	dir := t.TempDir()
	p := serveWith(t, dir, silent)
	v := p.begin("+13035551201")
	<-arrived
	kill(t, p)
	api := telnyxtest.New(carrierKey)
	restarted(t, dir, carrierAt(t, nil, api), api, v)
}

// Two nodes share a PostgreSQL database and a key. One is killed with a message
// accepted that no carrier has taken; the other sends it once its lease is over.
func TestWhatAKilledNodeAcceptedAnotherSends(t *testing.T) {
	dir, database := t.TempDir(), pgtest.URL(t)
	arrived := make(chan struct{}, 8)
	silent := carrierAt(t, nil, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		<-r.Context().Done()
	}))
	api := telnyxtest.New(carrierKey)
	one := serveOn(t, dir, database, silent)
	two := serveOn(t, dir, database, carrierAt(t, nil, api))
	if one.ProfileID != two.ProfileID {
		t.Fatal("the nodes have two profiles")
	}
	v := one.begin("+13035551201")
	<-arrived
	kill(t, one)
	m, err := api.Wait(t.Context(), "+13035551201")
	if err != nil {
		t.Fatal(err)
	}
	code := strings.Trim(m.Text[strings.LastIndex(m.Text, " "):], " .")
	if c := two.check(v.ID, code); c.ResponseCode != "accepted" {
		t.Errorf("on the other node: %+v", c)
	}
	if n := len(api.Messages()); n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestOnTwoNodesARightCodeIsAcceptedOnce(t *testing.T) {
	dir, database := t.TempDir(), pgtest.URL(t)
	api := telnyxtest.New(carrierKey)
	carrier := carrierAt(t, nil, api)
	nodes := []*process{serveOn(t, dir, database, carrier), serveOn(t, dir, database, carrier)}
	for _, number := range []string{"+13035551201", "+13035551202", "+13035551203"} {
		v := nodes[0].begin(number)
		m, err := api.Wait(t.Context(), number)
		if err != nil {
			t.Fatal(err)
		}
		code := strings.Trim(m.Text[strings.LastIndex(m.Text, " "):], " .")
		var accepted atomic.Int32
		atOnce(64, func(i int) {
			if c := nodes[i%2].check(v.ID, code); c.ResponseCode == "accepted" {
				accepted.Add(1)
			}
		})
		if accepted.Load() != 1 {
			t.Errorf("%s: accepted %d times", number, accepted.Load())
		}
	}
}

func kill(t *testing.T, p *process) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait() // says that it was killed
}

// restarted starts the service again and demands that the message goes out once,
// with the code that the verification accepts.
func restarted(t *testing.T, dir, carrier string, api *telnyxtest.API, v verification) {
	t.Helper()
	p := serveWith(t, dir, carrier)
	m, err := api.Wait(t.Context(), "+13035551201")
	if err != nil {
		t.Fatal(err)
	}
	code := strings.Trim(m.Text[strings.LastIndex(m.Text, " "):], " .")
	if c := p.check(v.ID, code); c.ResponseCode != "accepted" {
		t.Errorf("the code of the message: %+v", c)
	}
	terminate(t, p)
	if n := len(api.Messages()); n != 1 {
		t.Errorf("%d messages", n)
	}
	again := serveWith(t, dir, carrier)
	again.begin("+13035551299")
	if _, err := api.Wait(t.Context(), "+13035551299"); err != nil {
		t.Fatal(err)
	}
	if n := len(api.Messages()); n != 2 {
		t.Errorf("%d messages after another start, want the one and the new one", n)
	}
}

func terminate(t *testing.T, p *process) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

func TestSIGTERMFinishesWhatWasAccepted(t *testing.T) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	api := telnyxtest.New(carrierKey)
	url := carrierAt(t, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-answer
		api.ServeHTTP(w, r)
	}))
	p := serveWith(t, t.TempDir(), url)
	p.begin("+13035551201")
	<-arrived
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	go func() { // lets the carrier answer once the service no longer takes requests
		for {
			c, err := new(net.Dialer).DialContext(context.Background(), "tcp", strings.TrimPrefix(p.URL, "http://"))
			if err != nil {
				close(answer)
				return
			}
			_ = c.Close()
		}
	}()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if n := len(api.Messages()); n != 1 || !strings.Contains(p.stderr.String(), `"outcome":"sent"`) && !strings.Contains(p.stderr.String(), "outcome=sent") {
		t.Errorf("%d messages", n)
	}
}

func TestTheCarrierSeesWhatTheTutorialSends(t *testing.T) {
	api := telnyxtest.New(carrierKey)
	p := serveWith(t, t.TempDir(), carrierAt(t, nil, api))
	p.begin("+13035551201")
	m, err := api.Wait(t.Context(), "+13035551201")
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(m.Raw, &body); err != nil {
		t.Fatal(err)
	}
	text, _ := body["text"].(string)
	if len(body) != 3 || body["to"] != "+13035551201" || body["from"] != "+12015550100" || !strings.HasPrefix(text, "Your verification code is ") {
		t.Errorf("%s", m.Raw)
	}
}

func TestUnlockAndEraseFindTheNumberWhetherOrNotTheServiceRuns(t *testing.T) {
	dir := t.TempDir()
	api := telnyxtest.New(carrierKey)
	p := serveWith(t, dir, carrierAt(t, nil, api))
	v := p.begin("+13035551201")
	m, err := api.Wait(t.Context(), "+13035551201")
	if err != nil {
		t.Fatal(err)
	}
	p.check(v.ID, wrong(strings.Trim(m.Text[strings.LastIndex(m.Text, " "):], " .")))
	type step struct {
		command, number string
		code            int
		want            string
	}
	play := func(when string, steps ...step) {
		t.Helper()
		for _, s := range steps {
			code, out, errs := cliRun(t, nil, nil, s.command, s.number, "--config", filepath.Join(dir, "config.yml"))
			if code != s.code || !strings.Contains(out+errs, s.want) {
				t.Errorf("%s, %s %s: %d %s%s", when, s.command, s.number, code, out, errs)
			}
		}
	}
	play("while it runs",
		step{"unlock", "+1 303 555 1201", 0, "Unlocked."},
		step{"unlock", "+13035551201", 0, "nothing to unlock"},
		step{"unlock", "+13035551202", 1, "no verification of +1"},
		step{"unlock", "nonsense", 1, "characters that no number has"},
		step{"erase", "+13035551202", 0, "Nothing is stored"})
	p.check(v.ID, wrong(strings.Trim(m.Text[strings.LastIndex(m.Text, " "):], " ."))) // still there
	terminate(t, p)
	if found, _ := filepath.Glob(filepath.Join(dir, "*.sock")); len(found) != 0 {
		t.Errorf("the socket is left behind: %v", found)
	}
	play("while it does not",
		step{"unlock", "+13035551201", 0, "Unlocked."},
		step{"erase", "+13035551201", 0, "Erased one verification"},
		step{"erase", "+13035551201", 0, "Nothing is stored"},
		step{"unlock", "+13035551201", 1, "no verification of +1"})
}

// lettersAndDigits are all that one of Twilio's SDKs takes in a token.
const lettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func TestDevPrintsOneJSONLineForScripts(t *testing.T) {
	cmd := command(t, "dev", "--json", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "d"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(out)
	var first map[string]string
	if err := dec.Decode(&first); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(io.MultiReader(dec.Buffered(), out))
	if err != nil || strings.TrimSpace(string(rest)) != "" {
		t.Errorf("standard output goes on: %q, %v", rest, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	if len(first) != 7 || first["twilio_auth_token"] != first["api_key"] || len(first["twilio_account_sid"]) != 34 || !strings.HasPrefix(first["twilio_account_sid"], "AC") ||
		first["twilio_service_sid"] != "VA"+strings.ReplaceAll(first["profile_id"], "-", "") || strings.Trim(first["twilio_auth_token"], lettersAndDigits) != "" ||
		first["inbox_url"] != first["url"]+"/dev/inbox" || !strings.HasPrefix(first["api_key"], "KEY") || len(first["profile_id"]) != 36 {
		t.Errorf("%v", first)
	}
}

func TestKeyAndProfileOfDevStayTheSame(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	run := func() (key, profile string) {
		p := start(t, "dev", "--json", "--listen", "127.0.0.1:0", "--data", data)
		terminate(t, p)
		return p.APIKey, p.ProfileID
	}
	key, profile := run()
	if again, same := run(); again != key || same != profile {
		t.Error("a restart changed them")
	}
}

// A newcomer pastes the two lines as they stand.
func TestTheLinesThatDevPrintsWorkWhenPasted(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("curl is missing; make test installs it")
	}
	cmd := command(t, "dev", "--listen", "127.0.0.1:0", "--data", filepath.Join(t.TempDir(), "d"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(printed.String(), "Ctrl-C stops it.") {
		n, err := out.Read(buf)
		printed.Write(buf[:n])
		if err != nil {
			t.Fatalf("%v after %s", err, &printed)
		}
	}
	var answers []string
	for line := range strings.Lines(printed.String()) {
		if strings.HasPrefix(strings.TrimSpace(line), "curl ") {
			got, err := exec.CommandContext(t.Context(), "sh", "-c", line).Output()
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, string(got))
		}
	}
	if len(answers) != 2 || !strings.Contains(answers[0], `"status":"pending"`) || !strings.Contains(answers[1], `"response_code":"accepted"`) {
		t.Errorf("%q", answers)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
