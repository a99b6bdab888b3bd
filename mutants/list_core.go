package main

// all is every fault. Each is a mistake that somebody could make, in the words of
// what it would do to the service; find is as much text as makes it unambiguous.
func all() []mutant {
	var out []mutant
	for _, part := range [][]mutant{guesses, sends, subjects, deliveries, secrets, batches, rows, limits, wire, hosted, kept, histories, postgres, disks, moves, proofs, told, tenants, wired, twilio, twilioCarrier, letters, sessions} {
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
	delivery = "internal/verify/delivery.go"
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
	{name: "a delivery under lease is taken by another node", file: delivery, kill: core,
		find: "notYet && (mine == c.Orphan || ", with: "notYet && (mine && c.Orphan || "},
	{name: "a node takes its own delivery for an orphan", file: delivery, kill: core,
		find: "notYet && (mine == c.Orphan || ", with: "notYet && (!mine && !c.Orphan || "},
	{name: "a delivery that waits for its time is sent at once", file: delivery, kill: core,
		find: ` || d.Node == "") {`, with: ") {"},
	{name: "a delivery that was sent is claimed again", file: delivery, kill: core,
		find: "d == nil || v == nil || d.State != Queued", with: "d == nil || v == nil"},
	{name: "a delivery that is not needed any more is sent", file: delivery, kill: core,
		find: "if v.StatusAt(now) != Pending {", with: "if false {"},
	{name: "a renewal counts as an attempt", file: delivery, kill: core, find: "if !mine || !now.Before(d.DueAt) {", with: "if true {"},
	{name: "a report moves a state backwards", file: delivery, kill: core,
		find: "d.State != Queued && (!goodNews || ", with: "false && (!goodNews || "},
	{name: "bad news unmakes an unconfirmed delivery", file: delivery, kill: core,
		find: "(!goodNews || d.State == Sent", with: "(!goodNews && d.State != Unconfirmed || d.State == Sent"},
	{name: "good news unmakes a failure", file: delivery, kill: core, find: " || d.State == Failed) {", with: ") {"},
	{name: "a node that lost its lease reports a failure", file: delivery, kill: core,
		find: "if r.Refusal != nil && d.Node != env.Node {", with: "if false {"},
	{name: "an ambiguous outcome is a failure", file: delivery, kill: core, find: "case r.Refusal.Ambiguous:", with: "case false:"},
	{name: "a delivery is tried again for ever", file: delivery, kill: core, find: "d.Attempt <= len(retries)", with: "true"},
	{name: "a delivery is tried again after the expiry", file: delivery, kill: core, find: " && again.Before(r.ExpiresAt)"},
	{name: "the carrier's own wait is ignored", file: delivery, kill: core, find: "max(wait, r.Refusal.Wait)", with: "max(wait, 0)"},
	{name: "the next carrier retries what may have been sent", file: "internal/verify/sender.go", kill: core,
		find: "return !e.Ambiguous && steering[e.Class].otherCarrier", with: "return steering[e.Class].otherCarrier"},
	{name: "what may have been sent is sent again later", file: "internal/verify/sender.go", kill: core,
		find: "return !e.Ambiguous && steering[e.Class].later", with: "return steering[e.Class].later"},
	{name: "a person who opted out is tried again", file: "internal/verify/sender.go", kill: core,
		find: "\tFiltered:      {otherCarrier: true},", with: "\tFiltered:      {otherCarrier: true},\n\tOptedOut: {otherCarrier: true},"},
	{name: "every refusal goes to the next carrier", file: sending, kill: outbox,
		find: "refusal == nil || !refusal.OtherCarrier()", with: "refusal == nil"},
	{name: "no refusal goes to the next carrier", file: sending, kill: outbox,
		find: "refusal == nil || !refusal.OtherCarrier()", with: "true"},
	{name: "a carrier that panicked surely sent nothing", file: sending, kill: outbox,
		find: `Ambiguous: true, Err: fmt.Errorf("the carrier panicked`, with: `Err: fmt.Errorf("the carrier panicked`},
	{name: "a slow send loses its lease", file: sending, kill: outbox,
		find: "\tstop := d.keepLease(j.Delivery.Key)\n\tdefer stop()\n"},
	{name: "a job that waited past its lease is sent without asking", file: sending, kill: outbox,
		find: "if d.Now().Add(verify.RenewEvery).After(j.Delivery.DueAt) {", with: "if false {"},
	{name: "a job offered twice is sent twice", file: lookout, kill: outbox,
		find: "if d.closed || d.held[j.Delivery.Key] {", with: "if d.closed {"},
	{name: "the deliveries of a dead process wait for their lease", file: lookout, kill: outbox,
		find: "orphans := d.Alone", with: "orphans := false"},
	{name: "a job without room is forgotten", file: lookout, kill: outbox,
		find: "\t\td.later = append(d.later, j.Delivery.Key)\n"},
}

const (
	deliverer = "internal/deliver/deliver.go"
	sending   = "internal/deliver/send.go"
	lookout   = "internal/deliver/outbox.go"
	outbox    = "internal/deliver"
)
