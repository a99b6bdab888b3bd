package history

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"

	"countersign/internal/verify"
)

// faulty is a store whose commits fail now and then: before anything was written,
// or after everything was, without anyone being told which.
type faulty struct {
	verify.Store
	mu     sync.Mutex
	random *rand.Rand // nil: no faults

	before, after atomic.Int64 // how many of each there were
}

var errBefore = errors.New("history: a fault before the commit")

// seed begins faults; nil ends them.
func (f *faulty) seed(r *rand.Rand) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.random = r
}

func (f *faulty) draw() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.random == nil {
		return -1
	}
	return f.random.IntN(12)
}

// Commit commits, or fails in one of the two ways.
func (f *faulty) Commit(ctx context.Context, needs []verify.Needs, decide func(*verify.Snapshot) error) error {
	pick := f.draw()
	if pick == 0 {
		f.before.Add(1)
		return errBefore
	}
	err := f.Store.Commit(ctx, needs, decide)
	if err == nil && pick == 1 {
		f.after.Add(1)
		return verify.ErrOutcomeUnknown
	}
	return err
}

// cut is the header by which a client asks the proxy to lose the answer.
const cut = "X-Cut"

// cutter stands before a node. A request that asks for it is forwarded and done,
// and then the connection breaks before the answer: the client is told nothing.
func cutter(w *world, n *node) string {
	target, err := url.Parse(n.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Transport: w.client.Transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Header.Get(cut) != "" {
				return errBefore // what it says does not matter: it leads to ErrorHandler
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	server := httptest.NewServer(proxy)
	w.t.Cleanup(server.Close)
	return server.URL
}
