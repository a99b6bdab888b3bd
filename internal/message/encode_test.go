package message_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"countersign/internal/message"
)

// basic is the table of 3GPP TS 23.038, 6.2.1, once more and with the escape in its
// place, and shifted that of 6.2.1.1.
const basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

var shifted = map[byte]rune{
	0x0a: '\f', 0x14: '^', 0x28: '{', 0x29: '}', 0x2f: '\\', 0x3c: '[', 0x3d: '~', 0x3e: ']', 0x40: '|', 0x65: '€',
}

// read is what a handset shows of the parts.
func read(t testing.TB, encoding string, parts [][]byte) string {
	t.Helper()
	all := bytes.Join(parts, nil)
	if encoding == message.UCS2 {
		var units []uint16
		for i := 0; i+1 < len(all); i += 2 {
			units = append(units, uint16(all[i])<<8|uint16(all[i+1]))
		}
		return string(utf16.Decode(units))
	}
	var b strings.Builder
	for i := 0; i < len(all); i++ {
		switch {
		case all[i] > 0x7f:
			t.Fatalf("%#x is no septet", all[i])
		case all[i] == 0x1b:
			i++
			b.WriteRune(shifted[all[i]])
		default:
			b.WriteRune([]rune(basic)[all[i]])
		}
	}
	return b.String()
}

func TestEveryCharacterOfTheAlphabetHasItsPlace(t *testing.T) {
	all := strings.ReplaceAll(basic, "\x1b", "")
	for _, r := range shifted {
		all += string(r)
	}
	for _, r := range all {
		encoding, parts := message.Encode(string(r))
		if got := read(t, encoding, parts); encoding != message.GSM7 || got != string(r) {
			t.Errorf("%q: %q in %s", r, got, encoding)
		}
	}
	encoding, parts := message.Encode("@ ж €")
	if got := read(t, encoding, parts); encoding != message.UCS2 || got != "@ ж €" {
		t.Errorf("%q in %s", got, encoding)
	}
}

func FuzzATextIsEncodedAsItIsCounted(f *testing.F) {
	for _, seed := range []string{
		"", "Your code is 4711.", strings.Repeat("a", 161), strings.Repeat("€", 81), strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152),
		strings.Repeat("ж", 71), strings.Repeat("😀", 67), "\xff", "a\x1bb",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		wantEncoding, n := message.Segments(text)
		encoding, parts := message.Encode(text)
		if encoding != wantEncoding || len(parts) != n {
			t.Fatalf("%d of %s, counted as %d of %s", len(parts), encoding, n, wantEncoding)
		}
		most := map[string]int{message.GSM7: 153, message.UCS2: 134}[encoding]
		if n > 1 && slices.ContainsFunc(parts, func(p []byte) bool { return len(p) > most }) {
			t.Error("a part leaves no room for its header")
		}
		if got, want := read(t, encoding, parts), strings.ToValidUTF8(text, "\ufffd"); got != want && len(want) == len(text) {
			t.Errorf("%q is read as %q", want, got)
		}
	})
}
