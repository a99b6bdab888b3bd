package smpp_test

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"countersign/internal/deliver/smpp"
	"countersign/internal/verify"
)

// receipt is a deliver_sm (SMPP v3.4, 4.6.1).
type receipt struct {
	from, to   string
	class      byte
	coding     byte
	text       string
	parameters []parameter
}

type parameter struct {
	tag   uint16
	value string
}

func (r receipt) unit(sequence uint32) unit {
	b := []byte("\x00\x01\x01" + r.from + "\x00\x01\x01" + r.to + "\x00")
	b = append(b, r.class, 0, 0, 0, 0, 0, 0, r.coding, 0, byte(len(r.text)))
	b = append(b, r.text...)
	for _, p := range r.parameters {
		b = binary.BigEndian.AppendUint16(b, p.tag)
		b = binary.BigEndian.AppendUint16(b, uint16(len(p.value)))
		b = append(b, p.value...)
	}
	return unit{deliver, 0, sequence, b}
}

// says is a receipt with a text.
func says(text string) receipt { return receipt{from: to, to: "15551234567", class: 4, text: text} }

// spec is the form of SMPP v3.4, appendix B.
func spec(id, stat string) receipt {
	return says("id:" + id + " sub:001 dlvrd:001 submit date:2601020304 done date:2601020305 stat:" + stat + " err:000 text:Your " + canaryName + " code is 7")
}

// heard sends a text that the centre names, and returns what the receipts say then. Each
// receipt is answered.
func heard(t *testing.T, c smpp.Config, names []string, m verify.Message, receipts ...receipt) (verify.Submission, []verify.Receipt) {
	t.Helper()
	var submission verify.Submission
	var got []verify.Receipt
	synctest.Test(t, func(t *testing.T) {
		in := newInbox()
		c.Receipts = in.put
		release := make(chan struct{})
		c.Dial = piped(t, func(l line) {
			l.bind()
			for _, name := range names {
				u, is := l.next(submit)
				if !is {
					return
				}
				l.answer(u, 0, name+"\x00")
			}
			<-release
			for i, r := range receipts {
				l.write(r.unit(uint32(1000 + i)))
				u, is := l.next(deliver | resp)
				if !is || u.status != 0 || u.sequence != uint32(1000+i) || string(u.body) != "\x00" {
					t.Errorf("receipt %d is answered with %+v", i, u)
				}
			}
			l.serve(func(unit) {})
		})
		sender := carrier(t, c)
		if len(names) > 0 {
			var o outcome
			if o, submission = send(t.Context(), t, sender, m); o != taken {
				t.Fatalf("%+v", o)
			}
		} else {
			sender.Start(t.Context())
		}
		close(release)
		synctest.Wait()
		for len(in.came) > 0 {
			got = append(got, <-in.came)
		}
	})
	return submission, got
}

func one(t *testing.T, r receipt) (verify.Receipt, bool) {
	t.Helper()
	_, got := heard(t, smpp.Config{}, nil, verify.Message{}, r)
	if len(got) == 0 {
		return verify.Receipt{}, false
	}
	return got[0], len(got) == 1
}

func TestAReceiptIsReadInEachSpelling(t *testing.T) {
	delivered := verify.Receipt{CarrierID: "0a1B", State: verify.Delivered}
	ucs2 := func(s string) string {
		var b []byte
		for _, u := range utf16.Encode([]rune(s)) {
			b = binary.BigEndian.AppendUint16(b, u)
		}
		return string(b)
	}
	for name, r := range map[string]receipt{
		"as the standard has it": spec("0a1B", "DELIVRD"),
		"in capitals":            says("ID:0a1B SUB:001 STAT:DELIVRD ERR:0"),
		"in small letters":       says("id:0a1B stat:delivrd err:0"),
		"in another order":       says("err:000 stat:DELIVRD done date:2601020305 id:0a1B"),
		"with spaces":            says("id: 0a1B stat: DELIVRD"),
		"in lines":               says("id:0a1B\nstat:DELIVRD\r\nerr:0"),
		"in full":                says("id:0a1B stat:Delivered"),
		"in UCS-2":               {class: 4, coding: 8, text: ucs2("id:0a1B stat:DELIVRD")},
		"with the text first":    says("text:id:9 stat:UNDELIV id:0a1B stat:DELIVRD"),
		"in parameters":          {class: 4, parameters: []parameter{{0x1e, "0a1B\x00"}, {0x427, "\x02"}}},
		"without the zero":       {class: 4, parameters: []parameter{{0x1e, "0a1B"}, {0x427, "\x02"}}},
		"marked by one alone":    {class: 0, parameters: []parameter{{0x1e, "0a1B\x00"}, {0x427, "\x02"}}},
		"parameters win":         {class: 4, text: "id:7 stat:UNDELIV", parameters: []parameter{{0x427, "\x02"}, {0x1e, "0a1B\x00"}, {0x1e, "8"}}},
		"in the payload":         {class: 4, parameters: []parameter{{0x424, "id:0a1B stat:DELIVRD"}}},
		"and an odd parameter":   {class: 4, text: "id:0a1B stat:DELIVRD", parameters: []parameter{{0x427, "\x02\x02"}, {0x1400, "x"}, {0x427, ""}}},
	} {
		if got, is := one(t, r); !is || got != delivered {
			t.Errorf("%s: %+v, %t", name, got, is)
		}
	}
}

