package numeral_test

import (
	"testing"
	"unicode"

	"countersign/internal/numeral"
)

func TestDigitsOfManyScriptsAreRead(t *testing.T) {
	for _, script := range []string{"0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "০১২৩৪৫৬৭৮৯", "๐๑๒๓๔๕๖๗๘๙", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗", "𝟘𝟙𝟚𝟛𝟜𝟝𝟞𝟟𝟠𝟡"} {
		want := byte('0')
		for _, r := range script {
			if got, ok := numeral.Digit(r); !ok || got != want {
				t.Errorf("%q is %q, %v; want %q", r, got, ok, want)
			}
			want++
		}
	}
	for _, r := range "aⅣ½²①一 😀\u200f" {
		if got, ok := numeral.Digit(r); ok {
			t.Errorf("%q is the digit %q", r, got)
		}
	}
}

// Every range of decimal digits holds whole tens, which is what Digit counts on.
func TestUnicodeLaysDigitsOutInTens(t *testing.T) {
	n := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.Is(unicode.Nd, r) {
			if d, ok := numeral.Digit(r); !ok || d != '0'+byte(n%10) {
				t.Fatalf("%U is %q", r, d)
			}
			n++
		}
	}
	if n%10 != 0 || n < 600 {
		t.Errorf("%d digits", n)
	}
}
