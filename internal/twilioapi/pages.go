package twilioapi

import (
	"bytes"
	"html/template"
	"net/http"
	"strconv"
)

// errorsPath is where ErrorPages is to be mounted, as more_info says.
const errorsPath = "/docs/errors/"

// ErrorPages serves a page on each code that refusals have, at /docs/errors/60200, and
// an index of them at /docs/errors/. They load nothing from elsewhere.
func ErrorPages() http.Handler {
	pages := map[string][]byte{}
	for _, p := range problems() {
		pages[strconv.Itoa(p.code)] = render("page", map[string]any{"Code": p.code, "Status": p.status, "Title": p.title, "Meaning": p.meaning, "Cause": p.cause, "Remedy": p.remedy})
	}
	index := render("index", indexRows())
	none := render("none", nil)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+errorsPath+"{$}", func(w http.ResponseWriter, _ *http.Request) { writePage(w, http.StatusOK, index) })
	mux.HandleFunc("GET "+errorsPath+"{code}", func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.PathValue("code")]
		if !ok {
			writePage(w, http.StatusNotFound, none)
			return
		}
		writePage(w, http.StatusOK, page)
	})
	return mux
}

func indexRows() []map[string]any {
	var rows []map[string]any
	for _, p := range problems() {
		rows = append(rows, map[string]any{"Code": p.code, "Status": p.status, "Title": p.title})
	}
	return rows
}

func writePage(w http.ResponseWriter, status int, page []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "max-age=3600")
	w.WriteHeader(status)
	_, _ = w.Write(page) // the client may be gone: nobody to tell
}

// render fills a page in. Its data are constants of this package, so it cannot fail but
// by a mistake in it, which every test of the pages finds.
func render(name string, data any) []byte {
	var out bytes.Buffer
	if err := template.Must(template.New("").Parse(pageTemplates)).ExecuteTemplate(&out, name, data); err != nil {
		panic("twilioapi: page " + name + ": " + err.Error())
	}
	return out.Bytes()
}

const pageTemplates = `
{{define "head"}}<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.}} – Countersign</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem; }
th, td { text-align: left; padding: .25rem 1rem .25rem 0; vertical-align: top; }
</style>
</head>
<body>
{{end}}

{{define "page"}}{{template "head" (printf "%d %s" .Code .Title)}}<main>
<h1>{{.Code}}: {{.Title}}</h1>
<p>{{.Meaning}}</p>
<h2>Cause</h2>
<p>{{.Cause}}</p>
<h2>Remedy</h2>
<p>{{.Remedy}}</p>
<p>HTTP status: {{.Status}}</p>
</main>
<nav aria-label="Errors"><a href="/docs/errors/">All error codes</a></nav>
</body>
</html>
{{end}}

{{define "index"}}{{template "head" "Error codes"}}<main>
<h1>Error codes of the Twilio dialect</h1>
<table>
<thead><tr><th scope="col">Code</th><th scope="col">HTTP status</th><th scope="col">Meaning</th></tr></thead>
<tbody>
{{range .}}<tr><th scope="row"><a href="/docs/errors/{{.Code}}">{{.Code}}</a></th><td>{{.Status}}</td><td>{{.Title}}</td></tr>
{{end}}</tbody>
</table>
</main>
</body>
</html>
{{end}}

{{define "none"}}{{template "head" "No such error code"}}<main>
<h1>No such error code</h1>
<p>This server does not send this code.</p>
</main>
<nav aria-label="Errors"><a href="/docs/errors/">All error codes</a></nav>
</body>
</html>
{{end}}
`
