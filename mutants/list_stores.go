package main

const (
	ring    = "internal/secret/secret.go"
	codes   = "internal/code/code.go"
	ledger  = "internal/ledger/ledger.go"
	commit  = "internal/store/commit.go"
	read    = "internal/store/read.go"
	store   = "internal/store"
	limiter = "internal/limit/limit.go"

	// sqlite leaves out the tests of the other database, which start a server.
	sqlite = "SQLite|Process|Newer|NoDatabase|Synced|CommitThatFails"
)

// secrets: keys, codes, and what must not be printed.
var secrets = []mutant{
	{name: "one key for every use", file: ring, kill: "internal/secret", find: `"countersign 1 "+string(use))`, with: `"countersign 1 ")`},
	{name: "one sealing key for every use", file: ring, kill: "internal/secret",
		find: `"countersign 1 seal "+string(use)+"\x00"+place`, with: `"countersign 1 seal \x00"+place`},
	{name: "the associated data are skipped", file: ring, kill: "internal/secret",
		find: "plain, []byte(place)), nil", with: "plain, nil), nil",
		and: []edit{{"rest[aead.NonceSize():], []byte(place))", "rest[aead.NonceSize():], nil)"},
			{`+"\x00"+place, keySize`, `+"\x00", keySize`}}},
	{name: "the lengths of parts are not hashed", file: ring, kill: "internal/secret", find: "\t_, _ = h.Write(length[:])\n"},
	{name: "a stream repeats itself", file: ring, kill: "internal/secret", find: "\t\ts.block++\n"},
	{name: "the nonce is always the same", file: ring, kill: "internal/secret",
		find: "\t_, _ = rand.Read(nonce) // never fails, as above\n", with: "\t_ = rand.Read\n\tclear(nonce)\n"},
	{name: "the ring prints its keys", file: rotation, kill: "internal/secret",
		find: "io.WriteString(f, r.String())", with: "io.WriteString(f, r.Text())"},
	{name: "a ring without a key is accepted", file: rotation, kill: "internal/secret", find: "|| len(list) == 0 ", with: ""},
	{name: "some digits are likelier than others", file: codes, kill: "internal/code", find: "256 - 256%len(chars)", with: "256"},
	{name: "a code that is typed with spaces does not match", file: codes, kill: "internal/code",
		find: "fold(c.Text()), fold(guess)", with: "c.Text(), guess"},
	{name: "a code with more behind it matches", file: codes, kill: "internal/code",
		find: "[]byte(got)) == 1", with: "[]byte(got[:min(len(got), len(want))])) == 1"},
	{name: "the beginning of a code matches", file: codes, kill: "internal/code",
		find: "[]byte(want), []byte(got)) == 1", with: "[]byte(want[:min(len(got), len(want))]), []byte(got)) == 1"},
	{name: "no code matches an empty guess", file: codes, kill: "internal/code", find: `want != "" && `},
	{name: "a code prints", file: codes, kill: "internal/code",
		find: "func (c Code) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }",
		with: "func (c Code) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.Text()) }"},
	{name: "a code is logged", file: codes, kill: "internal/code", find: "slog.StringValue(mask)", with: "slog.StringValue(c.Text())"},
	{name: "a code is encoded", file: codes, kill: "internal/code", find: "return []byte(mask), nil", with: "return []byte(c.Text()), nil"},
	{name: "a number prints", file: "internal/phone/phone.go", kill: "internal/phone",
		find: "io.WriteString(f, n.Masked())", with: "io.WriteString(f, n.E164())"},
	{name: "a number is logged", file: "internal/phone/phone.go", kill: "internal/phone",
		find: "slog.StringValue(n.Masked())", with: "slog.StringValue(n.E164())"},
	{name: "a number that no plan knows is taken", file: "internal/phone/phone.go", kill: "internal/phone",
		find: "plan: p}, p.kind != Unknown", with: "plan: p}, true"},
}

