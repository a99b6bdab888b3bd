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

	// Those named, the live ones of the subjects, and those that replays are about.
	pgVerifications = "SELECT " + verificationColumns + ` FROM verifications WHERE id = ANY($2::bytea[]
			|| ARRAY(SELECT live FROM subjects WHERE key = ANY(` + pgNamedSubjects + `))
			|| ARRAY(SELECT verification FROM replays WHERE key = ANY($3::bytea[])))`

	pgDeliveries = "SELECT " + deliveryColumns + ` FROM deliveries
		WHERE (verification, number) IN (SELECT * FROM unnest($1::bytea[], $2::bigint[]))`
	pgBuckets = "SELECT key, state FROM buckets WHERE key = ANY($1::bytea[])"
	pgReplays = "SELECT key, fingerprint, verification, outcome, created_at FROM replays WHERE key = ANY($1::bytea[])"

	pgAddSubject      = "INSERT INTO subjects (key, key_id, live, streak, hour, day) VALUES ($1, $2, $3, $4, $5, $6)"
	pgAddVerification = "INSERT INTO verifications (" + verificationColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`
	pgAddDelivery = "INSERT INTO deliveries (" + deliveryColumns + ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
	pgAddBucket   = "INSERT INTO buckets (key, state) VALUES ($1, $2)"
	pgAddReplay   = "INSERT INTO replays (key, fingerprint, verification, outcome, created_at) VALUES ($1, $2, $3, $4, $5)"

	pgChangeSubject      = "UPDATE subjects SET live = $2, streak = $3, hour = $4, day = $5 WHERE key = $1"
	pgChangeVerification = `UPDATE verifications SET channel = $2, status = $3, guesses = $4, sends = $5, sent_at = $6,
		updated_at = $7 WHERE id = $1`
	pgChangeDelivery = `UPDATE deliveries SET state = $3, attempt = $4, node = $5, due_at = $6, carrier = $7, carrier_id = $8,
		class = $9, updated_at = $10 WHERE verification = $1 AND number = $2`
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
}
