package tenant

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"countersign/internal/verify"
)

// Errors that a Store returns.
var (
	ErrTaken   = errors.New("tenant: another record has this name")
	ErrChanged = errors.New("tenant: the record was changed meanwhile")
)

// row is what a Set keeps: a pointer to a type with a Meta.
type row[T any] interface {
	*T
	meta() *Meta
	name() string  // unique within its kind, tenant and parent; empty for none
	label() string // what a list is searched for
	// check refuses with *verify.Error what must not be stored, and brings the rest
	// into the form in which it is stored.
	check() error
}

// Set reads and writes the records of one kind.
type Set[T any, P row[T]] struct {
	kind   Kind
	max    int // of a tenant and parent
	store  *cache
	now    func() time.Time
	random io.Reader
	// belongs refuses with NotFound a parent that the tenant has not; nil: records of
	// this kind have none.
	belongs func(ctx context.Context, tenant string, parent verify.ID) error
}

// Find reads one of a tenant's, which may be as old as Config.MaxAge if another node has
// changed it. Refusals: NotFound.
func (s *Set[T, P]) Find(ctx context.Context, tenant string, id verify.ID) (T, error) {
	return s.find(ctx, s.store, tenant, id)
}

// find reads one from the cache, or from the Store within.
func (s *Set[T, P]) find(ctx context.Context, from Store, tenant string, id verify.ID) (T, error) {
	r, err := from.Record(ctx, s.kind, id)
	if err == nil && (r == nil || r.Tenant != tenant) {
		err = &verify.Error{Kind: verify.NotFound}
	}
	if err != nil {
		return *new(T), unavailable(err)
	}
	return open[T, P](*r)
}

// Named reads one by its name; it may be as old as what Find reads. Refusals: NotFound.
func (s *Set[T, P]) Named(ctx context.Context, tenant string, parent verify.ID, name string) (T, error) {
	// No name is longer, and what a database cannot hold it must not be asked for: one
	// would call it a fault.
	if text(verify.FieldName, name, 1, MaxDescription) != nil {
		return *new(T), &verify.Error{Kind: verify.NotFound}
	}
	r, err := s.store.RecordNamed(ctx, s.kind, tenant, parent, name)
	if err == nil && r == nil {
		err = &verify.Error{Kind: verify.NotFound}
	}
	if err != nil {
		return *new(T), unavailable(err)
	}
	return open[T, P](*r)
}

// List reads a page and how many there are in all. Of q only Parent, Name, Offset and
// Limit count; Name is looked for in what a record is called, also where two may be
// called the same.
func (s *Set[T, P]) List(ctx context.Context, tenant string, q Query) ([]T, int, error) {
	stored := q
	stored.Kind, stored.Tenant, stored.Name = s.kind, tenant, ""
	if q.Name != "" {
		stored.Offset, stored.Limit = 0, math.MaxInt32
	}
	page, total, err := s.store.Records(ctx, stored)
	if err != nil {
		return nil, 0, unavailable(err)
	}
	out := make([]T, 0, len(page))
	for _, r := range page {
		v, err := open[T, P](r)
		if err != nil {
			return nil, 0, err
		}
		if contains(P(&v).label(), q.Name) {
			out = append(out, v)
		}
	}
	if q.Name != "" {
		return cut(out, q), len(out), nil
	}
	return out, total, nil
}

// contains says whether a name holds a text, whatever the case.
func contains(name, text string) bool {
	return strings.Contains(strings.ToLower(name), strings.ToLower(text))
}

// cut returns the page of a list.
func cut[T any](all []T, q Query) []T {
	from := min(max(0, q.Offset), len(all))
	return all[from : from+min(max(0, q.Limit), len(all)-from)]
}

// Add stores a new one under a new id, unless it has one. Of its Meta only ID and
// Parent count. Refusals: Invalid, Taken, Full, and NotFound for a parent that the
// tenant has not.
func (s *Set[T, P]) Add(ctx context.Context, tenant string, v T) (T, error) {
	m := P(&v).meta()
	now := s.instant()
	if m.ID == (verify.ID{}) {
		var err error
		if m.ID, err = verify.NewID(now, s.random); err != nil {
			return v, err
		}
	}
	m.Tenant, m.Version, m.CreatedAt, m.UpdatedAt = tenant, 1, now, now
	if err := P(&v).check(); err != nil {
		return v, err
	}
	if err := s.room(ctx, tenant, m.Parent); err != nil {
		return v, err
	}
	r, err := seal[T, P](s.kind, v)
	if err != nil {
		return v, err
	}
	return v, refusal(s.store.AddRecord(ctx, r))
}

