package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-json-experiment/json"
)

// A SQLite file belongs to one process, so an operator's command asks that one: it
// listens on a socket beside the file, which only the file's owner can reach. On
// PostgreSQL a command is a node like any other and asks nobody.

type control struct {
	server *http.Server
	path   string
}

type controlAnswer struct {
	Count int    `json:"count"`
	Error string `json:"error,omitempty"`
}

const (
	controlLimit = 1024 // bytes of a number
	// maxSocket is how long the path of a socket may be on every system.
	maxSocket = 103
)

// socket is where the service that runs on a SQLite file listens, or empty.
func (d database) socket() string {
	if path := d.path + ".sock"; d.path != "" && len(path) <= maxSocket {
		return path
	}
	return ""
}

// listen answers operators' commands until close. Nothing else depends on it: where
// it cannot listen, it says so and the commands need the service stopped.
func (d database) listen(ctx context.Context, o *operator, log *slog.Logger) *control {
	path := d.socket()
	if path == "" {
		return nil
	}
	// Whoever holds the database's lock is alone: what is there was left behind.
	_ = os.Remove(path)
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		if l != nil {
			_ = l.Close() // else it would be open, and nobody there
		}
		log.Warn("operators' commands (unlock, erase) need the service stopped", "cause", err)
		return nil
	}
	mux := http.NewServeMux()
	for name := range operations {
		mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
			var answer controlAnswer
			number, err := io.ReadAll(http.MaxBytesReader(w, r.Body, controlLimit))
			if err == nil {
				answer.Count, err = o.do(r.Context(), name, string(number))
			}
			if err != nil {
				answer.Error = err.Error()
			}
			_ = json.MarshalWrite(w, answer) // whoever asked may be gone
			log.Info("an operator's command", "command", name, "count", answer.Count, "failed", err != nil)
		})
	}
	c := &control{&http.Server{Handler: mux, ReadHeaderTimeout: time.Second}, path}
	go func() { _ = c.server.Serve(l) }() // ends with close
	return c
}

func (c *control) close(ctx context.Context) error {
	if c == nil {
		return nil
	}
	err := c.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, c.server.Close()) // ends the context of what is in hand
	}
	return err
}

// ask has the service that runs on the file carry out an operation. Served is
// false if there is none.
func (d database) ask(ctx context.Context, name, number string) (n int, served bool, err error) {
	path := d.socket()
	if path == "" {
		return 0, false, nil
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://service/"+name, bytes.NewReader([]byte(number)))
	if err != nil {
		return 0, true, err
	}
	res, err := client.Do(r)
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return 0, false, nil
	}
	if err != nil {
		return 0, true, fmt.Errorf("the running service does not answer: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // it has been read
	var answer controlAnswer
	if err := json.UnmarshalRead(res.Body, &answer); err != nil {
		return 0, true, fmt.Errorf("the running service answers %s: %w", res.Status, err)
	}
	if answer.Error != "" {
		return answer.Count, true, errors.New(answer.Error)
	}
	return answer.Count, true, nil
}
