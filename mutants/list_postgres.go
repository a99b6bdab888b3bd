package main

const (
	pgOpen       = "internal/store/postgres.go"
	pgCommitting = "internal/store/postgres_commit.go"
	pgReading    = "internal/store/postgres_read.go"
	pgError      = "internal/store/postgres_error.go"

	// Tests that several faults of PostgreSQL meet.
	pgNotPromised = "TestWhatTheStandbyLacksIsNotPromised"
	pgNotAnswered = "TestWhatTheStandbyLacksIsNotAnsweredFrom"
	pgIdle        = "TestNobodySuffersForAConnectionThatWasEndedWhileIdle"
)

// postgres: what is promised when servers and connections come and go.
var postgres = []mutant{
	{name: "a commit that waits for its standby no longer is a success", file: pgCommitting, kill: store, run: pgNotPromised,
		find: "case err == nil && told[warning] != nil:", with: "case false:"},
	{name: "a commit of unknown outcome is run again", file: pgCommitting, kill: store, run: pgNotPromised,
		find: "case refused(err) || pgconn.SafeToRetry(err):", with: "case refused(err) || pgconn.SafeToRetry(err) || true:"},
	{name: "a batch that writes nothing does not wait for the standby", file: pgCommitting, kill: store, run: pgNotAnswered,
		find: "\tif batch.Len() == 0 {\n", with: "\tif false {\n"},
	{name: "a look does not wait for the standby", file: pgReading, kill: store, run: pgNotAnswered, find: "\t\tbatch.Queue(pgReplicated)\n"},
	{name: "a look that waits for the standby no longer is answered", file: pgReading, kill: store, run: pgNotAnswered,
		find: "if told[warning] != nil {", with: "if false {"},
	{name: "a primary that was replaced keeps its nodes", file: pgOpen, kill: store, run: "WithoutKnowing",
		find: "_, err := c.Exec(ctx, pgReplicated).ReadAll()", with: "var err error"},
	{name: "a standby is taken for a primary", file: pgOpen, kill: store, run: pgNotPromised + "|OperatorIsTold",
		find: "err := pgconn.ValidateConnectTargetSessionAttrsReadWrite(ctx, c); err", with: "err := ctx.Err(); err"},
	{name: "a host that hangs uses up the time of the next", file: pgOpen, kill: store, run: "TestAPrimaryThatHangs",
		find: "config.ConnectTimeout*time.Duration(1+len(config.Fallbacks))+connectTime", with: "config.ConnectTimeout"},
	{name: "a batch on a server that hangs waits for ever", file: pgCommitting, kill: store, run: "TestAPrimaryThatHangs",
		find: "context.WithTimeout(context.WithoutCancel(ctx), batchTime)", with: "context.WithCancel(context.WithoutCancel(ctx))"},
	{name: "a read on a server that hangs waits for ever", file: pgReading, kill: store, run: "TestAServerThatHangs",
		find: "context.WithTimeout(ctx, most)", with: "context.WithCancel(ctx)"},
	{name: "a read fails on a connection that was ended while idle", file: pgReading, kill: store, run: pgIdle,
		find: "if within.Err() == nil {", with: "if false {"},
	{name: "of the connections that were ended one is replaced", file: pgReading, kill: store, run: pgIdle,
		find: "\tp.read.Reset() // the others lead to the same server\n"},
	{name: "a batch fails on a connection that was ended while idle", file: pgError, kill: store, run: pgIdle,
		find: "errors.Is(err, errLost) || ", with: ""},
	{name: "commits do not wait for the disk", file: pgOpen, kill: store, run: "CommitsWaitForTheDisk",
		find: "set_config('synchronous_commit', 'on', false)", with: "set_config('synchronous_commit', 'off', false)"},
	{name: "a newer schema is opened on PostgreSQL", file: "internal/store/postgres_migrate.go", kill: store, run: "OperatorIsTold",
		find: "if err == nil && have > known {", with: "if false {"},
	{name: "an old PostgreSQL is taken", file: pgError, kill: store, run: "AnOldServer", find: "if major < oldestPostgres {", with: "if major < 0 {"},
	{name: "locks are taken in the order in which they are named", file: "internal/store/postgres_statements.go", kill: store, run: "TestTwoNodes",
		find: "\t\t\tORDER BY 1\n\t\t) AS wanted", with: "\t\t) AS wanted"},
	{name: "a verification is shown without its lock", file: "internal/store/postgres_load.go", kill: store, run: "TestAVerificationThatAppears",
		find: "stray = stray || !locked[v.Subject]", with: "stray = false"},
	{name: "a row that somebody adds without the lock fails a batch", file: pgError, kill: store, run: "TestARowThatSomebodyAdds",
		find: ` || pg.Code == "23505"`, with: ""},
	{name: "callers are not told to come back when a read fails", file: "internal/app/engine.go", kill: "internal/app", run: "InTrouble",
		find: "return &verify.Error{Kind: verify.Unavailable, Wait: time.Second, Err: err}", with: "return err"},
}
