package main

const routing = "internal/deliver/route"

// routed: which carrier must not be tried, passed over or believed.
var routed = []mutant{
	{name: "the look at the past races the answer", file: "internal/deliver/carry.go", kill: "internal/deliver", run: "LookAtThePast", find: "time.After(recallAfter)", with: "time.After(0)"},
	{name: "a shorter prefix is as good", file: routing + "/route.go", kill: routing, run: "MostSpecific",
		find: "return len(f.prefix) > len(g.prefix)", with: "return false"},
	{name: "a route that is never used is taken", file: routing + "/table.go", kill: routing, run: "RuleThatIsWrong",
		find: "len(o.prefix) > len(k.prefix) &&", with: "len(o.prefix) > len(begins) &&"},
	{name: "a carrier that has the message gets it again", file: routing + "/plan.go", kill: routing, run: "OrderOfCarriers|EveryCarrier",
		find: "if avoided || reason != \"\" {", with: "if !avoided && reason != \"\" {"},
	{name: "chance goes by weight squared", file: routing + "/plan.go", kill: routing, run: "Weights",
		find: "/ (float64(p.weight) * worth)", with: "/ (float64(p.weight*p.weight) * worth)"},
	{name: "a carrier is demoted for what may be chance", file: routing + "/score.go", kill: routing, run: "OrderOfCarriers|ClearlyWorse",
		find: "c.High < d.Low }", with: "c.Rate < d.Rate }"},
	{name: "the last good carrier is first though it loses codes", file: routing + "/plan.go", kill: routing, run: "OrderOfCarriers",
		find: "if at < 0 || slices.ContainsFunc(order, func(p placed) bool { return order[at].conversion.Worse(p.conversion) }) {", with: "if at < 0 {"},
	{name: "bad numbers put a carrier aside", file: routing + "/breaker.go", kill: routing, run: "WhatOutcomes",
		find: "\tverify.Temporary:     aCountry,", with: "\tverify.BadNumber: aCountry, verify.Temporary: aCountry,"},
	{name: "all that waits probes at once", file: routing + "/cell.go", kill: routing, run: "FindsOut",
		find: "c.probe = now.Add(probeFor)", with: "c.probe = now"},
	{name: "what began before a breaker opened opens it wider", file: routing + "/cell.go", kill: routing, run: "BeganBefore",
		find: "\tcase t.epoch != c.epoch:\n\t\treturn false //", with: "\tcase t.epoch > c.epoch:\n\t\treturn false //"},
	{name: "the countries of a carrier that is back wait on", file: routing + "/breaker.go", kill: routing, run: "CarrierIsBack",
		find: "\t\t\tb.wake(a.carrier, now)\n", with: ""},
	{name: "a message counts as lost before it can be answered", file: routing + "/score.go", kill: routing, run: "HadTheirTime",
		find: "y.slot <= slotOf(now)-slots", with: "y.slot <= slotOf(now)"},
	{name: "who does not wait takes a place all the same", file: routing + "/pace.go", kill: routing, run: "TakesNoPlace",
		find: "\tif wait > within {\n", with: "\tif l.next = next.Add(l.step); wait > within {\n"},
}
