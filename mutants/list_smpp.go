package main

const texting = "internal/deliver/smpp"

// sessions: what the SMPP carrier must not send twice, lose, believe or give away.
var sessions = []mutant{
	{name: "a text whose answer was lost is sent again", file: texting + "/question.go", kill: texting, run: "InsteadOfTheAnswer|Unsent",
		find: "\te.Ambiguous = !none.unsent\n"},
	{name: "a text that another one waited behind may have been sent", file: texting + "/session.go", kill: texting, run: "DoesNotRead|Unsent",
		find: "return f.state.CompareAndSwap(queued, takenBack) || f.state.Load() == failed", with: "return f.state.Load() == failed"},
	{name: "a text that is given up is written all the same", file: texting + "/session.go", kill: texting, run: "TakenBack",
		find: "if !f.state.CompareAndSwap(queued, writing) {\n\t\t\t\tcontinue", with: "if f.state.Store(writing); f.bytes == nil {\n\t\t\t\tcontinue"},
	{name: "a text of which a part went out is sent by another carrier", file: texting + "/question.go", kill: texting, run: "FirstPart",
		find: "e.Ambiguous = e.Ambiguous || i > 0 //", with: "e.Ambiguous = e.Ambiguous || i > 99 //"},
	{name: "a text in parts is delivered with its first part", file: texting + "/track.go", kill: texting, run: "InParts",
		find: "if w.state == verify.Delivered && m.delivered != m.parts {", with: "if w.state == verify.Delivered && m.delivered < 0 {"},
	{name: "a person's text is believed to be a receipt", file: texting + "/receipt.go", kill: texting, run: "OwnWords",
		find: "return kind == receipt || kind == intermediate || named && kind == 0", with: "return kind == receipt || kind == intermediate || named || len(d.text) > 3"},
	{name: "the message in a receipt says its own state", file: texting + "/receipt.go", kill: texting, run: "OwnWords",
		find: "within[name] = value", with: "before[name] = value"},
	{name: "a number in another form is believed of any telephone", file: texting + "/track.go", kill: texting, run: "WrittenIn|ReadAlike",
		find: "case t.about(w, p.of):", with: "case t.about(w, p.of) || i > 0:"},
	{name: "a window is never closed", file: texting + "/question.go", kill: texting, run: "Window",
		find: "deaf = s.abandoned == cap(s.slots)", with: "deaf = s.abandoned < 0"},
	{name: "a centre's number is shown", file: texting + "/status.go", kill: texting, run: "Echo",
		find: "if s <= 0xfff {", with: "if s <= 0xffffffff {"},
	{name: "a PDU of any length is read", file: texting + "/pdu.go", kill: texting, run: "NotUnderstood",
		find: "if length < headerSize || length > maxPDU {", with: "if length < headerSize {"},
	{name: "a receipt is thanked for before the core has it", file: texting + "/news.go", kill: texting, run: "ThankedFor",
		find: "\t\tl.set.tell(n.receipt)\n\t\tif n.thank != nil {\n\t\t\tn.thank(ok)\n\t\t}", with: "\t\tif n.thank != nil {\n\t\t\tn.thank(ok)\n\t\t}\n\t\tl.set.tell(n.receipt)"},
	{name: "a refused bind is repeated at once", file: texting + "/link.go", kill: texting, run: "RefusedBind",
		find: "wait := lastWait\n\tif answer", with: "wait := firstWait\n\tif answer"},
}
