package receipt

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign/internal/verify"
)

// Prefix is where all receipt addresses lie, below the public one.
const Prefix = "/receipts/"

// maxBody bounds a body, in bytes. Carriers' own are below 8 KiB.
const maxBody = 64 << 10

// Address is where a carrier posts its receipts: what a carrier's Config has as
// ReceiptURL, and what a Handler gives a Receiver as Posted.URL, but for the query. Base
// is the public address of the service.
func Address(base, carrier string) string {
	return strings.TrimSuffix(base, "/") + Prefix + url.PathEscape(carrier)
}

// Challenger is a Receiver whose carrier asks with GET whether the address is ours,
// before it posts anything there.
type Challenger interface {
	Receiver
	// Challenge verifies the question and returns what is to be answered, as plain text.
	// The error is ErrForged, wrapped as by Receive.
	Challenge(p Posted) ([]byte, error)
}

// Config is what a Handler works with. All of it is needed.
type Config struct {
	Receivers map[string]Receiver // by the carrier's name
	// Public returns the address of the service as outsiders see it. It comes from the
	// configuration: a header that a stranger wrote must not say what was signed.
	Public func(*http.Request) string
	// Take gives a receipt to the core. An error means that it could not be kept now; a
	// receipt of a message that nobody knows is none.
	Take func(ctx context.Context, carrier string, r verify.Receipt) error
	Now  func() time.Time
	Log  *slog.Logger
}

// Handler serves what is below Prefix. A request is looked at by its carrier's Receiver
// before anything else is: what it does not verify is answered 403, and nothing of it is
// logged. What is verified is answered 200 with nothing in it, even if it makes no
// sense, since a carrier would else post it again for hours; only if it cannot be kept
// is it asked for again, with 503.
func Handler(c Config) http.Handler { return &handler{c} }

type handler struct{ Config }

// ServeHTTP answers one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, Prefix)
	receiver := h.Receivers[name]
	if !ok || receiver == nil {
		http.NotFound(w, r)
		return
	}
	challenger, asks := receiver.(Challenger)
	switch {
	case r.Method == http.MethodPost:
		h.post(w, r, name, receiver)
	case r.Method == http.MethodGet && asks:
		h.challenge(w, r, name, challenger)
	default:
		allow := http.MethodPost
		if asks {
			allow = "GET, POST"
		}
		w.Header().Set("Allow", allow)
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (h *handler) post(w http.ResponseWriter, r *http.Request, name string, receiver Receiver) {
	p, ok := h.posted(w, r, name)
	if !ok {
		return
	}
	receipts, err := receiver.Receive(p)
	if errors.Is(err, ErrUnreadable) {
		h.Log.Warn("a receipt is from the carrier and cannot be read", "carrier", name, "cause", err)
		return // with 200
	}
	if err != nil {
		h.refuse(w, name, err)
		return
	}
	for _, one := range receipts {
		if err := h.Take(r.Context(), name, one); err != nil {
			h.Log.Error("a receipt cannot be kept now: the carrier is asked to post it again", "carrier", name, "cause", err)
			w.Header().Set("Retry-After", "5")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
	}
}

func (h *handler) challenge(w http.ResponseWriter, r *http.Request, name string, challenger Challenger) {
	p, ok := h.posted(w, r, name)
	if !ok {
		return
	}
	answer, err := challenger.Challenge(p)
	if err != nil {
		h.refuse(w, name, err)
		return
	}
	// What was asked is answered, so no browser may take it for a page.
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(answer) // if the carrier is gone, it will ask again
}

// refuse treats every error that says nothing else as a forgery.
func (h *handler) refuse(w http.ResponseWriter, name string, err error) {
	h.Log.Warn("a request to a carrier's receipt address is not the carrier's", "carrier", name, "cause", err)
	w.WriteHeader(http.StatusForbidden)
}

// posted reads a request, or answers it.
func (h *handler) posted(w http.ResponseWriter, r *http.Request, name string) (Posted, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			status = http.StatusRequestEntityTooLarge
		}
		w.WriteHeader(status)
		return Posted{}, false
	}
	address := Address(h.Public(r), name)
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		address += "?" + r.URL.RawQuery
	}
	return Posted{Method: r.Method, URL: address, Header: r.Header, Body: body, Now: h.Now()}, true
}
