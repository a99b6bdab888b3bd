package main

const whatsApp = "internal/deliver/whatsapp"

// templated: codes that go by WhatsApp, and its receipts.
var templated = []mutant{
	{name: "anybody's receipt of WhatsApp counts", file: whatsApp + "/receive.go", kill: whatsApp,
		find: "if !hmac.Equal([]byte(\"sha256=\"+hex.EncodeToString(mac.Sum(nil))), []byte(header)) {", with: "if hmac.Equal([]byte(\"sha256=\"+hex.EncodeToString(mac.Sum(nil))), nil) && header == \"\" {"},
	{name: "receipts of WhatsApp count that nobody asked for", file: whatsApp + "/receive.go", kill: whatsApp,
		find: "if !ok || !c.set.receipts {", with: "if !ok {"},
	{name: "another business's receipts count", file: whatsApp + "/receive.go", kill: whatsApp,
		find: "if change.Value.Metadata.Number != s.number {", with: "if false {"},
	{name: "anybody is told that we are here", file: whatsApp + "/receive.go", kill: whatsApp,
		find: "subtle.ConstantTimeCompare(want[:], got[:]) != 1", with: "subtle.ConstantTimeCompare(want[:], got[:]) == 2"},
	{name: "a template is asked for in a language that it has not", file: whatsApp + "/whatsapp.go", kill: whatsApp,
		find: "\treturn s.languages[0]\n", with: "\treturn want\n"},
	{name: "Meta's name for a message is kept with the number in it", file: whatsApp + "/whatsapp.go", kill: whatsApp,
		find: "return \"wamid-\" + hex.EncodeToString(sum[:])[:32]", with: "_ = hex.EncodeToString(sum[:])\n\treturn id"},
}
