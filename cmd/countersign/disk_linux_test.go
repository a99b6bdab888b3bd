package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// limitFiles lets the process write no file beyond so many bytes: a disk that is
// full for it alone, and no less real, since the refusal is the kernel's.
func (p *process) limitFiles(bytes uint64) {
	p.t.Helper()
	limit := syscall.Rlimit{Cur: bytes, Max: ^uint64(0)}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.cmd.Process.Pid), syscall.RLIMIT_FSIZE,
		uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		p.t.Fatal(errno)
	}
}

// sizes is the size of the largest file of the database.
func largest(t *testing.T, dir string) (size int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.db*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		if info, err := os.Stat(path); err == nil {
			size = max(size, info.Size())
		}
	}
	return size
}

// answer is what one caller was told.
type answer struct {
	status int
	wait   string // Retry-After
	text   string
}

func (p *process) ask(method, path, body string) answer {
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.URL+path, strings.NewReader(body))
	if err != nil {
		p.t.Error(err)
		return answer{}
	}
	req.Header.Set("Authorization", "Bearer "+p.APIKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Error(err)
		return answer{}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Error(err)
	}
	return answer{res.StatusCode, res.Header.Get("Retry-After"), string(text)}
}

func (p *process) tryStart(number string) answer {
	return p.ask(http.MethodPost, "/v2/verifications/sms", fmt.Sprintf(`{"phone_number":%q,"verify_profile_id":%q}`, number, p.ProfileID))
}

func (p *process) tryCheck(id, code string) answer {
	return p.ask(http.MethodPost, "/v2/verifications/"+id+"/actions/verify", fmt.Sprintf(`{"code":%q}`, code))
}

func (a answer) id(t *testing.T) string {
	t.Helper()
	var v struct{ Data verification }
	if err := json.Unmarshal([]byte(a.text), &v); err != nil || v.Data.ID == "" {
		t.Fatalf("%+v", a)
	}
	return v.Data.ID
}

func (a answer) accepted() bool {
	return a.status == http.StatusOK && strings.Contains(a.text, `"accepted"`)
}

// known is a verification, with what callers were told of it.
type known struct {
	number, id, code string
	accepted         int // times
	unclear          bool
}

func number(n int) string { return fmt.Sprintf("+44740%07d", n) }

// The disk is full while callers start and check. They are refused, in words and
// with a time to wait; nobody is told of a success that is not kept; what is
// stored can be read; and when there is space again the service goes on by itself.
func TestWhileTheDiskIsFullCallersAreRefusedAndThenServedAgain(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p := dev(t, "--data", data)
	var ready []*known
	for n := range 24 {
		v := &known{number: number(n)}
		v.id = p.tryStart(v.number).id(t)
		v.code = p.inboxCode(v.number)
		ready = append(ready, v)
	}
	for _, v := range ready[:8] {
		p.told(v)
	}

	p.limitFiles(uint64(largest(t, data)) + 1<<20)
	more := p.fill()
	p.limitFiles(1) // nothing goes on by chance in what is left
	before, since := len(p.stderr.String()), time.Now()
	var all sync.WaitGroup
	for _, v := range ready[8:16] {
		all.Go(func() { p.mustRefuse(p.tryCheck(v.id, v.code)); v.unclear = true })
	}
	for n := range 32 {
		all.Go(func() { p.mustRefuse(p.tryStart(number(5000 + n))) })
	}
	all.Wait()
	const seconds = 3 // the service has work of its own each second
	every := time.NewTicker(25 * time.Millisecond)
	defer every.Stop()
	for n := range seconds * 40 {
		<-every.C
		p.mustRefuse(p.tryStart(number(6000 + n)))
		v := ready[n%len(ready)]
		if a := p.ask(http.MethodGet, "/v2/verifications/"+v.id, ""); a.status != http.StatusOK && a.status != http.StatusServiceUnavailable {
			t.Errorf("a look: %+v", a)
		}
	}
	if a := p.ask(http.MethodGet, "/healthz", ""); a.status != http.StatusOK {
		t.Errorf("it lives, and says %+v", a)
	}
	p.calmLog(before, since)

	p.limitFiles(^uint64(0))
	deadline := time.Now().Add(10 * time.Second)
	again := &known{number: number(9000)}
	for {
		a := p.tryStart(again.number)
		if a.status == http.StatusOK {
			again.id = a.id(t)
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is space again, and it says %+v", a)
		}
	}
	again.code = p.inboxCode(again.number)
	ready = append(ready, again)
	for _, v := range ready {
		p.told(v)
	}
	kill(t, p)
	p = dev(t, "--data", data)
	for _, v := range append(ready, more...) {
		p.settled(v)
	}
	t.Logf("%d were promised before the disk was full", len(more))
}

// fill starts verifications until the disk is full, and returns those that it was
// told of.
func (p *process) fill() (more []*known) {
	p.t.Helper()
	for n := range 5000 {
		v := &known{number: number(10_000 + n)}
		a := p.tryStart(v.number)
		if a.status != http.StatusOK {
			p.mustRefuse(a)
			return more
		}
		v.id = a.id(p.t)
		more = append(more, v)
	}
	p.t.Fatal("the disk does not become full")
	return nil
}

// told checks the right code, and remembers the answer.
func (p *process) told(v *known) {
	p.t.Helper()
	a := p.tryCheck(v.id, v.code)
	if a.accepted() {
		v.accepted++
	}
	if v.accepted > 1 {
		p.t.Errorf("%s was accepted %d times", v.id, v.accepted)
	}
}

// settled looks at a verification in a process that began after a kill.
func (p *process) settled(v *known) {
	p.t.Helper()
	a := p.ask(http.MethodGet, "/v2/verifications/"+v.id, "")
	is := strings.Contains(a.text, `"status":"accepted"`)
	switch {
	case a.status != http.StatusOK:
		p.t.Errorf("%s was promised: %+v", v.id, a)
	case v.accepted == 1 && !is:
		p.t.Errorf("%s was accepted, and is %s", v.id, a.text)
	case v.accepted == 0 && is && !v.unclear:
		p.t.Errorf("%s was never accepted, and is %s", v.id, a.text)
	}
	if v.code != "" && v.accepted == 1 {
		p.told(v)
	}
}

func (p *process) mustRefuse(a answer) {
	p.t.Helper()
	if a.status != http.StatusServiceUnavailable || a.wait == "" || strings.Contains(a.text, "accepted") {
		p.t.Errorf("the disk is full, and the answer is %+v", a)
	}
}

// calmLog looks for the sentence for the operator, and that the log does not
// become the next thing to fill the disk: beside the lines of requests there are
// few.
func (p *process) calmLog(from int, since time.Time) {
	p.t.Helper()
	text, own := p.stderr.String()[from:], 0
	if !strings.Contains(text, "the disk fails: it may be full") {
		p.t.Errorf("the log does not say that it is the disk:\n%s", text)
	}
	for line := range strings.Lines(text) {
		if !strings.Contains(line, " request=") {
			p.t.Log(line)
			own++
		}
	}
	if took := time.Since(since); own > 20*int(took/time.Second+1) {
		p.t.Errorf("%d lines in %s that no request is the cause of", own, took)
	}
}
