package main

const (
	simulated = "TestSimulated"
	robbed    = "TestAStolen"
)

// histories: what the simulator is there for, and what a thief must not find.
var histories = []mutant{
	{name: "a settled verification whose subject has a new key is unknown", file: resend, kill: core, run: simulated,
		find: "if v == nil || v.Tenant != r.Tenant {", with: "if v == nil || subject == nil || v.Tenant != r.Tenant {"},
	{name: "an answer that is too old hides a later one under the other key", file: snapshot, kill: core, run: "TestOfTwoAnswers",
		find: "r.Replay == nil || o.CreatedAt.After(r.Replay.CreatedAt)", with: "r.Replay == nil"},
	{name: "a claim holds for a moment", file: claim, kill: core, run: simulated,
		find: "d.Node, d.DueAt = env.Node, now.Add(Lease)", with: "d.Node, d.DueAt = env.Node, now"},
	{name: "a new delivery is leased to nobody for long", file: resend, kill: core, run: simulated,
		find: "DueAt: now.Add(Lease), CreatedAt: now", with: "DueAt: now, CreatedAt: now"},
	{name: "a delivery to be tried again stays with its node", file: report, kill: core, run: simulated,
		find: `d.Onward, d.Node, d.DueAt = d.State != Queued, "", at`, with: "d.Onward, d.DueAt = d.State != Queued, at"},
	{name: "a message that was taken is sent again", file: report, kill: core, run: simulated,
		find: "\t\td.State = best.State\n", with: ""},
	{name: "an unlock forgets nothing", file: check, kill: core, run: simulated,
		find: "\ts.Streak = 0\n\tchanges := Changes{Subject: s}", with: "\tchanges := Changes{Subject: s}"},
	{name: "any custom code is the same code", file: start, kill: core, run: simulated,
		find: "return has.Matches(s.CustomCode), nil", with: "return true || has.Matches(s.CustomCode), nil"},
	{name: "a start by another channel within seconds sends nothing", file: start, kill: core, run: simulated,
		find: "if same && live.Channel == s.Channel && now", with: "if same && now"},
	{name: "another channel is asked for and the first one used", file: start, kill: core, run: simulated,
		find: "\t\tv.Channel = s.Channel\n", with: ""},
	{name: "a subject does not know its newest verification", file: resend, kill: core, run: simulated,
		find: "\tsubject.Live = v.ID\n", with: ""},
	{name: "the profile's validity is ignored", file: start, kill: core, run: simulated,
		find: "validity = s.Profile.Validity", with: "validity = MaxValidity"},
	{name: "a message is not counted", file: resend, kill: core, run: simulated, find: "\tv.Sends++\n", with: "\tv.Sends = max(v.Sends, 1)\n"},
	{name: "the end of a cooldown moves with each look", file: verify, kill: core, run: simulated,
		find: "return v.SentAt.Add(cooldowns[v.Sends-1])", with: "return v.UpdatedAt.Add(cooldowns[v.Sends-1])"},
	{name: "a custom code outlives the resend of a drawn one", file: start, kill: core, run: simulated,
		find: `return s.CustomCode == "" && live.CustomCode == nil, nil`, with: `return s.CustomCode == "" || live.CustomCode == nil, nil`},
	{name: "a repeated start gets a verification of its own", file: once, kill: core, run: simulated,
		find: "\treturn true, nil\n", with: "\treturn false, nil\n"},

	{name: "somebody else's rows answer for a number", file: check, kill: app, run: "TestWhatIsMoved",
		find: "return !to.Equal(c.Target.Address), err", with: "_ = to\n\treturn false, err"},
	{name: "the fingerprint of a request is kept without a key", file: once, kill: app, run: robbed,
		find: `return env.hash16("fingerprint", o.Key, string(o.Fingerprint[:]))`, with: "_ = env\n\treturn o.Fingerprint, [16]byte{}, nil"},
	{name: "equal requests show", file: once, kill: app, run: robbed, find: `"fingerprint", o.Key, `, with: `"fingerprint", `},
	{name: "nothing is sealed", file: ring, kill: app, run: robbed,
		find: "return aead.Seal(out, nonce, plain, []byte(place)), nil", with: "_ = aead\n\treturn append(out, plain...), nil",
		and: []edit{{"plain, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], []byte(place))", "plain, err := rest[aead.NonceSize():], error(nil)"}}},
	{name: "codes are drawn with the name of the key", file: ring, kill: app, run: robbed,
		find: "mac := hmac.New(sha256.New, key())", with: "_ = key\n\tmac := hmac.New(sha256.New, []byte(id))"},
	{name: "every installation has the same key", file: rotation, kill: app, run: robbed,
		find: "\t_, _ = rand.Read(raw) // never fails: crypto/rand ends the program instead\n", with: "\t_ = rand.Read\n"},
	{name: "what is sealed again is sealed alike", file: ring, kill: app, run: robbed,
		find: "\t_, _ = rand.Read(nonce) // never fails, as above\n", with: "\t_ = rand.Read\n\tclear(nonce)\n",
		and: []edit{{`"countersign 1 seal "+string(use)+"\x00"+place`, `"countersign 1 seal "+string(use)`}}},
}
