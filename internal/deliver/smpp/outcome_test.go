package smpp_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"countersign/internal/deliver/smpp"
	"countersign/internal/verify"
)

// answering is a centre that answers each text with a status.
func answering(status uint32, body string) func(line) {
	return func(l line) {
		if l.bind() {
			l.serve(func(u unit) { l.answer(u, status, body) })
		}
	}
}

// classOf is the table of the classes, written once more from SMPP v3.4, 5.1.3.
func classOf(status uint32) verify.Class {
	switch status {
	case 0x0a, 0x48, 0x49: // the sender's address, its type of number, its plan
		return verify.SenderUnready
	case 0x0b: // the receiver's address
		return verify.BadNumber
	case 0x0d, 0x0e, 0x0f, 0x53: // bind, password, system_id, system_type
		return verify.Credentials
	case 0x14, 0x58: // queue full, throttled
		return verify.Throttled
	case 0x04, 0x05, 0x08, 0x64: // not bound, bound already, system error, temporary
		return verify.Temporary
	}
	return verify.UnknownClass
}

func TestEveryStatusOfATextHasItsClassAndIsASureRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := uint32(1)
		sender := carrier(t, smpp.Config{Dial: piped(t, func(l line) {
			l.bind()
			l.serve(func(u unit) { l.answer(u, status, "") })
		})})
		for ; status < 0x500; status++ {
			if got, _ := send(t.Context(), t, sender, text(t)); got != (outcome{class: classOf(status)}) {
				t.Errorf("%#x: %+v", status, got)
			}
		}
	})
}

func TestAStatusIsShownUnlessItMayBeAnEcho(t *testing.T) {
	for status, want := range map[uint32]string{
		throttled: "ESME_RTHROTTLED", 0x14: "ESME_RMSGQFUL", 0x411: "status 0x411", 731946: "a status that is not shown", 0x731946: "a status that is not shown",
	} {
		_, err := carrier(t, smpp.Config{Dial: piped(t, answering(status, "731946\x00"))}).Send(t.Context(), text(t))
		if err == nil || !strings.HasSuffix(err.Error(), "smpp: answered "+want+" to submit_sm") {
			t.Errorf("%#x: %v, want %q", status, err, want)
		}
	}
}

func TestANackIsASureRefusalToo(t *testing.T) {
	for status, want := range map[uint32]verify.Class{0: verify.UnknownClass, 3: verify.UnknownClass, throttled: verify.Throttled} {
		sender := carrier(t, smpp.Config{Dial: piped(t, func(l line) {
			l.bind()
			l.serve(func(u unit) { l.write(unit{nack, status, u.sequence, nil}) })
		})})
		if got, _ := send(t.Context(), t, sender, text(t)); got != (outcome{class: want}) {
			t.Errorf("%#x: %+v", status, got)
		}
	}
}

func TestATakenTextIsNamedIfTheAnswerCanBeRead(t *testing.T) {
	for body, want := range map[string]string{
		"0a1B-x.y/z:7\x00": "0a1B-x.y/z:7", "": "", "\x00": "", "noend": "", "a b\x00": "", "a\nb\x00": "", "\xff\x00": "",
		strings.Repeat("a", 64) + "\x00": strings.Repeat("a", 64), strings.Repeat("a", 65) + "\x00": "", strings.Repeat("a", 500) + "\x00": "",
		"77\x00\x04\x20\x00\x01": "77",
	} {
		c := smpp.Config{Dial: piped(t, answering(0, body)), Receipts: newInbox().put}
		got, submission := send(t.Context(), t, carrier(t, c), text(t))
		if want := (verify.Submission{CarrierID: want, Unnamed: want != ""}); got != taken || submission != want {
			t.Errorf("%q: %+v, %+v", body, got, submission)
		}
	}
	_, submission := send(t.Context(), t, carrier(t, smpp.Config{Dial: piped(t, answering(0, "77\x00"))}), text(t))
	if submission != (verify.Submission{CarrierID: "77"}) {
		t.Errorf("without receipts: %+v", submission)
	}
}

