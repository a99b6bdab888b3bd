package smpp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"countersign/internal/deliver/smpp"
	"countersign/internal/verify"
)

func TestASessionIsOpenedAtTheStartAndUsedByAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		binds := 0
		sender := carrier(t, smpp.Config{Dial: piped(t, func(l line) {
			binds++
			l.bind()
			l.serve(l.takes(numbered))
		})})
		ctx, cancel := context.WithCancel(t.Context())
		sender.Start(ctx)
		sender.Start(ctx)
		synctest.Wait()
		cancel() // the session lives on
		if binds != 1 {
			t.Errorf("%d binds at the start", binds)
		}
		for range 3 {
			if got, _ := send(t.Context(), t, sender, text(t)); got != taken {
				t.Errorf("%+v", got)
			}
		}
		if binds != 1 {
			t.Errorf("%d binds", binds)
		}
	})
}

func TestWaitsBetweenSessionsGrowAndShrinkAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := make(chan time.Time, 100)
		var works atomic.Bool
		reach := piped(t, func(l line) {
			l.bind()
			u, _ := l.next(submit)
			l.answer(u, 0, "x\x00")
		})
		sender := carrier(t, smpp.Config{Dial: func(ctx context.Context, n, a string) (net.Conn, error) {
			dials <- time.Now()
			if !works.Load() {
				return nil, errors.New(password)
			}
			return reach(ctx, n, a)
		}})
		sender.Start(t.Context())
		last := <-dials
		for i := range 12 {
			next := <-dials
			want := min(100*time.Millisecond<<i, 30*time.Second)
			if wait := next.Sub(last); wait < want*3/4 || wait > want*5/4 {
				t.Errorf("wait %d is %s, want about %s", i+1, wait, want)
			}
			last = next
		}
		begun := time.Now()
		got, _ := send(t.Context(), t, sender, text(t))
		if took := time.Since(begun); got != notSent || took != 0 {
			t.Errorf("after many failures: %+v after %s, want at once", got, took)
		}
		works.Store(true)
		<-dials
		synctest.Wait()
		if got, _ := send(t.Context(), t, sender, text(t)); got != taken { // and the session ends
			t.Errorf("%+v", got)
		}
		ended := time.Now()
		if wait := (<-dials).Sub(ended); wait > 125*time.Millisecond {
			t.Errorf("after a session that was of use the wait is %s", wait)
		}
	})
}

func TestASessionThatComesToNothingIsAFailureToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		binds := make(chan time.Time, 100)
		sender := carrier(t, smpp.Config{Dial: piped(t, func(l line) {
			binds <- time.Now()
			l.bind()
		})})
		sender.Start(t.Context())
		for range 8 {
			<-binds
		}
		before := time.Now()
		if wait := (<-binds).Sub(before); wait < 9*time.Second {
			t.Errorf("the ninth session comes %s after the eighth", wait)
		}
	})
}

func TestATextWaitsForASessionForAShortWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for late, want := range map[time.Duration]outcome{2 * time.Second: taken, 4 * time.Second: notSent} {
			sender := carrier(t, smpp.Config{Dial: piped(t, func(l line) {
				time.Sleep(late)
				l.bind()
				l.serve(l.takes(numbered))
			})})
			begun := time.Now()
			got, _ := send(t.Context(), t, sender, text(t))
			if took := time.Since(begun); got != want || took > 3*time.Second {
				t.Errorf("bound after %s: %+v after %s", late, got, took)
			}
		}
	})
}

