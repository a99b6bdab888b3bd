package main

// wired: what operators ask for, and what is put together in the right way.
var wired = []mutant{
	{name: "a history has no bound", file: "internal/app/engine.go", kill: "internal/app", run: "History",
		find: "|| len(out) == limit {", with: "{",
		and: []edit{{"v != nil && len(out) < limit; {", "v != nil; {"}}},
	{name: "the newest verification is looked for under one key", file: "internal/app/engine.go", kill: "internal/app", run: "History",
		find: "if err != nil || other == (verify.SubjectKey{}) {", with: "if err != nil || true {"},
	{name: "of two newest verifications the older one is taken", file: "internal/app/engine.go", kill: "internal/app", run: "History",
		find: "bytes.Compare(v.ID[:], newest.ID[:]) > 0", with: "bytes.Compare(v.ID[:], newest.ID[:]) < 0"},
	{name: "what the operator denies to webhooks is allowed", file: "internal/app/webhooks.go", kill: "internal/app", run: "TestAWebhookDoesNot", find: ", Deny: a.settings.denied,", with: ","},
	{name: "safe numbers stay under the old key", file: "internal/app/rekey.go", kill: "internal/app", run: "Rotated",
		find: "if err := o.Rekey(ctx); err != nil {", with: "if err := error(nil); o == nil {"},
	{name: "unlock asks the default profile alone", file: "internal/app/operate.go", kill: "internal/app", run: "Unlock",
		find: "if what.Profile != \"\" && p.ID != only {", with: "if _ = only; !p.Fixed {"},
	{name: "unlock takes no notice of the profile that is named", file: "internal/app/operate.go", kill: "internal/app", run: "Unlock",
		find: "if what.Profile != \"\" && p.ID != only {", with: "if _ = only; false {"},
	{name: "erase leaves the number on safe lists", file: "internal/app/operate.go", kill: "internal/app", run: "Unlock",
		find: "switch dropped := o.directory.DropSafe(ctx, a.Tenant, number.E164()); {", with: "_, _ = a, number\n\t\tswitch dropped := error(nil); {"},
	{name: "a price of cents is read as dollars", file: "internal/app/profile.go", kill: "internal/app", run: "Price",
		find: "strings.Repeat(\"0\", decimals-len(part))", with: "strings.Repeat(\"0\", decimals-2)"},
	{name: "the configured template is forgotten over the API", file: "internal/app/profile.go", kill: "internal/app", run: "Template",
		find: "Text:        text,", with: "Text:        \"\","},
	{name: "a revoked key counts as a key at the start", file: "internal/app/directory.go", kill: "internal/app", run: "WithoutAnAPIKey",
		find: "return k.RevokedAt.IsZero()", with: "return true"},
}
