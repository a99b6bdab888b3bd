package tenant_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"testing"
	"time"

	"countersign/internal/code"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/tenant/recordtest"
	"countersign/internal/verify"
)

// memory is a Store of a test.
type memory struct {
	mu     sync.Mutex
	rows   map[string]tenant.Record
	reads  int
	fails  error  // of every call
	writes error  // of every write
	during func() // once, within the next read and after it has read
}

func newMemory() *memory { return &memory{rows: map[string]tenant.Record{}} }

func rowKey(kind tenant.Kind, id verify.ID) string { return string(kind) + id.String() }

func (m *memory) Record(_ context.Context, kind tenant.Kind, id verify.ID) (*tenant.Record, error) {
	all, err := m.chosen(func(r tenant.Record) bool { return r.Kind == kind && r.ID == id })
	if len(all) == 0 {
		return nil, err
	}
	return &all[0], err
}

func (m *memory) RecordNamed(_ context.Context, kind tenant.Kind, owner string, parent verify.ID, name string) (*tenant.Record, error) {
	all, err := m.chosen(func(r tenant.Record) bool {
		return name != "" && r.Kind == kind && r.Tenant == owner && r.Parent == parent && r.Name == name
	})
	if len(all) == 0 {
		return nil, err
	}
	return &all[0], err
}

func (m *memory) Records(_ context.Context, q tenant.Query) ([]tenant.Record, int, error) {
	all, err := m.chosen(func(r tenant.Record) bool {
		return r.Kind == q.Kind && r.Tenant == q.Tenant && r.Parent == q.Parent
	})
	page := all[min(q.Offset, len(all)):]
	return page[:min(q.Limit, len(page))], len(all), err
}

func (m *memory) EveryRecord(_ context.Context, kind tenant.Kind, after verify.ID, limit int) ([]tenant.Record, error) {
	all, err := m.chosen(func(r tenant.Record) bool { return r.Kind == kind && bytes.Compare(r.ID[:], after[:]) > 0 })
	return all[:min(limit, len(all))], err
}

// chosen reads rows in the order of their ids.
func (m *memory) chosen(which func(tenant.Record) bool) (all []tenant.Record, err error) {
	m.mu.Lock()
	m.reads++
	for _, r := range m.rows {
		if m.fails == nil && which(r) {
			all = append(all, r)
		}
	}
	err = m.fails
	during := m.during
	m.during = nil
	m.mu.Unlock()
	if during != nil {
		during()
	}
	slices.SortFunc(all, func(a, b tenant.Record) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return all, err
}

func (m *memory) clash(r tenant.Record) bool {
	for _, o := range m.rows {
		if o.ID != r.ID && r.Name != "" && o.Kind == r.Kind && o.Tenant == r.Tenant && o.Parent == r.Parent && o.Name == r.Name {
			return true
		}
	}
	return false
}

func (m *memory) AddRecord(_ context.Context, r tenant.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(m.fails, m.writes); err != nil {
		return err
	}
	stands, ok := m.rows[rowKey(r.Kind, r.ID)]
	switch {
	case ok && stands.Tenant == r.Tenant && stands.Version == r.Version && bytes.Equal(stands.Body, r.Body):
		return nil
	case ok, m.clash(r):
		return tenant.ErrTaken
	}
	m.rows[rowKey(r.Kind, r.ID)] = r
	return nil
}

func (m *memory) ChangeRecord(_ context.Context, r tenant.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(m.fails, m.writes); err != nil {
		return err
	}
	stands, ok := m.rows[rowKey(r.Kind, r.ID)]
	switch {
	case ok && stands.Version == r.Version && bytes.Equal(stands.Body, r.Body):
		return nil
	case !ok || stands.Version != r.Version-1:
		return tenant.ErrChanged
	case m.clash(r):
		return tenant.ErrTaken
	}
	m.rows[rowKey(r.Kind, r.ID)] = r
	return nil
}

func (m *memory) DropRecord(_ context.Context, kind tenant.Kind, id verify.ID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(m.fails, m.writes); err != nil {
		return err
	}
	delete(m.rows, rowKey(kind, id))
	for gone := []verify.ID{id}; len(gone) > 0; gone = gone[1:] {
		for key, r := range m.rows {
			if r.Parent == gone[0] {
				delete(m.rows, key)
				gone = append(gone, r.ID)
			}
		}
	}
	return nil
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.rows)
}

func TestTheStoreOfTheseTestsKeepsRecordsLikeTheDatabases(t *testing.T) {
	recordtest.Run(t, func(*testing.T) recordtest.Open {
		m := newMemory()
		return func(*testing.T) tenant.Store { return m }
	})
}

const (
	price      = tenant.Dollar / 100
	configured = "KEYofTheConfigurationFile0123456789"
)

var (
	fixedID = verify.ID{6: 0x70, 15: 1}
	noID    verify.ID
)

// world is a store, a clock and a ring, and the nodes on them.
type world struct {
	t      *testing.T
	store  *memory
	now    time.Time
	ring   *secret.Ring
	config tenant.Config
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, store: newMemory(), now: time.Date(2026, 3, 1, 12, 0, 0, 123_456_789, time.UTC), ring: secret.Generate()}
	w.config = tenant.Config{
		Store: w.store, Keys: w.ring, Now: func() time.Time { return w.now }, Random: rand.Reader,
		Fixed: []tenant.Profile{{
			Meta: tenant.Meta{ID: fixedID, Tenant: tenant.Default, Version: 1}, Name: "default",
			Base: tenant.Settings{AppName: "Acme", Validity: 5 * time.Minute},
			Code: code.Default, Retention: time.Hour, Text: "{{code}} is from the configuration",
		}},
		Configured: []string{"", configured}, Price: price, MaxAge: 10 * time.Second,
	}
	return w
}

// node is one more process on the store.
func (w *world) node() *tenant.Directory { return tenant.New(w.config) }

func (w *world) account(d *tenant.Directory, name string) tenant.Account {
	w.t.Helper()
	a, err := d.AddAccount(w.t.Context(), name)
	w.must(err)
	return a
}

func (w *world) key(d *tenant.Directory, owner, name string, scopes ...tenant.Scope) (tenant.APIKey, string) {
	w.t.Helper()
	k, text, err := d.CreateKey(w.t.Context(), owner, name, scopes)
	w.must(err)
	return k, text
}

func (w *world) profile(d *tenant.Directory, owner string, p tenant.Profile) tenant.Profile {
	w.t.Helper()
	p.Name = cmp.Or(p.Name, "a profile")
	p, err := d.AddProfile(w.t.Context(), owner, p)
	w.must(err)
	return p
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// refused fails the test unless err is a refusal of that kind, and of that field if
// one is given.
func refused(t *testing.T, err error, kind verify.Kind, field string) {
	t.Helper()
	var got verify.Error
	if e, ok := err.(*verify.Error); ok { //nolint:errorlint // refusals of this package are not wrapped
		got = *e
	}
	if got.Kind != kind || field != "" && got.Field != field {
		t.Errorf("told %v, want a refusal: %s %s", err, kind, field)
	}
}
