package main

const mailing = "internal/deliver/smtp"

// letters: what the SMTP carrier must not send, say or believe.
var letters = []mutant{
	{name: "a mail server without STARTTLS is sent the code in the clear", file: mailing + "/conversation.go", kill: mailing, run: "Protection",
		find: "if offered, _ := client.Extension(\"STARTTLS\"); !offered {\n\t\t\treturn client, &fault{securing, errNoTLS}\n\t\t}\n\t\tif err",
		with: "if offered, _ := client.Extension(\"STARTTLS\"); !offered {\n\t\t\treturn client, s.logIn(client)\n\t\t}\n\t\tif err"},
	{name: "a letter whose reply was lost is sent again", file: mailing + "/reply.go", kill: mailing, run: "HangsUp|Hangs|Ends",
		find: "\t\t\tAmbiguous: f.at == ending,\n"},
	{name: "an e-mail that surely was not sent may have been", file: mailing + "/reply.go", kill: mailing, run: "HangsUp|Hangs|Ends|Refused",
		find: "\t\t\tAmbiguous: f.at == ending,\n", with: "\t\t\tAmbiguous: true,\n"},
	{name: "a mail server's words are shown", file: mailing + "/reply.go", kill: mailing, run: "Echo",
		find: `" to " + string(f.at))`, with: `" to " + string(f.at) + reply.Msg)`},
	{name: "a resend has the Message-ID of the first letter", file: mailing + "/letter.go", kill: mailing, run: "Says",
		find: "}, m.ID) + \"@\"", with: "}, m.ID[:36]) + \"@\""},
	{name: "a mail server that hangs is waited for", file: mailing + "/conversation.go", kill: mailing, run: "ContextThatEnds",
		find: "\tstop := context.AfterFunc(ctx, func() { _ = raw.Close() })\n\tdefer stop()\n\tclient, failed", with: "\tclient, failed"},
	{name: "a wrong password is a wrong address", file: mailing + "/reply.go", kill: mailing, run: "EveryReply|RealServers",
		find: "case at == loggingIn, code == 530,", with: "case code == 530,"},
}
