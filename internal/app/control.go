package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

const (
	controlLimit = 8 << 10 // bytes of an order
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
		log.Warn("operators' commands (unlock, erase, keys, accounts) need the service stopped", "cause", err)
		return nil
	}
	mux := http.NewServeMux()
	for name, operate := range operations {
		mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
			var what order
			var did report
			err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, controlLimit), &what)
			if err == nil {
				did, err = operate(o, r.Context(), what)
			}
			if err != nil {
				did.Error = err.Error()
			}
			_ = json.MarshalWrite(w, did) // whoever asked may be gone
			log.Info("an operator's command", "command", name, "count", did.Count, "failed", err != nil)
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
func (d database) ask(ctx context.Context, name string, what order) (did report, served bool, err error) {
	path := d.socket()
	if path == "" {
		return did, false, nil
	}
	body, err := json.Marshal(what)
	if err != nil {
		return did, true, err
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://service/"+name, bytes.NewReader(body))
	if err != nil {
		return did, true, err
	}
	res, err := client.Do(r)
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return did, false, nil
	}
	if err != nil {
		return did, true, fmt.Errorf("the running service does not answer: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // it has been read
	if err := json.UnmarshalRead(res.Body, &did); err != nil {
		return did, true, fmt.Errorf("the running service answers %s: %w", res.Status, err)
	}
	if did.Error != "" {
		err = errors.New(did.Error)
	}
	return did, true, err
}
