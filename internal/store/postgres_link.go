package store

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errClosed is returned for what comes after Close.
var errClosed = errors.New("the database is closed")

// patience is how long callers wait for a lost connection to come back before
// they are told. It is counted from the loss, not from the call: while a server
// is down, those who come later are told at once.
const patience = 2 * time.Second

// Writers is how many batches a Postgres commits at a time. While one waits for
// the server's disk, the other is decided on or on its way.
const Writers = 2

// link holds the connections that commit. Whoever takes one has it alone until
// it is given back. A connection that comes back broken is replaced behind the
// callers' backs, with growing waits, until Close.
type link struct {
	dial  func(context.Context) (*pgConn, error) // it bounds itself
	ctx   context.Context                        // ends with Close
	end   context.CancelFunc
	conns chan *pgConn // those that nobody has
	dials sync.WaitGroup

	mu     sync.Mutex
	lost   int           // connections being made
	outage chan struct{} // closed once an outage has outlasted patience
	closed bool          // outage is closed
	cause  error         // why the last attempt to connect failed
}

// newLink makes a link of as many connections as there are Writers.
func newLink(ctx context.Context, dial func(context.Context) (*pgConn, error), conns []*pgConn) *link {
	l := &link{dial: dial, conns: make(chan *pgConn, Writers), outage: make(chan struct{})}
	l.ctx, l.end = context.WithCancel(ctx)
	for _, c := range conns {
		l.conns <- c
	}
	return l
}

// take waits for a connection until ctx ends or an outage has gone on too long.
func (l *link) take(ctx context.Context) (*pgConn, error) {
	l.mu.Lock()
	outage := l.outage
	l.mu.Unlock()
	select {
	case c := <-l.conns:
		return c, nil
	default:
	}
	select {
	case c := <-l.conns:
		return c, nil
	case <-outage:
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.cause == nil {
			return nil, errors.New("the database server does not answer")
		}
		return nil, l.cause
	case <-l.ctx.Done():
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// give returns the connection, broken or not.
func (l *link) give(c *pgConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ctx.Err() != nil:
		_ = c.close(l.ctx) // it is of no use to anyone
	case c.IsClosed():
		l.lost++
		l.dials.Go(l.redial)
	default:
		l.conns <- c
	}
}

// redial connects again, however often it takes.
func (l *link) redial() {
	tired := time.AfterFunc(patience, l.giveUp)
	defer tired.Stop()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		c, err := l.dial(l.ctx)
		if err == nil {
			tired.Stop()
			l.recovered()
			l.give(c)
			return
		}
		l.mu.Lock()
		l.cause = err
		l.mu.Unlock()
		again := time.NewTimer(wait)
		select {
		case <-again.C:
		case <-l.ctx.Done():
			again.Stop()
			return
		}
	}
}

// giveUp tells those who wait, and those who come, that there is an outage: no
// connection is left.
func (l *link) giveUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed && l.lost == Writers {
		l.closed = true
		close(l.outage)
	}
}

// recovered takes the news of an outage back.
func (l *link) recovered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost--
	l.cause = nil
	if l.closed {
		l.closed, l.outage = false, make(chan struct{})
	}
}

func (l *link) close() error {
	l.mu.Lock()
	l.end()
	l.mu.Unlock()
	l.dials.Wait()
	var err error
	for range Writers {
		select {
		case c := <-l.conns:
			err = errors.Join(err, wrap(c.close(l.ctx)))
		default: // lost, or in the hands of one who will find out
		}
	}
	return err
}
