package main

const (
	proving  = "internal/proof/proof.go"
	keysets  = "internal/proof/jwks.go"
	returns  = "internal/tenant/returns.go"
	opened   = "internal/telnyxapi/sessions.go"
	closing  = "internal/pages/views_session.go"
	summing  = "internal/pages/work.go"
	hashing  = "internal/work/work.go"
	painting = "internal/brand/brand.go"
)

// proven: what a proof says, where it leads, and whose it is.
var proven = []mutant{
	{name: "a token of another type is a proof", file: proving, kill: "internal/proof", find: " || head.ExtraHeaders[jose.HeaderType] != mediaType"},
	{name: "a proof of another issuer is ours", file: proving, kill: "internal/proof", find: " || c.Issuer != issuer"},
	{name: "a proof never ages", file: proving, kill: "internal/proof", find: "if s.Now().Unix() >= c.ExpiresAt {", with: "if false {"},
	{name: "a proof has many spellings", file: proving, kill: "internal/proof", find: "err != nil || one != text {", with: "err != nil || one == \"\" {"},
	{name: "two profiles know a person by the same name", file: proving, kill: "internal/proof", find: `of.Tenant+"\x00"+of.Profile.String()+"\x00"+to.Key()`, with: `of.Tenant+"\x00"+to.Key()`},
	{name: "every proof tells the address", file: proving, kill: "internal/proof", find: "if !of.Details.Share {", with: "if false {"},
	{name: "the next key is announced too late", file: keysets, kill: "internal/proof", find: "[...]string{keys.Current(), keys.Other()}", with: "[...]string{keys.Current(), \"\"}"},

	{name: "a return address may have a user name", file: returns, kill: dialect, run: "TwoWays", find: "case u.User != nil:", with: "case false:"},
	{name: "a return address may be in the clear", file: returns, kill: dialect, run: "TwoWays", find: `u.Scheme != "https" && (u.Scheme != "http" ||`, with: `u.Scheme != "https" && (u.Scheme != "http" && u.Scheme != "ftp" ||`,
		and: []edit{{"!loopback(u.Hostname())):\n\t\treturn \"must begin", "false):\n\t\treturn \"must begin"}}},
	{name: "a return address may be spelled in two ways", file: returns, kill: dialect, run: "TwoWays", find: "u.String() != text || "},
	{name: "a return address may have any host", file: returns, kill: dialect, run: "TwoWays", find: "case !plainHost(u.Hostname()):", with: "case false:"},
	{name: "a return address may climb", file: returns, kill: dialect, run: "TwoWays", find: "case !plainPath(u.EscapedPath()):", with: "case false:"},
	{name: "another tenant's session is shown", file: opened, kill: dialect, run: "TestGoldens/sessions", find: "s == nil || s.Tenant != r.who.Tenant", with: "s == nil"},
	{name: "another session's proof is redeemed", file: opened, kill: dialect, run: "TestAProofIs", find: "err != nil || claims.ID != id.String()", with: "err != nil"},
	{name: "links are made of what a client calls the host", file: opened, kill: dialect, run: "TestWithoutAPublic", find: "if base == \"\" {", with: "if false {"},

	{name: "half a link opens a session", file: place, kill: pages, run: "TestALinkThat", find: " || !s.Opens(p.Keys, link)"},
	{name: "a session's cookie opens another", file: cookie, kill: pages, run: "TestTheCookieOfOne", find: `return sealedPlace + " " + at.session.ID.String()`, with: "return sealedPlace"},
	{name: "a proof is as good for a number that was typed", file: "gate/gate.go", kill: "gate", run: "Anybodys", find: "!p.AddressGiven && ", with: "false && "},
	{name: "the questions of two tabs share a cookie", file: "gate/cookie.go", kill: "gate", run: "EachTab|IsTheBrowsersAlone", find: "state[:min(markLen, len(state))]", with: "state[:0]"},
	{name: "who has passed is kept out by an old answer", file: "gate/require.go", kill: "gate", run: "OldAnswer", find: "case !g.hasPassed(r, ask):", with: "case err != nil:"},
	{name: "an old answer lets another visit in", file: "gate/require.go", kill: "gate", run: "OldAnswer", find: "case !g.hasPassed(r, ask):", with: "case false:"},
	{name: "a browser keeps the cookies of all its questions", file: "gate/cookie.go", kill: "gate", run: "HasFewCookies", find: "len(names) < maxAsked", with: "true"},
	{name: "a pass opens what was not asked", file: "gate/gate.go", kill: "gate", run: "WhatWasAsked", find: "{ask.Purpose, anyAddress(ask), ask.PhoneNumber, ask.Email}", with: "{}"},
	{name: "a return URL without a path is never reached", file: "gate/gate.go", kill: "gate", run: "NeedsNoPath", find: "home.Path = cmp.Or(home.Path, \"/\") // as requests have it", with: "_ = cmp.Or(home.Path)"},
	{name: "work is done for the dots before a number", file: "internal/pages/asked.go", kill: "internal/pages", run: "DotsBeforeANumber", find: "utf8.RuneCountInString(either(fields, \"phone\", \"phone_number\")) > maxNumber", with: "utf8.RuneCountInString(\"\") > maxNumber"},
	{name: "a verification that is over has streams", file: "internal/pages/stream.go", kill: "internal/pages", run: "NobodyTakesAllStreams", find: "row == nil || row.StatusAt(at.p.Now()) != verify.Pending", with: "row == nil"},
	{name: "an account without an address is asked for one", file: "gate/gate.go", kill: "gate", run: "Anybodys", find: "ask.Email == \"\" && !ask.AnyAddress", with: "false"},
	{name: "a mistyped field of a session is passed over", file: "internal/telnyxapi/sessions.go", kill: dialect, run: "TestGoldens", find: "var in sessionBody\n\tif err := r.decodeOurs(", with: "var in sessionBody\n\tif err := r.decode("},
	{name: "a landline is texted first", file: place, kill: pages, run: "Landline", find: "return !verify.Reaches(ch, to)", with: "return false"},
	{name: "the stream is somebody's way home", file: "internal/pages/pages.go", kill: pages, run: "Stream", find: ", closed: true}", with: "}"},
	{name: "the first country of the alphabet is chosen", file: "internal/pages/countries.go", kill: pages, run: "NoCountry", find: "likely == \"\"", with: "false"},
	{name: "another browser goes on in a session", file: closing, kill: pages, run: "TestASessionIsOf", find: "case !untouched && !mine:", with: "case false:"},
	{name: "another browser gets the proof", file: closing, kill: pages, run: "TestASessionIsOf", find: "case status == verify.SessionVerified && mine:", with: "case status == verify.SessionVerified:"},
	{name: "the back button leads out again", file: closing, kill: pages, run: "TestASessionForANumber", find: "if !v.Returned && !lookAhead(r) {", with: "if !lookAhead(r) {"},
	{name: "a prefetch is sent home", file: closing, kill: pages, run: "TestNoLookAhead", find: "if !v.Returned && !lookAhead(r) {", with: "if !v.Returned {"},
	{name: "every window keeps its opener", file: "internal/pages/pages.go", kill: pages, run: "TestEveryAnswerOfASession", find: "if at.session.Details.Popup {", with: "if true {"},
	{name: "work is good for every number", file: summing, kill: pages, run: "TestABusyNetwork", find: "at.p.Network(r), typed.Text, typed.Country}", with: "at.p.Network(r)}"},
	{name: "work is good for every browser", file: summing, kill: pages, run: "TestABusyNetwork", find: "{at.base, v.Token, at.p", with: "{at.base, at.p"},
	{name: "any number is work", file: hashing, kill: "internal/work", find: "< int(raw[0]) {", with: "< 1 {"},
	{name: "work never ages", file: hashing, kill: "internal/work", find: "if now.UnixMilli() >= int64(", with: "if 0 > int64("},
	{name: "anybody makes what is to be worked on", file: hashing, kill: "internal/work", find: "!hmac.Equal(raw[9:], stamp(key, raw[:9], bound))", with: "len(bound) < 0"},
	{name: "a brand's colour may be hard to read", file: painting, kill: "internal/brand", find: "readable = 4.5", with: "readable = 4.3"},
}
