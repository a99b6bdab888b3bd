package smpp_test

import (
	"testing"

	"countersign/internal/deliver/smpp"
)

// FuzzWhatACentreSays has a centre say anything where it owes an answer.
func FuzzWhatACentreSays(f *testing.F) {
	f.Add(unit{submit | resp, 0, 2, []byte("id\x00")}.bytes())
	f.Add(unit{submit | resp, throttled, 2, nil}.bytes())
	f.Add(unit{submit | resp, 731946, 2, []byte(canaryCode + "\x00" + to)}.bytes())
	f.Add(unit{nack, 3, 2, nil}.bytes())
	f.Add(unit{bindTransceiver | resp, 0, 2, nil}.bytes())
	f.Add(append(unit{enquire, 0, 1, nil}.bytes(), spec("id", "DELIVRD").unit(9).bytes()...))
	f.Add(unit{unbind, 0, 1, nil}.bytes())
	f.Add([]byte("\x7f\xff\xff\xff" + canaryCode + to))
	f.Add([]byte("\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, said []byte) {
		c := smpp.Config{Receipts: newInbox().put}
		c.Dial = piped(t, func(l line) {
			if !l.bind() {
				return
			}
			if _, is := l.next(submit); !is {
				return
			}
			go l.hold() // it may have to thank
			_, _ = l.Write(said)
		})
		got, submission := send(t.Context(), t, carrier(t, c), text(t))
		if got.taken && (len(said) < 16 || submission.Unnamed != (submission.CarrierID != "") || len(submission.CarrierID) > 64) {
			t.Errorf("%q: taken as %+v", said, submission)
		}
	})
}

// FuzzReceipts has a centre send any deliver_sm: each is answered, once.
func FuzzReceipts(f *testing.F) {
	for _, r := range []receipt{
		spec("10FF", "DELIVRD"), says("stat: id:\x00 text:"), {class: 4, coding: 8, text: "\x00i\x00d\x00:"},
		{class: 0x20, text: "x", parameters: []parameter{{0x1e, "10FF\x00"}, {0x427, "\x02"}, {0x423, "\x03\x00\x01"}, {0x424, "y"}}},
	} {
		f.Add(r.unit(1).body)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 1000 {
			return
		}
		in, answered := newInbox(), make(chan unit, 1)
		sender := carrier(t, smpp.Config{Receipts: in.put, Dial: piped(t, func(l line) {
			if !l.bind() {
				return
			}
			l.write(unit{deliver, 0, 7, body})
			if u, is := l.next(deliver | resp); is {
				answered <- u
			}
			l.serve(nil)
		})})
		sender.Start(t.Context())
		u := <-answered // a carrier that panics or is silent hangs the test
		if u.sequence != 7 || u.status != 0 && u.status != 0x66 {
			t.Errorf("%x is answered with %+v", body, u)
		}
		if len(in.came) > 0 && u.status != 0 {
			t.Errorf("%x is refused and believed", body)
		}
	})
}