func TestARefusedBindIsSaidAtOnceAndNotRepeatedOften(t *testing.T) {
	for status, want := range map[uint32]outcome{
		0x0d: {class: verify.Credentials}, 0x0e: {class: verify.Credentials}, 0x0f: {class: verify.Credentials}, 0x53: {class: verify.Credentials},
		0x05: notSent, 0x08: notSent, throttled: notSent, 0x411: notSent, 731946: notSent,
	} {
		synctest.Test(t, func(t *testing.T) {
			binds := 0
			sender := carrier(t, smpp.Config{Dial: piped(t, func(l line) {
				binds++
				u, _ := l.read()
				l.answer(u, status, password)
				l.hold()
			})})
			begun := time.Now()
			got, _ := send(t.Context(), t, sender, text(t))
			if got != want {
				t.Errorf("%#x: %+v", status, got)
			}
			if want.class == verify.Credentials {
				if took := time.Since(begun); took != 0 {
					t.Errorf("%#x: said after %s", status, took)
				}
				time.Sleep(20 * time.Second)
				synctest.Wait()
				if binds != 1 {
					t.Errorf("%#x: %d binds in twenty seconds: accounts are locked for that", status, binds)
				}
			}
		})
	}
}

func TestEachSideMayAskWhetherTheOtherIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, answered := 0, make(chan unit, 1)
		sender := carrier(t, smpp.Config{EnquireEvery: 10 * time.Second, Dial: piped(t, func(l line) {
			l.bind()
			l.write(unit{enquire, 0, 4711, nil})
			for {
				u, err := l.read()
				switch {
				case err != nil:
					return
				case u.command == enquire:
					asked++
					l.answer(u, 0, "")
				case u.command == enquire|resp:
					answered <- u
				default:
					l.answer(u, 0, "")
				}
			}
		})})
		sender.Start(t.Context())
		if u := <-answered; u.sequence != 4711 || u.status != 0 || len(u.body) != 0 {
			t.Errorf("%+v", u)
		}
		time.Sleep(65 * time.Second)
		synctest.Wait()
		if asked != 6 {
			t.Errorf("asked %d times in 65 seconds", asked)
		}
	})
}

func TestACentreThatIsNotThereAnyMoreIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		binds := make(chan time.Time, 9)
		sender := carrier(t, smpp.Config{EnquireEvery: 10 * time.Second, Timeout: 5 * time.Second, Dial: piped(t, func(l line) {
			l.bind()
			binds <- time.Now()
			l.hold()
		})})
		sender.Start(t.Context())
		first := <-binds
		if after := (<-binds).Sub(first); after < 15*time.Second || after > 16*time.Second {
			t.Errorf("the next session comes after %s", after)
		}
	})
}

func TestACentreThatTakesTextsAndNamesNoneIsLeftWhenItsWindowIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		binds := 0
		sender := carrier(t, smpp.Config{Window: 3, Timeout: time.Second, Dial: piped(t, func(l line) {
			binds++
			l.bind()
			if binds == 1 {
				l.serve(func(unit) {})
			} else {
				l.serve(l.takes(numbered))
			}
		})})
		for range 3 {
			if got, _ := send(t.Context(), t, sender, text(t)); got != unknown {
				t.Errorf("%+v", got)
			}
		}
		if got, _ := send(t.Context(), t, sender, text(t)); got != taken || binds != 2 {
			t.Errorf("%+v by session %d", got, binds)
		}
	})
}

func TestACentreThatForgotTheBindIsBoundAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		binds := 0
		sender := carrier(t, smpp.Config{Dial: piped(t, func(l line) {
			binds++
			l.bind()
			l.serve(func(u unit) { l.answer(u, []uint32{4, 0}[min(binds-1, 1)], "x\x00") })
		})})
		if got, _ := send(t.Context(), t, sender, text(t)); got != notSent {
			t.Errorf("%+v", got)
		}
		if got, _ := send(t.Context(), t, sender, text(t)); got != taken {
			t.Errorf("%+v", got)
		}
	})
}

