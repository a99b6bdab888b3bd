package pages

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
)

// maxBody is far more than a form of ours has.
const maxBody = 16 << 10

// form reads the fields of a POST. Where it is not one of our forms, the person
// has been answered with a page and ok is false.
func (at *place) form(w http.ResponseWriter, r *http.Request) (fields url.Values, ok bool) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		at.problem(w, r, http.StatusUnsupportedMediaType)
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		at.problem(w, r, http.StatusRequestEntityTooLarge)
		return nil, false
	}
	if err != nil {
		at.problem(w, r, http.StatusBadRequest)
		return nil, false
	}
	fields, err = url.ParseQuery(string(body))
	if err != nil || ambiguous(fields) {
		at.problem(w, r, http.StatusBadRequest)
		return nil, false
	}
	return fields, true
}

// synonyms are fields of the same meaning: ours and the tutorial's.
var synonyms = [][]string{{"phone", "phone_number"}, {"code", "token"}}

// ambiguous says whether a field is there twice, under one name or two. To take
// the first would let two readers of one request see two things.
func ambiguous(fields url.Values) bool {
	for _, values := range fields {
		if len(values) > 1 {
			return true
		}
	}
	return slices.ContainsFunc(synonyms, func(names []string) bool {
		return fields.Has(names[0]) && fields.Has(names[1])
	})
}

// either returns the field of the first name that is there.
func either(fields url.Values, names ...string) string {
	for _, name := range names {
		if fields.Has(name) {
			return fields.Get(name)
		}
	}
	return ""
}