// faults are what a centre does instead of an answer, with canaries in what it says.
func faults() map[string]func(l line, u unit) {
	canaries := canaryCode + " " + to + " " + password + " " + canaryName
	raw := func(bytes string) func(line, unit) {
		return func(l line, _ unit) {
			_, _ = l.Write([]byte(bytes))
			l.hold()
		}
	}
	return map[string]func(line, unit){
		"hangs up":         func(line, unit) {},
		"resets":           func(l line, _ unit) { l.reset() },
		"speaks HTTP":      raw("HTTP/1.1 400 " + canaries + "\r\n\r\n"),
		"speaks TLS":       raw(strings.Repeat("\x15\x03\x01\x00\x02\x02\x46", 3)),
		"says a length of": raw("\x7f\xff\xff\xff" + canaries),
		"says no length":   raw("\x00\x00\x00\x00" + canaries),
		"says a short one": raw("\x00\x00\x00\x0f" + canaries),
		"says one over":    raw("\x00\x00\x40\x01" + canaries),
		"answers a half": func(l line, u unit) {
			whole := unit{u.command | resp, 0, u.sequence, []byte(canaryCode + "\x00")}.bytes()
			_, _ = l.Write(whole[:len(whole)-2])
		},
		"answers half a header": func(l line, u unit) {
			_, _ = l.Write(unit{u.command | resp, 0, u.sequence, nil}.bytes()[:7])
		},
		"answers something else": func(l line, u unit) {
			l.write(unit{enquire | resp, 0, u.sequence, []byte(canaries)})
			l.hold()
		},
		"takes leave": func(l line, _ unit) {
			l.write(unit{unbind, 0, 77, nil})
			l.hold()
		},
	}
}

func TestAFaultBeforeTheTextIsWrittenIsSurelyNothingSent(t *testing.T) {
	for name, fault := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := centre(t, func(l line) {
				if u, err := l.read(); err == nil {
					fault(l, u)
				}
			})
			if got, _ := send(t.Context(), t, carrier(t, reaching(t, address)), text(t)); got != notSent {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestAFaultInsteadOfTheAnswerLeavesTheOutcomeUnknown(t *testing.T) {
	for name, fault := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := centre(t, func(l line) {
				l.bind()
				if u, is := l.next(submit); is {
					fault(l, u)
				}
			})
			if got, _ := send(t.Context(), t, carrier(t, reaching(t, address)), text(t)); got != unknown {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestAFaultAfterTheFirstPartLeavesTheOutcomeUnknown(t *testing.T) {
	for _, fault := range []func(l line, u unit){
		func(line, unit) {},
		func(l line, u unit) { l.answer(u, throttled, ""); l.serve(nil) },
	} {
		sender := carrier(t, smpp.Config{Dial: piped(t, func(l line) {
			l.bind()
			u, _ := l.next(submit)
			l.answer(u, 0, "one\x00")
			u, _ = l.next(submit)
			fault(l, u)
		})})
		if got, _ := send(t.Context(), t, sender, long(t)); !got.ambiguous {
			t.Errorf("%+v", got)
		}
	}
	sender := carrier(t, smpp.Config{Dial: piped(t, answering(throttled, ""))})
	if got, _ := send(t.Context(), t, sender, long(t)); got != (outcome{class: verify.Throttled}) {
		t.Errorf("refused at its first part: %+v", got)
	}
}

func TestARefusedConnectionIsSurelyNothingSent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	got, _ := send(t.Context(), t, carrier(t, reaching(t, listener.Addr().String())), text(t))
	if got != notSent {
		t.Errorf("%+v", got)
	}
}

func TestACentreThatHangsIsLeftWhenTheTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := piped(t, func(l line) { l.hold() })
		begun := time.Now()
		got, _ := send(t.Context(), t, carrier(t, smpp.Config{Dial: hangs, Timeout: 2 * time.Second}), text(t))
		if took := time.Since(begun); got != notSent || took != 2*time.Second {
			t.Errorf("at the bind: %+v after %s", got, took)
		}
		silent := piped(t, func(l line) {
			l.bind()
			l.hold()
		})
		begun = time.Now()
		_, err := carrier(t, smpp.Config{Dial: silent, Timeout: 2 * time.Second}).Send(t.Context(), text(t))
		if took := time.Since(begun); result(t, verify.Submission{}, err) != unknown || took != 2*time.Second {
			t.Errorf("at the text: %v after %s", err, took)
		}
	})
}

func TestACentreThatDoesNotReadIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sender := carrier(t, smpp.Config{Timeout: 2 * time.Second, Dial: piped(t, func(l line) {
			l.bind()
			<-t.Context().Done()
		})})
		first := make(chan outcome)
		go func() {
			got, _ := send(t.Context(), t, sender, text(t))
			first <- got
		}()
		synctest.Wait() // it is being written: half of it may be there
		if got, _ := send(t.Context(), t, sender, text(t)); got != notSent {
			t.Errorf("the one behind: %+v", got)
		}
		if got := <-first; got.taken || got.class != verify.Temporary {
			t.Errorf("%+v", got)
		}
	})
}

