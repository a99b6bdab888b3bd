package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/internal/app"
	"countersign/internal/store/pgtest"
)

// failovers is the long form: -args -failovers 20.
var failovers = flag.Int("failovers", 1, "how often a standby takes over from the primary that the whole service uses")

// site is the service on one or more nodes.
type site struct {
	t     *testing.T
	nodes []app.Started
	http  http.Client
}

// openSite runs nodes on one PostgreSQL database.
func openSite(t *testing.T, database string, nodes int) *site {
	t.Helper()
	s := &site{t: t, http: http.Client{Timeout: 30 * time.Second}}
	folder := t.TempDir() // they share a key
	for range nodes {
		c := app.Development(folder)
		c.Listen, c.Database = "127.0.0.1:0", database
		c.AddInbox()
		a, err := app.Open(t.Context(), c, app.Options{})
		if err != nil {
			t.Fatal(err)
		}
		l, err := a.Listen(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.nodes = append(s.nodes, a.Describe(l))
		ctx, stop := context.WithCancel(context.Background())
		served := make(chan error, 1)
		go func() { served <- a.Serve(ctx, l) }()
		t.Cleanup(func() { stop(); <-served })
	}
	return s
}

// answer is what a client sees.
type answer struct {
	status     int // zero: none came
	retryAfter string
	data       struct {
		ID       string
		Status   string
		Response string `json:"response_code"`
		Reason   string
	}
}

func (s *site) call(node int, method, path, key string, body map[string]string) (a answer) {
	n := s.nodes[node%len(s.nodes)]
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Error(err)
		return a
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, n.URL+path, bytes.NewReader(text))
	if err != nil {
		s.t.Error(err)
		return a
	}
	req.Header.Set("Authorization", "Bearer "+n.APIKey)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := s.http.Do(req)
	if err != nil {
		return a
	}
	defer res.Body.Close()
	envelope := struct{ Data any }{&a.data}
	if err := json.NewDecoder(res.Body).Decode(&envelope); err != nil {
		return a
	}
	a.status, a.retryAfter = res.StatusCode, res.Header.Get("Retry-After")
	return a
}

const ownCode = "314159"

func (s *site) start(node int, number, key string) answer {
	return s.call(node, http.MethodPost, "/v2/verifications/sms", key,
		map[string]string{"phone_number": number, "verify_profile_id": s.nodes[0].ProfileID, "custom_code": ownCode})
}

func (s *site) check(node int, id string) answer {
	return s.call(node, http.MethodPost, "/v2/verifications/"+id+"/actions/verify", "", map[string]string{"code": ownCode})
}

func (s *site) look(id string) answer {
	return s.call(0, http.MethodGet, "/v2/verifications/"+id, "", nil)
}

// again says whether a client tries again: it was told to, or was told nothing.
func again(a answer) bool { return a.status == 0 || a.status == http.StatusServiceUnavailable }

// visit is one person's log-in, as the clients of both nodes saw it.
type visit struct {
	id       string
	accepted int // how many were told so
	unknown  int // how many were told nothing, or to try again
}

// clients is how many log people in at the same time.
const clients = 4

// crowd keeps people logging in, each with a number of his own.
type crowd struct {
	*site
	ctx    context.Context
	people atomic.Int64
	mu     sync.Mutex
	visits []visit
	each   chan int // who has logged in
}

func (c *crowd) run(client int) {
	for c.ctx.Err() == nil {
		person := c.people.Add(1)
		number, key := fmt.Sprintf("+1303%03d%04d", 555+person/10000, person%10000), fmt.Sprint("person ", person)
		var a answer
		for a = c.start(client, number, key); again(a); a = c.start(client, number, key) {
			if !c.pause() {
				return
			}
		}
		if a.status != http.StatusOK {
			c.t.Errorf("a start got %d", a.status)
			return
		}
		v := visit{id: a.data.ID}
		c.checkAtOnce(&v)
		c.mu.Lock()
		c.visits = append(c.visits, v)
		c.mu.Unlock()
		select {
		case c.each <- client:
		case <-c.ctx.Done():
		}
	}
}

// checkAtOnce types the right code at every node at the same time, again and again
// until each has answered.
func (c *crowd) checkAtOnce(v *visit) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for node := range c.nodes {
		all.Go(func() {
			for again(c.checkOnce(node, v, &mu)) && c.pause() {
			}
		})
	}
	all.Wait()
}

func (c *crowd) checkOnce(node int, v *visit, mu *sync.Mutex) answer {
	a := c.check(node, v.id)
	mu.Lock()
	defer mu.Unlock()
	switch {
	case again(a):
		v.unknown++
	case a.data.Response == "accepted":
		v.accepted++
	case a.data.Reason != "already_used":
		c.t.Errorf("a right code got %d %+v", a.status, a.data)
	}
	return a
}

