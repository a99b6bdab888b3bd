package tenant

import (
	"context"
	"math"
	"sync"
	"time"

	"countersign/internal/verify"
)

// maxCached bounds what a cache holds: far more than a busy node reads in MaxAge.
const maxCached = 4096

// cache is a Store whose reads may be as old as maxAge. Of records only those that
// were found are kept, so that what is added anywhere can be named at once, and what
// nobody has cannot fill it.
// Its writes are seen by its own reads at once. The Store within reads what stands
// there.
type cache struct {
	Store
	maxAge time.Duration // zero: nothing is kept
	now    func() time.Time

	mu     sync.Mutex
	writes int // so that what was read before a write is not kept after it
	kept   map[asked]found
}

// asked is a question that was put to the Store.
type asked struct {
	kind   Kind
	id     verify.ID
	tenant string
	parent verify.ID
	name   string
	all    bool // of a parent: that it has none is an answer too
}

// found is what it answered.
type found struct {
	records []Record
	at      time.Time
}

func newCache(c Config) *cache {
	return &cache{Store: c.Store, maxAge: c.MaxAge, now: c.Now, kept: map[asked]found{}}
}

// Record reads one by its id, which may be as old as maxAge.
func (c *cache) Record(ctx context.Context, kind Kind, id verify.ID) (*Record, error) {
	return c.one(asked{kind: kind, id: id}, func() (*Record, error) { return c.Store.Record(ctx, kind, id) })
}

// RecordNamed reads one by its name, which may be as old as maxAge.
func (c *cache) RecordNamed(ctx context.Context, kind Kind, tenant string, parent verify.ID, name string) (*Record, error) {
	q := asked{kind: kind, tenant: tenant, parent: parent, name: name}
	return c.one(q, func() (*Record, error) { return c.Store.RecordNamed(ctx, kind, tenant, parent, name) })
}

// children reads all of a kind that belong to a record; they may be as old as maxAge.
func (c *cache) children(ctx context.Context, kind Kind, tenant string, parent verify.ID) ([]Record, error) {
	return c.read(asked{kind: kind, tenant: tenant, parent: parent, all: true}, func() ([]Record, error) {
		all, _, err := c.Records(ctx, Query{Kind: kind, Tenant: tenant, Parent: parent, Limit: math.MaxInt32})
		return all, err
	})
}

// AddRecord adds one, and forgets what was read of its kind.
func (c *cache) AddRecord(ctx context.Context, r Record) error {
	defer c.forget(r.Kind)
	return c.Store.AddRecord(ctx, r)
}

// ChangeRecord changes one, and forgets what was read of its kind.
func (c *cache) ChangeRecord(ctx context.Context, r Record) error {
	defer c.forget(r.Kind)
	return c.Store.ChangeRecord(ctx, r)
}

// DropRecord deletes one, and forgets all: records of other kinds went with it.
func (c *cache) DropRecord(ctx context.Context, kind Kind, id verify.ID) error {
	defer c.forget("")
	return c.Store.DropRecord(ctx, kind, id)
}

func (c *cache) one(q asked, ask func() (*Record, error)) (*Record, error) {
	all, err := c.read(q, func() ([]Record, error) {
		r, err := ask()
		if r == nil {
			return nil, err
		}
		return []Record{*r}, err
	})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

func (c *cache) read(q asked, ask func() ([]Record, error)) ([]Record, error) {
	if c.maxAge <= 0 {
		return ask()
	}
	now := c.now()
	c.mu.Lock()
	known, ok := c.kept[q]
	writes := c.writes
	c.mu.Unlock()
	if age := now.Sub(known.at); ok && age >= 0 && age < c.maxAge {
		return known.records, nil
	}
	all, err := ask()
	if err != nil || len(all) == 0 && !q.all {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writes == writes {
		if len(c.kept) >= maxCached {
			clear(c.kept)
		}
		c.kept[q] = found{all, now}
	}
	return all, nil
}

// forget drops what was read of a kind, or of all. It is called after a write whatever
// came of it: one that failed may have been carried out.
func (c *cache) forget(kind Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes++
	for q := range c.kept {
		if kind == "" || q.kind == kind {
			delete(c.kept, q)
		}
	}
}
