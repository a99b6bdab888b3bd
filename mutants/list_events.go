package main

const (
	outcomes = "internal/verify/event.go"
	webhooks = "internal/events"
	guarding = "internal/events/guard.go"
	telling  = "internal/events/send.go"
	queueing = "internal/events/queue.go"
	signing  = "internal/events/sign.go"
	seeds    = "internal/tenant/seed.go"
	rowsOf   = "internal/store/events.go"
)

// told: what webhooks are told, and where they must not be.
var told = []mutant{
	{name: "an event is not in the commit that it is about", file: outcomes, kill: core,
		find: "\tc.Events = append(c.Events, e)\n"},
	{name: "an event is made that nobody wants", file: outcomes, kill: core, find: "!v.Details.Events || typ", with: "typ"},
	{name: "every report loads its verification", file: report, kill: core, find: "if r.Events {", with: "if true {"},
	{name: "an event under lease is taken from its node", file: outcomes, kill: core, find: "if !due && !mine {", with: "if !due && !mine && false {"},
	{name: "an event's lease never runs out", file: outcomes, kill: core, find: "if !due && !mine {", with: "if _ = due; !mine {"},
	{name: "an old node's failure counts against the new one", file: outcomes, kill: core, find: "!r.Done && e.Node != env.Node", with: "false"},
	{name: "an event that is done is told again", file: outcomes, kill: core,
		find: "if e == nil || e.State != EventQueued {\n\t\treturn Changes{}, nil, nil", with: "if e == nil {\n\t\treturn Changes{}, nil, nil"},
	{name: "the failover URL is never tried", file: outcomes, kill: core, find: "(max(e.Attempt, 1)-1)/EventTries", with: "0*EventTries"},
	{name: "one attempt too few", file: outcomes, kill: core, find: "case e.Attempt >= r.Of:", with: "case e.Attempt >= r.Of-1:"},
	{name: "to be put off costs an attempt", file: outcomes, kill: core, find: "e.Attempt-1\n", with: "e.Attempt\n"},
	{name: "an event is tried for ever", file: outcomes, kill: core, find: " || !now.Before(e.CreatedAt.Add(EventAge))", with: ""},
	{name: "an event outlives its verification", file: keep, kill: core, find: ", GoneEvents: eventsOf(v)}", with: "}"},
	{name: "two events of a message have one id", file: outcomes, kill: core, find: "\t_, _ = h.Write([]byte(k.Type))\n"},
	{name: "a batch's events are not offered", file: ledger, kill: "internal/ledger", find: "\t\t\t\tl.Tell(e)\n", with: "\t\t\t\t_ = e\n"},
	{name: "the events of an abandoned try are offered", file: ledger, kill: "internal/ledger", find: "\t\t\tc.events = nil\n"},
	{name: "an event is offered before the commit", file: ledger, kill: "internal/ledger",
		find: "\t\t\t\tc.events = changes.EventJobs\n", with: "\t\t\t\tfor _, e := range changes.EventJobs {\n\t\t\t\t\tl.Tell(e)\n\t\t\t\t}\n"},

	{name: "an event that is due is not found", file: rowsOf, kill: store, run: "TestSQLiteIsAStore", find: "due_at <= ? ORDER", with: "due_at < ? ORDER"},
	{name: "an event that is gone is kept", file: rowsOf, kill: store, run: "TestSQLiteIsAStore",
		find: "\t\tif err := b.exec(b.st.dropEvent, id[:]); err != nil {", with: "\t\tif err := error(nil); err != nil || id[0] == 1 && id[0] == 2 {"},
	{name: "PostgreSQL does not lock events", file: rowsOf, kill: store, run: "TestPostgresIsAStore",
		find: "\tk.locks = append(k.locks, lockOf(deliveryLock, key.Delivery.Verification[8:]))\n"},

	{name: "the signature leaves out the time", file: signing, kill: webhooks,
		find: "append(append(append(text, instant...), '|'), body...)", with: "append(text, body...)"},
	{name: "the signature leaves out the body", file: signing, kill: webhooks, find: "'|'), body...)", with: "'|'), body[:0]...)"},
	{name: "the signing key is stored in the clear", file: seeds, kill: webhooks,
		find: "keys.Seal(secret.Row, s.Place, seed)", with: "append([]byte(nil), seed...), error(nil)",
		and: []edit{{"s.Keys.Open(secret.Row, s.Place, body.Seed)", "body.Seed, error(nil)"}, {"keys.Open(secret.Row, s.Place, body.Seed)\n\t\tif err != nil {\n\t\t\treturn fmt", "body.Seed, error(nil)\n\t\t_ = secret.Row\n\t\tif err != nil {\n\t\t\treturn fmt"}}},
	{name: "the signing key stays under the old key", file: seeds, kill: webhooks, find: "if body.KeyID == keys.Current() {", with: "if true {"},
	{name: "each node has a signing key of its own", file: seeds, kill: webhooks,
		find: "if err = s.add(ctx); err == nil || errors.Is(err, ErrTaken) {", with: "if err = s.add(ctx); err == nil {"},

	{name: "the guard lets everything pass", file: guarding, kill: webhooks, find: "Control: g.control}", with: "}"},
	{name: "the guard lets link-local addresses pass", file: guarding, kill: webhooks,
		find: "\t\"169.254.0.0/16\",", with: "\t\"169.254.0.0/32\","},
	{name: "the guard lets shared addresses pass", file: guarding, kill: webhooks, find: "\"100.64.0.0/10\"", with: "\"100.64.0.0/32\""},
	{name: "the guard lets 6to4 pass", file: guarding, kill: webhooks, find: "\"2002::/16\"", with: "\"2002::/128\""},
	{name: "the guard lets Teredo pass", file: guarding, kill: webhooks, find: "\"2001::/23\"", with: "\"2001::/128\""},
	{name: "the guard does not look into NAT64", file: guarding, kill: webhooks, find: "return netip.AddrFrom4([4]byte(b[12:]))", with: "return netip.AddrFrom4([4]byte{8, 8, 8, b[15]})"},
	{name: "the guard does not look into mapped addresses", file: guarding, kill: webhooks, find: "if a = a.Unmap(); nat64", with: "if nat64"},
	{name: "the guard lets what is not given out pass", file: guarding, kill: webhooks, find: "if plain.Is6() && !public6.Contains(plain) {", with: "if false {"},
	{name: "loopback is allowed outside development", file: guarding, kill: webhooks, find: "if plain.IsLoopback() && g.loopback {", with: "if plain.IsLoopback() {"},
	{name: "TLS is not asked for outside development", file: guarding, kill: webhooks, find: `(u.Scheme != "http" || !g.loopback)`, with: `u.Scheme != "http"`},
	{name: "a redirect is followed", file: telling, kill: webhooks, find: "return http.ErrUseLastResponse", with: "return nil"},
	{name: "the environment's proxy is used", file: telling, kill: webhooks, find: "Proxy:               nil,", with: "Proxy:               http.ProxyFromEnvironment,"},
	{name: "a redirect is taken for a success", file: telling, kill: webhooks, find: "answer.StatusCode > 299", with: "answer.StatusCode > 399"},
	{name: "a receiver may take all day", file: telling, kill: webhooks, run: "TestSlow|TestWhatA",
		find: "attemptTime = 2 * time.Second", with: "attemptTime = 20 * time.Second"},
	{name: "the error shows the URL", file: telling, kill: webhooks, find: "\t\t\terr = wrapped.Err\n", with: "\t\t\t_ = wrapped\n"},
	{name: "one receiver gets every worker", file: queueing, kill: webhooks, find: "case q.busy[host] < q.each:", with: "case true:"},
	{name: "a turn is not handed on", file: queueing, kill: webhooks, find: "\t\tq.offer(next)\n", with: "\t\t_ = next\n"},
	{name: "one tenant gets every worker", file: queueing, kill: webhooks, run: "TestATenantWithMany", find: "q.with[who] < q.share", with: "q.with[who] >= 0"},
	{name: "one tenant fills the queue", file: queueing, kill: webhooks, run: "TestATenantWithMany", find: " || q.of[j.Event.Tenant] >= maxOfTenant", with: ""},
	{name: "each port is a receiver", file: "internal/events/events.go", kill: webhooks, run: "TestATenantWithMany", find: "u.Hostname()", with: "u.Host"},
	{name: "one tenant keeps another from its receiver", file: "internal/events/events.go", kill: webhooks, run: "TestATenantWithMany", find: `j.Event.Tenant + " " + `, with: ""},
}
