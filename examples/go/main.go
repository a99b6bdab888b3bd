// Command go is an example: a small application with a user name and a password, and a
// second factor behind them by way of Countersign and package gate.
//
// It shows where the two calls of gate belong and what an application does round them:
// a session whose id is new at each level, forms that only its own pages can send, and
// kind words when somebody comes back without a proof. It has one demonstration user,
// keeps nothing, and limits no guesses of passwords: it is to be read, not to be run for
// others.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"countersign/gate"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, getenv func(string) string, out io.Writer) error {
	port := cmp.Or(getenv("PORT"), "8080")
	base := "http://127.0.0.1:" + port
	server := cmp.Or(getenv("COUNTERSIGN_URL"), "http://127.0.0.1:3000")
	g, err := gate.New(gate.Config{
		Server: server, APIKey: getenv("COUNTERSIGN_API_KEY"), ProfileID: getenv("COUNTERSIGN_PROFILE_ID"), ReturnURL: base + "/second-factor",
	})
	if err != nil {
		return fmt.Errorf("set COUNTERSIGN_URL, COUNTERSIGN_API_KEY and COUNTERSIGN_PROFILE_ID, as countersign dev prints them: %w", err)
	}
	password := rand.Text()[:12]
	demo, err := newUser("demo", password, cmp.Or(getenv("DEMO_PHONE"), "+12015550123"))
	if err != nil {
		return err
	}
	a := &app{gate: g, user: demo, base: base, host: "127.0.0.1:" + port, server: server, now: time.Now, sessions: sessions{now: time.Now}}

	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "This is a demonstration. Open %s\nuser name: %s\npassword:  %s\n", base, demo.name, password)
	s := &http.Server{Handler: a.handler(), ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 32 << 10}
	go func() {
		<-ctx.Done()
		_ = s.Close() // nothing here is worth waiting for
	}()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
