package inbox

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"countersign/internal/mailbox"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

//go:embed page.html assets
var files embed.FS

// How long a request waits for a message.
const (
	defaultWait = 30 * time.Second
	maxWait     = 60 * time.Second
	// shown is how many messages the page shows; the list has them all.
	shown = 50
)

// policy lets the page load what this host serves, and lets nothing else happen.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

// wire is a message in JSON.
type wire struct {
	ID        string `json:"id"`
	To        string `json:"to"`
	Subject   string `json:"subject,omitempty"` // of an e-mail
	Text      string `json:"text"`              // of a call: what is said
	Keys      string `json:"keys,omitempty"`    // pressed when a call is taken
	Code      string `json:"code"`
	Channel   string `json:"channel"`
	Carrier   string `json:"carrier"`
	CreatedAt string `json:"created_at"`

	MessageID string     `json:"message_id,omitempty"` // by which the core and the carriers know it
	Arrived   bool       `json:"arrived"`
	Steps     []wireStep `json:"steps,omitempty"` // in order of time
}

// wireStep is a step of a message's time line in JSON.
type wireStep struct {
	Step  string `json:"step"` // a word, by which the page can tell it
	Label string `json:"label"`
	At    string `json:"at"`
	Note  string `json:"note,omitempty"`
}

func wireOf(m message) wire {
	w := wire{
		ID: name(m.id), To: m.to.Text(), Subject: m.subject, Text: m.text, Keys: m.keys, Code: m.code, Channel: string(m.channel),
		Carrier: m.carrier, CreatedAt: instant(m.at), MessageID: m.sent, Arrived: m.arrived,
	}
	for _, s := range m.steps {
		w.Steps = append(w.Steps, wireStep{strings.ReplaceAll(string(s.what), " ", "-"), s.label(), instant(s.at), s.note})
	}
	return w
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// Handler serves the inbox below /dev/: the page at /dev/ and /dev/inbox, the
// messages that arrived at /dev/messages, the next one at /dev/messages/wait, and what
// changed of any at /dev/messages/changes.
func (b *Inbox) Handler() http.Handler {
	layout := template.Must(template.ParseFS(files, "page.html")) // built in: a test reads it
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, r *http.Request) { b.page(w, r, layout) }
	mux.HandleFunc("GET /dev/{$}", page)
	mux.HandleFunc("GET /dev/inbox", page)
	mux.HandleFunc("GET /dev/messages", b.serveList)
	mux.HandleFunc("GET /dev/messages/wait", b.serveWait)
	mux.HandleFunc("GET /dev/messages/changes", b.serveChanges)
	mux.HandleFunc("GET /dev/assets/{name}", serveAsset)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

func (b *Inbox) serveList(w http.ResponseWriter, r *http.Request) {
	to, err := address(r.URL.Query().Get("to"))
	if err != nil {
		refuse(w, err)
		return
	}
	list := []wire{}
	for _, m := range b.list(to) {
		list = append(list, wireOf(m))
	}
	answer(w, http.StatusOK, struct {
		Data []wire `json:"data"`
	}{list})
}

func (b *Inbox) serveWait(w http.ResponseWriter, r *http.Request) {
	b.patient(w, r, func(ctx context.Context, to verify.Address, after int64) (any, bool) {
		m, ok := b.wait(ctx, to, after)
		return wireOf(m), ok
	})
}

// serveChanges answers with the messages that changed, and the number of the last
// change, after which the next question begins.
func (b *Inbox) serveChanges(w http.ResponseWriter, r *http.Request) {
	b.patient(w, r, func(ctx context.Context, to verify.Address, after int64) (any, bool) {
		var out struct {
			Next string `json:"next"`
			Data []wire `json:"data"`
		}
		changed, ok := b.news(ctx, to, after)
		for _, m := range changed {
			after = max(after, m.changed)
			out.Data = append(out.Data, wireOf(m))
		}
		out.Next = name(after)
		return out, ok
	})
}

// patient reads a question that may wait for its answer, and answers it, or says after
// a while that there is none yet.
func (b *Inbox) patient(w http.ResponseWriter, r *http.Request, ask func(ctx context.Context, to verify.Address, after int64) (any, bool)) {
	query := r.URL.Query()
	to, err := address(query.Get("to"))
	if err != nil {
		refuse(w, err)
		return
	}
	after, err := position(query.Get("after"))
	if err != nil {
		refuse(w, err)
		return
	}
	patience, err := timeout(query.Get("timeout"))
	if err != nil {
		refuse(w, err)
		return
	}
	// The server's deadlines are for requests that do not wait. Of these two the
	// first ends the context of a request that outlasts it. A writer that has no
	// deadlines needs none lifted.
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Time{})
	_ = connection.SetWriteDeadline(time.Time{})
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	body, ok := ask(ctx, to, after)
	if !ok {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, http.StatusOK, body)
}

// address reads the number or mailbox asked for; empty is anyone. A + that was not escaped
// arrives as a space, and many leave it out.
func address(text string) (verify.Address, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return anyone, nil
	}
	if strings.Contains(text, "@") {
		m, err := mailbox.Parse(text)
		if err != nil {
			return anyone, fmt.Errorf("to: %s", strings.TrimPrefix(err.Error(), "mailbox: "))
		}
		return verify.Mail(m), nil
	}
	if !strings.HasPrefix(text, "+") && !strings.HasPrefix(text, "00") {
		text = "+" + text
	}
	n, err := phone.Parse(text, "")
	if err != nil {
		return anyone, fmt.Errorf("to: %s", strings.TrimPrefix(err.Error(), "phone: "))
	}
	return verify.Phone(n), nil
}

// position reads after; negative where there is none.
func position(text string) (int64, error) {
	if text == "" {
		return -1, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, errors.New("after: give the id of a message")
	}
	return n, nil
}

// timeout reads a time such as 30s, or a number of seconds.
func timeout(text string) (time.Duration, error) {
	if text == "" {
		return defaultWait, nil
	}
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return time.Duration(min(n, int(maxWait.Seconds()))) * time.Second, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, errors.New("timeout: give a time such as 30s")
	}
	return min(d, maxWait), nil
}

func refuse(w http.ResponseWriter, err error) {
	answer(w, http.StatusBadRequest, struct {
		Error string `json:"error"`
	}{err.Error()})
}

func answer(w http.ResponseWriter, status int, body any) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil { // structs of strings: cannot happen
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the client may be gone: nobody to tell
}

// mediaTypes are said here because those of mime depend on the machine.
var mediaTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	content, err := files.ReadFile("assets/" + name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mediaTypes[path.Ext(name)])
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}
