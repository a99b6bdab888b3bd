package main

const (
	history = "internal/proof/history"
	process = "internal/proof/process"
	keeping = "internal/app/keeper.go"
)

// proofs: what shows only on the whole service, under load, with nodes that die and
// clocks that are wrong.
var proofs = []mutant{
	{name: "nodes lock nothing in common", file: "internal/store/postgres_statements.go", kill: history, run: "ACodeIs|Concurrent",
		find: "pg_advisory_xact_lock(lock)", with: "pg_advisory_xact_lock(lock # pg_backend_pid())"},
	{name: "what a clock ahead made comes to life", file: keeping, kill: history, run: "AClock",
		find: "firstID(now.Add(verify.ClockSlack)), lastID", with: "lastID, lastID"},
	{name: "the clock goes back", file: "internal/app/clock.go", kill: history, run: "AClock",
		find: "c.base, c.at = read, told\n\treturn told", with: "c.base, c.at = read, told\n\treturn read.Round(0).UTC()"},
	{name: "nodes' clocks must be equal", file: verify, kill: history, run: "Nodes",
		find: "now.Add(ClockSlack).Before(v.CreatedAt)", with: "now.Before(v.CreatedAt)"},
	{name: "a drain cuts requests off", file: "internal/app/app.go", kill: process, run: "Rolling",
		find: "err := a.server.Shutdown(requests)", with: "_ = requests\n\terr := a.server.Close()"},
	{name: "a lease lasts for half a minute", file: delivery, kill: process, run: "TenSeconds",
		find: "const Lease = 8 * time.Second", with: "const Lease = 30 * time.Second"},
	{name: "a start's Idempotency-Key is not remembered", file: start, kill: process, run: "Repeated",
		find: "changes.Replay, err = s.Once.remember(", with: "_, err = s.Once.remember("},
	{name: "a node's wrong clock is taken", file: "internal/app/clocks.go", kill: wiring, run: "WrongIsRefused",
		find: "wrong > verify.ClockSlack", with: "wrong > 24*verify.ClockSlack*1000"},
	{name: "rows that went under their locks are not missed", file: "internal/store/postgres_commit.go", kill: store, run: "Postgres",
		find: "missed += rows - int(done.RowsAffected())", with: "missed += 0 * rows"},
	{name: "a store that is away is asked for each command", file: ledger, kill: "internal/ledger",
		find: " && !errors.Is(err, verify.ErrAway)", with: ""},
	{name: "a disk that fails is a command's fault", file: "internal/store/away.go", kill: store, run: "WhereverTheDisk",
		find: "sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, ", with: ""},
	{name: "a check by number takes another's verification", file: check, kill: wiring, run: "Moved",
		find: "return !number.Equal(c.Target.Number), err", with: "return false, err"},
}
