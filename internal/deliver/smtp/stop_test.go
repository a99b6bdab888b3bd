package smtp_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/deliver/smtp"
	"countersign/internal/verify"
)

func TestAServerThatHangsIsLeftWhenTheTimeIsOver(t *testing.T) {
	for _, stage := range stages() {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			want := notSent
			if stage == "." {
				want = unknown
			}
			var reached atomic.Bool
			address := script{stage: func(conn *net.TCPConn, line string) bool {
				reached.Store(true)
				return hangs(conn, line)
			}}.start(t)
			// On a slow machine a short time may run out at an earlier stage.
			for timeout := 50 * time.Millisecond; !reached.Load() && timeout < time.Minute; timeout *= 4 {
				sender := carrier(t, address, smtp.Config{Username: user, Password: password, Timeout: timeout})
				submission, err := sender.Send(t.Context(), letter(t))
				got := result(t, submission, err)
				if reached.Load() && got != want || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %+v, want %+v: %v", got, want, err)
				}
			}
		})
	}
}

func TestAContextThatEndsAtAStageStopsTheSend(t *testing.T) {
	for _, stage := range stages() {
		want := notSent
		if stage == "." {
			want = unknown
		}
		ctx, cancel := context.WithCancel(t.Context())
		address := script{stage: func(conn *net.TCPConn, line string) bool {
			cancel()
			return hangs(conn, line)
		}}.start(t)
		submission, err := carrier(t, address, smtp.Config{Username: user, Password: password}).Send(ctx, letter(t))
		if got := result(t, submission, err); got != want || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %+v, want %+v: %v", stage, got, want, err)
		}
	}
}

func TestAContextThatHasEndedSendsNothing(t *testing.T) {
	var asked atomic.Bool
	address := script{"greeting": func(*net.TCPConn, string) bool {
		asked.Store(true)
		return false
	}}.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	submission, err := carrier(t, address, smtp.Config{}).Send(ctx, letter(t))
	if got := result(t, submission, err); got != notSent || asked.Load() {
		t.Errorf("got %+v, asked %t", got, asked.Load())
	}
}

func TestARefusedConnectionIsSurelyNothingSent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	submission, err := carrier(t, listener.Addr().String(), smtp.Config{}).Send(t.Context(), letter(t))
	if got := result(t, submission, err); got != notSent || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %+v: %v", got, err)
	}
}

func TestOtherChannelsThanEmailAreRefused(t *testing.T) {
	sender := carrier(t, "127.0.0.1:1", smtp.Config{})
	for _, channel := range []verify.Channel{verify.SMS, verify.Call, verify.WhatsApp, verify.Flashcall, ""} {
		m := letter(t)
		m.Channel = channel
		submission, err := sender.Send(t.Context(), m)
		if got := result(t, submission, err); got != (outcome{class: verify.UnknownClass}) {
			t.Errorf("%q: %v", channel, err)
		}
	}
	m := letter(t)
	m.To = verify.Address{}
	submission, err := sender.Send(t.Context(), m)
	if got := result(t, submission, err); got != (outcome{class: verify.BadNumber}) {
		t.Errorf("to nobody: %v", err)
	}
}
