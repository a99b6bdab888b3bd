package store

// The statements of a batch. They compare keys and nothing else.
const (
	pgBegin  = "BEGIN ISOLATION LEVEL READ COMMITTED"
	pgCommit = "COMMIT"

	// In the second part stands lockOf, for subjects that are known by a
	// verification only. The order is made below the locking, so it is the order of
	// locking.
	pgLock = `SELECT pg_advisory_xact_lock(lock), subject FROM (
			SELECT lock, NULL::bytea AS subject FROM unnest($1::bigint[]) AS lock
			UNION ALL
			SELECT ('x' || encode(substr(subject, 1, 8), 'hex'))::bit(64)::bigint & -4, subject FROM verifications
			WHERE id = ANY($2::bytea[] || ARRAY(SELECT verification FROM replays WHERE key = ANY($3::bytea[])))
			ORDER BY 1
		) AS wanted`

	// A commit that writes nothing does not wait for the standby, yet what it read
	// may be a change that the standby lacks: its author was told that its outcome
	// is unknown. This writes a few bytes to the log, so that the commit waits for all
	// that stands before them. Without synchronous standbys it does nothing.
	pgReplicated = `SELECT pg_logical_emit_message(true, 'countersign', '')
			WHERE current_setting('synchronous_standby_names') <> ''`

	pgNamedSubjects = `$1::bytea[] || ARRAY(SELECT subject FROM verifications WHERE id = ANY($2::bytea[]))`

	pgSubjects = "SELECT key, key_id, live, streak, hour, day FROM subjects WHERE key = ANY(" + pgNamedSubjects + ")"

	// Those named, the live ones of the subjects that are named themselves, and those
	// that replays are about.
	pgVerifications = "SELECT " + verificationColumns + ` FROM verifications WHERE id = ANY($2::bytea[]
			|| ARRAY(SELECT live FROM subjects WHERE key = ANY($1::bytea[]))
			|| ARRAY(SELECT verification FROM replays WHERE key = ANY($3::bytea[])))`

	pgDeliveries = "SELECT " + deliveryColumns + ` FROM deliveries
		WHERE (verification, number) IN (SELECT * FROM unnest($1::bytea[], $2::bigint[]))`
	pgBuckets = "SELECT key, state FROM buckets WHERE key = ANY($1::bytea[])"
	pgReplays = "SELECT key, fingerprint, verification, outcome, created_at FROM replays WHERE key = ANY($1::bytea[])"

	// Rows come by columns, each an array.
	pgAddSubject = "INSERT INTO subjects (key, key_id, live, streak, hour, day) SELECT * FROM " +
		"unnest($1::bytea[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[])"
	pgAddVerification = "INSERT INTO verifications (" + verificationColumns + `) SELECT * FROM
		unnest($1::bytea[], $2::text[], $3::bytea[], $4::bytea[], $5::text[], $6::text[], $7::bytea[], $8::text[],
			$9::text[], $10::bigint[], $11::bytea[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::bigint[],
			$17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[], $22::bytea[], $23::text[])`
	pgAddDelivery = "INSERT INTO deliveries (" + deliveryColumns + `) SELECT * FROM
		unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], $8::text[],
			$9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::text[], $14::bigint[], $15::text[])`
	pgAddBucket = "INSERT INTO buckets (key, state) SELECT * FROM unnest($1::bytea[], $2::bigint[])"
	pgAddReplay = `INSERT INTO replays (key, fingerprint, verification, outcome, created_at) SELECT * FROM
		unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::text[], $5::bigint[])`

	pgChangeSubject = `UPDATE subjects AS s SET live = r.live, streak = r.streak, hour = r.hour, day = r.day
		FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[])
			AS r (key, live, streak, hour, day)
		WHERE s.key = r.key`
	pgChangeVerification = `UPDATE verifications AS v SET channel = r.channel, status = r.status, guesses = r.guesses,
			sends = r.sends, sent_at = r.sent_at, updated_at = r.updated_at
		FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
			AS r (id, channel, status, guesses, sends, sent_at, updated_at)
		WHERE v.id = r.id`
	pgChangeDelivery = `UPDATE deliveries AS d SET state = r.state, attempt = r.attempt, node = r.node, due_at = r.due_at,
			carrier = r.carrier, carrier_id = r.carrier_id, class = r.class, updated_at = r.updated_at,
			handovers = r.handovers, onward = r.onward, found_by = r.found_by
		FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[], $8::text[],
			$9::text[], $10::bigint[], $11::text[], $12::bigint[], $13::text[])
			AS r (verification, number, state, attempt, node, due_at, carrier, carrier_id, class, updated_at,
				handovers, onward, found_by)
		WHERE d.verification = r.verification AND d.number = r.number`
	// What forgets buckets and replays takes no lock, so the row may be gone.
	pgChangeBucket = pgAddBucket + " ON CONFLICT (key) DO UPDATE SET state = excluded.state"
	pgChangeReplay = pgAddReplay + ` ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint,
		verification = excluded.verification, outcome = excluded.outcome, created_at = excluded.created_at`

	pgRekeyVerification = "UPDATE verifications SET subject = $2, address = $3, key_id = $4, custom_code = $5 WHERE id = $1"
	pgDropSubject       = "DELETE FROM subjects WHERE key = $1"
	// Its deliveries are locked with it; there may be none, so that one statement
	// tells whether the verification was there.
	pgDropVerification = `WITH sent AS (DELETE FROM deliveries WHERE verification = $1)
		DELETE FROM verifications WHERE id = $1`
)

// pgStatements are prepared on every connection that commits.
var pgStatements = [...]string{
	pgBegin, pgCommit, pgReplicated, pgLock, pgSubjects, pgVerifications, pgDeliveries, pgBuckets, pgReplays,
	pgAddSubject, pgAddVerification, pgAddDelivery, pgAddBucket, pgAddReplay,
	pgChangeSubject, pgChangeVerification, pgChangeDelivery, pgChangeBucket, pgChangeReplay,
	pgRekeyVerification, pgDropSubject, pgDropVerification,
	pgEvents, pgAddEvent, pgChangeEvent, pgDropEvents,
	pgSessions, pgAddSession, pgChangeSession, pgDropSession,
}
