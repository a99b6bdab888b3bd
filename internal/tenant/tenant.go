// Package tenant is what a tenant has set up: its account, its API keys, its profiles,
// templates, rate limits, senders, safe numbers and webhooks, with the rules of each.
//
// The one idea: all of it is read at every request, changes rarely, and is decided on
// without a lock. So every kind is a Record with a JSON body in one table, a Set reads
// and writes the records of one kind, and what was read may be a few seconds old.
// What changes with every message (limits spent, guesses counted) is not here: a
// profile's rules are handed to the core with each command, which copies them.
//
// It knows no wire format and no SQL. Refusals are *verify.Error.
package tenant

import (
	"context"
	"time"

	"countersign/internal/verify"
)

// Kind is the kind of a record.
type Kind string

// The kinds.
const (
	Accounts   Kind = "account"
	APIKeys    Kind = "api_key"
	Profiles   Kind = "profile"
	Templates  Kind = "template"
	RateLimits Kind = "rate_limit"
	Buckets    Kind = "bucket"
	Senders    Kind = "sender"
	SafeList   Kind = "safe_number"
	Webhooks   Kind = "webhook"
)

// Record is a row of any kind. Name is unique within Kind, Tenant and Parent unless it
// is empty. Body is JSON.
type Record struct {
	Kind      Kind
	ID        verify.ID
	Tenant    string
	Parent    verify.ID // the record that it belongs to; zero for none
	Name      string
	Body      []byte
	Version   int64 // 1 at first, and one more with each change
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Query chooses records of one kind, in the order of their ids, which is that of their
// making.
type Query struct {
	Kind   Kind
	Tenant string
	Parent verify.ID
	Name   string // of a Set: only those called so in part, whatever the case; empty: all
	Offset int
	Limit  int // at most so many; zero: none, which leaves the total
}

// Store keeps records. Package tenant/recordtest says what each must do.
type Store interface {
	// Record reads a record by its id, of whatever tenant; nil if there is none.
	Record(ctx context.Context, kind Kind, id verify.ID) (*Record, error)
	// RecordNamed reads a record by its name; nil if there is none.
	RecordNamed(ctx context.Context, kind Kind, tenant string, parent verify.ID, name string) (*Record, error)
	// Records reads those that q chooses, whatever their names, and how many there are
	// without Offset and Limit.
	Records(ctx context.Context, q Query) (page []Record, total int, err error)
	// EveryRecord reads at most limit records of a kind, of all tenants, in the order of
	// their ids from the one after an id; the zero ID begins. It is for upkeep, and for
	// nothing that a tenant asks for.
	EveryRecord(ctx context.Context, kind Kind, after verify.ID, limit int) ([]Record, error)
	// AddRecord adds one. The error is ErrTaken if its name or its id is.
	AddRecord(ctx context.Context, r Record) error
	// ChangeRecord writes name, body, version and time of a record whose stored version
	// is one less than r's. The error is ErrChanged if it is not, or there is none, and
	// ErrTaken if another one has the name.
	ChangeRecord(ctx context.Context, r Record) error
	// DropRecord deletes a record and those whose parent it is, and theirs. It is no
	// error if there is none.
	DropRecord(ctx context.Context, kind Kind, id verify.ID) error
}
