package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"countersign/internal/verify"
)

// statements are prepared once, on the one connection that writes.
type statements struct {
	begin, commit, rollback                                                       *stmt
	addProfile, profile, forget, forgetBuckets, addKey, dropKey                   *stmt
	all                                                                           []*stmt
	subject, verification, delivery, bucket, replay                               *stmt
	addSubject, addVerification, addDelivery, addBucket, addReplay                *stmt
	changeSubject, changeVerification, changeDelivery, changeBucket, changeReplay *stmt
	rekeyVerification, dropSubject, dropVerification, dropDeliveries              *stmt
	event, addEvent, changeEvent, dropEvent                                       *stmt
	session, addSession, changeSession, dropSession                               *stmt
}

func (st *statements) prepare(ctx context.Context, c *conn) error {
	for _, p := range []struct {
		to   **stmt
		text string
	}{
		{&st.begin, "BEGIN IMMEDIATE"}, {&st.commit, "COMMIT"}, {&st.rollback, "ROLLBACK"},
		{&st.addProfile, "INSERT INTO profiles (tenant, name, id) VALUES (?, ?, ?) ON CONFLICT (tenant, name) DO NOTHING"},
		{&st.profile, "SELECT id FROM profiles WHERE tenant = ? AND name = ?"},
		{&st.forget, "DELETE FROM replays WHERE key IN (SELECT key FROM replays WHERE created_at < ? LIMIT ?)"},
		{&st.forgetBuckets, "DELETE FROM buckets WHERE key IN (SELECT key FROM buckets WHERE state <= ? LIMIT ?)"},
		{&st.addKey, "INSERT INTO keys (id, mark) VALUES (?, ?) ON CONFLICT (id) DO NOTHING"},
		{&st.dropKey, "DELETE FROM keys WHERE id = ?"},

		{&st.subject, "SELECT key, key_id, live, streak, hour, day FROM subjects WHERE key = ?"},
		{&st.verification, "SELECT " + verificationColumns + " FROM verifications WHERE id = ?"},
		{&st.delivery, "SELECT " + deliveryColumns + " FROM deliveries WHERE verification = ? AND number = ?"},
		{&st.bucket, "SELECT key, state FROM buckets WHERE key = ?"},
		{&st.replay, "SELECT key, fingerprint, verification, outcome, created_at FROM replays WHERE key = ?"},

		{&st.addSubject, "INSERT INTO subjects (key, key_id, live, streak, hour, day) VALUES (?, ?, ?, ?, ?, ?)"},
		{&st.addVerification, "INSERT INTO verifications (" + verificationColumns + `)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&st.addDelivery, "INSERT INTO deliveries (" + deliveryColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
		{&st.addBucket, "INSERT INTO buckets (key, state) VALUES (?, ?)"},
		{&st.addReplay, "INSERT INTO replays (key, fingerprint, verification, outcome, created_at) VALUES (?, ?, ?, ?, ?)"},

		{&st.changeSubject, "UPDATE subjects SET live = ?, streak = ?, hour = ?, day = ? WHERE key = ?"},
		{&st.changeVerification, `UPDATE verifications SET channel = ?, status = ?, guesses = ?, sends = ?, sent_at = ?,
			updated_at = ? WHERE id = ?`},
		{&st.changeDelivery, `UPDATE deliveries SET state = ?, attempt = ?, node = ?, due_at = ?, carrier = ?, carrier_id = ?,
			class = ?, updated_at = ?, handovers = ?, onward = ?, found_by = ? WHERE verification = ? AND number = ?`},
		{&st.changeBucket, "UPDATE buckets SET state = ? WHERE key = ?"},
		{&st.changeReplay, "UPDATE replays SET fingerprint = ?, verification = ?, outcome = ?, created_at = ? WHERE key = ?"},

		{&st.rekeyVerification, "UPDATE verifications SET subject = ?, address = ?, key_id = ?, custom_code = ? WHERE id = ?"},
		{&st.dropSubject, "DELETE FROM subjects WHERE key = ?"},
		{&st.dropVerification, "DELETE FROM verifications WHERE id = ?"},
		{&st.dropDeliveries, "DELETE FROM deliveries WHERE verification = ?"},

		{&st.event, findEvent}, {&st.addEvent, addEvent}, {&st.changeEvent, changeEvent}, {&st.dropEvent, dropEvent},
		{&st.session, findSession}, {&st.addSession, addSession}, {&st.changeSession, changeSession}, {&st.dropSession, dropSession},
	} {
		s, err := c.prepare(ctx, p.text)
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		*p.to = s
		st.all = append(st.all, s)
	}
	return nil
}

func (st *statements) close() error {
	var errs []error
	for _, s := range st.all {
		errs = append(errs, s.s.Close())
		s.s = nil
	}
	st.all = nil
	return errors.Join(errs...)
}

// Commit runs a batch in one transaction: see verify.Store. It takes the file's
// write lock first, so what it loads cannot change under it.
func (s *SQLite) Commit(ctx context.Context, needs []verify.Needs, decide func(*verify.Snapshot) error) error {
	s.write.mu.Lock()
	defer s.write.mu.Unlock()
	// The driver watches a context that can end with a goroutine per statement; a
	// batch that has begun is finished anyway.
	ctx = context.WithoutCancel(ctx)
	if _, err := s.st.begin.exec(ctx); err != nil {
		return wrap(err)
	}
	b := batch{ctx, &s.st, verify.NewSnapshot()}
	if err := b.run(needs, decide); err != nil {
		_, _ = s.st.rollback.exec(ctx) // fails if SQLite has undone it by itself
		return err
	}
	if _, err := s.st.commit.exec(ctx); err != nil {
		// A commit that failed on a full disk leaves the transaction open.
		_, _ = s.st.rollback.exec(ctx) // fails if there is none
		return fmt.Errorf("store: %w: %w", verify.ErrOutcomeUnknown, explain(err))
	}
	return nil
}

type batch struct {
	ctx  context.Context
	st   *statements
	snap *verify.Snapshot
}

func (b *batch) run(needs []verify.Needs, decide func(*verify.Snapshot) error) error {
	for _, n := range needs {
		if err := b.load(n); err != nil {
			return err
		}
	}
	if err := decide(b.snap); err != nil {
		return err
	}
	return b.save()
}

// load puts what n names into the snapshot, each row once.
func (b *batch) load(n verify.Needs) error {
	if err := errors.Join(b.loadReplay(n.Replay), b.loadReplay(n.OtherReplay)); err != nil {
		return err
	}
	if err := errors.Join(b.loadBucket(n.Bucket), b.loadBucket(n.OtherBucket)); err != nil {
		return err
	}
	for _, q := range n.Quotas {
		if err := errors.Join(b.loadBucket(q.Key), b.loadBucket(q.Other)); err != nil {
			return err
		}
	}
	if err := errors.Join(b.loadDelivery(n.Delivery), b.loadEvent(n.Event), b.loadSession(n.Session)); err != nil {
		return err
	}
	if n.Verification != (verify.ID{}) {
		if err := b.loadVerification(n.Verification); err != nil {
			return err
		}
		if v := b.snap.Verification(n.Verification); v != nil {
			if err := b.loadSubject(v.Subject); err != nil {
				return err
			}
		}
	}
	return errors.Join(b.loadSubject(n.Subject), b.loadSubject(n.OtherSubject))
}

func (b *batch) loadReplay(key verify.ReplayKey) error {
	if key == (verify.ReplayKey{}) || b.snap.Replay(key) != nil {
		return nil
	}
	r, err := find(b, b.st.replay, scanReplay, key[:])
	if err != nil || r == nil {
		return err
	}
	b.snap.LoadReplay(*r)
	return b.loadVerification(r.Verification)
}

func (b *batch) loadBucket(key verify.BucketKey) error {
	if key == (verify.BucketKey{}) || b.snap.Rows(verify.Needs{Bucket: key}).Bucket.State != 0 {
		return nil
	}
	r, err := find(b, b.st.bucket, scanBucket, key[:])
	if err == nil && r != nil {
		b.snap.LoadBucket(*r)
	}
	return err
}

func (b *batch) loadDelivery(key verify.DeliveryKey) error {
	if key == (verify.DeliveryKey{}) {
		return nil
	}
	r, err := find(b, b.st.delivery, scanDelivery, key.Verification[:], int64(key.Number))
	if err == nil && r != nil {
		b.snap.LoadDelivery(*r)
	}
	return err
}

func (b *batch) loadSubject(key verify.SubjectKey) error {
	if key == (verify.SubjectKey{}) {
		return nil
	}
	if !b.snap.HasSubject(key) {
		r, err := find(b, b.st.subject, scanSubject, key[:])
		if err != nil {
			return err
		}
		if r == nil {
			// Who was here before has a verification to be read: how long an answer takes
			// must not tell them apart (promise 15).
			return b.loadVerification(verify.ID{})
		}
		b.snap.LoadSubject(*r)
	}
	return b.loadVerification(b.snap.Subject(key).Live)
}

func (b *batch) loadVerification(id verify.ID) error {
	if b.snap.Verification(id) != nil {
		return nil
	}
	r, err := find(b, b.st.verification, scanVerification, id[:])
	if err != nil || r == nil {
		return err
	}
	b.snap.LoadVerification(*r)
	return nil
}

// find reads a row, or nil where there is none.
func find[R any](b *batch, s *stmt, scan func(scanner) (R, error), args ...driver.Value) (*R, error) {
	r, err := first(b.ctx, s, scan, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap(err)
	}
	return &r, nil
}

func (b *batch) exec(s *stmt, args ...driver.Value) error {
	if _, err := s.exec(b.ctx, args...); err != nil {
		return wrap(err)
	}
	return nil
}

// save deletes what is gone and writes what is dirty, subjects first, each table in
// key order.
func (b *batch) save() error {
	if err := b.drop(); err != nil {
		return err
	}
	for _, d := range b.snap.DirtySubjects() {
		if err := b.saveSubject(d); err != nil {
			return err
		}
	}
	for _, d := range b.snap.DirtyVerifications() {
		if err := b.saveVerification(d); err != nil {
			return err
		}
	}
	for _, d := range b.snap.DirtyDeliveries() {
		if err := b.saveDelivery(d); err != nil {
			return err
		}
	}
	if err := errors.Join(b.saveEvents(), b.saveSessions()); err != nil {
		return err
	}
	for _, d := range b.snap.DirtyBuckets() {
		st, args := b.st.changeBucket, []driver.Value{int64(d.Row.State), d.Row.Key[:]}
		if d.New {
			st, args = b.st.addBucket, []driver.Value{d.Row.Key[:], int64(d.Row.State)}
		}
		if err := b.exec(st, args...); err != nil {
			return err
		}
	}
	for _, d := range b.snap.DirtyReplays() {
		r := d.Row
		st, args := b.st.changeReplay, []driver.Value{r.Fingerprint[:], r.Verification[:], string(r.Outcome), millis(r.CreatedAt), r.Key[:]}
		if d.New {
			st, args = b.st.addReplay, []driver.Value{r.Key[:], r.Fingerprint[:], r.Verification[:], string(r.Outcome), millis(r.CreatedAt)}
		}
		if err := b.exec(st, args...); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) drop() error {
	for _, key := range b.snap.GoneSubjects() {
		if err := b.exec(b.st.dropSubject, key[:]); err != nil {
			return err
		}
	}
	for _, id := range b.snap.GoneVerifications() {
		if err := errors.Join(b.exec(b.st.dropVerification, id[:]), b.exec(b.st.dropDeliveries, id[:])); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) saveSubject(d verify.Dirty[verify.Subject]) error {
	r := d.Row
	if d.New {
		return b.exec(b.st.addSubject, r.Key[:], r.KeyID, r.Live[:], int64(r.Streak), int64(r.Hour), int64(r.Day))
	}
	return b.exec(b.st.changeSubject, r.Live[:], int64(r.Streak), int64(r.Hour), int64(r.Day), r.Key[:])
}

func (b *batch) saveVerification(d verify.Dirty[verify.Verification]) error {
	r := d.Row
	if d.New {
		return b.exec(b.st.addVerification, r.ID[:], r.Tenant, r.Profile[:], r.Subject[:], r.Purpose, string(r.Channel),
			r.Address, r.KeyID, string(r.Code.Alphabet), int64(r.Code.Length), blob(r.CustomCode), r.Template, r.AppName, string(r.Status),
			int64(r.Guesses), int64(r.Sends), millis(r.SentAt), millis(r.CreatedAt), millis(r.ExpiresAt), millis(r.PurgeAt), millis(r.UpdatedAt),
			r.Previous[:], detailsText(r.Details))
	}
	if d.Rekeyed {
		if err := b.exec(b.st.rekeyVerification, r.Subject[:], r.Address, r.KeyID, blob(r.CustomCode), r.ID[:]); err != nil {
			return err
		}
	}
	return b.exec(b.st.changeVerification, string(r.Channel), string(r.Status), int64(r.Guesses), int64(r.Sends), millis(r.SentAt),
		millis(r.UpdatedAt), r.ID[:])
}

func (b *batch) saveDelivery(d verify.Dirty[verify.Delivery]) error {
	r := d.Row
	if d.New {
		return b.exec(b.st.addDelivery, r.Key.Verification[:], int64(r.Key.Number), string(r.Channel), string(r.State), int64(r.Attempt),
			r.Node, millis(r.DueAt), r.Carrier, r.CarrierID, string(r.Class), millis(r.CreatedAt), millis(r.UpdatedAt),
			handoversText(r.Handovers), flag(r.Onward), r.FoundBy())
	}
	return b.exec(b.st.changeDelivery, string(r.State), int64(r.Attempt), r.Node, millis(r.DueAt), r.Carrier, r.CarrierID,
		string(r.Class), millis(r.UpdatedAt), handoversText(r.Handovers), flag(r.Onward), r.FoundBy(),
		r.Key.Verification[:], int64(r.Key.Number))
}

// flag is a truth as both databases keep it.
func flag(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// blob keeps a missing value apart from an empty one.
func blob(b []byte) driver.Value {
	if b == nil {
		return nil
	}
	return b
}