func TestATextThatIsTakenBackIsNotWrittenLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := make(chan struct{})
		came := make(chan string, 9)
		sender := carrier(t, smpp.Config{Dial: piped(t, func(l line) {
			l.bind()
			<-read
			l.serve(func(u unit) {
				came <- readSubmit(t, u.body).To
				l.answer(u, 0, "x\x00")
			})
		})})
		first := make(chan outcome)
		go func() { got, _ := send(t.Context(), t, sender, text(t)); first <- got }()
		synctest.Wait() // it is being written
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		other := text(t)
		other.To = phoneOf("+12025550199")
		if got, _ := send(ctx, t, sender, other); got != notSent {
			t.Errorf("the one behind: %+v", got)
		}
		close(read)
		if got := <-first; got != taken {
			t.Errorf("%+v", got)
		}
		synctest.Wait()
		if len(came) != 1 || <-came != to {
			t.Errorf("%d texts came", len(came)+1)
		}
	})
}

func TestAContextThatHasEndedSendsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sender := carrier(t, smpp.Config{Dial: piped(t, func(line) { t.Error("the centre was asked") })})
	if got, _ := send(ctx, t, sender, text(t)); got != notSent {
		t.Errorf("%+v", got)
	}
}

func TestAContextThatEndsStopsTheSend(t *testing.T) {
	for name, row := range map[string]struct {
		talk func(l line, cancel func())
		want outcome
	}{
		"at the bind": {func(l line, cancel func()) { _, _ = l.read(); cancel() }, notSent},
		"at the text": {func(l line, cancel func()) { l.bind(); l.next(submit); cancel() }, unknown},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		sender := carrier(t, smpp.Config{Dial: piped(t, func(l line) {
			row.talk(l, cancel)
			l.hold()
		})})
		if got, _ := send(ctx, t, sender, text(t)); got != row.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAnAnswerThatComesLateIsAReceipt(t *testing.T) {
	for _, row := range []struct {
		status uint32
		want   verify.Receipt
	}{
		{0, verify.Receipt{Message: id, CarrierID: "late", State: verify.Sent}},
		{throttled, verify.Receipt{Message: id, State: verify.Failed, Class: verify.Throttled}},
	} {
		synctest.Test(t, func(t *testing.T) {
			got := newInbox()
			sender := carrier(t, smpp.Config{Receipts: got.put, Timeout: 2 * time.Second, Dial: piped(t, func(l line) {
				l.bind()
				u, _ := l.next(submit)
				time.Sleep(5 * time.Second)
				l.answer(u, row.status, "late\x00")
				l.serve(func(unit) {})
			})})
			if o, _ := send(t.Context(), t, sender, text(t)); o != unknown {
				t.Errorf("%+v", o)
			}
			got.want(t, row.want)
		})
	}
}

func TestManyTextsGoAtOnceAndNeverMoreThanTheWindow(t *testing.T) {
	const window, texts = 7, 200
	synctest.Test(t, func(t *testing.T) {
		sender := carrier(t, smpp.Config{Window: window, Dial: piped(t, func(l line) {
			l.bind()
			for n := 0; n < texts; {
				var open []unit
				for len(open) < min(window, texts-n) {
					u, is := l.next(submit)
					if !is {
						return
					}
					open = append(open, u)
				}
				// The window is full: the next thing that comes would be one too many.
				synctest.Wait()
				for i := len(open) - 1; i >= 0; i-- { // the last one first
					n++
					l.answer(open[i], 0, fmt.Sprintf("of%d\x00", open[i].sequence))
				}
			}
			l.hold()
		})})
		names := make(chan string, texts)
		for range texts {
			go func() {
				got, submission := send(t.Context(), t, sender, text(t))
				if got != taken {
					t.Errorf("%+v", got)
				}
				names <- submission.CarrierID
			}()
		}
		seen := map[string]bool{}
		for range texts {
			seen[<-names] = true
		}
		if len(seen) != texts {
			t.Errorf("%d texts have %d names", texts, len(seen))
		}
	})
}

func TestATextThatWaitsForTheWindowIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var came bytes.Buffer
		sender := carrier(t, smpp.Config{Window: 2, Timeout: 2 * time.Second, Dial: piped(t, func(l line) {
			l.bind()
			l.serve(func(unit) { came.WriteByte('.') })
		})})
		got := make(chan outcome, 3)
		for range 2 {
			go func() { o, _ := send(t.Context(), t, sender, text(t)); got <- o }()
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if o, _ := send(ctx, t, sender, text(t)); o != notSent {
			t.Errorf("the third: %+v", o)
		}
		for range 2 {
			if o := <-got; o != unknown {
				t.Errorf("%+v", o)
			}
		}
		if came.Len() != 2 {
			t.Errorf("%d texts came", came.Len())
		}
	})
}
