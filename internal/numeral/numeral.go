// Package numeral reads decimal digits of any script: full-width, Arabic-Indic,
// Devanagari and the rest that Unicode knows. People type what their keyboard
// has. It knows digits alone, not numbers.
package numeral

import "unicode"

// Digit returns the ASCII digit that r stands for. Unicode lays the ten digits of
// each script out in order, beginning at a range's start.
func Digit(r rune) (digit byte, ok bool) {
	if r >= '0' && r <= '9' {
		return byte(r), true
	}
	if r < 0x80 || !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	start := r
	for unicode.Is(unicode.Nd, start-1) {
		start--
	}
	return '0' + byte((r-start)%10), true
}
