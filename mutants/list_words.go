package main

const (
	rehearsal = "internal/deliver/simulator"
	wording   = "internal/message"
	devInbox  = "internal/deliver/inbox"
)

// rehearsed: what a simulator must not take, tell or get wrong.
var rehearsed = []mutant{
	{name: "a simulator in production takes anybody's code", file: rehearsal + "/simulator.go", kill: rehearsal, run: "Production",
		find: "\tif !s.takes(m.To) {", with: "\tif false {"},
	{name: "a simulator without numbers starts in production", file: rehearsal + "/config.go", kill: rehearsal, run: "MakesNoSense",
		find: "if c.Production && len(c.Numbers) == 0 {", with: "if false {"},
	{name: "a simulator in production shows codes", file: rehearsal + "/simulator.go", kill: rehearsal, run: "Production",
		find: "s.config.Show == nil || s.config.Production || ", with: "s.config.Show == nil || "},
	{name: "an outage of the simulator never ends", file: rehearsal + "/simulator.go", kill: rehearsal, run: "Outage",
		find: "since >= o.After && since < o.After+o.For", with: "since >= o.After"},
	{name: "a simulator that is closed goes on telling", file: rehearsal + "/simulator.go", kill: rehearsal, run: "AfterClose",
		find: "\tif s.closed {\n\t\treturn false\n\t}\n"},
	{name: "a simulated time-out is a sure refusal", file: rehearsal + "/table.go", kill: rehearsal, run: "EachNumber",
		find: "Class: verify.Temporary, Ambiguous: true}", with: "Class: verify.Temporary}"},
}

// worded: what a text must not hold, lack or cost.
var worded = []mutant{
	{name: "a domain is written as it was set", file: wording + "/autofill.go", kill: wording, run: "Host|Domain|Browser",
		find: "\t\tpage = \"@\" + host + ", with: "\t\tpage = \"@\" + v.Domain[:len(host)] + "},
	{name: "a port belongs to a host", file: wording + "/autofill.go", kill: wording, run: "Domain",
		find: "r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }", with: "r != '-' && (r < '0' || r > ':') && (r < 'a' || r > 'z') }"},
	{name: "the app's hash stands before the page's line", file: wording + "/autofill.go", kill: wording, run: "LastLine",
		find: `"\n" + page + " " + app;`, with: `"\n" + app + " " + page;`},
	{name: "a page makes a text too long for the app", file: wording + "/autofill.go", kill: wording, run: "LastLine",
		find: `case page == "", fits("\n"+app) && !fits(both):`, with: `case page == "" && fits(both):`},
	{name: "a text is counted with a short name", file: wording + "/lint.go", kill: wording, run: "Longest|Shipped",
		find: `v.AppName = strings.Repeat("W", maxName)`, with: `v.AppName = "W"`},
	{name: "Hong Kong is written to in the characters of the mainland", file: wording + "/locale.go", kill: wording, run: "Language",
		find: `"zh-hant-hk": "zh-HK"`, with: `"zh-hant-hk": "zh-CN"`},
	{name: "a text that costs too much is well", file: "cmd/countersign/template.go", kill: "cmd/countersign", run: "TextsAreLookedAt",
		find: "\tif !ok {\n\t\treturn errTooMany\n\t}\n", with: "\t_ = ok\n"},
}

// lined: what the inbox's page must not say of a message.
var lined = []mutant{
	{name: "what has not arrived is the phone's", file: devInbox + "/inbox.go", kill: devInbox, run: "OnceItHasArrived",
		find: " || m.id <= after || !m.arrived {", with: " || m.id <= after {"},
	{name: "a late message is not the newest", file: devInbox + "/steps.go", kill: devInbox, run: "OnceItHasArrived",
		find: "\t\t\tkept.id = b.nextID() // it is the newest now, for whoever waits for the next\n"},
	{name: "steps stand in the order of their coming", file: devInbox + "/steps.go", kill: devInbox, run: "InItsTime",
		find: "\tslices.SortStableFunc(line, func(a, b step) int { return a.at.Compare(b.at) })\n"},
	{name: "a step wakes nobody", file: devInbox + "/steps.go", kill: devInbox, run: "Wakes",
		find: "\tif i := b.find(id); i >= 0 {\n\t\tb.change(i)\n\t}\n"},
	{name: "the end of a verification stands with its first message", file: devInbox + "/steps.go", kill: devInbox, run: "CoreKnows",
		find: "\t\t\tn = last\n", with: "\t\t\tn = min(1, last)\n"},
	{name: "time lines are kept for ever", file: devInbox + "/steps.go", kill: devInbox, run: "Room",
		find: "\t\t\tdelete(b.steps, b.order[0])\n"},
}
