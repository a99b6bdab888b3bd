package app_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"countersign/internal/app"
	"countersign/internal/store"
	"countersign/internal/store/faultfs"
	"countersign/internal/verify"
)

// told is what callers of the whole service were told while its disk failed.
type told struct {
	*flow
	mu                           sync.Mutex
	begun, accepted              map[string]int // by id: how often
	refused, looksRefused, looks int
}

// TestWhileTheDiskFailsNoAnswerIsUntrue runs the service on a disk that fails at
// times, in each way, under callers who start, look and check. It answers what is
// kept, or 503 with a time to wait; and when the disk is well it goes on.
func TestWhileTheDiskFailsNoAnswerIsUntrue(t *testing.T) {
	for _, tt := range []struct {
		name string
		faultfs.Fault
	}{
		{"commits are not synced", faultfs.Fault{Only: faultfs.Sync, File: "-wal", Drop: true, Lasting: true}},
		{"the file is not synced", faultfs.Fault{Only: faultfs.Sync, File: ".db", Drop: true, Lasting: true}},
		{"the disk is full", faultfs.Fault{Full: true, Torn: true, Lasting: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			disk := faultfs.Under(t, dir)
			w := &told{flow: newFlowIn(t, dir, ""), begun: map[string]int{}, accepted: map[string]int{}}
			var waiting []begun
			for n := range 8 {
				w.checkTwice(w.begin(n))
				waiting = append(waiting, w.begin(50+n))
			}
			disk.Fail(1, tt.Fault)
			everyFewMilliseconds(t, func(n int) bool {
				w.checkTwice(w.begin(100 + n))
				w.checkTwice(waiting[n%len(waiting)])
				// Where nothing can be synced the file is closed, at the next second.
				return w.refused >= 20 && (tt.Only != faultfs.Sync || w.looksRefused > 0)
			})
			w.lives()
			disk.Heal()
			deadline := time.Now().Add(10 * time.Second)
			everyFewMilliseconds(t, func(n int) bool {
				served := w.checkTwice(w.begin(5000 + n))
				if time.Now().After(deadline) {
					t.Fatal("the disk is well, and nobody is served")
				}
				return served
			})
			for _, v := range waiting {
				w.checkTwice(v)
			}
			cut := t.TempDir()
			disk.Copy(t, cut)
			w.hold(t, cut)
			t.Logf("%d begun, %d accepted, %d refused; %d looks, %d refused", len(w.begun), len(w.accepted), w.refused, w.looks, w.looksRefused)
		})
	}
}

// everyFewMilliseconds calls do until it says that it is done.
func everyFewMilliseconds(t *testing.T, do func(n int) bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("it does not come to an end")
		}
		if do(n) {
			return
		}
	}
}

// begun is a verification that was promised; none if it has no code.
type begun struct{ id, code string }

func (w *told) begin(n int) (v begun) {
	w.t.Helper()
	number := fmt.Sprintf("+44740%07d", n)
	w.ask(&w.refused, func(data map[string]any) {
		v.id = fmt.Sprint(data["id"])
		w.begun[v.id]++
	}, http.MethodPost, "/v2/verifications/sms", map[string]string{"phone_number": number, "verify_profile_id": w.ProfileID})
	if v.id == "" {
		return v
	}
	codes, err := w.inbox(number, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	v.code = codes[0]
	return v
}

// checkTwice has two callers say the right code at once, looks at what came of it, and
// says whether one was told of a success.
func (w *told) checkTwice(v begun) bool {
	w.t.Helper()
	if v.code == "" {
		return false
	}
	before := w.accepted[v.id]
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			w.ask(&w.refused, func(data map[string]any) {
				if data["response_code"] == "accepted" {
					w.accepted[v.id]++
				}
			}, http.MethodPost, "/v2/verifications/"+v.id+"/actions/verify", map[string]string{"code": v.code})
		})
	}
	both.Wait()
	w.look(v.id)
	return w.accepted[v.id] > before
}

func (w *told) look(id string) {
	w.t.Helper()
	w.ask(&w.looksRefused, func(map[string]any) { w.looks++ }, http.MethodGet, "/v2/verifications/"+id, nil)
}

// ask takes 200, and 503 with a time to wait, and nothing else.
func (w *told) ask(refused *int, yes func(map[string]any), method, path string, body any) {
	w.t.Helper()
	a, data, err := w.exchange(method, path, body)
	if err != nil {
		w.t.Error(err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case a.StatusCode == http.StatusOK:
		yes(data)
	case a.StatusCode == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != "":
		*refused++
	default:
		w.t.Errorf("%s %s: %d, Retry-After %q", method, path, a.StatusCode, a.Header.Get("Retry-After"))
	}
}

func (w *told) lives() {
	w.t.Helper()
	a, err := http.Get(w.URL + "/healthz")
	if err != nil {
		w.t.Fatal(err)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		w.t.Errorf("it lives, and says %d", a.StatusCode)
	}
}

// hold compares what callers were told with what a power cut left.
func (w *told) hold(t *testing.T, dir string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.db"))
	if err != nil || len(paths) != 1 {
		t.Fatal(paths, err)
	}
	s, err := store.Open(t.Context(), paths[0])
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for text := range w.begun {
		id, err := uuid.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		v, err := s.Verification(t.Context(), verify.ID(id))
		if err != nil || v == nil {
			t.Errorf("%s was begun, and is lost: %v", text, err)
			continue
		}
		if w.accepted[text] > 1 || w.accepted[text] == 1 && v.Status != verify.Accepted {
			t.Errorf("%s was accepted %d times, and is %s", text, w.accepted[text], v.Status)
		}
	}
}

func TestADiskThatIsFullAtTheStartIsSaidInASentence(t *testing.T) {
	dir := t.TempDir()
	disk := faultfs.Under(t, dir)
	disk.Fail(1, faultfs.Fault{Full: true, Lasting: true})
	c := app.Development(dir)
	c.AddInbox()
	_, err := app.Open(t.Context(), c, app.Options{})
	if err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("it says %v", err)
	}
	disk.Heal()
	a, err := app.Open(t.Context(), c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
