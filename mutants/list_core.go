package main

// all is every fault. Each is a mistake that somebody could make, in the words of
// what it would do to the service; find is as much text as makes it unambiguous.
func all() []mutant {
	var out []mutant
	for _, part := range [][]mutant{guesses, sends, subjects, deliveries, secrets, batches, rows, limits, wire, hosted, kept, histories, postgres, disks, moves, proofs, told, tenants, wired, twilio, twilioCarrier, letters, routed, receipts, rehearsed, worded, lined, sessions, templated, nexmo} {
		out = append(out, part...)
	}
	return out
}

// A find or a replacement of several lines is written with \n and \t where that
// keeps a fault on few lines, and raw where it is read more than counted.

const (
	check    = "internal/verify/check.go"
	start    = "internal/verify/start.go"
	resend   = "internal/verify/resend.go"
	once     = "internal/verify/once.go"
	verify   = "internal/verify/verify.go"
	claim    = "internal/verify/claim.go"
	report   = "internal/verify/report.go"
	receive  = "internal/verify/receive.go"
	handover = "internal/verify/handover.go"
	recall   = "internal/verify/recall.go"
	core     = "internal/verify"
)

// guesses: what a check may and may not do.
var guesses = []mutant{
	{name: "a used code is accepted again", file: check, kill: core,
		find: "\tcase Accepted:\n\t\treturn OutcomeUsed, false\n", with: ""},
	{name: "an exhausted verification takes guesses", file: check, kill: core,
		find: "\tcase Exhausted:\n\t\treturn OutcomeExhausted, false\n",
		and:  []edit{{"if v.Guesses >= MaxGuesses {\n\t\treturn OutcomeExhausted, false", "if false {\n\t\treturn OutcomeExhausted, false"}}},
	{name: "a canceled code is still good", file: check, kill: core,
		find: "\tcase Canceled:\n\t\treturn OutcomeCanceled, false\n", with: ""},
	{name: "a guess is compared before it is counted", file: check, kill: core,
		find: "\tv.Guesses++\n\ts.Streak++\n\tv.UpdatedAt = now\n",
		and:  []edit{{"\tif v.Guesses >= MaxGuesses {\n\t\tv.Status = Exhausted", "\tv.Guesses++\n\ts.Streak++\n\tv.UpdatedAt = now\n\tif v.Guesses >= MaxGuesses {\n\t\tv.Status = Exhausted"}}},
	{name: "a wrong guess is counted but not stored", file: check, kill: core,
		find: "\t\tchanges.Verifications = []Verification{*v}\n\t\tif subject",
		with: "\t\tif outcome != OutcomeWrong {\n\t\t\tchanges.Verifications = []Verification{*v}\n\t\t}\n\t\tif subject"},
	{name: "an accepted guess is not stored", file: check, kill: core,
		find: "\t\tchanges.Verifications = []Verification{*v}\n\t\tif subject",
		with: "\t\tif outcome != OutcomeAccepted {\n\t\t\tchanges.Verifications = []Verification{*v}\n\t\t}\n\t\tif subject"},
	{name: "a guess is not counted", file: check, kill: core, find: "\tv.Guesses++\n"},
	{name: "one guess too many", file: check, kill: core,
		find: "if v.Guesses >= MaxGuesses {\n\t\tv.Status", with: "if v.Guesses > MaxGuesses {\n\t\tv.Status",
		and: []edit{{"if v.Guesses >= MaxGuesses {\n\t\treturn", "if v.Guesses > MaxGuesses {\n\t\treturn"}}},
	{name: "one guess too few", file: check, kill: core,
		find: "if v.Guesses >= MaxGuesses {\n\t\tv.Status", with: "if v.Guesses >= MaxGuesses-1 {\n\t\tv.Status"},
	{name: "an empty guess is counted", file: check, kill: core, find: `if c.Guess == "" {`, with: "if false {"},
	{name: "the streak is not counted", file: check, kill: core, find: "\ts.Streak++\n"},
	{name: "the streak is counted but not stored", file: check, kill: core,
		find: "if subject.Streak != streak {", with: "if subject.Streak < streak {"},
	{name: "a right guess does not end the streak", file: check, kill: core, find: "\t\ts.Streak = 0\n"},
	{name: "the streak's lock is skipped at a check", file: check, kill: core,
		find: "if s.Streak >= MaxStreak {", with: "if false {"},
	{name: "the streak's lock comes one guess late", file: check, kill: core,
		find: "if s.Streak >= MaxStreak {", with: "if s.Streak > MaxStreak {"},
	{name: "the streak's lock is skipped at a start", file: start, kill: core,
		find: "if subject.Streak >= MaxStreak {\n\t\treturn Changes{}, Started{}, &Error{Kind: Locked}\n\t}\n\tchanges",
		with: "if false {\n\t\treturn Changes{}, Started{}, &Error{Kind: Locked}\n\t}\n\tchanges"},
	{name: "the streak's lock is skipped at a resend", file: resend, kill: core,
		find: "if subject.Streak >= MaxStreak {\n\t\treturn Changes{}, Started{}, &Error{Kind: Locked}\n\t}\n\tif err := resendable",
		with: "if false {\n\t\treturn Changes{}, Started{}, &Error{Kind: Locked}\n\t}\n\tif err := resendable"},
	{name: "the streak's bound is a thousand", file: verify, kill: core, find: "MaxStreak = 100", with: "MaxStreak = 1000"},
	{name: "expiry is ignored", file: verify, kill: core, find: "over := !now.Before(v.ExpiresAt) || ", with: "over := "},
	{name: "a code is good for one instant too long", file: verify, kill: core,
		find: "over := !now.Before(v.ExpiresAt)", with: "over := now.After(v.ExpiresAt)"},
	{name: "a verification made by a clock ahead lives on", file: verify, kill: core,
		find: " || now.Add(ClockSlack).Before(v.CreatedAt)"},
	{name: "expiry is written down before it is true", file: keep, kill: core,
		find: "v.Status != Pending || v.StatusAt(now) != Expired", with: "v.Status != Pending"},
	{name: "a settled verification can be canceled", file: check, kill: core,
		find: "if v.StatusAt(now) != Pending {\n\t\treturn Changes{}, Verification{}, &Error{Kind: Settled}\n\t}\n\tv.Status, v.UpdatedAt = Canceled", with: "if false {\n\t\treturn Changes{}, Verification{}, &Error{Kind: Settled}\n\t}\n\tv.Status, v.UpdatedAt = Canceled"},
	{name: "a settled verification can be approved", file: check, kill: core,
		find: "if v.StatusAt(now) != Pending {\n\t\treturn Changes{}, Verification{}, &Error{Kind: Settled}\n\t}\n\tv.Status, v.UpdatedAt = Accepted", with: "if false {\n\t\treturn Changes{}, Verification{}, &Error{Kind: Settled}\n\t}\n\tv.Status, v.UpdatedAt = Accepted"},
	{name: "a check does not compare the tenant", file: check, kill: core,
		find: "if v == nil || v.Tenant != c.Tenant {\n\t\treturn Changes{}, Checked{}", with: "if v == nil {\n\t\treturn Changes{}, Checked{}"},
	{name: "a cancel does not compare the tenant", file: check, kill: core,
		find: "if v == nil || v.Tenant != c.Tenant {\n\t\treturn Changes{}, Verification{}", with: "if v == nil {\n\t\treturn Changes{}, Verification{}"},
	{name: "the answer of a replayed check is that of the verification now", file: check, kill: core,
		find: "Checked{rows.Replay.Outcome, *rows.Replayed}", with: "Checked{OutcomeUsed, *rows.Replayed}"},
	{name: "a check is not remembered under its Idempotency-Key", file: check, kill: core,
		find: "if changes.Replay, err = c.Once.remember(", with: "if _, err = c.Once.remember("},
}

