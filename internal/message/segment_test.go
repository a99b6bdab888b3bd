package message_test

import (
	"strings"
	"testing"

	"countersign/internal/message"
)

func TestSegmentsAreCountedAsCarriersDo(t *testing.T) {
	long := func(s string, n int) string { return strings.Repeat(s, n) }
	for _, tt := range []struct {
		text, encoding string
		n              int
	}{
		{"", message.GSM7, 1},
		{long("a", 160), message.GSM7, 1},
		{long("a", 161), message.GSM7, 2},
		{long("a", 306), message.GSM7, 2},
		{long("a", 307), message.GSM7, 3},
		{long("é", 160) + "", message.GSM7, 1},
		{long("€", 80), message.GSM7, 1},
		{long("€", 81), message.GSM7, 2},
		{"a" + long("^", 80), message.GSM7, 2},
		// 153 places hold 76 characters of two, and the last place stays empty.
		{long("€", 152), message.GSM7, 2},
		{long("€", 153), message.GSM7, 3},
		{long("a", 152) + "€" + long("a", 151), message.GSM7, 2},
		{long("a", 152) + "€" + long("a", 152), message.GSM7, 3},
		{"`", message.UCS2, 1},
		{"ç", message.UCS2, 1},
		{long("ж", 70), message.UCS2, 1},
		{long("ж", 71), message.UCS2, 2},
		{long("ж", 134), message.UCS2, 2},
		{long("ж", 135), message.UCS2, 3},
		{long("a", 70) + "ж", message.UCS2, 2},
		{long("😀", 35), message.UCS2, 1},
		{long("😀", 36), message.UCS2, 2},
		{long("😀", 66), message.UCS2, 2},
		{long("😀", 67), message.UCS2, 3},
		{"\xff", message.UCS2, 1},
	} {
		if encoding, n := message.Segments(tt.text); encoding != tt.encoding || n != tt.n {
			t.Errorf("%.10q of %d bytes: %d of %s, want %d of %s", tt.text, len(tt.text), n, encoding, tt.n, tt.encoding)
		}
	}
}
