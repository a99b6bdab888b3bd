package main

const (
	dialect  = "internal/telnyxapi"
	server   = "internal/telnyxapi/telnyxapi.go"
	problems = "internal/telnyxapi/problem.go"
	bodies   = "internal/telnyxapi/wire.go"
	http     = "internal/app/http.go"
	app      = "internal/app"
	pages    = "internal/pages"
	flow     = "internal/pages/flow.go"
	place    = "internal/pages/place.go"
	cookie   = "internal/pages/visit.go"
)

// wire: what the API and the server let in and tell.
var wire = []mutant{
	{name: "a JSON name may be given twice", file: bodies, kill: dialect,
		find: "json.Unmarshal(r.body, to, how...)", with: "json.Unmarshal(r.body, to, jsontext.AllowDuplicateNames(true), json.JoinOptions(how...))"},
	{name: "a body may be of any size", file: bodies, kill: dialect, find: "http.MaxBytesReader(w, r.Body, maxBody)", with: "r.Body"},
	{name: "a body may be of any content type", file: bodies, kill: dialect, find: ` || kind != "application/json"`, with: ` || kind == ""`},
	{name: "a look at a verification does not compare the tenant", file: dialect + "/read.go", kill: dialect,
		find: "v == nil || v.Tenant != r.who.Tenant", with: "v == nil"},
	{name: "the scheme of a key is not compared", file: server, kill: dialect,
		find: `if !ok || !strings.EqualFold(scheme, "Bearer") {`, with: "if _ = scheme; !ok {"},
	{name: "a wrong key is let in", file: server, kill: dialect, find: "if !ok || !strings.EqualFold(", with: "if _ = ok; !strings.EqualFold("},
	{name: "the fingerprint leaves out the body", file: server, kill: dialect, find: ` + "\n" + string(r.body)))`, with: "))"},
	{name: "the fingerprint leaves out the path", file: server, kill: dialect, find: `r.Method + " " + r.URL.Path + "\n"`, with: `r.Method + "\n"`},
	{name: "the Idempotency-Key of a check is ignored", file: dialect + "/check.go", kill: dialect, find: "cmd.Guess, cmd.Once = *in.Code, once", with: "cmd.Guess, cmd.Once = *in.Code, once\n\tcmd.Once = nil"},
	{name: "a large timeout wraps round", file: dialect + "/start.go", kill: dialect, find: "min(*in.TimeoutSecs, 1<<20)", with: "*in.TimeoutSecs"},
	{name: "X-Should-Retry is dropped", file: problems, kill: dialect, find: "if e.noRetry {", with: "if false {"},
	{name: "Retry-After is rounded down", file: problems, kill: dialect, find: "(d + time.Second - 1) / time.Second", with: "d / time.Second"},
	{name: "our own fault is told outside", file: problems, kill: dialect,
		find: `detail: "Something failed on our side; the log knows it by this request's id."`, with: "detail: err.Error()"},
	{name: "X-Forwarded-For is believed from anyone", file: http, kill: app, run: "TestNobody",
		find: "isTrusted(addr, trusted); i--", with: "(isTrusted(addr, trusted) || i == len(hops)-1); i--"},
	{name: "X-Forwarded-For is read from the left", file: http, kill: app, run: "TestNobody",
		find: "for i := len(hops) - 1; i >= 0 && isTrusted(addr, trusted); i--", with: "for i := 0; i < len(hops) && isTrusted(addr, trusted); i++"},
	{name: "each IPv6 address is a network", file: http, kill: app, run: "TestNobody", find: "bits = 64", with: "bits = 128"},
	{name: "the inbox answers to any name", file: http, kill: app, run: "TestAForeignName", find: "if !loopbackName(host) {", with: `if host == "" {`},
	{name: "a panic of a handler is told outside", file: http, kill: app, run: "TestAPanic",
		find: `"Something failed on our side. Request "+id`, with: `fmt.Sprint(p)+id`, and: []edit{{"\t\"encoding/hex\"\n", "\t\"encoding/hex\"\n\t\"fmt\"\n"}}},
	{name: "the request's path is logged", file: http, kill: app, run: "TestAPanic",
		find: `"a handler panicked", "route", r.Pattern`, with: `"a handler panicked", "route", r.URL.Path`},
}

