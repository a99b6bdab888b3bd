package pages

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"countersign/internal/phone"
)

// country is an entry of the list beside the field for a number. The list counts only if
// the number does not begin with +: neither of the two ever changes the other (WCAG 2.2,
// 3.2.2).
type country struct {
	Code string // ISO 3166
	Name string // in the page's language, with the calling code
}

// countries are the options of that list: those that codes go to, the likely one first and
// chosen. Where none is likely, none is chosen: a guess would text somebody abroad. There
// are none if there is no choice, since a field nobody needs is one too many.
func (at *place) countries(r *http.Request, likely string) template.HTML {
	allowed, err := at.allowed(r)
	if err != nil {
		at.p.logFault(r, err) // the form is of use without this
		return ""
	}
	if len(allowed) < 2 {
		return ""
	}
	return at.p.options.of(at.words, likely, allowed)
}

// likely is the country whose national numbers a person probably types: the operator's,
// else the one that the browser names first, if codes go there.
func (at *place) likely(r *http.Request) string {
	if at.p.Region != "" {
		return at.p.Region
	}
	guess := regionOf(r.Header.Get("Accept-Language"))
	if allowed, err := at.allowed(r); err != nil || len(allowed) < 2 || !slices.Contains(allowed, guess) {
		return "" // without a list to correct it a guess would change what was typed
	}
	return guess
}

// allowed are the countries that the place's profile sends to.
func (at *place) allowed(r *http.Request) ([]string, error) {
	open := at.channels(false)
	if len(open) == 0 {
		return nil, nil
	}
	profile, err := at.rules(r.Context(), open[0])
	if err != nil {
		return nil, err
	}
	if len(profile.Countries) > 0 {
		return profile.Countries, nil
	}
	return phone.Regions(), nil
}

// regionOf guesses a country from the first language that a browser asks for.
func regionOf(header string) string {
	first, _, _ := strings.Cut(header, ",")
	tag, err := language.Parse(strings.TrimSpace(strings.Split(first, ";")[0]))
	if err != nil {
		return ""
	}
	region, sure := tag.Region()
	if sure < language.Exact {
		return ""
	}
	return region.String()
}

// namesOf names countries in a catalogue's language, in that language's order.
func namesOf(words *catalogue, codes []string) []country {
	tag := language.Make(words.language)
	before, after := " ", ""
	if words.direction == "rtl" {
		before, after = " \u2066", "\u2069" // else the + stands behind its digits
	}
	names := display.Regions(tag)
	out := make([]country, 0, len(codes))
	for _, code := range codes {
		region, err := language.ParseRegion(code)
		if err != nil {
			continue
		}
		name := names.Name(region)
		if name == "" {
			name = display.Regions(language.English).Name(region)
		}
		out = append(out, country{Code: code, Name: name + before + phone.CallingCode(code) + after})
	}
	order := collate.New(tag)
	slices.SortFunc(out, func(a, b country) int { return order.CompareString(a.Name, b.Name) })
	return out
}

// options remembers lists of countries as they stand in a page: to make one for every
// country takes longer than the rest of the page, and there are as many as languages,
// likely countries and sets of countries that somebody has set up.
type options struct {
	mu   sync.Mutex
	made map[string]template.HTML
}

// maxOptions bounds what is remembered, some 12 KB each.
const maxOptions = 500

func (o *options) of(words *catalogue, likely string, codes []string) template.HTML {
	key := words.language + " " + likely + " " + strings.Join(codes, ",")
	o.mu.Lock()
	list, ok := o.made[key]
	o.mu.Unlock()
	if ok {
		return list
	}
	var first, rest strings.Builder
	if likely == "" {
		fmt.Fprintf(&first, "<option value=\"\" selected>%s</option>\n", template.HTMLEscapeString(words.labels["number.country"]))
	}
	for _, c := range namesOf(words, codes) {
		to, chosen := &rest, ""
		if c.Code == likely {
			to, chosen = &first, " selected"
		}
		fmt.Fprintf(to, "<option value=%q%s>%s</option>\n", c.Code, chosen, template.HTMLEscapeString(c.Name))
	}
	list = template.HTML(first.String() + rest.String()) // escaped as it was made
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.made == nil || len(o.made) >= maxOptions {
		o.made = map[string]template.HTML{}
	}
	o.made[key] = list
	return list
}
