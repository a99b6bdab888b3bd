package message

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// Encode writes a text as Segments counts it, for carriers that take it encoded: a
// part for each message that is paid for, with room left in each of several for the
// header that joins them. GSM-7 is one place a byte, not packed (3GPP TS 23.038,
// 6.2.1), UCS-2 is big-endian. An empty text is one empty part.
func Encode(text string) (encoding string, parts [][]byte) {
	characters := make([][]byte, 0, len(text))
	for _, r := range text {
		places := septets(r)
		if places == nil {
			return UCS2, gather(units(text), 140, 134)
		}
		characters = append(characters, places)
	}
	return GSM7, gather(characters, 160, 153)
}

// The escape takes a place of the basic alphabet, which gsmBasic leaves out.
const escape = 0x1b

// extended are the places of gsmExtended, each after an escape.
var extended = [...]byte{0x0a, 0x14, 0x28, 0x29, 0x2f, 0x3c, 0x3d, 0x3e, 0x40, 0x65}

// septets is a character in GSM-7, or nil if it is not in it.
func septets(r rune) []byte {
	if at := strings.IndexRune(gsmBasic, r); at >= 0 {
		place := byte(len([]rune(gsmBasic[:at])))
		if place >= escape {
			place++
		}
		return []byte{place}
	}
	if at := strings.IndexRune(gsmExtended, r); at >= 0 {
		return []byte{escape, extended[at]} // only the last is no single byte of UTF-8
	}
	return nil
}

// units are the characters of a text in UTF-16.
func units(text string) [][]byte {
	var out [][]byte
	for _, r := range text {
		var character []byte
		for _, u := range utf16.AppendRune(nil, r) {
			character = binary.BigEndian.AppendUint16(character, u)
		}
		out = append(out, character)
	}
	return out
}

// gather puts characters into one part of at most alone bytes, or else into several
// of at most each, and splits none.
func gather(characters [][]byte, alone, each int) [][]byte {
	parts := [][]byte{{}}
	total := 0
	for _, c := range characters {
		total += len(c)
		if last := len(parts) - 1; len(parts[last])+len(c) <= each {
			parts[last] = append(parts[last], c...)
		} else {
			parts = append(parts, append([]byte{}, c...))
		}
	}
	if total > alone || len(parts) == 1 {
		return parts
	}
	var whole []byte
	for _, p := range parts {
		whole = append(whole, p...)
	}
	return [][]byte{whole}
}
