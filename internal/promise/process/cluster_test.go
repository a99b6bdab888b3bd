//go:build unix

package process

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"countersign/internal/deliver/telnyx/telnyxtest"
	"countersign/internal/store/pgtest"
)

const (
	apiKey     = "KEY-for-the-proof-with-processes"
	carrierKey = "KEY-of-the-carrier"
)

// cluster is some nodes on one database with one key, the carrier they send by,
// and a list of those that are up, as a balancer has one.
type cluster struct {
	t        testing.TB
	dir      string
	database string
	api      *telnyxtest.API // every message that was taken
	watch    watch
	kills    atomic.Int64

	mu      sync.Mutex
	up      []*node
	changed chan struct{} // closed when up changes
	slots   []*slot
}

// slot is a place for a node: what stays the same when its process is another.
type slot struct {
	database string
	carrier  string
	node     *node
}

// onSQLite is a cluster of one, for there can be no second process on its file.
func onSQLite(t testing.TB) *cluster {
	dir := t.TempDir()
	return newCluster(t, dir, "sqlite:"+filepath.Join(dir, "countersign.db"), 1)
}

// onPostgres is a cluster of several nodes.
func onPostgres(t testing.TB, nodes int) *cluster {
	return newCluster(t, t.TempDir(), pgtest.URL(t), nodes)
}

func newCluster(t testing.TB, dir, database string, nodes int) *cluster {
	t.Helper()
	dependOnProgram(t)
	c := &cluster{t: t, dir: dir, database: database, api: telnyxtest.New(carrierKey), changed: make(chan struct{})}
	for i := range nodes {
		c.slot(database, func(w http.ResponseWriter, r *http.Request) { c.carry(i, w, r) })
	}
	t.Cleanup(c.end)
	for i := range c.slots {
		c.start(i)
	}
	return c
}

// slot adds a place for a node that has its own way to the database and to the
// carrier.
func (c *cluster) slot(database string, carrier http.HandlerFunc) int {
	server := httptest.NewServer(carrier)
	c.t.Cleanup(server.Close)
	c.slots = append(c.slots, &slot{database: database, carrier: server.URL + "/v2"})
	return len(c.slots) - 1
}

// carry takes a message from the slot's node, as Telnyx does.
func (c *cluster) carry(slot int, w http.ResponseWriter, r *http.Request) {
	n := c.node(slot)
	c.watch.see(carried, n)
	c.api.ServeHTTP(w, r)
	_ = http.NewResponseController(w).Flush() // whoever is killed while it asks reads no answer
	c.watch.see(taken, n)
}

func (c *cluster) node(slot int) *node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slots[slot].node
}

// start runs a process in a slot on the data that are there.
func (c *cluster) start(slot int) *node {
	c.t.Helper()
	n, err := launch(slot, "serve", "--config", c.configure(slot))
	if err != nil {
		if n != nil {
			n.kill()
		}
		c.t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slots[slot].node = n
	c.up = append(c.up, n)
	c.tell()
	return n
}

// configure writes what an operator would.
func (c *cluster) configure(slot int) string {
	c.t.Helper()
	s := c.slots[slot]
	text, err := json.Marshal(map[string]any{
		"listen": "127.0.0.1:0", "environment": "development", "database": s.database,
		"key_file": filepath.Join(c.dir, "key"), "api_keys": []string{apiKey}, "log": map[string]string{"level": "warn"},
		"carriers": []any{map[string]string{
			"name": "telnyx", "type": "telnyx", "api_key": carrierKey, "from": "+12015550100", "base_url": s.carrier,
		}},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	path := filepath.Join(c.dir, fmt.Sprintf("config-%d.yml", slot))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// kill ends a process at once. Whoever calls it then waits for gone.
func (c *cluster) kill(n *node) {
	c.kills.Add(1) // first, so that whoever looks later knows of it
	n.kill()
}

// lost takes a node that has ended off the list.
func (c *cluster) lost(n *node) {
	c.t.Helper()
	<-n.gone
	if text := n.complaints(); text != "" {
		c.t.Errorf("a node complains:\n%s", text)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, o := range c.up {
		if o == n {
			c.up = append(c.up[:i:i], c.up[i+1:]...)
		}
	}
	c.tell()
}

func (c *cluster) tell() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// another returns a node of the list that is not last, and waits for one.
func (c *cluster) another(ctx context.Context, last *node) (*node, error) {
	for {
		c.mu.Lock()
		var others []*node
		for _, n := range c.up {
			if n != last {
				others = append(others, n)
			}
		}
		changed := c.changed
		c.mu.Unlock()
		if len(others) > 0 {
			return others[rand.IntN(len(others))], nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// end stops what still runs, and demands that it ends in order.
func (c *cluster) end() {
	for _, s := range c.slots {
		if s.node == nil || s.node.killed.Load() {
			continue
		}
		if c.t.Failed() {
			s.node.kill()
			<-s.node.gone
			c.t.Logf("standard error of node %d:\n%s", s.node.slot, s.node.stderr)
			continue
		}
		s.node.terminate(c.t)
		c.lost(s.node)
	}
}

// number is the n-th of a great many numbers that can be texted.
func number(n int) string {
	areas := [...]string{"303", "720", "212", "310", "415", "617", "312", "404"}
	return fmt.Sprintf("+1%s%d%04d", areas[n/700_000], 220+n/10_000%70, n%10_000)
}
