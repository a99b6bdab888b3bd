package main

const (
	history = "internal/promise/history"
	keeping = "internal/app/keeper.go"
)

// proofs: what shows only on the whole service, under load and with clocks that are
// wrong. The tests of internal/promise/process build the program by themselves, from
// the tree as it stands, so they cannot be shown a fault from here.
var proofs = []mutant{
	{name: "nodes lock nothing in common", file: "internal/store/postgres_statements.go", kill: history, run: "ACodeIs|Concurrent",
		find: "pg_advisory_xact_lock(lock)", with: "pg_advisory_xact_lock(lock # pg_backend_pid())"},
	{name: "what a clock ahead made comes to life", file: keeping, kill: history, run: "AClock",
		find: "firstID(now.Add(verify.ClockSlack)), lastID", with: "lastID, lastID"},
	{name: "the clock goes back", file: "internal/app/clock.go", kill: history, run: "AClock",
		find: "c.base, c.at = read, told\n\treturn told", with: "c.base, c.at = read, told\n\treturn read.Round(0).UTC()"},
	{name: "nodes' clocks must be equal", file: verify, kill: history, run: "Nodes",
		find: "now.Add(ClockSlack).Before(v.CreatedAt)", with: "now.Before(v.CreatedAt)"},
	{name: "a node's wrong clock is taken", file: "internal/app/clocks.go", kill: wiring, run: "WrongIsRefused",
		find: "wrong > verify.ClockSlack", with: "wrong > 24*verify.ClockSlack*1000"},
	{name: "a store that is away is asked for each command", file: ledger, kill: "internal/ledger",
		find: " && !errors.Is(err, verify.ErrAway)", with: ""},
	{name: "a check by number takes another's verification", file: check, kill: wiring, run: "Moved",
		find: "return !to.Equal(c.Target.Address), err", with: "return false && !to.Equal(c.Target.Address), err"},
}