func TestTheMessagesOwnWordsInAReceiptDoNotCount(t *testing.T) {
	got, _ := one(t, says("id:5 stat:UNDELIV err:001 text:id:9 stat:DELIVRD"))
	if want := (verify.Receipt{CarrierID: "5", State: verify.Failed, Class: verify.UnknownClass}); got != want {
		t.Errorf("%+v", got)
	}
	// A person can send to our number whatever a receipt would say.
	forged := spec("0a1B", "DELIVRD")
	for _, class := range []byte{0x00, 0x08, 0x10, 0x18, 0x40, 0x03} {
		forged.class = class
		if got, is := one(t, forged); is {
			t.Errorf("a text with esm_class %#x is a receipt: %+v", class, got)
		}
	}
}

func TestEachStateIsWhatItMeans(t *testing.T) {
	for state, want := range map[string]verify.Receipt{
		"\x01ENROUTE": {State: verify.Sent}, "\x02DELIVRD": {State: verify.Delivered}, "\x03EXPIRED": {State: verify.Failed, Class: verify.Temporary},
		"\x04DELETED": {State: verify.Failed, Class: verify.UnknownClass}, "\x05UNDELIV": {State: verify.Failed, Class: verify.UnknownClass},
		"\x06ACCEPTD": {State: verify.Sent}, "\x07UNKNOWN": {State: verify.Sent}, "\x08REJECTD": {State: verify.Failed, Class: verify.UnknownClass},
	} {
		want.CarrierID = "5"
		if got, _ := one(t, spec("5", state[1:])); got != want {
			t.Errorf("%s: %+v, want %+v", state[1:], got, want)
		}
		if got, _ := one(t, receipt{class: 4, parameters: []parameter{{0x1e, "5\x00"}, {0x427, state[:1]}}}); got != want {
			t.Errorf("message_state %d: %+v, want %+v", state[0], got, want)
		}
	}
	for _, r := range []receipt{spec("5", ""), spec("5", "WHAT"), spec("", "DELIVRD"), says(""), {class: 4, parameters: []parameter{{0x427, "\x09"}, {0x1e, "5"}}}} {
		if r.text == spec("", "DELIVRD").text {
			r.text = "stat:DELIVRD"
		}
		if got, is := one(t, r); is {
			t.Errorf("%q says %+v", r.text, got)
		}
	}
}

func TestTheNetworksOwnErrorSaysWhoseFaultItIs(t *testing.T) {
	for code, want := range map[uint16]verify.Class{
		1: verify.BadNumber, 6: verify.Temporary, 27: verify.Temporary, 31: verify.Temporary, 32: verify.Temporary, 33: verify.Temporary, 34: verify.Temporary,
		11: verify.NotMobile, 21: verify.NotMobile, 13: verify.OptedOut, 36: verify.UnknownClass, 0: verify.UnknownClass,
	} {
		for network, want := range map[byte]verify.Class{3: want, 1: verify.UnknownClass} { // 3 is GSM
			r := spec("5", "UNDELIV")
			r.parameters = []parameter{{0x423, string([]byte{network, byte(code >> 8), byte(code)})}}
			if got, _ := one(t, r); got.Class != want || got.State != verify.Failed {
				t.Errorf("network %d, error %d: %+v, want %s", network, code, got, want)
			}
		}
	}
	r := spec("5", "DELIVRD")
	r.parameters = []parameter{{0x423, "\x03\x00\x01"}}
	if got, _ := one(t, r); got.Class != "" || got.State != verify.Delivered {
		t.Errorf("%+v", got)
	}
}

