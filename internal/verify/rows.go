package verify

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"countersign/internal/limit"
	"countersign/internal/secret"
)

// Command is one change of state with an answer of type A. Needs and Decide are
// pure: equal arguments give equal results, Env's Random apart.
type Command[A any] interface {
	// Needs names the rows that Decide looks at. The error is a refusal.
	Needs(*Env) (Needs, error)
	// Decide returns what changes and what to answer. With an error nothing
	// changes; the error is a refusal (*Error) or else a fault of ours.
	Decide(*Env, Rows, time.Time) (Changes, A, error)
}

// Env is what commands know besides rows: the keys, the operator's limits, and
// who is asking. It does not change while a command is carried out.
type Env struct {
	Keys     *secret.Ring
	Random   io.Reader // crypto/rand; a simulator gives a seeded one
	Node     string    // names this process in leases
	Limits   Limits
	Channels []Channel // those that have a carrier
}

// Limits are the operator's bounds on messages. Zero rules allow everything.
type Limits struct {
	Hour    limit.Rule // sends to one number
	Day     limit.Rule // sends to one number
	Network limit.Rule // sends asked for by one network, of the pages' visitors
	Backlog int        // deliveries waiting to be sent; 0 means no bound
}

// BucketKey finds a bucket: a keyed hash of what is limited.
type BucketKey [16]byte

// ReplayKey finds a replay: a keyed hash of tenant, operation and Idempotency-Key.
type ReplayKey [16]byte

// DeliveryKey finds a delivery: the verification's first, second, … message.
type DeliveryKey struct {
	Verification ID
	Number       int
}

// String is the stable name of the message, the same over all attempts.
func (k DeliveryKey) String() string { return k.Verification.String() + "-" + strconv.Itoa(k.Number) }

// ParseDeliveryKey reads what String makes; ok is false of anything else.
func ParseDeliveryKey(text string) (k DeliveryKey, ok bool) {
	at := strings.LastIndexByte(text, '-')
	if at < 0 {
		return k, false
	}
	id, err := uuid.Parse(text[:at])
	n, notNumber := strconv.Atoi(text[at+1:])
	k = DeliveryKey{id, n}
	return k, err == nil && notNumber == nil && k.String() == text
}

// ID is the delivery's own id: the verification's, with the number where the version
// of every verification's id is the same.
func (k DeliveryKey) ID() ID {
	id := k.Verification
	id[6] = id[6]&0x0f | byte(k.Number)<<4
	return id
}

// DeliveryOf is the key that ID made the id of; ok is false if it made it of none.
func DeliveryOf(id ID) (k DeliveryKey, ok bool) {
	k = DeliveryKey{id, int(id[6] >> 4)}
	k.Verification[6] = id[6]&0x0f | 0x70
	return k, k.Number >= 1 && k.Number <= MaxSends
}

// Compare orders keys, so that stores lock rows in one order.
func (k DeliveryKey) Compare(o DeliveryKey) int {
	return cmp.Or(bytes.Compare(k.Verification[:], o.Verification[:]), cmp.Compare(k.Number, o.Number))
}

// Needs names rows. A zero field names nothing. Whoever names a subject gets its
// live verification with it, and whoever names a verification its subject, which
// is the row that is locked: the verification belongs to it.
//
// While the ring holds two keys, what is found by a keyed hash may stand under
// either. The Other fields name it under the key that is not the current one, so
// that it is found, and locked, whichever key a node thinks is current.
type Needs struct {
	Subject      SubjectKey
	Verification ID
	Delivery     DeliveryKey
	Event        EventKey // locked with the deliveries of its verification
	Session      ID
	Bucket       BucketKey
	Replay       ReplayKey

	OtherSubject SubjectKey
	OtherBucket  BucketKey
	OtherReplay  ReplayKey

	Quotas []QuotaKeys // of the tenant's own limits; mostly none
}

// QuotaKeys are the bucket of one quota under the current key and under the other.
type QuotaKeys struct{ Key, Other BucketKey }

// Bucket is the memory of one limit.
type Bucket struct {
	Key   BucketKey
	State limit.State
}

// Replay is the remembered answer to a request with an Idempotency-Key.
type Replay struct {
	Key          ReplayKey
	Fingerprint  [16]byte // keyed hash of the request, so that another one under the same key shows
	Verification ID
	Outcome      Outcome // of a check; empty for a start
	CreatedAt    time.Time
}

// Rows are copies of what Needs named. Pointers are nil where there is no row.
type Rows struct {
	Needs        Needs         // what was asked for
	Subject      *Subject      // of the verification, where one is named
	Other        *Subject      // the same subject once more, under the other key; hardly ever there
	Verification *Verification // the one named, else the subject's live one
	Delivery     *Delivery
	Event        *Event
	Session      *Session
	Bucket       Bucket   // always of the key in Needs
	Quotas       []Bucket // likewise, in the order of Needs
	Replay       *Replay
	Replayed     *Verification // the one the replay is about
}

// Changes are the rows to write and to delete. A row that was not there is added.
// Jobs and EventJobs are to be done by this node once the rows are durable, and not a
// moment before.
type Changes struct {
	Jobs          []Job
	EventJobs     []EventJob
	Subject       *Subject
	Verifications []Verification
	Deliveries    []Delivery
	Events        []Event
	Session       *Session
	Bucket        *Bucket
	Quotas        []Bucket
	Replay        *Replay

	// Deleted first. A verification takes its deliveries with it.
	GoneSubjects      []SubjectKey
	GoneVerifications []ID
	GoneEvents        []EventKey // whether they are there or not
	GoneSessions      []ID
}

// hash16 is a keyed hash cut to 128 bits, under the current key and under the one
// beside it. The second is zero if there is no second key.
func (e *Env) hash16(parts ...string) (now, other [16]byte, err error) {
	if now, err = e.hashWith(e.Keys.Current(), parts); err != nil {
		return now, other, err
	}
	if id := e.Keys.Other(); id != "" {
		other, err = e.hashWith(id, parts)
	}
	return now, other, err
}

func (e *Env) hashWith(key string, parts []string) ([16]byte, error) {
	sum, err := e.Keys.Sum(key, secret.Address, parts...)
	if err != nil {
		return [16]byte{}, err
	}
	return [16]byte(sum[:16]), nil
}

func (k SubjectKey) String() string { return hex.EncodeToString(k[:]) }