// room refuses a parent that the tenant has not, and one record too many. Two that are
// added at once may both be the last: the bound is there so that nobody fills the
// database, and nobody counts on its figure.
func (s *Set[T, P]) room(ctx context.Context, tenant string, parent verify.ID) error {
	switch {
	case s.belongs != nil:
		if err := s.belongs(ctx, tenant, parent); err != nil {
			return err
		}
	case parent != (verify.ID{}):
		return fmt.Errorf("tenant: a record of kind %s belongs to no other", s.kind)
	}
	_, total, err := s.store.Records(ctx, Query{Kind: s.kind, Tenant: tenant, Parent: parent})
	if err == nil && total >= s.max {
		err = &verify.Error{Kind: verify.Full, Err: fmt.Errorf("there may be %d; delete one that is not needed", s.max)}
	}
	return unavailable(err)
}

// Change reads one, has it changed and stores it; it does so again if somebody else was
// faster. An error of change is returned as it is. Refusals: NotFound, Invalid, Taken.
func (s *Set[T, P]) Change(ctx context.Context, tenant string, id verify.ID, change func(*T) error) (T, error) {
	const tries = 5
	for range tries {
		v, err := s.find(ctx, s.store.Store, tenant, id)
		if err != nil {
			return v, err
		}
		m := *P(&v).meta()
		if err := change(&v); err != nil {
			return v, err
		}
		m.Version, m.UpdatedAt = m.Version+1, s.instant()
		*P(&v).meta() = m
		if err := P(&v).check(); err != nil {
			return v, err
		}
		r, err := seal[T, P](s.kind, v)
		if err != nil {
			return v, err
		}
		if err = s.store.ChangeRecord(ctx, r); !errors.Is(err, ErrChanged) {
			return v, refusal(err)
		}
	}
	return *new(T), unavailable(ErrChanged)
}

// Drop deletes one with all that belongs to it, and returns it as it was. Refusals:
// NotFound.
func (s *Set[T, P]) Drop(ctx context.Context, tenant string, id verify.ID) (T, error) {
	v, err := s.find(ctx, s.store.Store, tenant, id)
	if err != nil {
		return v, err
	}
	return v, unavailable(s.store.DropRecord(ctx, s.kind, id))
}

// instant is now, as exact as it is stored.
func (s *Set[T, P]) instant() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

func open[T any, P row[T]](r Record) (T, error) {
	var v T
	if err := json.Unmarshal(r.Body, &v, jsonv1.FormatDurationAsNano(true)); err != nil {
		return v, fmt.Errorf("tenant: %s %s cannot be read: %w", r.Kind, r.ID, err)
	}
	*P(&v).meta() = Meta{r.ID, r.Tenant, r.Parent, r.Version, r.CreatedAt, r.UpdatedAt}
	return v, nil
}

func seal[T any, P row[T]](kind Kind, v T) (Record, error) {
	body, err := json.Marshal(v, json.Deterministic(true), jsonv1.FormatDurationAsNano(true))
	m := P(&v).meta()
	return Record{
		Kind: kind, ID: m.ID, Tenant: m.Tenant, Parent: m.Parent, Name: P(&v).name(), Body: body,
		Version: m.Version, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt,
	}, err
}

// refusal turns what a Store says of names into what a caller is told.
func refusal(err error) error {
	if errors.Is(err, ErrTaken) {
		return &verify.Error{Kind: verify.Taken, Field: verify.FieldName}
	}
	return unavailable(err)
}

// unavailable makes a failure of the store the refusal that it is elsewhere.
func unavailable(err error) error {
	if err == nil || verify.KindOf(err) != "" {
		return err
	}
	return &verify.Error{Kind: verify.Unavailable, Wait: time.Second, Err: err}
}
