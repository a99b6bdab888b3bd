package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/app"
	"countersign/internal/store/pgtest"
)

// TestFlows plays the scripts of testdata/flows against the whole service, over
// HTTP, in each dialect and on each database. A line is a step:
//
//	wait DURATION                         time passes
//	start NUMBER as NAME                  a verification begins, or goes on
//	start NUMBER refused STATUS           it is refused; TELNYX/TWILIO where the statuses differ
//	same NAME NAME                        two names are one verification
//	messages NUMBER COUNT                 so many messages have arrived, in all
//	check NAME right|wrong|empty: ANSWER  by id; ANSWER is «accepted» or «rejected REASON» or «refused STATUS»
//	check NUMBER right|wrong: ANSWER      by number
//	status NAME STATUS                    what a look at it says
//
// Right is the code of the newest message to the verification's number. Lines
// that begin with # explain. Every flow is played in every dialect; what a dialect
// says in place of these words is in flow_dialects_test.go.
func TestFlows(t *testing.T) {
	files, err := filepath.Glob("testdata/flows/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		for _, said := range slices.Sorted(maps.Keys(dialects)) {
			t.Run(name+" in "+said+" on SQLite", func(t *testing.T) { playFlow(t, path, said, "") })
			t.Run(name+" in "+said+" on PostgreSQL", func(t *testing.T) { playFlow(t, path, said, pgtest.URL(t)) })
		}
	}
}

// TestMain ends the PostgreSQL server that the flows start.
func TestMain(m *testing.M) {
	if where, ok := os.LookupEnv(apart); ok {
		if err := serveUntilLeft(where); err != nil {
			log.Fatal(err)
		}
		return
	}
	os.Exit(pgtest.Main(m))
}

func playFlow(t *testing.T, path, said, database string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := newFlow(t, database)
	f.dialect = dialects[said]
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := f.step(line); err != nil {
			t.Fatalf("%s:%d: %s: %v", path, n, line, err)
		}
	}
}

type flow struct {
	app.Started
	t       *testing.T
	dialect dialect
	mu      sync.Mutex
	ahead   time.Duration
	ids     map[string]string // name → id
	numbers map[string]string // name → number
}

func (f *flow) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Now().Add(f.ahead)
}

func newFlow(t *testing.T, database string) *flow {
	t.Helper()
	return newFlowIn(t, t.TempDir(), database)
}

func newFlowIn(t *testing.T, dir, database string) *flow {
	t.Helper()
	f := &flow{t: t, ids: map[string]string{}, numbers: map[string]string{}}
	c := flowConfigIn(dir, database)
	c.Limits.NumberPerHour = 12
	f.serve(c, app.Options{})
	return f
}

// flowConfig is the development configuration on a database; SQLite if empty.
func flowConfig(t *testing.T, database string) app.Config {
	t.Helper()
	return flowConfigIn(t.TempDir(), database)
}

func flowConfigIn(dir, database string) app.Config {
	c := app.Development(dir)
	c.Listen = "127.0.0.1:0"
	if database != "" {
		c.Database = database
	}
	c.AddInbox()
	return c
}

// serve runs a service by the flow's clock, until stop is called or the test ends.
func (f *flow) serve(c app.Config, o app.Options) (stop func()) {
	f.t.Helper()
	o.Now = f.now
	f.Started, stop = serve(f.t, c, o)
	return stop
}

