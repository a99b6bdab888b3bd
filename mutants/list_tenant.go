package main

const (
	settings  = "internal/tenant"
	set       = "internal/tenant/set.go"
	rules     = "internal/tenant/rules.go"
	directory = "internal/tenant/directory.go"
	apiKeys   = "internal/tenant/keys.go"
	apply     = "internal/tenant/apply.go"
	safeList  = "internal/tenant/safe.go"
	cached    = "internal/tenant/cache.go"
	schema    = "internal/store/migrations/003_tenants.sql"
	records   = "internal/store/records.go"
)

// tenants: what keeps one tenant from another, and what it sets up from being wrong.
var tenants = []mutant{
	{name: "a record is found whoever's it is", file: set, kill: settings, run: "TestTenantsAreApart",
		find: "(r == nil || r.Tenant != tenant)", with: "r == nil"},
	{name: "a record may belong to another tenant's", file: set, kill: settings, run: "TestTenantsAreApart",
		find: "case s.belongs != nil:", with: "case false:"},
	{name: "a profile may name another tenant's template", file: directory, kill: settings, run: "TestTenantsAreApart",
		find: "if err := d.fits(ctx, tenant, p); err != nil {", with: "if err := d.fits(ctx, tenant, Profile{}); err != nil {"},
	{name: "a change is not done again", file: set, kill: settings, run: "TestAChangeIsDoneAgain", find: "!errors.Is(err, ErrChanged) {", with: "true {"},
	{name: "a change may move a record to another tenant", file: set, kill: settings, run: "TestAChangeIsDoneAgain",
		find: "\t\t*P(&v).meta() = m\n", with: ""},
	{name: "a bound is not kept", file: set, kill: settings, run: "TestATenantHas", find: "total >= s.max", with: "total > s.max"},
	{name: "two records have one name", file: schema, kill: "internal/store", run: "TestSQLiteKeepsRecords",
		find: "CREATE UNIQUE INDEX records_by_name", with: "CREATE INDEX records_by_name"},
	{name: "two rate limits have one name", file: rules, kill: settings, run: "TestWhatTheOtherKinds",
		find: "func (l *RateLimit) name() string  { return l.Name }", with: `func (l *RateLimit) name() string { return "" }`},
	{name: "two buckets have one interval", file: rules, kill: settings, run: "TestWhatTheOtherKinds",
		find: "func (b *Bucket) name() string     { return strconv.Itoa(b.Seconds) }", with: `func (b *Bucket) name() string { return "" }`},
	{name: "the version is not compared", file: records, kill: "internal/store", run: "TestSQLiteKeepsRecords",
		find: "AND version = $3 - 1", with: "AND version <> $3 + 0"},
	{name: "what belongs to a record outlives it", file: records, kill: "internal/store", run: "TestSQLiteKeepsRecords",
		find: "ON child.parent = family.id", with: "ON child.parent = family.id AND 1 = 2"},
	{name: "a record takes others of its id with it", file: records, kill: "internal/store", run: "TestSQLiteKeepsRecords",
		find: "WHERE (kind, id) IN (SELECT kind, id FROM family)", with: "WHERE id IN (SELECT id FROM family)"},
	{name: "to delete a record reads through all", file: schema, kill: "internal/store", run: "TestNothingThatATenant",
		find: "CREATE INDEX records_by_parent", with: "-- CREATE INDEX records_by_parent"},
	{name: "a tenant's list reads through everybody's", file: schema, kill: "internal/store", run: "TestNothingThatATenant",
		find: "CREATE INDEX verifications_by_tenant", with: "-- CREATE INDEX verifications_by_tenant"},
	{name: "a list that goes on begins anew", file: "internal/store/attempts.go", kill: "internal/store", run: "TestSQLiteIsAStore",
		find: "OR d.number < ?)", with: "OR d.number <= ?)"},

	{name: "the database is asked for names that it cannot hold", file: set, kill: "internal/store", run: "TestADirectory", find: "if text(verify.FieldName, name, 1, MaxDescription) != nil {", with: "if false {"},
	{name: "a revoked key opens", file: apiKeys, kill: settings, run: "TestARevokedKey", find: " || !k.RevokedAt.IsZero() {", with: " {"},
	{name: "half of a key's hash is enough", file: apiKeys, kill: settings, run: "TestTheWholeHash",
		find: "subtle.ConstantTimeCompare(k.Hash, hash[:]) != 1 ||", with: "len(k.Hash) > 99 ||"},
	{name: "an account sid is not compared", file: apiKeys, kill: settings, run: "TestWhoIsNobody", find: `"AC" && id == p.Account`, with: `"AC"`},
	{name: "a key sid is not compared", file: apiKeys, kill: settings, run: "TestWhoIsNobody", find: `"SK" && id == p.Key`, with: `"SK"`},
	{name: "a key without scope may do all", file: apiKeys, kill: settings, run: "TestScopes", find: "len(p.Scopes) == 0 ||", with: "len(p.Scopes) >= 0 ||"},
	{name: "an empty configured key lets in", file: directory, kill: settings, run: "TestWhoIsNobody", find: `if text != "" {`, with: "{"},
	{name: "three live keys have one name", file: apiKeys, kill: settings, run: "TestTwoLiveKeys", find: "keysOfAName = 2", with: "keysOfAName = 3"},
	{name: "some characters of a key are likelier", file: apiKeys, kill: settings, run: "TestNoCharacter",
		find: "fair = 256 - 256%len(keyAlphabet)", with: "fair = 256"},
	{name: "the last use is written at every request", file: apiKeys, kill: settings, run: "TestTheLastUse",
		find: "due := now.Sub(k.UsedAt) >= usedEvery && now.Sub(last) >= usedEvery", with: "due := !now.IsZero() || last.IsZero()",
		and: []edit{{"if now.Sub(k.UsedAt) < usedEvery {", "if now.IsZero() {"}}},

	{name: "a spend limit needs no price", file: directory, kill: settings, run: "TestASpendLimitNeeds", find: "case d.config.Price <= 0:", with: "case d.config.Price < 0:"},
	{name: "a spend limit below a price is no limit", file: apply, kill: settings, run: "TestASpendLimitIs", find: " || p.SpendLimit < d.config.Price {", with: " {"},
	{name: "the operator's profile can be changed", file: directory, kill: settings, run: "TestTheOperatorsProfilesCannot",
		find: "if _, ok := d.fixed(tenant, id); ok {\n\t\treturn Profile{}, errFixed()\n\t}\n\tp, err := d.profiles.Change", with: "p, err := d.profiles.Change"},
	{name: "no country that both enable is every country", file: apply, kill: settings, run: "TestAProfileSendsOnly", find: "if len(both) == 0 {", with: "if both == nil {"},
	{name: "a profile sends where the operator does not", file: apply, kill: settings, run: "TestAProfileSendsOnly", find: "if p.Fixed || len(enabled) == 0 {", with: "if len(enabled) != 1 {"},
	{name: "a rate limit counts all values as one", file: apply, kill: settings, run: "TestQuotas", find: `b.ID.String() + " " + value`, with: "b.ID.String()"},
	{name: "a validity is not cut", file: rules, kill: settings, run: "TestAProfileIsStored", find: "min(s.Validity, verify.MaxValidity)", with: "s.Validity"},
	{name: "events are told in the clear", file: rules, kill: settings, run: "TestAnAddressForEvents", find: `(u.Scheme != "http" || !loopback(u.Hostname()))`, with: `u.Scheme != "http"`},
	{name: "a webhook holds a password", file: rules, kill: settings, run: "TestAnAddressForEvents", find: "case u.User != nil:", with: "case false:"},

	{name: "the safe list is looked up under one key alone", file: safeList, kill: settings, run: "TestTheSafeList", find: "{ring.Current(), ring.Other()}", with: "{ring.Current()}"},
	{name: "the safe list is not rekeyed", file: safeList, kill: settings, run: "TestTheSafeList", find: "if err != nil || hash == n.Hash {", with: "if err != nil || hash != \"\" {"},
	{name: "a number is safe for every tenant", file: safeList, kill: settings, run: "TestANumberIsOnTheSafeList", find: `"safe", tenant, e164)`, with: `"safe", e164)`},
	{name: "a change is not seen at once", file: cached, kill: settings, run: "TestAChangeIsSeen|TestARevokedKey", find: `if kind == "" || q.kind == kind {`, with: "if kind == \"none\" {"},
	{name: "what was read before a change is kept after it", file: cached, kill: settings, run: "TestWhatWasReadBefore", find: "if c.writes == writes {", with: "if c.writes >= writes {"},
	{name: "keys that nobody has are kept", file: cached, kill: settings, run: "TestACacheIsBounded", find: "len(all) == 0 && !q.all {", with: "false {"},
	{name: "a cache grows without bound", file: cached, kill: settings, run: "TestACacheIsBounded", find: "len(c.kept) >= maxCached", with: "len(c.kept) < 0"},
	{name: "what was read never ages", file: cached, kill: settings, run: "TestWhatWasRead", find: "&& age < c.maxAge {", with: "{"},
}
