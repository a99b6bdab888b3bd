//go:build unix

package process

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// points is at how many places on the way of one verification a process is killed.
const points = 20

// A process is killed before each of the messages that it exchanges with the
// database and the carrier for one verification, one after the other: while the
// start is decided on, before and after it is durable, with the message handed
// over, with the carrier's word not yet written down, and so on to the right code.
// The client asks everything again under the same keys. It is one verification,
// one wrong guess and one message, but where the carrier had been asked and nobody
// can know: then two at the most, of the same code.
func TestKilledAnywhereOnItsWayARequestIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	c := onPostgres(t, 1)
	tap := newTap(t, c.database)
	slot := c.slot(tap.database, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // the imitation finds out if half of it came
		r.Body = io.NopCloser(bytes.NewReader(body))
		if tap.pass() {
			tap.asked.Add(1)
			c.api.ServeHTTP(w, r)
		}
		if !tap.pass() {
			panic(http.ErrAbortHandler) // it took the message, and its word comes too late
		}
	})
	var killed []point
	for len(killed) < points || len(killed) < 4*points && uncovered(killed) != "" {
		killed = append(killed, tap.killAt(t, c, slot, len(killed)))
	}
	me := newClient(c, &figures{}, false)
	twice := 0
	for _, p := range killed {
		messages := p.again(t, c, me)
		twice += max(0, messages-1)
		if allowed := 1 + p.asked; messages < 1 || messages > allowed {
			t.Errorf("killed at %d: %d messages, at most %d can be explained", p.at, messages, allowed)
		}
	}
	t.Logf("killed at %d points: %v; %d messages went out twice", len(killed), stages(killed), twice)
	if stage := uncovered(killed); stage != "" {
		t.Errorf("the points do not cover the way of a verification: %s", stage)
	}
}

// stages counts how far those that were killed had come.
func stages(killed []point) map[string]int {
	reached := map[string]int{}
	for _, p := range killed {
		reached[p.reached()]++
	}
	return reached
}

// uncovered names a stage at which hardly any was killed: how many messages a stage
// consists of is a matter of how commits and answers fall together. Empty for none.
func uncovered(killed []point) string {
	reached := stages(killed)
	for _, stage := range []string{"not started", "taken by the carrier", "guessed"} {
		if reached[stage] < 2 {
			return stage
		}
	}
	return ""
}

// point is where a process was killed, and what its client and its carrier knew
// by then.
type point struct {
	at     int
	number string
	id     string // of the acknowledged verification, if it was acknowledged
	asked  int    // messages that the carrier had taken from the dead process
	code   string // of the message, if it came
	wrong  string // the answer to the wrong guess, if one came
	right  string // likewise
}

func (p *point) reached() string {
	switch {
	case p.wrong != "":
		return "guessed"
	case p.asked > 0:
		return "taken by the carrier"
	case p.id != "":
		return "started"
	}
	return "not started"
}

func (p *point) start() call { return startOf(p.number, "start "+p.number) }

func (p *point) guess(id, code string) call { return checkOf(id, code, "check "+p.number+" "+code) }

// nobody is the id of no verification.
const nobody = "00000000-0000-7000-8000-000000000000"

// killAt runs a process, goes through a verification with it, and kills it before
// one of its next messages: the i-th try before the i-th, and from the first anew
// after the last point.
func (p *tap) killAt(t *testing.T, c *cluster, slot, i int) point {
	t.Helper()
	n := i % points
	p.first.Store(true)
	doomed := c.start(slot)
	p.asked.Store(0)
	p.arm(n, func() {
		// Time for what it may have to say too early: these are answered after it.
		for range 3 {
			if _, err := newClient(c, &figures{}, true).ask(t.Context(), doomed, lookAt(nobody)); err != nil {
				t.Error(err)
			}
		}
		c.kill(doomed)
	})
	out := point{at: n, number: number(i)}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go func() {
		<-doomed.gone
		cancel() // nobody waits for its message
	}()
	out.walk(ctx, c, doomed)
	<-ctx.Done()
	if !doomed.killed.Load() {
		t.Fatalf("the message %d of its way did not come", n)
	}
	c.lost(doomed)
	out.asked = int(p.asked.Load())
	return out
}

