package main

const vonage = "internal/deliver/vonage"

// nexmo: texts that go by Vonage, and its receipts.
var nexmo = []mutant{
	{name: "any algorithm signs a receipt of Vonage", file: vonage + "/receive.go", kill: vonage,
		find: "is.Algorithm == \"HS256\"", with: "is.Algorithm != \"\""},
	{name: "a token of Vonage is good for any body", file: vonage + "/receive.go", kill: vonage,
		find: "hmac.Equal([]byte(in.PayloadHash), []byte(hex.EncodeToString(sum[:])))", with: "len(hex.EncodeToString(sum[:])) > 0"},
	{name: "a token of Vonage is good for ever", file: vonage + "/receive.go", kill: vonage,
		find: "receipt.Fresh(in.IssuedAt.String(), p.Now)", with: "in.IssuedAt.String() != \"\""},
	{name: "another account's receipts count", file: vonage + "/receive.go", kill: vonage,
		find: "(in.APIKey == \"\" || s.key == \"\" || in.APIKey == s.key)", with: "true"},
	{name: "receipts of Vonage count that nobody asked for", file: vonage + "/receive.go", kill: vonage,
		find: " || c.set.receipts == \"\"", with: ""},
}
