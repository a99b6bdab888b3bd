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
