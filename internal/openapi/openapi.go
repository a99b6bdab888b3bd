// Package openapi is the description of everything this server serves to applications:
// an OpenAPI 3.1 document, served as it is, and a page for people that is made from it.
//
// The document is written by hand, in openapi.yaml. The package does not look at what
// the server answers: the tests of the SDKs, in e2e, hold each answer against it.
package openapi

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed openapi.yaml
var text []byte

//go:embed page.html
var layout string

// policy lets the page style itself and do nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page.css
var style []byte

// Document returns the document, YAML.
func Document() []byte { return bytes.Clone(text) }

// Handler serves the document at /openapi.yaml, and the page at /docs. The error is
// about the document, which is built in: a test reads it.
func Handler() (http.Handler, error) {
	page, err := render()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for path, file := range map[string]struct {
		kind string
		body []byte
	}{
		"/openapi.yaml":  {"application/yaml", text},
		"/docs":          {"text/html; charset=utf-8", page},
		"/docs/{$}":      {"text/html; charset=utf-8", page},
		"/docs/page.css": {"text/css; charset=utf-8", style},
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Content-Type", file.kind)
			h.Set("Content-Security-Policy", policy)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Cache-Control", "no-cache")
			_, _ = w.Write(file.body) // the reader may be gone: nobody to tell
		})
	}
	return mux, nil
}

// The parts of the document that the page shows.
type (
	document struct {
		Info struct {
			Title, Version, Summary, Description string
		}
		Tags       []tag
		Paths      map[string]map[string]operation
		Components struct {
			Schemas    map[string]schema
			Parameters map[string]parameter
		}
	}
	tag       struct{ Name, Description string }
	operation struct {
		OperationID string `yaml:"operationId"`
		Tags        []string
		Summary     string
		Description string
		Parameters  []parameter
		RequestBody struct {
			Content map[string]content
		} `yaml:"requestBody"`
		Responses map[string]struct {
			Content map[string]content
		}
	}
	content   struct{ Schema schema }
	parameter struct {
		Ref         string `yaml:"$ref"`
		Name, In    string
		Required    bool
		Description string
		Schema      schema
	}
	schema struct {
		Ref         string `yaml:"$ref"`
		Type        any
		Format      string
		Description string
		Enum        []string
		Required    []string
		Properties  map[string]schema
		Items       *schema
	}
)

// What the template is given.
type (
	section struct {
		tag
		Routes []route
	}
	route struct {
		Method, Path, ID, Summary, Description, Kind, Body, Answer string
		Fields                                                     []field
	}
	shape struct {
		Name, Description string
		Fields            []field
	}
	field struct {
		Name, In, Type, Ref, Description string
		Required                         bool
	}
)

func render() ([]byte, error) {
	var d document
	if err := yaml.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("openapi: the document cannot be read: %w", err)
	}
	page, err := template.New("page").Parse(layout)
	if err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	var out bytes.Buffer
	err = page.Execute(&out, map[string]any{"Info": d.Info, "Sections": d.sections(), "Shapes": d.shapes()})
	return out.Bytes(), err
}

// methods are in the order in which they are read.
var methods = []string{"post", "get", "patch", "delete"}

func (d document) sections() []section {
	out := make([]section, len(d.Tags))
	for i, t := range d.Tags {
		out[i].tag = t
		for path, operations := range d.Paths {
			for method, o := range operations {
				if slices.Contains(o.Tags, t.Name) {
					out[i].Routes = append(out[i].Routes, d.route(o, method, path))
				}
			}
		}
		slices.SortFunc(out[i].Routes, func(a, b route) int {
			place := func(r route) int { return slices.Index(methods, strings.ToLower(r.Method)) }
			return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(place(a), place(b)))
		})
	}
	return out
}

func (d document) route(o operation, method, path string) route {
	r := route{Method: strings.ToUpper(method), Path: path, ID: o.OperationID, Summary: o.Summary, Description: o.Description}
	for _, p := range o.Parameters {
		if p.Ref != "" { // the page says of it at its top what it does
			p = d.Components.Parameters[base(p.Ref)]
			p.Description = "See above."
		}
		r.Fields = append(r.Fields, field{p.Name, p.In, p.Schema.kind(), "", p.Description, p.Required})
	}
	for kind, c := range o.RequestBody.Content {
		r.Kind, r.Body = kind, base(c.Schema.Ref)
		r.Fields = append(r.Fields, c.Schema.fields("form")...)
	}
	for _, answer := range o.Responses {
		for _, c := range answer.Content {
			r.Answer = base(c.Schema.Ref)
		}
	}
	return r
}

func (d document) shapes() []shape {
	var out []shape
	for name, s := range d.Components.Schemas {
		out = append(out, shape{name, s.Description, s.fields("")})
	}
	slices.SortFunc(out, func(a, b shape) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// fields are the properties, those that must be there first.
func (s schema) fields(in string) []field {
	var out []field
	for name, p := range s.Properties {
		ref := p.Ref
		if p.Items != nil {
			ref = p.Items.Ref
		}
		out = append(out, field{name, in, p.kind(), base(ref), p.Description, slices.Contains(s.Required, name)})
	}
	slices.SortFunc(out, func(a, b field) int {
		if a.Required != b.Required {
			if a.Required {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return out
}

// kind says the type in words.
func (s schema) kind() string {
	if s.Ref != "" {
		return base(s.Ref)
	}
	if len(s.Enum) > 0 {
		return strings.Join(s.Enum, " | ")
	}
	text := fmt.Sprint(s.Type)
	if list, ok := s.Type.([]any); ok { // a type, or null
		text = fmt.Sprintf("%v or null", list[0])
	}
	if s.Items != nil {
		text = strings.Replace(text, "array", "list of "+s.Items.kind(), 1)
	}
	if s.Format != "" {
		text += " (" + s.Format + ")"
	}
	return text
}

// base is the last part of a reference.
func base(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }
