package verify

import (
	"context"
	"errors"
	"time"

	"countersign/internal/limit"
)

// Store keeps rows. Its implementations hold no rule; package storetest says
// what they must do.
type Store interface {
	// Commit loads the rows that needs name, under lock, calls decide with them,
	// writes the rows that decide made dirty, and returns when they are durable.
	// With an error nothing was written, except ErrOutcomeUnknown. ErrAway says that
	// no command is at fault. Decide may be called more than once, each time with
	// rows loaded anew.
	Commit(ctx context.Context, needs []Needs, decide func(*Snapshot) error) error

	// Verification reads one verification without a lock: for answers that decide
	// nothing. It returns nil if there is none.
	Verification(ctx context.Context, id ID) (*Verification, error)
	// Live reads a subject's newest verification, or nil.
	Live(ctx context.Context, key SubjectKey) (*Verification, error)
	// Deliveries reads a verification's deliveries, the first one first.
	Deliveries(ctx context.Context, id ID) ([]Delivery, error)

	// Session reads one session without a lock, or nil.
	Session(ctx context.Context, id ID) (*Session, error)
	// Sessions reads those with ids above after, in the order of their ids.
	Sessions(ctx context.Context, after ID, limit int) ([]Session, error)
	// OldSessions lists sessions whose time was over by an instant, the oldest first.
	OldSessions(ctx context.Context, before time.Time, limit int) ([]ID, error)

	// Attempts reads deliveries with their verifications, those of the newest
	// verification first and of one verification the last first.
	Attempts(ctx context.Context, q AttemptQuery) ([]Job, error)

	// Due lists the deliveries in the outbox (Delivery.Open) whose time has come: those
	// that are due longest first, and of equals the older verification's. With all
	// it lists those not yet due as well: what a process that is alone on its
	// database finds at its start, where every lease is of a dead one.
	Due(ctx context.Context, now time.Time, all bool, limit int) ([]Delivery, error)
	// Found finds a delivery by what its FoundBy says, or nil.
	Found(ctx context.Context, by string) (*DeliveryKey, error)
	// DueEvents lists queued events whose time has come, the oldest first.
	DueEvents(ctx context.Context, now time.Time, limit int) ([]Event, error)
	// Queued counts the deliveries waiting to be sent.
	Queued(ctx context.Context) (int, error)
	// Lapsed lists pending verifications with ids in [from, to) whose time is over.
	Lapsed(ctx context.Context, from, to ID, now time.Time, limit int) ([]ID, error)
	// Outlived lists verifications with ids above after whose time to be deleted has
	// come, in the order of their ids.
	Outlived(ctx context.Context, after ID, now time.Time, limit int) ([]ID, error)
	// Verifications reads those with ids above after that stand under another key
	// than except, in the order of their ids; all of them if except is empty.
	Verifications(ctx context.Context, after ID, except string, limit int) ([]Verification, error)
	// Forget deletes replays that are older than before.
	Forget(ctx context.Context, before time.Time) error
	// ForgetBuckets deletes buckets whose state is at most idle.
	ForgetBuckets(ctx context.Context, idle limit.State) error

	// Profile returns the id of the tenant's profile of that name, and makes want
	// its id if there is none yet.
	Profile(ctx context.Context, tenant, name string, want ID) (ID, error)

	// Keys lists the keys that rows may stand under. AddKey adds one, and changes
	// nothing if there is one of that id; DropKey takes one out.
	Keys(ctx context.Context) ([]KeyMark, error)
	AddKey(ctx context.Context, key KeyMark) error
	DropKey(ctx context.Context, id string) error

	Close() error
}

// AttemptQuery chooses deliveries. Of the fields but Tenant and Limit a zero one
// chooses all.
type AttemptQuery struct {
	Tenant        string
	Profile       ID
	Verification  ID
	Channel       Channel
	After, Before time.Time // of the delivery's making, both included
	// Below chooses those after one in the list. To go on from there costs the same
	// wherever it is; what Offset passes over is read.
	Below         DeliveryKey
	Offset, Limit int
}

// KeyMark is a key that rows may stand under, by its id and by a mark that only the
// key itself can make: another key under the same id shows.
type KeyMark struct {
	ID   string
	Mark [16]byte
}

// ErrAway is in the errors of a Store that cannot be reached, waits in vain, or has
// no room: no command of the batch is at fault, and each alone would fare alike.
var ErrAway = errors.New("verify: the store is away")

// ErrOutcomeUnknown is returned by Store.Commit when the connection was lost
// while committing: the batch may be durable or not.
var ErrOutcomeUnknown = errors.New("verify: it is not known whether the changes were stored")
