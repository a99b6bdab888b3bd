package main

// twilioCarrier: what the carrier of that name must not say, spend or give away.
var twilioCarrier = []mutant{
	{name: "an app's name is a verb of the call", file: "internal/deliver/twilio/say.go", kill: "internal/deliver/twilio", run: "NoTextIsAVerb",
		find: "_ = xml.EscapeText(&b, []byte(m.Text.Reveal())) // a strings.Builder takes everything\n", with: "b.WriteString(m.Text.Reveal())\n\t_ = xml.EscapeText\n"},
	{name: "a message given up at once counts as sent", file: "internal/deliver/twilio/twilio.go", kill: "internal/deliver/twilio", run: "GivenUpAtOnce|EachCode",
		find: "if !answered.Taken() || a.failed {", with: "if !answered.Taken() {"},
	{name: "a carrier's echo of the code is shown", file: "internal/deliver/post/post.go", kill: "internal/deliver/twilio", run: "Echo|Sender",
		find: "if c != \"\" && !echo && len(list) < 3 {", with: "if _ = echo; c != \"\" && len(list) < 3 {"},
	{name: "an answer that is lost is surely nothing sent", file: "internal/deliver/post/post.go", kill: "internal/deliver/twilio", run: "Sender",
		find: "Ambiguous: !body.seal(),", with: "Ambiguous: !body.seal() && false,"},
}