// walk asks one process for everything, until it does not answer.
func (p *point) walk(ctx context.Context, c *cluster, doomed *node) {
	me := newClient(c, &figures{}, true)
	a, err := me.ask(ctx, doomed, p.start())
	if err != nil {
		return
	}
	p.id = a.data.ID
	m, err := c.api.Wait(ctx, p.number)
	if err != nil {
		return
	}
	p.code = codeIn(m.Text)
	if a, err = me.ask(ctx, doomed, p.guess(p.id, wrongFor(p.code))); err != nil {
		return
	}
	p.wrong = a.said()
	for err == nil {
		if a, err = me.ask(ctx, doomed, p.guess(p.id, p.code)); err == nil {
			p.right = a.said()
		}
	}
}

// again asks for everything once more, of a process that lives, and counts the
// messages.
func (p *point) again(t *testing.T, c *cluster, me *client) (messages int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), takeover+slack)
	defer cancel()
	a, err := me.do(ctx, p.start())
	if err != nil || a.status != http.StatusOK || p.id != "" && a.data.ID != p.id {
		t.Errorf("%+v: asked again: %s, %v", p, a, err)
		return 0
	}
	if p.code == "" {
		m, err := c.api.Wait(ctx, p.number)
		if err != nil {
			t.Errorf("%+v: no message: %v", p, err)
			return 0
		}
		p.code = codeIn(m.Text)
	}
	id, wrong := a.data.ID, wrongFor(p.code)
	calls := []call{p.guess(id, wrong)}
	if p.wrong == "" {
		// Three more are good only if the one under the key was counted once.
		calls = append(calls, checkOf(id, wrong, ""), checkOf(id, wrong, ""), checkOf(id, wrong, ""))
	}
	for _, q := range calls {
		if a, err = me.do(ctx, q); err != nil || a.said() != saidWrong {
			t.Errorf("%+v: a wrong guess: %s, %v", p, a, err)
		}
	}
	if a, err = me.do(ctx, p.guess(id, p.code)); err != nil || a.said() != saidAccepted {
		t.Errorf("%+v: the right guess: %s, %v", p, a, err)
	}
	for _, o := range c.api.Messages() {
		if o.To == p.number {
			messages++
			if codeIn(o.Text) != p.code {
				t.Errorf("%+v: two codes", p)
			}
		}
	}
	return messages
}

// tap stands between a process and PostgreSQL and sees each message before it is
// passed on. It counts those of a process's first connection alone: that is the
// one that commits, and nothing but requests and deliveries goes over it.
type tap struct {
	database string // its address, in place of the server's
	asked    atomic.Int32
	first    atomic.Bool // the next connection is a process's first

	mu   sync.Mutex
	left int
	kill func() // nil: nobody is to be killed
}

func newTap(t *testing.T, database string) *tap {
	t.Helper()
	to, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	const socket = ".s.PGSQL.5432"
	server := filepath.Join(to.Query().Get("host"), socket)
	dir, err := os.MkdirTemp("", "tap") // the test's own folder has too long a name for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	to.RawQuery = url.Values{"host": {dir}}.Encode()
	p := &tap{database: to.String()}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.join(client, server, p.first.Swap(false))
		}
	}()
	return p
}

// arm kills before the n-th message from now on, and passes none on after that
// until it is armed anew.
func (p *tap) arm(n int, kill func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left, p.kill = n, kill
}

// pass says whether a message may go on.
func (p *tap) pass() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kill == nil {
		return true
	}
	if p.left > 0 {
		p.left--
		return true
	}
	p.kill()
	p.kill = nil
	return false
}

// join carries what one connection says to the server and back.
func (p *tap) join(client net.Conn, path string, counts bool) {
	defer client.Close()
	server, err := net.DialTimeout("unix", path, patience)
	if err != nil {
		return // the client sees that it is gone
	}
	defer server.Close()
	done := make(chan struct{}, 2)
	pass := p.pass
	if !counts {
		pass = func() bool { return true }
	}
	go func() { carry(server, client, pass); done <- struct{}{} }()
	go func() { carry(client, server, pass); done <- struct{}{} }()
	<-done
}

func carry(to io.Writer, from io.Reader, pass func() bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !pass() {
			return
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