// hosted: what a page must not let a stranger or a second click do.
var hosted = []mutant{
	{name: "forms of other websites are taken", file: "internal/pages/pages.go", kill: pages, run: "TestAFormFrom",
		find: "csrf.Handler(p.routes())", with: "p.routes()"},
	{name: "the content security policy is dropped", file: "internal/pages/pages.go", kill: pages, run: "TestEveryAnswer",
		find: "\t\th.Set(\"Content-Security-Policy\", policy)\n"},
	{name: "a page may be kept by a cache", file: "internal/pages/pages.go", kill: pages, run: "TestEveryAnswer",
		find: "\t\th.Set(\"Cache-Control\", \"no-store\")\n"},
	{name: "a page may be framed", file: "internal/pages/pages.go", kill: pages, run: "TestEveryAnswer", find: "frame-ancestors 'none'; "},
	{name: "the cookie is not sealed", file: cookie, kill: pages, run: "Cookie",
		find: "at.p.Keys.Open(secret.Page, at.sealedPlace(), sealed)", with: "sealed, error(nil)",
		and: []edit{{"at.p.Keys.Seal(secret.Page, at.sealedPlace(), plain)", "plain, error(nil)\n\t_ = secret.Page"}}},
	{name: "the cookie is not sealed to its use", file: cookie, kill: pages, run: "Cookie",
		find: "at.p.Keys.Open(secret.Page, at.sealedPlace(), sealed)", with: "at.p.Keys.Open(secret.Row, at.sealedPlace(), sealed)",
		and: []edit{{"at.p.Keys.Seal(secret.Page, at.sealedPlace(), plain)", "at.p.Keys.Seal(secret.Row, at.sealedPlace(), plain)"}}},
	{name: "the cookie is not sealed to its place", file: cookie, kill: pages, run: "Cookie",
		find: `sealedPlace = "pages session"`, with: `sealedPlace = "another place"`},
	{name: "the cookie never ages", file: cookie, kill: pages, run: "Cookie", find: "return v, age < visitAge &&", with: "return v, age < 1000*visitAge &&"},
	{name: "a cookie from the future is taken", file: cookie, kill: pages, run: "Cookie", find: " && age > -verify.ClockSlack", with: " && age > -verify.ClockSlack*10000"},
	{name: "scripts may read the cookie", file: cookie, kill: pages, run: "Cookie|TestEveryAnswer", find: "HttpOnly: true", with: "HttpOnly: false"},
	{name: "over https the cookie travels in the clear", file: cookie, kill: pages, run: "TestOverHTTPS", find: "Secure: at.p.Secure", with: "Secure: false"},
	{name: "a form of another tab is taken for this one", file: flow, kill: pages, run: "TestAFormOfAnotherTab",
		find: `fields.Has("v") && fields.Get("v") != v.Verification.String()`, with: "false"},
	{name: "a double click spends two guesses", file: flow, kill: pages, run: "TestADoubleClick", find: "if len(text) <= maxOnce {", with: "if false {"},
	{name: "another browser is told yes for a used code", file: flow, kill: pages, run: "TestAnotherBrowser", find: `v.Token + ":" + id`, with: `":" + id`},
	{name: "a slip of the keyboard spends a guess", file: flow, kill: pages, run: "TestASlip", find: "|| row.Code.Plausible(guess)", with: "|| true"},
	{name: "a field may be given twice", file: "internal/pages/form.go", kill: pages, run: "TestABody", find: "err != nil || ambiguous(fields)", with: "err != nil"},
	{name: "the pages' starts are outside the network's limit", file: place, kill: pages, run: "CountsAgainstTheNetwork",
		find: "Address: a.to, Network: at.p.Network(r),", with: "Address: a.to,"},
	{name: "the pages' resends are outside the network's limit", file: place, kill: pages, run: "CountsAgainstTheNetwork", find: "Sends: sends, Network: at.p.Network(r),", with: "Sends: sends,"},
	{name: "the pages tell resend nothing of a double click", file: place, kill: pages, run: "TestADoubleClick",
		find: "Sends: sends, Network", with: "Network"},
}
