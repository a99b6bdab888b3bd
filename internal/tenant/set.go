package tenant

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"

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
	name() string // unique within its kind, tenant and parent; empty for none
	check() error // refuses with *verify.Error what must not be stored
}

// Set reads and writes the records of one kind.
type Set[T any, P row[T]] struct {
	kind   Kind
	max    int // of a tenant and parent
	store  Store
	now    func() time.Time
	random io.Reader
}

// Find reads one of a tenant's. Refusals: NotFound.
func (s *Set[T, P]) Find(ctx context.Context, tenant string, id verify.ID) (T, error) {
	r, err := s.store.Record(ctx, s.kind, id)
	if err == nil && (r == nil || r.Tenant != tenant) {
		err = &verify.Error{Kind: verify.NotFound}
	}
	if err != nil {
		return *new(T), unavailable(err)
	}
	return open[T, P](*r)
}

// Named reads one by its name. Refusals: NotFound.
func (s *Set[T, P]) Named(ctx context.Context, tenant string, parent verify.ID, name string) (T, error) {
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
// Limit count.
func (s *Set[T, P]) List(ctx context.Context, tenant string, q Query) ([]T, int, error) {
	q.Kind, q.Tenant = s.kind, tenant
	page, total, err := s.store.Records(ctx, q)
	if err != nil {
		return nil, 0, unavailable(err)
	}
	out := make([]T, 0, len(page))
	for _, r := range page {
		v, err := open[T, P](r)
		if err != nil {
			return nil, 0, err
		}
		out = append(out, v)
	}
	return out, total, nil
}

// Add stores a new one under a new id, unless it has one. Of its Meta only ID and
// Parent count. Refusals: Invalid, Taken, Full.
func (s *Set[T, P]) Add(ctx context.Context, tenant string, v T) (T, error) {
	m := P(&v).meta()
	now := s.now()
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
	_, total, err := s.store.Records(ctx, Query{Kind: s.kind, Tenant: tenant, Parent: m.Parent, Limit: 1})
	if err != nil {
		return v, unavailable(err)
	}
	if total >= s.max {
		return v, &verify.Error{Kind: verify.Full, Err: fmt.Errorf("%d of them", s.max)}
	}
	r, err := seal[T, P](s.kind, v)
	if err != nil {
		return v, err
	}
	return v, refusal(s.store.AddRecord(ctx, r))
}

// Change reads one, has it changed and stores it; it does so again if somebody else was
// faster. An error of change is returned as it is. Refusals: NotFound, Invalid, Taken.
func (s *Set[T, P]) Change(ctx context.Context, tenant string, id verify.ID, change func(*T) error) (T, error) {
	const tries = 5
	for i := range tries {
		v, err := s.Find(ctx, tenant, id)
		if err != nil {
			return v, err
		}
		m := *P(&v).meta()
		if err := change(&v); err != nil {
			return v, err
		}
		m.Version, m.UpdatedAt = m.Version+1, s.now()
		*P(&v).meta() = m
		if err := P(&v).check(); err != nil {
			return v, err
		}
		r, err := seal[T, P](s.kind, v)
		if err != nil {
			return v, err
		}
		if err = s.store.ChangeRecord(ctx, r); errors.Is(err, ErrChanged) && i < tries-1 {
			continue
		}
		return v, refusal(err)
	}
	return *new(T), &verify.Error{Kind: verify.Unavailable, Wait: time.Second, Err: ErrChanged}
}

// Drop deletes one with all that belongs to it, and returns it as it was. Refusals:
// NotFound.
func (s *Set[T, P]) Drop(ctx context.Context, tenant string, id verify.ID) (T, error) {
	v, err := s.Find(ctx, tenant, id)
	if err != nil {
		return v, err
	}
	return v, unavailable(s.store.DropRecord(ctx, s.kind, id))
}

func open[T any, P row[T]](r Record) (T, error) {
	var v T
	if err := json.Unmarshal(r.Body, &v); err != nil {
		return v, fmt.Errorf("tenant: %s %s cannot be read: %w", r.Kind, r.ID, err)
	}
	*P(&v).meta() = Meta{r.ID, r.Tenant, r.Parent, r.Version, r.CreatedAt, r.UpdatedAt}
	return v, nil
}

func seal[T any, P row[T]](kind Kind, v T) (Record, error) {
	body, err := json.Marshal(v, json.Deterministic(true))
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
