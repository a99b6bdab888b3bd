//go:build unix

package process

import (
	"net/http"
	"sync"
	"testing"
)

const repeats = 50

// A client's retries, all at once and over all nodes, are one verification, one
// message and one answer; and so they are to processes that never saw the first.
func TestARepeatedRequestIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB) *cluster{
		"sqlite":   onSQLite,
		"postgres": func(t testing.TB) *cluster { return onPostgres(t, 2) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repeat(t, open(t))
		})
	}
}

func repeat(t *testing.T, c *cluster) {
	start := startOf(number(0), "the same start")
	id := onlyOne(t, c, start, func(a answer) string { return a.data.ID })
	m, err := c.api.Wait(t.Context(), number(0))
	if err != nil {
		t.Fatal(err)
	}
	wrong := checkOf(id, wrongFor(codeIn(m.Text)), "the same wrong guess")
	right := checkOf(id, codeIn(m.Text), "the same right guess")
	for _, again := range []bool{false, true} {
		for _, tt := range []struct {
			call call
			want string
		}{{wrong, saidWrong}, {right, saidAccepted}} {
			if said := onlyOne(t, c, tt.call, answer.said); said != tt.want {
				t.Errorf("processes killed in between: %v: %s, want %s", again, said, tt.want)
			}
		}
		if again {
			break
		}
		for slot := range c.slots {
			n := c.node(slot)
			c.kill(n)
			c.lost(n)
		}
		for slot := range c.slots {
			c.start(slot)
		}
		if same := onlyOne(t, c, start, func(a answer) string { return a.data.ID }); same != id {
			t.Errorf("the same start is another verification after a restart")
		}
	}
	me := newClient(c, &figures{}, false)
	if a, err := me.do(t.Context(), checkOf(id, codeIn(m.Text), "")); err != nil || a.said() != saidUsed {
		t.Errorf("the right code under no key: %s, %v", a, err)
	}
	if a, err := me.do(t.Context(), startOf(number(1), "the same start")); err != nil || a.status != http.StatusUnprocessableEntity {
		t.Errorf("another start under the same key: %s, %v", a, err)
	}
	if n := len(c.api.Messages()); n != 1 {
		t.Errorf("%d messages", n)
	}
}

// onlyOne makes a call many times at once, over all nodes, and returns what of the
// answers must be the same.
func onlyOne(t *testing.T, c *cluster, q call, what func(answer) string) string {
	t.Helper()
	answers := make([]answer, repeats)
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range repeats {
		me := newClient(c, &figures{}, true)
		all.Go(func() {
			<-begin
			var err error
			if answers[i], err = me.ask(t.Context(), c.node(i%len(c.slots)), q); err != nil {
				t.Error(err)
			}
		})
	}
	close(begin)
	all.Wait()
	for _, a := range answers {
		if a.status != http.StatusOK || what(a) != what(answers[0]) {
			t.Errorf("one request, two answers: %s and %s", answers[0], a)
		}
	}
	return what(answers[0])
}
