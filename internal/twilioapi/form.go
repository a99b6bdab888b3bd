package twilioapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"countersign/internal/verify"
)

// maxBody bounds a request's body in bytes: a request holds a number and a code.
const maxBody = 64 << 10

// readBody reads the whole body, so that nothing is decided on half a request.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, &apiError{code: codeInvalid, status: http.StatusRequestEntityTooLarge, message: "The body must not be larger than 64 KiB."}
	}
	if err != nil {
		return nil, refuse(codeInvalid, "The body could not be read to its end.")
	}
	return body, nil
}

// readForm reads the body of a POST, and the query of anything else.
func readForm(r *http.Request, body []byte) (*form, error) {
	if r.Method != http.MethodPost {
		return parseForm(r.URL.RawQuery)
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	wrong := err != nil || kind != "application/x-www-form-urlencoded" || charset != "" && !strings.EqualFold(charset, "utf-8")
	if wrong && len(body) > 0 {
		return nil, &apiError{
			code: codeInvalid, status: http.StatusUnsupportedMediaType,
			message: "The body must be a form in UTF-8, sent as «Content-Type: application/x-www-form-urlencoded».",
		}
	}
	return parseForm(string(body))
}

// form holds parameters. Its methods read one each, and the first that finds something
// wrong says so in err; what they return after that means nothing. Parameters that
// nobody reads are passed over, as SDKs add them at will, and so are known ones in
// another case: Twilio tells them apart.
type form struct {
	values map[string][]string
	err    error
}

// parseForm reads name=value&name=value. Escapes that are none, text that is not UTF-8
// and control characters, which neither a number nor a message's words hold, are
// refused wherever they stand.
func parseForm(text string) (*form, error) {
	f := &form{values: map[string][]string{}}
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		left, right, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(left)
		value, err2 := url.QueryUnescape(right)
		switch {
		case err1 != nil || err2 != nil:
			return nil, refuse(codeInvalid, "The form holds a % that two hexadecimal digits do not follow. Encode % as %25.")
		case !utf8.ValidString(name) || !utf8.ValidString(value):
			return nil, refuse(codeInvalid, "The form is not UTF-8.")
		case strings.ContainsFunc(name, unicode.IsControl) || strings.ContainsFunc(value, unicode.IsControl):
			return nil, refuse(codeInvalid, "The form holds a control character, such as a line break.")
		}
		f.values[name] = append(f.values[name], value)
	}
	return f, nil
}

// fail keeps the first thing that was wrong.
func (f *form) fail(name, format string, args ...any) {
	if f.err == nil {
		f.err = invalid(name, fmt.Sprintf(format, args...))
	}
}

// given says whether a parameter is there at all, empty or not.
func (f *form) given(name string) bool { return len(f.values[name]) > 0 }

// text is a parameter's value; empty if it is not given.
func (f *form) text(name string) string {
	switch v := f.values[name]; len(v) {
	case 0:
		return ""
	case 1:
		return v[0]
	default:
		f.fail(name, "it is given %d times and may be given once", len(v))
		return ""
	}
}

// need is the value of a parameter that must not be empty.
func (f *form) need(name string) string {
	v := f.text(name)
	if v == "" {
		f.fail(name, "it is required")
	}
	return v
}

// bounded is a value of at most so many characters.
func (f *form) bounded(name string, most int) string {
	v := f.text(name)
	if utf8.RuneCountInString(v) > most {
		f.fail(name, "it must have at most %d characters", most)
	}
	return v
}

// many are the values of a parameter that may be given several times.
func (f *form) many(name string) []string { return f.values[name] }

// flag is true or false; now if it is not given.
func (f *form) flag(name string, now bool) bool {
	switch v := strings.ToLower(f.text(name)); {
	case v == "" && !f.given(name), f.err != nil:
		return now
	case v == "true" || v == "false":
		return v == "true"
	default:
		f.fail(name, "it must be true or false")
		return now
	}
}

// whole is a number from lo to hi; now if it is not given.
func (f *form) whole(name string, lo, hi, now int) int {
	if !f.given(name) {
		return now
	}
	n, err := strconv.Atoi(f.text(name))
	if err != nil || n < lo || n > hi {
		f.fail(name, "it must be a whole number from %d to %d", lo, hi)
		return now
	}
	return n
}

// choice is one of a few words, empty if it is not given.
func (f *form) choice(name string, words ...string) string {
	v := f.text(name)
	if v != "" && !slices.Contains(words, v) {
		f.fail(name, "it must be one of %s", strings.Join(words, ", "))
		return ""
	}
	return v
}

// sid is the id of a sid; zero if it is not given or empty.
func (f *form) sid(name, kind string) verify.ID {
	v := f.text(name)
	if v == "" {
		return verify.ID{}
	}
	id, ok := idOf(kind, v)
	if !ok {
		f.fail(name, "it must be %s and 32 hexadecimal digits", kind)
	}
	return id
}

// instant is a time in ISO 8601; zero if it is not given.
func (f *form) instant(name string) time.Time {
	v := f.text(name)
	if v == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		f.fail(name, "it must be a time such as 2026-03-01T12:00:00Z")
	}
	return t
}

// object is a JSON object of texts, numbers and truth values, each as text; nil if it
// is not given.
func (f *form) object(name string) map[string]string {
	v := f.text(name)
	if v == "" {
		return nil
	}
	var raw map[string]jsontext.Value
	if err := json.Unmarshal([]byte(v), &raw); err != nil || raw == nil {
		f.fail(name, `it must be a JSON object such as {"name":"value"}, with each name once`)
		return nil
	}
	out := make(map[string]string, len(raw))
	for k, value := range raw {
		text := value.String()
		switch value.Kind() {
		case '"':
			if json.Unmarshal(value, &text) != nil || strings.ContainsRune(text, 0) {
				f.fail(name, "it holds a text that is none")
				return nil
			}
		case '0', 't', 'f':
		default:
			f.fail(name, "each value must be a text")
			return nil
		}
		out[k] = text
	}
	return out
}