// sends: when a message may go out.
var sends = []mutant{
	{name: "the validity is not cut", file: start, kill: core, find: "min(validity, MaxValidity)", with: "validity"},
	{name: "the cooldown is ignored", file: resend, kill: core, find: "now.Before(at) {", with: "false && now.Before(at) {"},
	{name: "every cooldown is the first one", file: verify, kill: core, find: "cooldowns[v.Sends-1]", with: "cooldowns[0]"},
	{name: "one message too many", file: resend, kill: core, find: "if v.Sends >= MaxSends {", with: "if v.Sends > MaxSends {",
		and: []edit{{"if at := v.ResendAt(); now", "if at := v.SentAt; now"}}},
	{name: "an equal start within seconds sends a message", file: start, kill: core,
		find: "\t\treturn Changes{}, Started{Verification: *live}, nil\n",
		with: "\t\treturn dispatch{subject, *live, s.Network, s.quotas(), s.Backlog}.deliver(env, rows, now)\n"},
	{name: "pressing resend twice sends twice", file: resend, kill: core,
		find: "if r.Sends > 0 && v.Sends > r.Sends {", with: "if false {",
		and: []edit{{"if err := resendable(*v, now); err != nil {", "if err := resendable(*v, now); err != nil && r.Sends == 0 {"}}},
	{name: "a resend does not compare the tenant", file: resend, kill: core,
		find: "v == nil || v.Tenant != r.Tenant", with: "v == nil"},
	{name: "a settled verification can be resent", file: resend, kill: core,
		find: "if v.StatusAt(now) != Pending || subject == nil ||", with: "if subject == nil ||"},
	{name: "one that was followed by another is sent again", file: resend, kill: core, find: " || subject.Live != v.ID {", with: " {"},
	{name: "a replaced custom code stays good", file: start, kill: core,
		find: "old.Status, old.UpdatedAt = Canceled, now", with: "old.UpdatedAt = now"},
	{name: "the network's limit is not spent", file: resend, kill: core, find: `if d.network != "" {`, with: "if false {"},
	{name: "the hour's limit is not asked", file: resend, kill: core, find: "max(hour, day, network)", with: "max(0*hour, day, network)"},
	{name: "the hour's limit is not spent in the commit that makes the message", file: resend, kill: core,
		find: "subject.Hour, hour = ", with: "_, hour = "},
	{name: "the day's limit is not asked", file: resend, kill: core, find: "max(hour, day, network)", with: "max(hour, 0*day, network)"},
	{name: "the day's limit is not spent", file: resend, kill: core, find: "subject.Day, day = ", with: "_, day = "},
	{name: "a resend is outside the limits", file: resend, kill: core,
		find: "max(hour, day, network); wait > 0 {", with: "max(hour, day, network); wait > 0 && v.Sends == 0 {"},
	{name: "a resend is outside the network's limit", file: resend, kill: core,
		find: "nameNetwork(env, r.Network, &n)", with: `nameNetwork(env, "", &n)`,
		and: []edit{{"dispatch{*subject, *v, r.Network, r.Quotas, r.Backlog}", `dispatch{*subject, *v, "", r.Quotas, r.Backlog}`}}},
	{name: "quotas are not spent", file: resend, kill: core, find: "changes.Quotas = spent\n", with: "_ = spent\n"},
	{name: "a resend spends no quota", file: resend, kill: core,
		find: "nameQuotas(env, r.Tenant, r.Quotas, &n)", with: "nameQuotas(env, r.Tenant, nil, &n)",
		and: []edit{{"dispatch{*subject, *v, r.Network, r.Quotas, r.Backlog}", "dispatch{*subject, *v, r.Network, nil, r.Backlog}"}}},
	{name: "tenants share their quotas", file: "internal/verify/quota.go", kill: core, find: `env.hash16("quota", tenant, q.Name)`, with: `env.hash16("quota", q.Name)`},
	{name: "a code is good for any payment", file: check, kill: core, find: "v.Details.Amount != c.Amount || v.Details.Payee != c.Payee", with: "v.Details.Amount != c.Amount"},
	{name: "another payment gets the same code", file: start, kill: core, find: "same = same && live.Details.Amount == s.Details.Amount && live.Details.Payee == s.Details.Payee\n", with: ""},
	{name: "mailboxes are texted", file: "internal/verify/guard.go", kill: core, find: "phones == (ch == Email)", with: "phones && ch == Email"},
	{name: "a profile for payments takes any start", file: "internal/verify/start.go", kill: core, run: "TestAProfileForPayments", find: "if s.Profile.Payments && s.Details.Amount == \"\" {", with: "if false {"},
	{name: "a dialect knows nothing of payments", file: "internal/tenant/apply.go", kill: "internal/tenant", run: "TestRulesOfAProfile", find: "Payments: p.Payments, ", with: ""},
	{name: "each profile has the limits on a number anew", file: "internal/verify/start.go", kill: core, run: "TestTheLimitsOnANumber", find: "if !s.Profile.Joint {", with: "if true {"},
	{name: "what a tenant makes uses up the operator's limits", file: "internal/verify/start.go", kill: core, run: "TestTheLimitsOnANumber", find: "if !s.Profile.Joint {", with: "if false {"},
	{name: "a limit on a number has no number", file: "internal/verify/start.go", kill: core, run: "TestTheLimitsOnANumber", find: `+" "+s.Address.key(), TooManyStarts`, with: `, TooManyStarts`},
	{name: "a tenant's own profiles are each for itself", file: "internal/tenant/apply.go", kill: "internal/tenant", run: "TestRulesOfAProfile", find: ", Joint: !p.Fixed,", with: ","},
	{name: "a rule of more events than milliseconds is none", file: "internal/limit/limit.go", kill: "internal/limit", find: "(r.Per.Milliseconds() + count - 1) / count", with: "r.Per.Milliseconds() / count"},
	{name: "a fixed stretch begins anew with every event", file: "internal/limit/limit.go", kill: "internal/limit", find: "spent := max(0, s-end)", with: "spent := State(0)\n\t_ = s"},
	{name: "a full outbox is ignored", file: resend, kill: core, find: "d.backlog >= env.Limits.Backlog", with: "false"},
	{name: "a full outbox is ignored by a resend", file: resend, kill: core, find: "*v, r.Network, r.Quotas, r.Backlog}", with: "*v, r.Network, r.Quotas, 0}"},
	{name: "numbers that cannot be reached get messages", file: "internal/verify/guard.go", kill: core,
		find: "!slices.Contains(reachable[ch], kind)", with: "false"},
	{name: "countries that are not enabled get messages", file: "internal/verify/guard.go", kill: core,
		find: "len(p.Countries) > 0 && ", with: "false && "},
	{name: "a channel without a carrier is accepted", file: "internal/verify/guard.go", kill: core,
		find: "!slices.Contains(env.Channels, ch)", with: "false"},
	{name: "a replay never ages", file: once, kill: core, find: " || now.Sub(rows.Replay.CreatedAt) >= ReplayAge"},
}

