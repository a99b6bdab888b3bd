package smtp_test

import (
	"fmt"
	"net"
	"testing"

	"countersign/internal/deliver/smtp"
	"countersign/internal/verify"
)

// stages are those at which a server can answer, in their order.
func stages() []string { return []string{"greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."} }

func sendTo(t testing.TB, s script) outcome {
	t.Helper()
	sender := carrier(t, s.start(t), smtp.Config{Username: user, Password: password})
	submission, err := sender.Send(t.Context(), letter(t))
	return result(t, submission, err)
}

// at is a server that answers so at one stage. Whoever refuses EHLO refuses HELO.
func at(stage string, do act) script {
	if stage == "EHLO" {
		return script{"EHLO": do, "HELO": do}
	}
	return script{stage: do}
}

func TestEveryReplyCodeHasItsClassAtEachStage(t *testing.T) {
	for _, stage := range stages() {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			for code := 400; code < 600; code++ {
				want := outcome{class: classOf(stage, code)}
				if got := sendTo(t, at(stage, says(fmt.Sprintf("%d no", code)))); got != want {
					t.Errorf("%d: got %+v, want %+v", code, got, want)
				}
			}
		})
	}
}

// classOf is the table of the classes, written once more from the RFCs.
func classOf(stage string, code int) verify.Class {
	if code < 500 {
		return verify.Temporary
	}
	table := map[string]map[int]verify.Class{
		"MAIL": {
			501: verify.SenderUnready, 550: verify.SenderUnready, 551: verify.SenderUnready, 553: verify.SenderUnready, 556: verify.SenderUnready,
		},
		"RCPT": {
			501: verify.BadNumber, 550: verify.BadNumber, 551: verify.BadNumber, 553: verify.BadNumber, 556: verify.BadNumber, 554: verify.Filtered,
		},
		".": {
			550: verify.Filtered, 552: verify.Filtered, 554: verify.Filtered, 551: verify.BadNumber, 553: verify.BadNumber,
		},
	}
	switch class, ok := table[stage][code]; {
	case stage == "AUTH", code == 530, code == 534, code == 535, code == 538:
		return verify.Credentials
	case ok:
		return class
	}
	return verify.UnknownClass
}

func TestAnEnhancedCodeOutranksTheBasicOne(t *testing.T) {
	for _, row := range []struct {
		stage, reply string
		want         verify.Class
	}{
		{"RCPT", "550 5.1.1 no such user", verify.BadNumber},
		{"RCPT", "554 5.1.1 no such user", verify.BadNumber},
		{"RCPT", "556 5.1.10 null MX", verify.BadNumber},
		{"RCPT", "550 5.2.1 disabled", verify.BadNumber},
		{"RCPT", "550 5.7.1 relaying denied", verify.Filtered},
		{"RCPT", "550 5.1.8 who are you", verify.SenderUnready},
		{"RCPT", "450 4.2.0 greylisted", verify.Temporary},
		{"MAIL", "550 5.7.1 not on my list", verify.Filtered},
		{"MAIL", "530 5.7.0 log in first", verify.Credentials},
		{"MAIL", "550 5.7.27 null MX", verify.SenderUnready},
		{".", "550 5.1.1 no such user after all", verify.BadNumber},
		{".", "552 5.3.4 too large", verify.Filtered},
		{".", "421 4.7.28 too many", verify.Throttled},
		{"RCPT", "550 no 5.7.1 at the head", verify.BadNumber},
		{"RCPT", "550-5.1.1 no such user\r\n550-5.1.1 of the name " + to + "\r\n550 5.1.1 see https://example.com", verify.BadNumber},
	} {
		if got, want := sendTo(t, at(row.stage, says(row.reply))), (outcome{class: row.want}); got != want {
			t.Errorf("%s to %s: got %+v, want %+v", row.reply, row.stage, got, want)
		}
	}
}

// RFC 5321, 4.3.2: the first digit decides.
func TestEverySuccessIsSuccess(t *testing.T) {
	for stage, reply := range map[string]string{
		"MAIL": "251 ok", "RCPT": "252 cannot verify, will try", ".": "200 fine", "QUIT": "500 you stay",
		"EHLO": "250-mail.example\r\n250-AUTH LOGIN\r\n250 AUTH PLAIN",
	} {
		if got := sendTo(t, script{stage: says(reply)}); got != taken {
			t.Errorf("%s to %s: got %+v", reply, stage, got)
		}
	}
}

func TestAReplyThatCannotBeIsAmbiguousOnlyAtTheEnd(t *testing.T) {
	for _, stage := range stages()[2:] {
		got := sendTo(t, at(stage, says("354 go on and on")))
		if want := stage == "."; stage != "DATA" && stage != "AUTH" && (got.taken || got.ambiguous != want) {
			t.Errorf("%s: got %+v", stage, got)
		}
		for _, nonsense := range []string{"", "hello", "99999 " + canaryCode, "250" + canaryCode, "\x16\x03\x01", "HTTP/1.1 200 OK"} {
			if got := sendTo(t, at(stage, says(nonsense))); got.taken || got.ambiguous != (stage == ".") {
				t.Errorf("%q to %s: got %+v", nonsense, stage, got)
			}
		}
	}
}

func TestAServerThatHangsUpAtAStageLeavesTheOutcomeOpenOnlyAtTheEnd(t *testing.T) {
	for _, stage := range stages() {
		want := notSent
		if stage == "." {
			want = unknown
		}
		half := func(conn *net.TCPConn, line string) bool {
			_, _ = conn.Write([]byte("25"))
			return hangsUp(conn, line)
		}
		for name, do := range map[string]act{"hangs up": hangsUp, "resets": resets, "breaks off": half} {
			if got := sendTo(t, script{stage: do}); got != want {
				t.Errorf("%s at %s: got %+v, want %+v", name, stage, got, want)
			}
		}
	}
}

func TestALetterThatWasTakenStaysTakenHoweverTheServerLeaves(t *testing.T) {
	for name, do := range map[string]act{"hangs up": hangsUp, "resets": resets, "hangs": hangs} {
		if got := sendTo(t, script{"QUIT": do}); got != taken {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// A server that quotes what it was told gives nothing away, whatever it quotes.
func TestAnEchoIsNotShown(t *testing.T) {
	for _, stage := range stages() {
		for _, code := range []int{220, 250, 334, 354, 421, 450, 500, 535, 550, 554} {
			sendTo(t, at(stage, func(conn *net.TCPConn, line string) bool {
				text := fmt.Sprintf("%d-5.73.19 %s %s <%s> %s %s\r\n%d 7.31.946 %s", code, canaryCode, canaryName, to, user, password, code, line)
				return says(text)(conn, line)
			}))
		}
	}
}

func TestAServerThatNeverEndsAReplyIsLeft(t *testing.T) {
	endless := func(conn *net.TCPConn, _ string) bool {
		for {
			if _, err := conn.Write([]byte("250-" + canaryName + canaryCode + "\r\n")); err != nil {
				return false
			}
		}
	}
	for _, stage := range []string{"greeting", "EHLO", "MAIL", "."} {
		if got := sendTo(t, at(stage, endless)); got.taken || got.ambiguous != (stage == ".") {
			t.Errorf("%s: got %+v", stage, got)
		}
	}
}
