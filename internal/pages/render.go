package pages

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// page is a parsed template with the layout round it.
type page = *template.Template

// view is what the layout shows; Body is what the page in it shows.
type view struct {
	at      *place
	Title   string     // of the page alone; show makes that of the window
	Alerts  []sentence // to be put right, the summary at the top
	Notices []sentence // to be known
	Body    any
}

// Problem returns what is to be put right in a field, "" if nothing is.
func (v view) Problem(field string) string {
	for _, s := range v.Alerts {
		if s.field == field {
			return s.text
		}
	}
	return ""
}

// What the templates ask of the place.

// Language is the page's, as in <html lang>.
func (v view) Language() string { return v.at.words.language }

// Direction is that of the page's text: ltr or rtl.
func (v view) Direction() string { return v.at.words.direction }

// InboxURL is where messages can be read in development.
func (v view) InboxURL() string { return v.at.p.InboxURL }

// Path is a page's address in this place.
func (v view) Path(page string) string { return v.at.path(page) }

// Popup says whether the page is in a window that the application opened. Origin, Session
// and State are what its script tells that window.
func (v view) Popup() bool { return v.at.session != nil && v.at.session.Details.Popup }

// Origin is the application's.
func (v view) Origin() string { return v.at.origin() }

// Session is the session's id, as the application knows it.
func (v view) Session() string { return v.at.session.ID.String() }

// State is what the session hands back.
func (v view) State() string { return v.at.session.Details.State }

// Styled says whether the operator has a colour.
func (v view) Styled() bool { return v.at.p.Style != "" }

// Pictured says whether the operator has a logo.
func (v view) Pictured() bool { return v.at.p.Logo != nil }

// Asset is an asset's address.
func (v view) Asset(name string) string { return v.at.p.assetURL(name) }

// App names whom the code is for.
func (v view) App() string { return v.at.appOrUs() }

// T is a label with values in the place of its {names}: {{$.T "step" "n" "2"}}.
func (v view) T(key string, pairs ...string) (string, error) {
	return v.at.words.label(key, append(pairs, "app", v.App())...)
}

// B is T with an address in it, {ending}, {to} or {example}, kept apart from the direction
// of the text round it: a number reads the same in every language.
func (v view) B(key, value string, pairs ...string) (template.HTML, error) {
	text, err := v.at.words.label(key, append(pairs, "app", v.App())...)
	if err != nil {
		return "", err
	}
	number := `<bdi dir="ltr">` + template.HTMLEscapeString(value) + `</bdi>`
	text = fill(template.HTMLEscapeString(text), "ending", number, "to", number, "example", number)
	return template.HTML(text), nil // every part was escaped above
}

// Text is for templates: the sentence itself.
func (s sentence) Text() string { return s.text }

// Field is for templates: the id of the field to put right.
func (s sentence) Field() string { return s.field }

// parse reads the templates: each page with a copy of the layout.
func (p *pages) parse() (map[string]page, error) {
	layout, err := template.ParseFS(p.files, "templates/layout.html")
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	names, err := fs.Glob(p.files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	out := map[string]page{}
	for _, name := range names {
		if path.Base(name) == layout.Name() {
			continue
		}
		copied, err := layout.Clone()
		if err != nil {
			return nil, fmt.Errorf("pages: %w", err)
		}
		if out[path.Base(name)], err = copied.ParseFS(p.files, name); err != nil {
			return nil, fmt.Errorf("pages: %w", err)
		}
	}
	return out, nil
}

// label is a label with its values. The error is ours.
func (c *catalogue) label(key string, pairs ...string) (string, error) {
	text, ok := c.labels[key]
	if !ok {
		return "", fmt.Errorf("no label %q", key)
	}
	return fill(text, pairs...), nil
}

// fill puts values into the {names} of a text.
func fill(text string, pairs ...string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+pairs[i]+"}", pairs[i+1])
	}
	return text
}

// say puts a flash into the view.
func (v *view) say(f *flash, pairs ...string) {
	if f == nil {
		return
	}
	words := v.at.words
	s := words.sentence(f.Say)
	s.text = fill(s.text, append(pairs,
		"in", words.in(time.Duration(f.Wait)*time.Second),
		"guesses", words.count(f.Count, guesses),
		"typed", fmt.Sprint(f.Count),
		"app", v.App(),
	)...)
	if s.tone == toneNotice {
		v.Notices = append(v.Notices, s)
		return
	}
	v.Alerts = append(v.Alerts, s)
}

// show writes a page. It is made as a whole first, so that none goes out by half.
func (at *place) show(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	templates := at.p.templates
	if templates == nil {
		var err error
		if templates, err = at.p.parse(); err != nil {
			at.bare(w, r, err)
			return
		}
	}
	v.at = at
	v.Title = fill(at.words.labels["title"], "title", v.Title, "app", at.appOrUs())
	if len(v.Alerts) > 0 {
		v.Title = fill(at.words.labels["error"], "title", v.Title)
	}
	var out bytes.Buffer
	if err := templates[name].ExecuteTemplate(&out, "layout.html", v); err != nil {
		at.bare(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", at.words.language)
	w.Header().Set("Content-Length", strconv.Itoa(out.Len())) // else what is longer than 2 KB goes in chunks
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the visitor may be gone: nobody to tell
}

// appOrUs names whom the code is for.
func (at *place) appOrUs() string {
	if at.app == "" {
		return "Countersign"
	}
	return at.app
}

// bare answers where a template is broken, which happens only while one is edited.
func (at *place) bare(w http.ResponseWriter, r *http.Request, err error) {
	at.p.logFault(r, err)
	http.Error(w, at.words.problems[http.StatusInternalServerError].Text, http.StatusInternalServerError)
}

// problem shows the page of an answer that is no page of the flow.
func (at *place) problem(w http.ResponseWriter, r *http.Request, status int) {
	words := at.words.problems[status]
	at.show(w, r, status, "problem.html", view{
		Title: words.Title, Body: words,
	})
}

// fault answers where something of ours failed while a page was made.
func (at *place) fault(w http.ResponseWriter, r *http.Request, err error) {
	at.p.logFault(r, err)
	at.problem(w, r, http.StatusInternalServerError)
}