// pause is what Retry-After asks for, in short.
func (c *crowd) pause() bool {
	select {
	case <-time.After(100 * time.Millisecond):
		return true
	case <-c.ctx.Done():
		return false
	}
}

// await returns when every client has logged a few more people in, and gives up
// when the longest time that is promised is over.
func (c *crowd) await() {
	c.t.Helper()
	const each = 5
	late := time.After(45 * time.Second)
	var seen [clients]int
	for missing := clients * each; missing > 0; {
		select {
		case i := <-c.each:
			if seen[i]++; seen[i] <= each {
				missing--
			}
		case <-late:
			c.t.Fatalf("clients are not served: %v", seen)
		}
	}
}

// verdict compares what was promised with what is stored in the end.
func (c *crowd) verdict() {
	unknown := 0
	for _, v := range c.visits {
		a := c.look(v.id)
		switch {
		case a.status != http.StatusOK:
			c.t.Errorf("a start that was acknowledged is gone: %d", a.status)
		case v.accepted > 1:
			c.t.Errorf("a code was accepted %d times", v.accepted)
		case v.accepted == 1 && a.data.Status != "accepted":
			c.t.Errorf("an acceptance was undone: it is %s", a.data.Status)
		case v.accepted == 0 && v.unknown == 0:
			c.t.Errorf("a right code was accepted by nobody: it is %s", a.data.Status)
		}
		if v.accepted == 0 {
			unknown++
		}
	}
	c.t.Logf("%d log-ins, of %d nobody was told", len(c.visits), unknown)
}

// Two nodes, each with its clients, lose their primary. They find the standby that
// takes its place by themselves, and with it all that anybody was told.
func TestAFailoverLosesAndDoublesNoAcceptance(t *testing.T) {
	t.Parallel()
	pair := pgtest.StartPair(t)
	execute(t, pair.Primary.URL("postgres"), "CREATE DATABASE countersign")
	ctx, stop := context.WithCancel(t.Context())
	c := &crowd{site: openSite(t, pair.URL("countersign"), 2), ctx: ctx, each: make(chan int)}
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() { c.run(i) })
	}
	defer func() { stop(); all.Wait() }()
	for i := range *failovers {
		if i > 0 {
			pair.Rebuild(t)
		}
		c.await()
		pair.Primary.Kill(t)
		pair.Promote(t)
		c.await()
	}
	stop()
	all.Wait()
	c.verdict()
}

// What the API says while its database is in trouble, and that it goes on by
// itself when that is over.
func TestWhileTheDatabaseIsInTroubleCallersAreToldToComeBack(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.Database(t)
	free := url + "&default_transaction_read_only=off"
	s := openSite(t, url, 1)
	for i, trouble := range []struct {
		name        string
		begin, over func()
		reads       bool // while it lasts
	}{
		{"killed", func() { server.Kill(t) }, func() { server.Restart(t) }, false},
		{"read-only", func() {
			execute(t, free, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()", endSessions)
		}, func() {
			execute(t, free, "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
		}, false},
		{"full", func() {
			execute(t, url, `CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
				$$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END$$`,
				"CREATE TRIGGER full_disk BEFORE INSERT ON verifications FOR EACH ROW EXECUTE FUNCTION full_disk()")
		}, func() { execute(t, url, "DROP TRIGGER full_disk ON verifications") }, true},
		{"hung", func() { server.Hang(t) }, func() { server.Resume(t) }, false},
	} {
		t.Run(trouble.name, func(t *testing.T) {
			number := fmt.Sprintf("+1303555%04d", i)
			before := s.start(0, number, "before"+trouble.name)
			trouble.begin()
			for range 3 {
				toComeBack(t, s.start(0, strings.Replace(number, "303", "720", 1), "during"+trouble.name))
			}
			if !trouble.reads {
				toComeBack(t, s.look(before.data.ID))
			}
			trouble.over()
			late := time.After(10 * time.Second)
			for again(s.check(0, before.data.ID)) {
				select {
				case <-late:
					t.Fatal("it did not recover")
				case <-time.After(20 * time.Millisecond):
				}
			}
			if a := s.look(before.data.ID); a.status != http.StatusOK || a.data.Status != "accepted" {
				t.Errorf("a look at it: %+v", a)
			}
		})
	}
}

func toComeBack(t *testing.T, a answer) {
	t.Helper()
	if a.status != http.StatusServiceUnavailable || a.retryAfter != "1" {
		t.Errorf("told %d, to come back after %q", a.status, a.retryAfter)
	}
}

const endSessions = `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
	WHERE datname = current_database() AND pid <> pg_backend_pid()`

// execute runs statements beside the service.
func execute(t *testing.T, url string, texts ...string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	for _, text := range texts {
		if _, err := c.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
}
