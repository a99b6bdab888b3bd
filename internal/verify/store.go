package verify

import (
	"context"
	"errors"
	"time"
)

// Store keeps rows. Its implementations hold no rule; package storetest says
// what they must do.
type Store interface {
	// Commit loads the rows that needs name, under lock, calls decide with them,
	// writes the rows that decide made dirty, and returns when they are durable.
	// With an error nothing was written, except ErrOutcomeUnknown. Decide may be
	// called more than once, each time with rows loaded anew.
	Commit(ctx context.Context, needs []Needs, decide func(*Snapshot) error) error

	// Verification reads one verification without a lock: for answers that decide
	// nothing. It returns nil if there is none.
	Verification(ctx context.Context, id ID) (*Verification, error)
	// Live reads a subject's newest verification, or nil.
	Live(ctx context.Context, key SubjectKey) (*Verification, error)
	// Deliveries reads a verification's deliveries, the first one first.
	Deliveries(ctx context.Context, id ID) ([]Delivery, error)

	// Due lists queued deliveries whose time has come, the oldest first. With all
	// it lists those not yet due as well: what a process that is alone on its
	// database finds at its start, where every lease is of a dead one.
	Due(ctx context.Context, now time.Time, all bool, limit int) ([]Delivery, error)
	// Queued counts the deliveries waiting to be sent.
	Queued(ctx context.Context) (int, error)
	// Lapsed lists pending verifications with ids in [from, to) whose time is over.
	Lapsed(ctx context.Context, from, to ID, now time.Time, limit int) ([]ID, error)
	// Forget deletes replays that are older than before.
	Forget(ctx context.Context, before time.Time) error

	// Profile returns the id of the tenant's profile of that name, and makes want
	// its id if there is none yet.
	Profile(ctx context.Context, tenant, name string, want ID) (ID, error)

	Close() error
}

// ErrOutcomeUnknown is returned by Store.Commit when the connection was lost
// while committing: the batch may be durable or not.
var ErrOutcomeUnknown = errors.New("verify: it is not known whether the changes were stored")