func TestAReceiptFindsItsMessageWhateverItsNumberIsWrittenIn(t *testing.T) {
	stranger := func(r receipt) receipt {
		r.from, r.to = "4915112345678", "4915112345679"
		return r
	}
	for _, row := range []struct {
		form, answer string
		r            receipt
		id, found    string // what the submission is called, and what the receipt
	}{
		{smpp.Auto, "msg-1", spec("msg-1", "DELIVRD"), "msg-1", "msg-1"},
		{smpp.Auto, "msg-1", stranger(spec("msg-1", "DELIVRD")), "msg-1", "msg-1"},
		{smpp.Auto, "10FF", spec("4351", "DELIVRD"), "10FF", "10FF"},
		{smpp.Auto, "10FF", spec("0000004351", "DELIVRD"), "10FF", "10FF"},
		{smpp.Auto, "000010ff", spec("10FF", "DELIVRD"), "000010ff", "000010ff"},
		{smpp.Auto, "4351", spec("10FF", "DELIVRD"), "4351", "4351"},
		{smpp.Auto, "221067780", spec("0221067780", "DELIVRD"), "221067780", "221067780"},
		{smpp.Auto, "10FF", stranger(spec("4351", "DELIVRD")), "10FF", "4351"}, // of another telephone: not believed
		{smpp.Auto, "10FF", receipt{from: "15551234567", to: to, class: 4, text: "id:4351 stat:DELIVRD"}, "10FF", "10FF"},
		{smpp.Auto, "10FF", receipt{from: "0147", to: to, class: 4, text: "id:77 stat:DELIVRD", parameters: []parameter{{0x1e, "10FF\x00"}}}, "10FF", "10FF"},
		{"", "10FF", spec("4351", "DELIVRD"), "10FF", "10FF"},
		{smpp.Same, "10FF", spec("10FF", "DELIVRD"), "10FF", "10FF"},
		{smpp.Same, "10FF", spec("4351", "DELIVRD"), "10FF", "4351"},
		{smpp.Decimal, "10FF", stranger(spec("0000004351", "DELIVRD")), "4351", "4351"},
		{smpp.Decimal, "10FF", receipt{class: 4, parameters: []parameter{{0x1e, "10ff\x00"}, {0x427, "\x02"}}}, "4351", "4351"},
		{smpp.Hexadecimal, "04351", stranger(spec("000010FF", "DELIVRD")), "10ff", "10ff"},
		{smpp.Decimal, "no-number", spec("no-number", "DELIVRD"), "no-number", "no-number"},
		{smpp.Auto, "99999999999999999999999", spec("99999999999999999999999", "DELIVRD"), "99999999999999999999999", "99999999999999999999999"},
	} {
		submission, got := heard(t, smpp.Config{ReceiptIDs: row.form}, []string{row.answer}, text(t), row.r)
		want := verify.Receipt{CarrierID: row.found, State: verify.Delivered}
		if row.found == row.id {
			want.Message = id
		}
		if submission.CarrierID != row.id || !submission.Unnamed || len(got) != 1 || got[0] != want {
			t.Errorf("%+v: %+v, %+v", row, submission, got)
		}
	}
}

// What is set once for a centre holds without a memory, so after a restart.
func TestAReceiptOfAMessageBeforeTheRestartIsFoundByItsForm(t *testing.T) {
	for form, want := range map[string]string{smpp.Decimal: "4351", smpp.Hexadecimal: "4351", smpp.Same: "0004351", smpp.Auto: "0004351"} {
		_, got := heard(t, smpp.Config{ReceiptIDs: form}, nil, verify.Message{}, spec("0004351", "DELIVRD"))
		if len(got) != 1 || got[0] != (verify.Receipt{CarrierID: want, State: verify.Delivered}) {
			t.Errorf("%s: %+v", form, got)
		}
	}
}

// Two messages, of which one's number in decimal is the other one's to the letter.
func TestTwoNumbersThatReadAlikeAreToldApartByTheTelephone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox()
		sender := carrier(t, smpp.Config{Receipts: in.put, Dial: piped(t, func(l line) {
			l.bind()
			for _, name := range []string{"10FF", "4351"} {
				u, _ := l.next(submit)
				l.answer(u, 0, name+"\x00")
			}
			l.write(spec("4351", "DELIVRD").unit(1))
			l.serve(func(unit) {})
		})})
		first, other := text(t), text(t)
		other.ID, other.To = "another", phoneOf("+12025550199")
		for _, m := range []verify.Message{first, other} {
			if o, _ := send(t.Context(), t, sender, m); o != taken {
				t.Fatalf("%+v", o)
			}
		}
		in.want(t, verify.Receipt{Message: id, CarrierID: "10FF", State: verify.Delivered})
	})
}