// serve runs a service until stop is called or the test ends.
func serve(t *testing.T, c app.Config, o app.Options) (where app.Started, stop func()) {
	t.Helper()
	a, err := app.Open(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := a.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- a.Serve(ctx, l) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return a.Describe(l), stop
}

func (f *flow) step(line string) error {
	words := strings.Fields(line)
	switch {
	case words[0] == "wait" && len(words) == 2:
		d, err := time.ParseDuration(words[1])
		f.mu.Lock()
		f.ahead += d
		f.mu.Unlock()
		return err
	case words[0] == "start" && len(words) == 4:
		return f.start(words[1], words[2], words[3])
	case words[0] == "same" && len(words) == 3:
		if f.ids[words[1]] != f.ids[words[2]] {
			return fmt.Errorf("they are two")
		}
		return nil
	case words[0] == "messages" && len(words) == 3:
		return f.messages(words[1], words[2])
	case words[0] == "check":
		what, want, ok := strings.Cut(strings.TrimPrefix(line, "check "), ": ")
		if parts := strings.Fields(what); ok && len(parts) == 2 {
			return f.check(parts[0], parts[1], want)
		}
	case words[0] == "status" && len(words) == 3:
		return f.status(words[1], words[2])
	}
	return fmt.Errorf("no such step")
}

func (f *flow) call(method, path string, body any) (status int, data map[string]any, err error) {
	res, data, err := f.exchange(method, path, body)
	if err != nil {
		return 0, nil, err
	}
	return res.StatusCode, data, nil
}

// exchange is call, for those who look at the headers: the body is read.
func (f *flow) exchange(method, path string, body any) (*http.Response, map[string]any, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, nil, err
	}
	req, err := http.NewRequestWithContext(f.t.Context(), method, f.URL+path, strings.NewReader(string(text)))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+f.APIKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, nil, err
	}
	var envelope struct{ Data map[string]any }
	err = json.Unmarshal(answer, &envelope)
	return res, envelope.Data, err
}

// speaks is the flow's dialect: Telnyx's unless another is set.
func (f *flow) speaks() dialect {
	if f.dialect == nil {
		return telnyxDialect{}
	}
	return f.dialect
}

func (f *flow) start(number, how, name string) error {
	status, id, err := f.speaks().start(f, number)
	if err != nil {
		return err
	}
	if how == "refused" {
		if fmt.Sprint(status) != f.speaks().refused(name) {
			return fmt.Errorf("%d %v", status, id)
		}
		return nil
	}
	if status != http.StatusOK {
		return fmt.Errorf("%d %v", status, id)
	}
	f.ids[name], f.numbers[name] = id, number
	return nil
}

// inbox lists the codes that a number has been sent, once there are at least so many.
func (f *flow) inbox(number string, least int) (codes []string, err error) {
	to := "to=" + strings.Replace(number, "+", "%2B", 1)
	var list struct{ Data []struct{ ID, Code string } }
	for range least + 1 {
		if err := f.get("/dev/messages?"+to, &list); err != nil {
			return nil, err
		}
		if len(list.Data) >= least {
			break
		}
		last := "0"
		if n := len(list.Data); n > 0 {
			last = list.Data[n-1].ID
		}
		var next struct{ ID string }
		if err := f.get("/dev/messages/wait?timeout=30s&after="+last+"&"+to, &next); err != nil {
			return nil, err
		}
	}
	for _, m := range list.Data {
		codes = append(codes, m.Code)
	}
	return codes, nil
}

func (f *flow) get(path string, into any) error {
	res, err := http.Get(f.URL + path)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d", path, res.StatusCode)
	}
	return json.NewDecoder(res.Body).Decode(into)
}

func (f *flow) messages(number, count string) error {
	var want int
	if _, err := fmt.Sscan(count, &want); err != nil {
		return err
	}
	codes, err := f.inbox(number, want)
	if err == nil && len(codes) != want {
		err = fmt.Errorf("there are %d", len(codes))
	}
	return err
}

func (f *flow) check(who, guess, want string) error {
	id, number := f.ids[who], who
	if id != "" {
		number = f.numbers[who]
	}
	codes, err := f.inbox(number, 1)
	if err != nil || len(codes) == 0 {
		return fmt.Errorf("no message: %w", err)
	}
	code := codes[len(codes)-1]
	switch {
	case guess == "empty":
		code = ""
	case guess == "wrong" && code == "000000":
		code = "000001"
	case guess == "wrong":
		code = "000000"
	}
	got, err := f.speaks().check(f, id, number, code)
	if err == nil && got != f.speaks().answered(want) {
		err = fmt.Errorf("the answer is %q", got)
	}
	return err
}

func (f *flow) status(name, want string) error {
	got, err := f.speaks().status(f, f.ids[name])
	if err == nil && got != f.speaks().shown(want) {
		err = fmt.Errorf("it is %v", got)
	}
	return err
}
