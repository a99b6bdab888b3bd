package main

const (
	diskLog = "internal/store/sqlite_log.go"
	engines = "internal/app/engine.go"
	copying = "internal/store/copy.go"
	copied  = "internal/store/copy_check.go"
	files   = "internal/store/copy_sqlite.go"
	servers = "internal/store/copy_postgres.go"
)

// disks: what a disk that fails must not lead to.
var disks = []mutant{
	{name: "what a killed process left in the log is not written again", file: diskLog, kill: store, run: "WhereverTheDisk",
		find: `s, err := c.prepare(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")`, with: `s, err := c.prepare(ctx, "PRAGMA wal_checkpoint(NOOP)")`},
	{name: "after a failed sync the next one's word is taken", file: diskLog, kill: store, run: "WhereverTheDisk",
		find: "resultCode(err) != sqlite3.SQLITE_IOERR_FSYNC &&", with: "resultCode(err) != sqlite3.SQLITE_IOERR_READ &&"},
	{name: "the log goes with the connections", file: diskLog, kill: store, run: "WhereverTheDisk",
		find: `FileControlPersistWAL("main", 1)`, with: `FileControlPersistWAL("main", 0)`},
	{name: "a database that could not be opened again stays closed", file: diskLog, kill: store, run: "ByItself",
		find: " && !errors.Is(err, errAway)", with: " && err != nil"},
	{name: "the log grows without end", file: diskLog, kill: store, run: "Anew", find: "err == nil && pages > s.longLog", with: "false && pages > s.longLog"},
	{name: "SQLite syncs the log when it likes", file: "internal/store/store.go", kill: store, run: "WhereverTheDisk",
		find: "synchronous=FULL", with: "synchronous=NORMAL"},
	{name: "a commit that failed is taken for one that did nothing", file: commit, kill: store, run: "WhereverTheDisk",
		find: `%w: %w", verify.ErrOutcomeUnknown, explain(err))`, with: `%w", explain(err))`},
	{name: "a look that fails is our fault", file: engines, kill: wiring, run: "WhileTheDisk", find: "return v, unavailable(err)", with: "return v, err"},
}

// moves: what a copy to another database must not do.
var moves = []mutant{
	{name: "any two rows are equal", file: copied, kill: store, run: "TestTheCheck", find: "return !ok && !also && a == b", with: "return true"},
	{name: "missing rows are not counted", file: copied, kill: store, run: "TestTheCheck", find: "\t\tt.Missing++\n"},
	{name: "rows too many pass", file: copied, kill: store, run: "TestTheCheck", find: "t.Equal == t.Rows && t.Extra == 0", with: "t.Equal == t.Rows"},
	{name: "the check ends with the source", file: copied, kill: store, run: "TestTheCheck", find: "if errA != nil && errB != nil {", with: "if errA != nil {"},
	{name: "a copy to SQLite that failed is kept", file: files, kill: store, run: "TestAnInterrupt",
		find: `errors.Join(err, c.run(context.WithoutCancel(ctx), "ROLLBACK"))`, with: `errors.Join(err, c.run(context.WithoutCancel(ctx), "COMMIT"))`},
	{name: "a copy to PostgreSQL is many transactions", file: servers, kill: store, run: "TestAFault",
		find: `s.run(ctx, "BEGIN"); err`, with: `s.run(ctx, "SELECT 1"); err`,
		and: []edit{{`"LOCK TABLE "+strings.Join(names, ", ")+" IN "+mode+" MODE"`, `"SELECT 1"`}}},
	{name: "a source in use is copied", file: files, kill: store, run: "TestASource",
		find: `lockFile(realPath(string(f)) + ".lock")`, with: `os.Open(os.DevNull)`},
	{name: "nodes on the source are overlooked", file: servers, kill: store, run: "TestASource", find: "if nodes > 0 {", with: "if nodes > 100 {"},
	{name: "a target with rows is copied onto", file: copying, kill: store, run: "TestATarget", find: "if n > 0 {", with: "if n > 100000 {"},
	{name: "a target that is refused is changed", file: servers, kill: store, run: "TestATargetThat",
		find: "if err := mustHaveNone(ctx, s, anotherDatabase); err != nil {", with: "if err := error(nil); err != nil {"},
	{name: "a look at the database makes files", file: files, kill: store, run: "TestTheStatusChanges", find: `q.Set("immutable", "1")`, with: `_ = q`},
	{name: "a look at the database does not see the log", file: files, kill: store, run: "TestTheStatusIs", find: "if !logged(path) {", with: "if true {"},
	{name: "schemas that differ are copied", file: copying, kill: store, run: "TestWhatCannot",
		find: "defer func() { err = errors.Join(err, t.close(ctx)) }()\n\tif err := errors.Join(holds(ctx, s, tables), holds(ctx, t, tables))",
		with: "defer func() { err = errors.Join(err, t.close(ctx)) }()\n\tif err := error(nil)"},
}