func TestACentreThatTakesLeaveIsThankedAndBoundAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		binds, thanked := 0, make(chan unit, 1)
		sender := carrier(t, smpp.Config{Dial: piped(t, func(l line) {
			binds++
			l.bind()
			if binds == 1 {
				l.write(unit{unbind, 0, 99, nil})
				u, _ := l.read()
				thanked <- u
				return
			}
			l.serve(l.takes(numbered))
		})})
		sender.Start(t.Context())
		if u := <-thanked; u.command != unbind|resp || u.sequence != 99 || u.status != 0 {
			t.Errorf("%+v", u)
		}
		if got, _ := send(t.Context(), t, sender, text(t)); got != taken || binds != 2 {
			t.Errorf("%+v, %d binds", got, binds)
		}
	})
}

func TestCloseLetsTextsEndAndTakesLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []uint32
		sender := carrier(t, smpp.Config{Dial: piped(t, func(l line) {
			l.bind()
			for {
				u, err := l.read()
				if err != nil {
					return
				}
				seen = append(seen, u.command)
				if u.command == submit {
					time.Sleep(2 * time.Second)
				}
				l.answer(u, 0, "x\x00")
			}
		})})
		var sends sync.WaitGroup
		sends.Go(func() {
			if got, _ := send(t.Context(), t, sender, text(t)); got != taken {
				t.Errorf("%+v", got)
			}
		})
		synctest.Wait()
		if err := sender.Close(t.Context()); err != nil {
			t.Error(err)
		}
		sends.Wait()
		if len(seen) != 2 || seen[1] != unbind {
			t.Errorf("the centre saw %#x", seen)
		}
		if got, _ := send(t.Context(), t, sender, text(t)); got != notSent {
			t.Errorf("after Close: %+v", got)
		}
		if err := sender.Close(t.Context()); err != nil {
			t.Errorf("closed twice: %v", err)
		}
	})
}

func TestCloseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sender := carrier(t, smpp.Config{Timeout: time.Minute, Dial: piped(t, func(l line) {
			l.bind()
			l.hold()
		})})
		sent := make(chan outcome)
		go func() { got, _ := send(t.Context(), t, sender, text(t)); sent <- got }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		begun := time.Now()
		err := sender.Close(ctx)
		if took := time.Since(begun); !errors.Is(err, context.DeadlineExceeded) || took != 2*time.Second {
			t.Errorf("%v after %s", err, took)
		}
		if got := <-sent; got != unknown {
			t.Errorf("%+v", got)
		}
	})
}

func TestWhatIsNotUnderstoodIsSaidToBeSo(t *testing.T) {
	for _, length := range []string{"\x00\x00\x00\x05", "\x00\x00\x40\x01", "\x80\x00\x00\x00"} {
		synctest.Test(t, func(t *testing.T) { notUnderstood(t, length) })
	}
}

// notUnderstood says odd things, and at last a length that ends the session.
func notUnderstood(t *testing.T, length string) {
	said := make(chan unit, 9)
	binds := 0
	sender := carrier(t, smpp.Config{Dial: piped(t, func(l line) {
		l.bind()
		if binds++; binds > 1 {
			l.serve(nil)
			return
		}
		for _, u := range []unit{
			{0x103, 0, 5, []byte("data_sm")}, {0x0b, 0, 6, nil}, {0x102, 0, 7, []byte("x")}, {nack, 2, 0, nil},
			{submit | resp, 0, 4000, []byte("who\x00")}, {deliver, 0, 8, []byte(canaryCode)}, {0x77, 0, 9, nil},
		} {
			l.write(u)
		}
		_, _ = l.Write([]byte(length + "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x0a"))
		for {
			u, err := l.read()
			if err != nil {
				close(said)
				return
			}
			said <- u
		}
	})})
	sender.Start(t.Context())
	var got []unit
	for u := range said {
		u.body = nil
		got = append(got, u)
	}
	want := []unit{{nack, 3, 5, nil}, {deliver | resp, 0x66, 8, nil}, {nack, 3, 9, nil}, {nack, 2, 10, nil}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("length % x: got %+v, want %+v", length, got, want)
	}
}
