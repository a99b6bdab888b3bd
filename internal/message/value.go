package message

import (
	"strings"
	"unicode"
)

// Characters that names may have in a message. The core refuses longer amounts and
// payees at the door; what is cut here is what came by another way.
const (
	maxName    = 32
	maxPayment = 60
)

// name makes a name fit to stand in a message: on one line, without control
// characters or marks that turn the writing round, at most limit characters long,
// and without a link. Phones make a link of any word with a dot in it, and whoever
// can name a payee could so send the person elsewhere in our words; so a space
// follows each inner dot. An app that is called by its domain can be spelled out in
// its template, which only the operator and keys that manage profiles write.
func name(text string, limit int) string {
	return clean(text, limit, func(next rune) bool {
		return unicode.In(next, unicode.L, unicode.M, unicode.N, unicode.Cf)
	})
}

// amount is name for sums of money, where a dot between digits is part of the sum.
func amount(text string) string {
	return clean(text, maxPayment, func(next rune) bool {
		return unicode.In(next, unicode.L, unicode.M, unicode.Cf)
	})
}

// clean keeps what can be seen, and puts a space after each dot whose next
// character would make it a link.
func clean(text string, limit int, linked func(next rune) bool) string {
	runes := make([]rune, 0, limit)
	for _, r := range strings.Join(strings.Fields(text), " ") {
		if r == unicode.ReplacementChar || !unicode.IsGraphic(r) && r != zwnj && r != zwj {
			continue
		}
		if n := len(runes); n > 0 && (dot(runes[n-1]) && linked(r) || r == '/' && runes[n-1] == '/') {
			runes = append(runes, ' ')
		}
		runes = append(runes, r)
		if len(runes) >= limit {
			break
		}
	}
	return strings.TrimSpace(string(runes[:min(len(runes), limit)]))
}

// The joiners are invisible and part of how Persian and Hindi names are written.
const (
	zwnj = '\u200c'
	zwj  = '\u200d'
)

// dot says whether r is a dot of a domain name: these four are (UTS 46, 2.3).
func dot(r rune) bool { return r == '.' || r == '\u3002' || r == '\uff0e' || r == '\uff61' }
