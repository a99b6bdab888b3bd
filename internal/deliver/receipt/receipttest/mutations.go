package receipttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"countersign/internal/deliver/receipt"
)

// mutation is one change of a request.
type mutation struct {
	name   string
	posted receipt.Posted
}

// regions is into how many parts a header, a body or an address is cut, one byte of each
// being changed.
const regions = 90

func (s *suite) mutations(p receipt.Posted) []mutation {
	out := bodies(p)
	if s.SignsForm {
		out = otherForms(p.Body, out)
	}
	for _, name := range s.Signed {
		out = append(out, headers(p, name)...)
	}
	if s.SignsURL {
		out = append(out, addresses(p)...)
	}
	return out
}

// bodies changes the body.
func bodies(p receipt.Posted) []mutation {
	var out []mutation
	add := func(name string, body []byte) {
		if !bytes.Equal(body, p.Body) {
			m := clone(p)
			m.Body = body
			out = append(out, mutation{"body " + name, m})
		}
	}
	for name, text := range bytewise(string(p.Body)) {
		add(name, []byte(text))
	}
	text := string(p.Body)
	add("empty", nil)
	for _, after := range []string{" ", "\n", "\x00", "}", "&", "&x=1"} {
		add(fmt.Sprintf("with %q after it", after), []byte(text+after))
		add(fmt.Sprintf("with %q before it", after), []byte(after+text))
	}
	add("twice", []byte(text+text))
	add("with a byte order mark", []byte("\ufeff"+text))
	for _, n := range []int{1, 2, len(text) / 2} {
		add("cut short", []byte(text[:len(text)-n]))
		add("cut at its beginning", []byte(text[n:]))
	}
	var value any
	if json.Unmarshal(p.Body, &value) == nil {
		indented, _ := json.MarshalIndent(value, "", "  ") // it was JSON
		add("encoded again with spaces", indented)
		add("in a list", []byte("["+text+"]"))
	}
	if pairs := strings.Split(text, "&"); strings.Contains(text, "=") && value == nil {
		for i, pair := range pairs {
			name, _, _ := strings.Cut(pair, "=")
			add("without "+name, []byte(strings.Join(append(append([]string{}, pairs[:i]...), pairs[i+1:]...), "&")))
			add("with the same "+name+" twice", []byte(text+"&"+pair))
			add("with another "+name+" before it", []byte(name+"=delivered&"+text))
			add("with another "+name+" after it", []byte(text+"&"+name+"=delivered"))
		}
	}
	return out
}

// headers changes one header.
func headers(p receipt.Posted, name string) []mutation {
	var out []mutation
	key := http.CanonicalHeaderKey(name)
	value := p.Header.Get(name)
	add := func(how string, values ...string) {
		m := clone(p)
		m.Header[key] = values
		out = append(out, mutation{name + " " + how, m})
	}
	for how, text := range bytewise(value) {
		add(how, text)
	}
	m := clone(p)
	m.Header.Del(name)
	out = append(out, mutation{name + " missing", m})
	add("empty", "")
	add("twice", value, value)
	add("after another", "AAAA", value)
	add("before another", value, "AAAA")
	add("after an empty one", "", value)
	add("twice in one", value+","+value)
	for _, extra := range []string{" ", "\t", "\r\n", "\x00", "=", "A", "0", ",", ";"} {
		add(fmt.Sprintf("with %q after it", extra), value+extra)
		add(fmt.Sprintf("with %q before it", extra), extra+value)
	}
	for _, n := range []int{1, 2, len(value) / 2, len(value) - 1} {
		add("cut short", value[:len(value)-n])
		add("cut at its beginning", value[n:])
	}
	for how, text := range map[string]string{
		"in capitals": strings.ToUpper(value), "in small letters": strings.ToLower(value), "in Base64 for URLs": strings.NewReplacer("+", "-", "/", "_").Replace(value),
		"escaped": url.QueryEscape(value), "without its padding": strings.TrimRight(value, "="), "none": "none", "null": "null", "zeros": strings.Repeat("0", len(value)),
		"all As": strings.Repeat("A", len(value)), "with a loose bit": loosened(value),
	} {
		if text != value {
			add(how, text)
		}
	}
	return out
}

// loosened sets a bit that padded Base64 has no use for.
func loosened(value string) string {
	text := strings.TrimRight(value, "=")
	if text == value || text == "" {
		return value
	}
	return text[:len(text)-1] + string(text[len(text)-1]+1) + value[len(text):]
}

// addresses changes the address.
func addresses(p receipt.Posted) []mutation {
	var out []mutation
	add := func(how, address string) {
		if address != p.URL {
			m := clone(p)
			m.URL = address
			out = append(out, mutation{"address " + how, m})
		}
	}
	for how, text := range bytewise(p.URL) {
		add(how, text)
	}
	base, query, _ := strings.Cut(p.URL, "?")
	add("without its query", base)
	add("with an empty query", base+"?")
	add("with its query twice", base+"?"+query+"&"+query)
	add("with another message before it", base+"?message=01010101-0101-7101-8101-010101010101-1&"+query)
	add("with another message after it", p.URL+"&message=01010101-0101-7101-8101-010101010101-1")
	add("with another message", base+"?message=01010101-0101-7101-8101-010101010101-1")
	add("of another carrier", base+"-other?"+query)
	add("one folder down", base+"/?"+query)
	add("on another host", strings.Replace(p.URL, "://", "://evil.", 1))
	add("on another port", strings.Replace(p.URL, "/receipts", ":8443/receipts", 1))
	add("as a fragment", p.URL+"#x")
	add("empty", "")
	return out
}

// bytewise changes one byte of each region, by one bit and by another.
func bytewise(text string) map[string]string {
	out := map[string]string{}
	step := max(len(text)/regions, 1)
	for at := 0; at < len(text); at += step {
		for _, bit := range []byte{1, 4} {
			changed := []byte(text)
			changed[at] ^= bit
			out[fmt.Sprintf("changed at byte %d by %d", at, bit)] = string(changed)
		}
	}
	return out
}

// otherForms leaves out what says the same as the body: that is no change.
func otherForms(body []byte, all []mutation) []mutation {
	want, _ := url.ParseQuery(string(body))
	var out []mutation
	for _, m := range all {
		if got, err := url.ParseQuery(string(m.posted.Body)); err != nil || !reflect.DeepEqual(got, want) {
			out = append(out, m)
		}
	}
	return out
}

// spellings writes the form in the body differently.
func spellings(p receipt.Posted) []mutation {
	pairs := strings.Split(string(p.Body), "&")
	backwards, escaped := "", ""
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		plain, _ := url.QueryUnescape(value)
		backwards = "&" + pair + backwards
		escaped += "&" + name + "="
		for _, b := range []byte(plain) {
			escaped += fmt.Sprintf("%%%02X", b)
		}
	}
	return []mutation{
		{"pairs backwards", withBody(p, backwards[1:])},
		{"every value escaped", withBody(p, escaped[1:])},
	}
}

func withBody(p receipt.Posted, text string) receipt.Posted {
	m := clone(p)
	m.Body = []byte(text)
	return m
}
