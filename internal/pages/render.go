package pages

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// page is a parsed template with the layout round it.
type page = *template.Template

// view is what the layout shows; Body is what the page in it shows.
type view struct {
	Language  string
	Direction string
	App       string
	Title     string // of the page alone; show makes that of the window
	InboxURL  string
	Alerts    []sentence // to be put right, the summary at the top
	Notices   []sentence // to be known
	Body      any
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

// Text is for templates: the sentence itself.
func (s sentence) Text() string { return s.text }

// Field is for templates: the id of the field to put right.
func (s sentence) Field() string { return s.field }

// parse reads the templates: each page with a copy of the layout.
func (p *pages) parse() (map[string]page, error) {
	layout, err := template.New("layout.html").Funcs(template.FuncMap{
		"asset": p.assetURL,
		"t":     p.label,
		"bdi":   p.isolated,
	}).ParseFS(p.files, "templates/layout.html")
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

// label is for templates: {{t "number.national" "example" .Example}}.
func (p *pages) label(key string, pairs ...string) (string, error) {
	text, ok := p.words.labels[key]
	if !ok {
		return "", fmt.Errorf("no label %q", key)
	}
	return fill(text, pairs...), nil
}

// isolated is label with its first value kept apart from the direction of the
// text round it: a number reads the same in every language.
func (p *pages) isolated(key, name, value string, pairs ...string) (template.HTML, error) {
	text, err := p.label(key, pairs...)
	if err != nil {
		return "", err
	}
	number := `<bdi dir="ltr">` + template.HTMLEscapeString(value) + `</bdi>`
	text = fill(template.HTMLEscapeString(text), name, number)
	return template.HTML(text), nil // every part was escaped above
}

// fill puts values into the {names} of a text.
func fill(text string, pairs ...string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+pairs[i]+"}", pairs[i+1])
	}
	return text
}

// say puts a flash into the view.
func (p *pages) say(v *view, f *flash, pairs ...string) {
	if f == nil {
		return
	}
	s := p.words.sentence(f.Say)
	s.text = fill(s.text, append(pairs,
		"in", p.words.in(time.Duration(f.Wait)*time.Second),
		"guesses", p.words.count(f.Count, guesses),
		"typed", fmt.Sprint(f.Count),
	)...)
	if s.tone == toneNotice {
		v.Notices = append(v.Notices, s)
		return
	}
	v.Alerts = append(v.Alerts, s)
}

// show writes a page. It is made as a whole first, so that none goes out by half.
func (p *pages) show(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	templates := p.templates
	if templates == nil {
		var err error
		if templates, err = p.parse(); err != nil {
			p.bare(w, r, err)
			return
		}
	}
	v.Language, v.Direction, v.InboxURL = p.words.language, p.words.direction, p.InboxURL
	v.App = p.Profile.AppName
	v.Title = fill(p.words.labels["title"], "title", v.Title, "app", v.AppOrUs())
	if len(v.Alerts) > 0 {
		v.Title = fill(p.words.labels["error"], "title", v.Title)
	}
	var out bytes.Buffer
	if err := templates[name].ExecuteTemplate(&out, "layout.html", v); err != nil {
		p.bare(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the visitor may be gone: nobody to tell
}

// AppOrUs names whom the code is for.
func (v view) AppOrUs() string {
	if v.App == "" {
		return "Countersign"
	}
	return v.App
}

// bare answers where a template is broken, which happens only while one is edited.
func (p *pages) bare(w http.ResponseWriter, r *http.Request, err error) {
	p.logFault(r, err)
	http.Error(w, p.words.problems[http.StatusInternalServerError].text, http.StatusInternalServerError)
}

// problem returns the page of an answer that is no page of the flow.
func (p *pages) problem(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		words := p.words.problems[status]
		p.show(w, r, status, "problem.html", view{
			Title: words.title, Body: struct{ Title, Text string }{words.title, words.text},
		})
	})
}

// fault answers where something of ours failed while a page was made.
func (p *pages) fault(w http.ResponseWriter, r *http.Request, err error) {
	p.logFault(r, err)
	p.problem(http.StatusInternalServerError).ServeHTTP(w, r)
}
