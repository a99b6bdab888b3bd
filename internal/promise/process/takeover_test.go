//go:build unix

package process

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"
)

// What the promise gives a dead node's messages, and what a busy machine may add.
const (
	takeover = 10 * time.Second
	slack    = 10 * time.Second
)

// A node dies with messages in hand that it acknowledged and that no carrier took:
// its carrier has the requests and says nothing.
func TestWhatADeadNodeHadInHandAnotherSendsWithinTenSeconds(t *testing.T) {
	t.Parallel()
	c := onPostgres(t, 1)
	const messages = 20
	arrived := make(chan struct{}, messages)
	doomed := c.start(c.slot(c.database, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // until then the server does not see the client go
		arrived <- struct{}{}
		<-r.Context().Done()
	}))
	me := newClient(c, &figures{}, false)
	var ids []string
	for i := range messages {
		a, err := me.ask(t.Context(), doomed, startOf(number(i), ""))
		if err != nil || a.data.ID == "" {
			t.Fatal(a, err)
		}
		ids = append(ids, a.data.ID)
	}
	for range messages {
		<-arrived
	}
	died := time.Now()
	c.kill(doomed)
	c.lost(doomed)

	ctx, cancel := context.WithDeadline(t.Context(), died.Add(takeover+slack))
	defer cancel()
	codes := make([]string, messages)
	for i := range messages {
		m, err := c.api.Wait(ctx, number(i))
		if err != nil {
			t.Fatalf("message %d has not been sent %s after its node died", i, time.Since(died))
		}
		codes[i] = codeIn(m.Text)
	}
	t.Logf("the last of %d messages of a dead node was sent after %s", messages, time.Since(died).Round(time.Millisecond))
	for i, id := range ids {
		if a, err := me.do(t.Context(), checkOf(id, codes[i], "")); err != nil || a.said() != saidAccepted {
			t.Errorf("the code that the other node sent: %s, %v", a, err)
		}
	}
	if n := len(c.api.Messages()); n != messages {
		t.Errorf("%d messages went out, not %d", n, messages)
	}
}