func TestATextInPartsIsDeliveredWhenAllAre(t *testing.T) {
	names := []string{"a", "b", "c"}
	whole := verify.Receipt{Message: id, CarrierID: "a+2", State: verify.Delivered}
	for name, row := range map[string]struct {
		receipts []receipt
		want     []verify.Receipt
	}{
		"all":       {[]receipt{spec("b", "DELIVRD"), spec("a", "DELIVRD"), spec("c", "DELIVRD")}, []verify.Receipt{whole}},
		"two":       {[]receipt{spec("b", "DELIVRD"), spec("a", "DELIVRD")}, nil},
		"one twice": {[]receipt{spec("a", "DELIVRD"), spec("a", "DELIVRD"), spec("a", "DELIVRD"), spec("b", "DELIVRD")}, nil},
		"under way": {[]receipt{spec("a", "ENROUTE"), spec("b", "ACCEPTD"), spec("c", "ENROUTE")}, nil},
		"one not": {[]receipt{spec("a", "DELIVRD"), spec("b", "UNDELIV"), spec("c", "DELIVRD")}, []verify.Receipt{
			{Message: id, CarrierID: "a+2", State: verify.Failed, Class: verify.UnknownClass},
			{CarrierID: "c", State: verify.Delivered}, // nobody's any more
		}},
	} {
		submission, got := heard(t, smpp.Config{}, names, long(t), row.receipts...)
		if submission.CarrierID != "a+2" || fmt.Sprint(got) != fmt.Sprint(row.want) {
			t.Errorf("%s: %q, %+v, want %+v", name, submission.CarrierID, got, row.want)
		}
	}
	// Another process knows nothing of the parts: what it hears of one is not the whole.
	_, got := heard(t, smpp.Config{}, nil, verify.Message{}, spec("a", "DELIVRD"))
	if len(got) != 1 || got[0].CarrierID == "a+2" {
		t.Errorf("%+v", got)
	}
}

func TestAReceiptThatComesBeforeItsAnswerIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox()
		sender := carrier(t, smpp.Config{Receipts: in.put, Dial: piped(t, func(l line) {
			l.bind()
			u, _ := l.next(submit)
			l.write(spec("4351", "DELIVRD").unit(1))
			l.next(deliver | resp)
			l.answer(u, 0, "10FF\x00")
			l.serve(func(unit) {})
		})})
		if o, submission := send(t.Context(), t, sender, text(t)); o != taken || submission.CarrierID != "10FF" {
			t.Errorf("%+v, %+v", o, submission)
		}
		in.want(t,
			verify.Receipt{CarrierID: "4351", State: verify.Delivered},
			verify.Receipt{Message: id, CarrierID: "10FF", State: verify.Delivered})
	})
}

func TestAReceiptIsThankedForWhenTheCoreHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, thanked := make(chan struct{}), make(chan struct{})
		sender := carrier(t, smpp.Config{Receipts: func(verify.Receipt) { <-release }, Dial: piped(t, func(l line) {
			l.bind()
			l.write(spec("5", "DELIVRD").unit(1))
			l.next(deliver | resp)
			close(thanked)
			l.serve(func(unit) {})
		})})
		sender.Start(t.Context())
		synctest.Wait()
		select {
		case <-thanked:
			t.Error("thanked for before the core has it")
		default:
		}
		close(release)
		<-thanked
	})
}

func TestACoreThatIsSlowMakesTheCentreTryAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		refused := make(chan int, 1)
		sender := carrier(t, smpp.Config{Receipts: func(verify.Receipt) { <-release }, Dial: piped(t, func(l line) {
			l.bind()
			go func() {
				for i := range 600 {
					l.write(spec("5", "DELIVRD").unit(uint32(i + 1)))
				}
			}()
			n := 0
			for {
				u, is := l.next(deliver | resp)
				if !is {
					return
				}
				if u.status == 0x64 {
					if n++; n == 600-513-8 {
						refused <- n
					}
				}
				if n > 600-513-8 {
					t.Error("more were refused than there was no room for")
				}
			}
		})})
		sender.Start(t.Context())
		<-refused
		synctest.Wait()
		close(release)
	})
}

func TestReceiptsOfAClosingCarrierArriveAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox()
		sender := carrier(t, smpp.Config{Receipts: func(r verify.Receipt) {
			time.Sleep(time.Second)
			in.put(r)
		}, Dial: piped(t, func(l line) {
			l.bind()
			for i := range 40 {
				l.write(spec("5", "DELIVRD").unit(uint32(i + 1)))
			}
			l.serve(func(unit) {})
		})})
		sender.Start(t.Context())
		synctest.Wait()
		if err := sender.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if len(in.came) != 40 {
			t.Errorf("%d receipts of 40", len(in.came))
		}
	})
}

func TestAnotherFormIsSaidInTheLog(t *testing.T) {
	for name, want := range map[string]bool{"4351": true, "10FF": false, "10ff": false} {
		var logged journal
		_, _ = heard(t, smpp.Config{Log: slog.New(slog.NewTextHandler(&logged, nil))}, []string{"10FF"}, text(t), spec(name, "DELIVRD"))
		search(t, logged.String())
		if got := strings.Contains(logged.String(), "receipt_ids"); got != want {
			t.Errorf("%s: %s", name, logged.String())
		}
	}
}