// subjects: who is kept apart from whom.
var subjects = []mutant{
	{name: "tenants share a subject", file: start, kill: core, find: `"subject", t.Tenant, `, with: `"subject", `},
	{name: "profiles share a subject", file: start, kill: core, find: "t.Profile.String(), "},
	{name: "purposes share a subject", file: start, kill: core, find: "t.Purpose, "},
	{name: "numbers share a subject", file: start, kill: core, find: ", t.Address.key())", with: ")"},
	{name: "tenants share their Idempotency-Keys", file: once, kill: core, find: "operation, tenant, o.Key", with: "operation, o.Key"},
	{name: "a start and a check share their Idempotency-Keys", file: once, kill: core,
		find: `"once", operation, tenant`, with: `"once", tenant`},
	{name: "a sealed column opens in another row", file: verify, kill: core,
		find: `return "verification " + id.String() + " " + column`, with: `return "verification " + column`},
	{name: "a sealed column opens in another column", file: verify, kill: core,
		find: `return "verification " + id.String() + " " + column`, with: `return "verification " + id.String()`},
	{name: "two verifications draw the same code", file: verify, kill: core,
		find: "secret.Code, v.ID.String())", with: "secret.Code, v.Subject.String())"},
}

// deliveries: what becomes of a message.
var deliveries = []mutant{
	{name: "a delivery under lease is taken by another node", file: claim, kill: core,
		find: "notYet && (mine == c.Orphan || ", with: "notYet && (mine && c.Orphan || "},
	{name: "a node takes its own delivery for an orphan", file: claim, kill: core,
		find: "notYet && (mine == c.Orphan || ", with: "notYet && (!mine && !c.Orphan || "},
	{name: "a delivery that waits for its time is sent at once", file: claim, kill: core,
		find: ` || d.Node == "") {`, with: ") {"},
	{name: "a delivery that was sent is claimed again", file: claim, kill: core,
		find: "d == nil || v == nil || !d.Open()", with: "d == nil || v == nil"},
	{name: "a delivery that is not needed any more is sent", file: claim, kill: core,
		find: "if v.StatusAt(now) != Pending {", with: "if false {"},
	{name: "a renewal counts as an attempt", file: claim, kill: core, find: "if !mine || !now.Before(d.DueAt) {", with: "if true {"},
	{name: "good news unmakes a failure", file: report, kill: core, find: "return r.Refusal == nil && d.State != Failed", with: "return r.Refusal == nil"},
	{name: "a node that lost its lease reports a failure", file: report, kill: core,
		find: "return r.Refusal == nil && d.State != Failed", with: "return d.State != Failed"},
	{name: "the news of the node that sends are not heard", file: report, kill: core,
		find: "if d.Open() && d.Node == env.Node {", with: "if false {"},
	{name: "an ambiguous outcome is a failure", file: handover, kill: core, find: "if refusal.Ambiguous {", with: "if false {"},
	{name: "a delivery is tried again after the expiry", file: report, kill: core,
		find: " && now.Add(r.backoff(d.Attempt)).Before(r.ExpiresAt)"},
	{name: "a delivery with nobody left is tried again", file: report, kill: core, find: "case !r.Done && r.Refusal != nil &&", with: "case r.Refusal != nil &&"},
	{name: "the carrier's own wait is ignored", file: report, kill: core, find: "max(wait, r.Refusal.Wait)", with: "max(wait, 0)"},
	{name: "a third carrier is asked after silence", file: report, kill: core, find: "d.Taken() < maxTaken", with: "true"},
	{name: "a hedge is planned for after the expiry", file: report, kill: core, find: "d.Taken() < maxTaken && at.Before(r.ExpiresAt)", with: "d.Taken() < maxTaken"},
	{name: "what no carrier ever had is not queued for its next attempt", file: report, kill: core,
		find: "d.Onward, d.Node, d.DueAt = d.State != Queued, ", with: "d.Onward, d.State, d.Node, d.DueAt = true, Sent, "},
	{name: "a carrier gets a message that it had", file: handover, kill: core, find: "(h.has() || h.State == Failed", with: "(h.State == Failed"},
	{name: "a carrier that waits for its time is spent", file: handover, kill: core, find: "h.State == Failed && !steering[h.Class].later", with: "h.State == Failed"},
	{name: "each refusal is a line of its own", file: handover, kill: core, find: "case was.alike(h):", with: "case false:"},
	{name: "a receipt before the answer is a message of its own", file: handover, kill: core, find: "was.Carrier == h.Carrier && was.Early && h.has()", with: "false"},
	{name: "a receipt moves a state backwards", file: receive, kill: core,
		find: "forward = h.State == Unconfirmed || h.State == Sent", with: "forward = true"},
	{name: "another carrier's receipt counts", file: receive, kill: core, find: "h.Carrier == r.Carrier && h.has()", with: "h.has()"},
	{name: "another message's receipt counts", file: receive, kill: core, find: "(id == h.CarrierID || id == \"\"", with: "(true || id == \"\""},
	{name: "a receipt has a person who opted out tried again", file: receive, kill: core,
		find: "status != Pending || !steering[best.Class].otherCarrier", with: "status != Pending"},
	{name: "whoever is through gets another message", file: receive, kill: core, find: ", status == Accepted:", with: ":"},
	{name: "good word does not end the hedge", file: receive, kill: core,
		find: "d.State, d.Class, d.Onward = Delivered, \"\", false", with: "d.State, d.Class = Delivered, \"\""},
	{name: "whoever opted out is texted again", file: recall, kill: core, find: "c == OptedOut && age < optedOutFor", with: "false"},
	{name: "whoever opted out is never texted again", file: recall, kill: core, find: "c == OptedOut && age < optedOutFor", with: "c == OptedOut"},
	{name: "an answered message does not tell that they can be had", file: recall, kill: core, find: "if class := j.Delivery.Class; !worked &&", with: "if class := j.Delivery.Class; true &&"},
	{name: "the next carrier retries what may have been sent", file: "internal/verify/sender.go", kill: core,
		find: "return !e.Ambiguous && steering[e.Class].otherCarrier", with: "return steering[e.Class].otherCarrier"},
	{name: "what may have been sent is sent again later", file: "internal/verify/sender.go", kill: core,
		find: "return !e.Ambiguous && steering[e.Class].later", with: "return steering[e.Class].later"},
	{name: "a person who opted out is tried again", file: "internal/verify/sender.go", kill: core,
		find: "\tFiltered:      {otherCarrier: true},", with: "\tFiltered:      {otherCarrier: true},\n\tOptedOut: {otherCarrier: true},"},
	{name: "every refusal goes to the next carrier", file: carry, kill: outbox,
		find: "(a.report.Refusal == nil || !a.report.Refusal.OtherCarrier())", with: "a.report.Refusal == nil"},
	{name: "no refusal goes to the next carrier", file: carry, kill: outbox,
		find: "(a.report.Refusal == nil || !a.report.Refusal.OtherCarrier())", with: "true"},
	{name: "a message goes out after its expiry", file: sending, kill: outbox,
		find: " || !d.Now().Before(j.Verification.ExpiresAt) {", with: " {"},
	{name: "what waits at a gate is overtaken", file: carry, kill: outbox, find: "if until, closed := d.closedGate(at, from); closed {", with: "if until, closed := d.closedGate(at, from); closed && false {"},
	{name: "those who can go wait for those who cannot", file: carry, kill: outbox, find: "match.Country, spent(j.Delivery, match.Rule)}", with: "match.Country, \"\"}"},
	{name: "a gate lets one through at a time for ever", file: gate, kill: outbox, find: "g.window = min(2*g.window, d.Workers)", with: "g.window = 0"},
	{name: "a gate never opens", file: gate, kill: outbox, find: "now.Before(g.opens) || ", with: "true || "},
	{name: "nobody is barred", file: carry, kill: outbox, find: "if memory.Barred != \"\" {", with: "if false {"},
	{name: "a carrier's pace is not kept", file: carry, kill: outbox, find: "\tif !ok {\n\t\ta.pass(step.Carrier, \"passed over: its pace", with: "\tif false {\n\t\ta.pass(step.Carrier, \"passed over: its pace"},
	{name: "who asks again gets it by the same carrier", file: carry, kill: outbox, find: "verify.Unanswered(past, j.Verification.ID, c.Name)", with: "false"},
	{name: "a receipt before the name is lost", file: "internal/deliver/receive.go", kill: outbox, find: "\td.recent.keep(by, r, d.Now())\n"},
	{name: "a carrier that panicked surely sent nothing", file: sending, kill: outbox,
		find: `Ambiguous: true, Err: fmt.Errorf("the carrier panicked`, with: `Err: fmt.Errorf("the carrier panicked`},
	{name: "a slow send loses its lease", file: sending, kill: outbox,
		find: "\tstop := d.keepLease(j.Delivery.Key)\n\tdefer stop()\n"},
	{name: "a job that waited past its lease is sent without asking", file: sending, kill: outbox,
		find: "d.Now().Add(verify.RenewEvery).After(j.Delivery.DueAt) || ", with: ""},
	{name: "a job offered twice is sent twice", file: lookout, kill: outbox,
		find: "if d.closed || d.held[t.key] {", with: "if d.closed {"},
	{name: "the deliveries of a dead process wait for their lease", file: lookout, kill: outbox,
		find: "orphans := d.Alone", with: "orphans := false"},
	{name: "a job without room is forgotten", file: lookout, kill: outbox,
		find: "\t\td.later = append(d.later, t)\n"},
}

const (
	deliverer = "internal/deliver/deliver.go"
	sending   = "internal/deliver/send.go"
	lookout   = "internal/deliver/outbox.go"
	carry     = "internal/deliver/carry.go"
	gate      = "internal/deliver/gate.go"
	outbox    = "internal/deliver"
)
