package pages

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// maxAccept bounds how much of an Accept-Language header is looked at, in bytes: a person
// reads a handful of languages.
const maxAccept = 512

// wordsFor are the words of a request: in the language that is wanted, if there is one,
// else in the one that the browser would rather have, else in English.
func wordsFor(r *http.Request, wanted string) *catalogue {
	if tag, err := language.Parse(wanted); err == nil {
		if c := matched(tag); c != nil && sameLanguage(c.tag, tag) {
			return c
		}
	}
	header := strings.Join(r.Header.Values("Accept-Language"), ",")
	if len(header) > maxAccept {
		header = header[:maxAccept]
		header = header[:max(0, strings.LastIndexByte(header, ','))]
	}
	if c := matched(accepted(header)...); c != nil {
		return c
	}
	return english()
}

// accepted are the languages of an Accept-Language header, the dearest first. What cannot
// be read is passed over, so that one unknown language does not hide the others.
func accepted(header string) []language.Tag {
	type entry struct {
		tag     language.Tag
		quality float32
	}
	var all []entry
	for part := range strings.SplitSeq(header, ",") {
		tags, q, err := language.ParseAcceptLanguage(part)
		if err == nil && len(tags) == 1 && q[0] > 0 {
			all = append(all, entry{tags[0], q[0]})
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return cmp.Compare(b.quality, a.quality) })
	out := make([]language.Tag, len(all))
	for i, e := range all {
		out[i] = e.tag
	}
	return out
}

// matched finds the words for languages, the dearest first; nil if there are none for any
// of them. Languages that nearly everybody who asks for them reads as well, as CLDR has
// it, will do: Danish for Greenlandic.
func matched(tags ...language.Tag) *catalogue {
	if len(tags) == 0 {
		return nil
	}
	all := matching()
	_, i, sure := all.matcher.Match(tags...)
	if sure == language.No {
		return nil
	}
	return all.words[i]
}

func sameLanguage(a, b language.Tag) bool {
	one, _ := language.All.Canonicalize(a)
	two, _ := language.All.Canonicalize(b)
	x, _ := one.Base()
	y, _ := two.Base()
	return x == y
}

// matching are all catalogues beside what chooses among them. English comes first: it is
// what a matcher answers with where nothing fits.
var matching = sync.OnceValue(func() (out struct {
	matcher language.Matcher
	words   []*catalogue
},
) {
	var tags []language.Tag
	for _, name := range slices.Sorted(maps.Keys(catalogues())) {
		c := catalogues()[name]
		if name == "en" {
			tags, out.words = slices.Insert(tags, 0, c.tag), slices.Insert(out.words, 0, c)
			continue
		}
		tags, out.words = append(tags, c.tag), append(out.words, c)
	}
	out.matcher = language.NewMatcher(tags)
	return out
})