// batches: when a caller is answered, and by what.
var batches = []mutant{
	{name: "the ledger answers before the commit", file: ledger, kill: "internal/ledger",
		find: "\t\t\t\tc.jobs = changes.Jobs\n\t\t\t}\n", with: "\t\t\t\tc.jobs = changes.Jobs\n\t\t\t}\n\t\t\tselect {\n\t\t\tcase c.finish <- c.err:\n\t\t\tdefault:\n\t\t\t}\n",
		and: []edit{{"\t\t\tc.finish <- &verify.Error{Kind: verify.Unavailable, Wait: time.Second, Err: err}\n", "\t\t\tselect {\n\t\t\tcase c.finish <- err:\n\t\t\tdefault:\n\t\t\t}\n"},
			{"\t\t\tc.finish <- c.err\n", "\t\t\tselect {\n\t\t\tcase c.finish <- c.err:\n\t\t\tdefault:\n\t\t\t}\n"}}},
	{name: "the ledger delivers before the commit", file: ledger, kill: "internal/ledger",
		find: "\t\t\t\tc.jobs = changes.Jobs\n", with: "\t\t\t\tfor _, j := range changes.Jobs {\n\t\t\t\t\tl.Deliver(j)\n\t\t\t\t}\n"},
	{name: "a commit that failed is a success", file: ledger, kill: "internal/ledger", find: "case err != nil:", with: "case false:"},
	{name: "a caller's context ends the batch", file: ledger, kill: "internal/ledger",
		find: "type call struct {\n", with: "type call struct {\n\tctx context.Context\n",
		and: []edit{{"c := &call{\n", "c := &call{\n\t\tctx: ctx,\n"}, {"l.Store.Commit(context.Background(), ", "l.Store.Commit(batch[0].ctx, "}}},
	{name: "a caller that hangs up takes its guess back", file: ledger, kill: "internal/ledger",
		find: "type call struct {\n", with: "type call struct {\n\tctx context.Context\n",
		and: []edit{{"c := &call{\n", "c := &call{\n\t\tctx: ctx,\n"},
			{"\t\t\tvar changes verify.Changes\n", "\t\t\tvar changes verify.Changes\n\t\t\tif c.ctx.Err() != nil {\n\t\t\t\tcontinue\n\t\t\t}\n"}}},
	{name: "one bad command fails its whole batch", file: ledger, kill: "internal/ledger", find: "if err != nil && len(batch) > 1 && ", with: "if false && "},
	{name: "a batch of unknown outcome is run again", file: ledger, kill: "internal/ledger",
		find: " && !errors.Is(err, verify.ErrOutcomeUnknown)", with: " && !errors.Is(err, ErrClosed)"},
	{name: "the changes and jobs of a refused command are carried out", file: ledger, kill: "internal/ledger",
		find: "if c.err == nil {", with: "if true {"},
	{name: "the jobs of an abandoned try are delivered", file: ledger, kill: "internal/ledger", find: "\t\t\tc.jobs = nil\n"},
	{name: "a panic of one command ends all", file: ledger, kill: "internal/ledger",
		find: "if p := recover(); p != nil {", with: "if p := any(nil); p != nil {"},
	{name: "a command after the end waits for ever", file: ledger, kill: "internal/ledger", find: "\tif l.closed {\n", with: "\tif false {\n"},
}

