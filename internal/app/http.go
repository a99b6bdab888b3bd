package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"
)

// newServer bounds what a client can make the server wait for or hold. Handlers
// that take longer on purpose, such as the inbox's long poll, extend the write
// deadline themselves.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// withLog gives each request an id, writes one line about it, and turns a panic
// into a 500. The line has the route's pattern, which the muxes leave in the request,
// and not the path, which may hold a number.
func withLog(log *slog.Logger, now func() time.Time, mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := now()
		id := requestID()
		w.Header().Set("X-Request-Id", id)
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, id))
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			p := recover()
			if p != nil && p != any(http.ErrAbortHandler) {
				log.ErrorContext(r.Context(), "a handler panicked", "route", r.Pattern, "cause", p, "stack", string(debug.Stack()))
				if !rec.wrote {
					http.Error(rec, "Something failed on our side. Request "+id, http.StatusInternalServerError)
					p = nil
				}
			}
			log.InfoContext(r.Context(), "request", "method", method(r.Method), "route", r.Pattern, "status", rec.status, "took", now().Sub(begun))
			if p != nil {
				panic(http.ErrAbortHandler) // half an answer must not look like a whole one
			}
		}()
		mux.ServeHTTP(rec, r)
	})
}

// requestKey is the context's key of the request's id.
type requestKey struct{}

// withRequestID adds the request's id to every line that is written with a
// request's context, so that a line about a fault can be found by what the caller
// was told.
type withRequestID struct{ slog.Handler }

// Handle adds the id.
func (h withRequestID) Handle(ctx context.Context, r slog.Record) error {
	if id, ok := ctx.Value(requestKey{}).(string); ok {
		r.AddAttrs(slog.String("request", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the id on loggers made from this one.
func (h withRequestID) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withRequestID{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the id on loggers made from this one.
func (h withRequestID) WithGroup(name string) slog.Handler {
	return withRequestID{h.Handler.WithGroup(name)}
}

func requestID() string {
	var raw [12]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(raw[:])
}

// method keeps what a client may have invented out of the log.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}

// recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

// WriteHeader remembers the final status; 1xx statuses come before it.
func (r *recorder) WriteHeader(status int) {
	if !r.wrote && status >= 200 {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write remembers that an answer has begun.
func (r *recorder) Write(p []byte) (int, error) {
	r.wrote = true
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach flushing and deadlines.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// loopbackNames serves only requests that were made to a loopback name. A page of
// another site can have its own name resolve to 127.0.0.1 and would read the
// inbox with its visitor's browser; the Host that it sends gives it away.
func loopbackNames(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]")
		}
		if !loopbackName(host) {
			http.Error(w, "The development inbox answers at localhost and 127.0.0.1 alone.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// network names the visitor's network for limits: one IPv4 address, or the /64
// that one IPv6 subscriber has. It is the socket's peer, unless that is a trusted
// proxy: then X-Forwarded-For is read from the right, up to the first address
// that is not a trusted proxy. Nothing a client writes is believed otherwise.
func network(r *http.Request, trusted []netip.Prefix) string {
	addr := peer(r.RemoteAddr)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && isTrusted(addr, trusted); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = next.Unmap().WithZone("")
	}
	if !addr.IsValid() {
		return "unknown"
	}
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return p.String()
}

func peer(remote string) netip.Addr {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
