package inbox

import (
	"bytes"
	"html/template"
	"net/http"
	"slices"
	"strings"
)

// view is what the page shows.
type view struct {
	To       string // as it was asked for
	Error    string
	Last     string // the change after which news begin
	Messages []bubble
}

// bubble is one message with its text taken apart round the code.
type bubble struct {
	wire
	Marked, Before, After string // Marked is empty where the text has the code in another form
}

// page is GET /dev/ and /dev/inbox.
func (b *Inbox) page(w http.ResponseWriter, r *http.Request, layout *template.Template) {
	status, v := http.StatusOK, view{To: strings.TrimSpace(r.URL.Query().Get("to")), Last: "0"}
	to, err := address(v.To)
	if err != nil {
		status, v.Error = http.StatusBadRequest, err.Error()
	} else {
		v.fill(b.since(to, 0))
	}
	if !to.IsZero() {
		v.To = to.Text()
	}
	var out bytes.Buffer
	if err := layout.Execute(&out, v); err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the visitor may be gone: nobody to tell
}

// fill takes the newest messages, the newest first.
func (v *view) fill(messages []message) {
	last := int64(0)
	for _, m := range messages {
		last = max(last, m.changed)
	}
	v.Last = name(last)
	messages = messages[max(0, len(messages)-shown):]
	for _, m := range slices.Backward(messages) {
		one := bubble{wire: wireOf(m), Before: m.text}
		if before, after, ok := strings.Cut(m.text, m.code); ok && m.code != "" {
			one.Marked, one.Before, one.After = m.code, before, after
		}
		v.Messages = append(v.Messages, one)
	}
}
