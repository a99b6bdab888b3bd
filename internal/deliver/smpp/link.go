package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"countersign/internal/verify"
)

// link keeps a session: it opens one, waits for its end and opens the next one, with
// waits that grow while none is of any use.
type link struct {
	set    *settings
	tracks *tracks
	news   chan news

	mu      sync.Mutex
	started bool
	closed  bool
	stop    context.CancelFunc
	session *session      // bound, or nil
	changed chan struct{} // closed, and made anew, when what stands here changes
	failed  int           // sessions in a row that were not of any use
	down    error         // why there is no session; nil while none was tried
	sends   sync.WaitGroup
	running sync.WaitGroup
}

const (
	firstWait = 100 * time.Millisecond
	lastWait  = 30 * time.Second
	// patience is how long a message waits for a session. Another carrier may have one.
	patience = 3 * time.Second
	// hopeless is after how many failures messages do not wait any more.
	hopeless = 3
	// farewell is how long the answer to our unbind is waited for.
	farewell = time.Second
)

var errNotBound = errors.New("there is no session with the centre yet")

// start begins to keep a session, if nobody has yet. It lives past ctx, until close.
func (l *link) start(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.started || l.closed {
		return
	}
	l.started = true
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	l.running.Go(func() { l.keep(ctx) })
	for range listeners {
		l.running.Go(l.tell)
	}
}

// enter counts a Send, unless the link is closed.
func (l *link) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.sends.Add(1)
	}
	return !l.closed
}

// await returns a session, or says why there is none.
func (l *link) await(ctx context.Context) (*session, *verify.SendError) {
	timer := time.NewTimer(min(patience, l.set.timeout))
	defer timer.Stop()
	for {
		l.mu.Lock()
		s, changed, failed, down := l.session, l.changed, l.failed, l.down
		l.mu.Unlock()
		if s != nil && !s.over() {
			return s, nil
		}
		e := refuse(verify.Temporary, &silence{"the bind", errNotBound})
		if down != nil {
			e.Err = fmt.Errorf("smpp: no session: %w", down)
		}
		if answer, is := errors.AsType[refused](down); is {
			e.Class = answer.status.bindClass()
		}
		if failed >= hopeless || e.Class == verify.Credentials {
			return nil, e
		}
		select {
		case <-changed:
		case <-timer.C:
			return nil, e
		case <-ctx.Done():
			e.Err = fmt.Errorf("smpp: no session: %w", ctx.Err())
			return nil, e
		}
	}
}

// now writes down how things stand.
func (l *link) now(s *session, failed int, down error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session, l.failed, l.down = s, failed, down
	close(l.changed)
	l.changed = make(chan struct{})
}

// keep keeps a session until ctx ends.
func (l *link) keep(ctx context.Context) {
	defer close(l.news) // all who push have ended with their session
	failed := 0
	for ctx.Err() == nil {
		s, err := l.open(ctx)
		if err == nil {
			l.set.log.InfoContext(ctx, "smpp: bound")
			l.now(s, failed, nil)
			s.running.Go(func() { s.watch(ctx, l.set.enquireEvery) })
			select {
			case <-s.done:
			case <-ctx.Done():
				s.end(errClosed)
			}
			s.running.Wait()
			err = s.cause
			if s.proved.Load() {
				failed = 0
			}
		}
		failed++
		wait := pause(failed, err)
		l.now(nil, failed, reason(err))
		if ctx.Err() != nil || errors.Is(err, errClosed) {
			return
		}
		l.set.log.WarnContext(ctx, "smpp: no session", "cause", reason(err), "again_in", wait.Round(time.Millisecond))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// pause is how long to wait after so many failures, give or take a quarter, so that
// the nodes of a service do not come back all at once. A centre that refuses the
// credentials is not asked often: some lock an account for that.
func pause(failed int, err error) time.Duration {
	wait := lastWait
	if answer, is := errors.AsType[refused](err); !is || answer.status.bindClass() != verify.Credentials {
		wait = min(firstWait<<min(failed-1, 16), lastWait)
	}
	return wait*3/4 + rand.N(wait/2)
}

// open connects and binds.
func (l *link) open(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, l.set.timeout)
	defer cancel()
	conn, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	s := begin(conn, l.set.window, l.set.timeout, l)
	answer, none := s.ask(ctx, l.set.bind, l.set.credentials(), nil)
	switch {
	case none != nil:
		err = none.cause
	case !answer.taken():
		err = refused{"the bind", answer.status}
	default:
		return s, nil
	}
	s.end(err)
	s.running.Wait()
	return nil, err
}

func (l *link) dial(ctx context.Context) (net.Conn, error) {
	conn, err := l.set.dial(ctx, "tcp", l.set.address)
	if err != nil || l.set.tls == nil {
		return conn, err
	}
	encrypted := tls.Client(conn, l.set.tls)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return abrupt{encrypted}, nil
}

// abrupt closes without the farewell of TLS, which would wait for a far side that does
// not read. That of SMPP has been said.
type abrupt struct{ *tls.Conn }

// Close closes the connection below.
func (a abrupt) Close() error { return a.NetConn().Close() }

// close ends all, within ctx.
func (l *link) close(ctx context.Context) error {
	l.mu.Lock()
	again := l.closed
	l.closed = true
	started := l.started
	l.mu.Unlock()
	if again || !started {
		return nil
	}
	err := wait(ctx, &l.sends)
	l.mu.Lock()
	s := l.session
	l.mu.Unlock()
	if s != nil {
		leaving, cancel := context.WithTimeout(ctx, farewell)
		s.unbind(leaving)
		cancel()
	}
	l.stop()
	return errors.Join(err, wait(ctx, &l.running))
}

// wait waits for all of a group, until ctx ends.
func wait(ctx context.Context, group *sync.WaitGroup) error {
	ended := make(chan struct{})
	go func() {
		group.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
