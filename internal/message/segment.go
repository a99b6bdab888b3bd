package message

import (
	"strings"
	"unicode/utf16"
)

// The ways in which a text message is written, as Segments names them.
const (
	GSM7 = "GSM-7"
	UCS2 = "UCS-2"
)

// The alphabet of 3GPP TS 23.038, 6.2.1, and its extension, of which each character
// takes two places.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "\f^{}\\[~]|€"
)

// Segments says how a carrier writes a text, GSM7 or UCS2, and as how many messages
// it is paid for: 160 places of GSM-7 or 70 of UCS-2 fit into one, and 153 or 67
// into each of several (3GPP TS 23.040, 9.2.3.24.1). A character of two places is
// not split. An empty text is one message.
func Segments(text string) (encoding string, n int) {
	sizes := make([]int, 0, len(text))
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			sizes = append(sizes, 1)
		case strings.ContainsRune(gsmExtended, r):
			sizes = append(sizes, 2)
		default:
			return UCS2, pack(wide(text), 70, 67)
		}
	}
	return GSM7, pack(sizes, 160, 153)
}

// wide is how many UTF-16 units each character takes.
func wide(text string) []int {
	sizes := make([]int, 0, len(text))
	for _, r := range text {
		sizes = append(sizes, utf16.RuneLen(r))
	}
	return sizes
}

// pack counts the messages that characters of these sizes fill.
func pack(sizes []int, alone, each int) int {
	total, used, n := 0, 0, 1
	for _, size := range sizes {
		total += size
		if used += size; used > each {
			n, used = n+1, size
		}
	}
	if total <= alone {
		return 1
	}
	return n
}
