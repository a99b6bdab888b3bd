// Package recordtest says what every tenant.Store must do, as tests that each
// implementation runs. What the records mean is not its affair.
package recordtest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// Open opens the store under test; another call opens the same database again where
// the implementation allows it, and returns the same store where it does not.
type Open func(*testing.T) tenant.Store

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123_000_000, time.UTC)

func id(n byte) verify.ID { return verify.ID{6: 0x70, 15: n} }

func record(n byte, owner, name string) tenant.Record {
	return tenant.Record{
		Kind: tenant.Profiles, ID: id(n), Tenant: owner, Name: name, Body: []byte(`{"name":"Ünïcode 🦊 '; DROP TABLE records"}`),
		Version: 1, CreatedAt: noon, UpdatedAt: noon,
	}
}

// Run runs the suite. fresh makes an empty database and returns what opens it.
func Run(t *testing.T, fresh func(*testing.T) Open) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Open)
	}{
		{"a record comes back as it was added", roundTrip},
		{"what is not there is nil", absent},
		{"a name is taken once", taken},
		{"an empty name is no name", unnamed},
		{"a change needs the version before it", versions},
		{"of two changes at once one holds", race},
		{"of two records of one name at once one holds", nameRace},
		{"a record takes what belongs to it with it", family},
		{"pages follow the ids and know the total", pages},
		{"tenants, parents and kinds are apart", apart},
		{"upkeep sees every tenant's, a stretch at a time", every},
		{"records outlive the store that wrote them", reopened},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, fresh(t)) })
	}
}

func add(t *testing.T, s tenant.Store, all ...tenant.Record) {
	t.Helper()
	for _, r := range all {
		if err := s.AddRecord(t.Context(), r); err != nil {
			t.Fatalf("%s %s: %v", r.Kind, r.Name, err)
		}
	}
}

func stands(t *testing.T, s tenant.Store, want tenant.Record) {
	t.Helper()
	got, err := s.Record(t.Context(), want.Kind, want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&want, got); d != "" {
		t.Error(d)
	}
}

func roundTrip(t *testing.T, open Open) {
	s := open(t)
	r := record(1, "t", "a name")
	r.Parent = id(9)
	add(t, s, r)
	stands(t, s, r)
	got, err := s.RecordNamed(t.Context(), r.Kind, r.Tenant, r.Parent, r.Name)
	if d := cmp.Diff(&r, got); d != "" || err != nil {
		t.Error(d, err)
	}
	add(t, s, r) // sent again, as after a lost connection: it stands there already
}

func absent(t *testing.T, open Open) {
	s := open(t)
	got, err := s.Record(t.Context(), tenant.Profiles, id(1))
	if got != nil || err != nil {
		t.Error(got, err)
	}
	got, err = s.RecordNamed(t.Context(), tenant.Profiles, "t", verify.ID{}, "")
	if got != nil || err != nil {
		t.Error(got, err)
	}
	if err := s.DropRecord(t.Context(), tenant.Profiles, id(1)); err != nil {
		t.Error(err)
	}
	r := record(1, "t", "a")
	r.Version = 2
	if err := s.ChangeRecord(t.Context(), r); !errors.Is(err, tenant.ErrChanged) {
		t.Errorf("changed: %v", err)
	}
}

func taken(t *testing.T, open Open) {
	s := open(t)
	first, second := record(1, "t", "a"), record(2, "t", "a")
	add(t, s, first)
	if err := s.AddRecord(t.Context(), second); !errors.Is(err, tenant.ErrTaken) {
		t.Errorf("another one of the name: %v", err)
	}
	other := first
	other.Body = []byte(`{}`)
	if err := s.AddRecord(t.Context(), other); !errors.Is(err, tenant.ErrTaken) {
		t.Errorf("another one of the id: %v", err)
	}
	other = first
	other.Tenant = "u"
	if err := s.AddRecord(t.Context(), other); !errors.Is(err, tenant.ErrTaken) {
		t.Errorf("another tenant's of the id: %v", err)
	}
	second.Name = "b"
	add(t, s, second)
	second.Name, second.Version = "a", 2
	if err := s.ChangeRecord(t.Context(), second); !errors.Is(err, tenant.ErrTaken) {
		t.Errorf("a change to the name: %v", err)
	}
	stands(t, s, first)
}

func unnamed(t *testing.T, open Open) {
	s := open(t)
	add(t, s, record(1, "t", ""), record(2, "t", ""))
	r := record(2, "t", "")
	r.Version, r.Body = 2, []byte(`{"a":1}`)
	if err := s.ChangeRecord(t.Context(), r); err != nil {
		t.Error(err)
	}
}

func versions(t *testing.T, open Open) {
	s := open(t)
	r := record(1, "t", "a")
	add(t, s, r)
	r.Name, r.Body, r.Version, r.UpdatedAt = "b", []byte(`{"a":1}`), 2, noon.Add(time.Hour)
	for range 2 { // the second time as after a lost connection
		if err := s.ChangeRecord(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	stands(t, s, r)
	late := r
	late.Body = []byte(`{"late":true}`)
	for _, version := range []int64{1, 2, 4} {
		late.Version = version
		if err := s.ChangeRecord(t.Context(), late); err == nil {
			t.Errorf("version %d was written over version 2", version)
		}
	}
	stands(t, s, r)
}

func race(t *testing.T, open Open) {
	stores := []tenant.Store{open(t), open(t)}
	add(t, stores[0], record(1, "t", "a"))
	const writers = 8
	errs := make([]error, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			r := record(1, "t", "a")
			r.Version, r.Body = 2, fmt.Appendf(nil, `{"writer":%d}`, i)
			errs[i] = stores[i%2].ChangeRecord(t.Context(), r)
		})
	}
	all.Wait()
	won := 0
	for i, err := range errs {
		if err == nil {
			won++
			r := record(1, "t", "a")
			r.Version, r.Body = 2, fmt.Appendf(nil, `{"writer":%d}`, i)
			stands(t, stores[0], r)
		} else if !errors.Is(err, tenant.ErrChanged) && !errors.Is(err, tenant.ErrTaken) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d changes of one version were told that they hold", won, writers)
	}
}