// rows: what a store must not forget.
var rows = []mutant{
	{name: "a changed row is not written", file: snapshot, kill: store, run: sqlite, find: "e.row, e.dirty, e.gone = row, true, false", with: "e.row, e.gone = row, false"},
	{name: "a subject's streak is not written", file: commit, kill: store, run: sqlite,
		find: "UPDATE subjects SET live = ?, streak = ?,", with: "UPDATE subjects SET live = ?, streak = coalesce(streak, ?),"},
	{name: "a subject's live verification is not written", file: commit, kill: store, run: sqlite,
		find: "UPDATE subjects SET live = ?,", with: "UPDATE subjects SET live = coalesce(live, ?),"},
	{name: "a subject's hour is not written", file: commit, kill: store, run: sqlite, find: "hour = ?, day = ? WHERE", with: "hour = coalesce(hour, ?), day = ? WHERE"},
	{name: "a subject's day is not written", file: commit, kill: store, run: sqlite, find: "hour = ?, day = ? WHERE", with: "hour = ?, day = coalesce(day, ?) WHERE"},
	{name: "a verification's status is not written", file: commit, kill: store, run: sqlite, find: "channel = ?, status = ?,", with: "channel = ?, status = coalesce(status, ?),"},
	{name: "a verification's guesses are not written", file: commit, kill: store, run: sqlite, find: "guesses = ?, sends = ?,", with: "guesses = coalesce(guesses, ?), sends = ?,"},
	{name: "the time of the last message is not written", file: commit, kill: store, run: sqlite, find: "sends = ?, sent_at = ?,", with: "sends = ?, sent_at = coalesce(sent_at, ?),"},
	{name: "a delivery's lease is not written", file: commit, kill: store, run: sqlite, find: "node = ?, due_at = ?,", with: "node = ?, due_at = coalesce(due_at, ?),"},
	{name: "a bucket is not written", file: commit, kill: store, run: sqlite, find: "UPDATE buckets SET state = ?", with: "UPDATE buckets SET state = coalesce(state, ?)"},
	{name: "a renewed replay keeps its old outcome", file: commit, kill: store, run: sqlite, find: "outcome = ?, created_at = ? WHERE", with: "outcome = coalesce(outcome, ?), created_at = ? WHERE"},
	{name: "a renewed replay keeps its old verification", file: commit, kill: store, run: sqlite,
		find: "fingerprint = ?, verification = ?,", with: "fingerprint = ?, verification = coalesce(verification, ?),"},
	{name: "a subject comes without its live verification", file: commit, kill: store, run: sqlite,
		find: "return b.loadVerification(b.snap.Subject(key).Live)", with: "return nil"},
	{name: "a batch that failed stays open", file: commit, kill: store, run: sqlite, find: "_, _ = s.st.rollback.exec(ctx) // fails if SQLite", with: "//"},
	{name: "a batch that failed is committed", file: commit, kill: store, run: sqlite, find: "_, _ = s.st.rollback.exec(ctx) // fails if SQLite", with: "_, _ = s.st.commit.exec(ctx) // fails if SQLite",
		and: []edit{{"\tif err := decide(b.snap); err != nil {\n\t\treturn err\n\t}\n\treturn b.save()", "\treturn errors.Join(decide(b.snap), b.save())"}}},
	{name: "a commit that failed in the database is a success", file: commit, kill: store, run: sqlite,
		find: `return fmt.Errorf("store: %w: %w", verify.ErrOutcomeUnknown, explain(err))`, with: "return nil"},
	{name: "commits are not synced", file: "internal/store/store.go", kill: store, run: sqlite, find: "synchronous=FULL", with: "synchronous=OFF"},
	{name: "the lock file is skipped", file: "internal/store/lock_unix.go", kill: store, run: sqlite,
		find: "err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)", with: "err = nil"},
	{name: "a newer schema is opened", file: "internal/store/store.go", kill: store, run: sqlite, find: "if version > len(names) {", with: "if false {"},
	{name: "a delivery is due one instant late", file: read, kill: store, run: sqlite, find: "due_at <= ?", with: "due_at < ?"},
	{name: "sent deliveries are found as due", file: read, kill: store, run: sqlite, find: "WHERE \" + inOutbox + \" AND (due_at", with: "WHERE (due_at"},
	{name: "young replays are forgotten by the store", file: commit, kill: store, run: sqlite, find: "WHERE created_at < ? LIMIT", with: "WHERE created_at > ? LIMIT"},
	{name: "the keeper forgets replays at once", file: "internal/app/keeper.go", kill: "internal/app", run: "TestTheKeeper|TestFlows",
		find: "now.Add(-verify.ReplayAge))", with: "now.Add(verify.ReplayAge))"},
}

// limits: the arithmetic of time.
var limits = []mutant{
	{name: "a limit lets one more through", file: limiter, kill: "internal/limit", find: "over := whole + step - (", with: "over := whole - ("},
	{name: "a limit's allowance grows without bound", file: limiter, kill: "internal/limit", find: "max(int64(s), at), at+", with: "int64(s), at+"},
	{name: "a limit forgets what was spent before", file: limiter, kill: "internal/limit", find: "return State(whole + step), 0", with: "return State(at + step), 0"},
	{name: "a clock that stood ahead locks a number out", file: limiter, kill: "internal/limit",
		find: "min(max(int64(s), at), at+step*int64(r.Count))", with: "max(int64(s), at)"},
	{name: "a refused event is spent", file: limiter, kill: "internal/limit", find: "return s, time.Duration(over)", with: "return State(whole + step), time.Duration(over)"},
	{name: "the clock goes backwards", file: "internal/app/clock.go", kill: "internal/app", run: "TestTheClock",
		find: "max(0, read.Sub(c.base))", with: "read.Sub(c.base)"},
}