func nameRace(t *testing.T, open Open) {
	stores := []tenant.Store{open(t), open(t)}
	const writers = 8
	errs := make([]error, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() { errs[i] = stores[i%2].AddRecord(t.Context(), record(byte(i+1), "t", "a")) })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, tenant.ErrTaken) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d records have one name", won, writers)
	}
}

func family(t *testing.T, open Open) {
	s := open(t)
	child, grandchild, stranger := record(2, "t", "a"), record(3, "t", "a"), record(4, "t", "b")
	child.Kind, child.Parent = tenant.RateLimits, id(1)
	grandchild.Kind, grandchild.Parent = tenant.Buckets, id(2)
	namesake := record(2, "another", "a") // of the child's id, and of another kind
	namesake.Kind = tenant.Templates
	add(t, s, record(1, "t", "a"), child, grandchild, stranger, namesake)
	if err := s.DropRecord(t.Context(), tenant.Profiles, id(1)); err != nil {
		t.Fatal(err)
	}
	for _, r := range []tenant.Record{record(1, "t", "a"), child, grandchild} {
		if got, err := s.Record(t.Context(), r.Kind, r.ID); got != nil || err != nil {
			t.Errorf("%s is left: %v", r.Kind, err)
		}
	}
	stands(t, s, stranger)
	stands(t, s, namesake)
}

func pages(t *testing.T, open Open) {
	s := open(t)
	for n := byte(7); n > 0; n-- {
		add(t, s, record(n, "t", fmt.Sprintf("name %d", n)))
	}
	for _, tt := range []struct {
		q     tenant.Query
		ids   []byte
		total int
	}{
		{tenant.Query{Limit: 3}, []byte{1, 2, 3}, 7},
		{tenant.Query{Offset: 6, Limit: 3}, []byte{7}, 7},
		{tenant.Query{Offset: 7, Limit: 3}, nil, 7},
		{tenant.Query{}, nil, 7},
	} {
		tt.q.Kind, tt.q.Tenant = tenant.Profiles, "t"
		page, total, err := s.Records(t.Context(), tt.q)
		var ids []byte
		for _, r := range page {
			ids = append(ids, r.ID[15])
		}
		if d := cmp.Diff(tt.ids, ids); d != "" || total != tt.total || err != nil {
			t.Errorf("%+v: %d in all, %v, %s", tt.q, total, err, d)
		}
	}
}

func apart(t *testing.T, open Open) {
	s := open(t)
	kind, parent := record(3, "t", "a"), record(4, "t", "a")
	kind.Kind, parent.Parent = tenant.Templates, id(1)
	add(t, s, record(1, "t", "a"), record(2, "u", "a"), kind, parent)
	for _, want := range []tenant.Record{record(1, "t", "a"), record(2, "u", "a"), kind, parent} {
		q := tenant.Query{Kind: want.Kind, Tenant: want.Tenant, Parent: want.Parent, Limit: 9}
		page, total, err := s.Records(t.Context(), q)
		if d := cmp.Diff([]tenant.Record{want}, page); d != "" || total != 1 || err != nil {
			t.Error(d, total, err)
		}
		got, err := s.RecordNamed(t.Context(), want.Kind, want.Tenant, want.Parent, "a")
		if d := cmp.Diff(&want, got); d != "" || err != nil {
			t.Error(d, err)
		}
	}
	if got, err := s.Record(t.Context(), tenant.Templates, id(1)); got != nil || err != nil {
		t.Errorf("a profile is found as a template: %v", err)
	}
}

func every(t *testing.T, open Open) {
	s := open(t)
	kind, parent := record(4, "t", "a"), record(3, "t", "")
	kind.Kind, parent.Parent = tenant.Templates, id(1)
	all := []tenant.Record{record(1, "t", "a"), record(2, "u", "a"), parent, record(5, "v", "")}
	add(t, s, kind, all[3], all[1], all[0], all[2])
	for _, tt := range []struct {
		after verify.ID
		limit int
		want  []tenant.Record
	}{{verify.ID{}, 9, all}, {verify.ID{}, 2, all[:2]}, {id(2), 2, all[2:]}, {id(5), 9, nil}} {
		got, err := s.EveryRecord(t.Context(), tenant.Profiles, tt.after, tt.limit)
		if d := cmp.Diff(tt.want, got); d != "" && len(tt.want)+len(got) > 0 || err != nil {
			t.Error(tt.after, tt.limit, err, d)
		}
	}
}

func reopened(t *testing.T, open Open) {
	r := record(1, "t", "a")
	s := open(t)
	add(t, s, r)
	if c, ok := s.(interface{ Close() error }); ok {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	stands(t, open(t), r)
}
