package smpp

import (
	"regexp"
	"strings"
	"unicode/utf16"

	"countersign/internal/verify"
)

// word is what a receipt says.
type word struct {
	answered string // the name as the answer to the message had it, of a parameter
	written  string // the name that stands in the text
	state    verify.DeliveryState
	class    verify.Class

	numbers [2]string // that it is from and to, in some order
}

// isReceipt says whether the centre itself is speaking (SMPP v3.4, 5.2.12 and
// 5.3.2.12). The text does not decide it: anyone could write one like a receipt's and
// send it to our number.
func (d delivered) isReceipt() bool {
	const receipt, intermediate = 0x04, 0x20
	kind := d.class & 0x3c
	_, named := d.parameters[receiptedMessageID]
	return kind == receipt || kind == intermediate || named && kind == 0
}

// word reads a receipt; false if it says nothing of any message.
func (d delivered) word() (word, bool) {
	text := readText(d.plainText())
	w := word{written: plain(text["id"]), numbers: [2]string{d.source, d.destination}}
	if id, is := d.parameters[receiptedMessageID]; is {
		w.answered = plain(strings.TrimRight(string(id), "\x00"))
	}
	letter := stateLetters[prefix(text["stat"])]
	if state := d.parameters[messageState]; len(state) == 1 {
		if known, is := stateNumbers[state[0]]; is {
			letter = known
		}
	}
	w.state, w.class = letter.state, letter.class
	if w.state == verify.Failed {
		if class, is := gsmErrors[d.gsmError()]; is {
			w.class = class
		}
	}
	return w, w.state != "" && (w.answered != "" || w.written != "")
}

// plainText is the text of a receipt, which has ASCII alone.
func (d delivered) plainText() string {
	if d.coding != 8 {
		return string(d.text)
	}
	var units []uint16
	for i := 0; i+1 < len(d.text); i += 2 {
		units = append(units, uint16(d.text[i])<<8|uint16(d.text[i+1]))
	}
	return string(utf16.Decode(units))
}

// gsmError is the error of the network, or 0 (SMPP v3.4, 5.3.2.31: a network of type
// 3 is GSM). The err of the text is each centre's own, and nothing is made of it.
func (d delivered) gsmError() uint16 {
	if v := d.parameters[networkErrorCode]; len(v) == 3 && v[0] == 3 {
		return uint16(v[1])<<8 | uint16(v[2])
	}
	return 0
}

// gsmErrors are those of 3GPP TS 29.002, 17.6, that say whose fault it is.
var gsmErrors = map[uint16]verify.Class{
	1:  verify.BadNumber, // unknown subscriber
	6:  verify.Temporary, // absent
	11: verify.NotMobile, // the subscription has no texts
	13: verify.OptedOut,  // barred
	21: verify.NotMobile, // the facility is not supported
	27: verify.Temporary, // absent
	31: verify.Temporary, // busy
	32: verify.Temporary, // as a full handset
	33: verify.Temporary, // waiting list full
	34: verify.Temporary, // system failure
}

// outcome is a message_state as the core has it.
type outcome struct {
	state verify.DeliveryState
	class verify.Class
}

// stateNumbers are those of SMPP v3.4, 5.2.28. A message that is "accepted" was so by
// a network, in the use of centres, and one that is "unknown" may still arrive.
var stateNumbers = map[byte]outcome{
	1: {state: verify.Sent},
	2: {state: verify.Delivered},
	3: {verify.Failed, verify.Temporary}, // expired: another carrier may be quicker
	4: {verify.Failed, verify.UnknownClass},
	5: {verify.Failed, verify.UnknownClass},
	6: {state: verify.Sent},
	7: {state: verify.Sent},
	8: {verify.Failed, verify.UnknownClass},
}

// stateLetters are the words of SMPP v3.4, appendix B, by the five letters that the
// longer spellings have in common with them.
var stateLetters = map[string]outcome{
	"ENROU": stateNumbers[1], "DELIV": stateNumbers[2], "EXPIR": stateNumbers[3], "DELET": stateNumbers[4],
	"UNDEL": stateNumbers[5], "ACCEP": stateNumbers[6], "UNKNO": stateNumbers[7], "REJEC": stateNumbers[8],
	"FAILE": stateNumbers[5],
}

func prefix(state string) string { return strings.ToUpper(state[:min(len(state), 5)]) }

// key finds the fields of a receipt's text (SMPP v3.4, appendix B), and where the
// text of the message itself begins.
var key = regexp.MustCompile(`(?i)(?:^|\s)(id|stat|text):[ \t]*`)

// readText finds id and stat, in any case and order. What follows "text:" is the
// beginning of the message, which may say what it likes: it is looked at only for
// what does not stand before it, from its end.
func readText(text string) map[string]string {
	before, within := map[string]string{}, map[string]string{}
	inMessage := false
	for _, at := range key.FindAllStringSubmatchIndex(text, -1) {
		name := strings.ToLower(text[at[2]:at[3]])
		value, _, _ := strings.Cut(text[at[1]:], " ")
		value, _, _ = strings.Cut(value, "\n")
		value = strings.TrimSpace(value)
		switch {
		case name == "text":
			inMessage = true
		case inMessage:
			within[name] = value
		case before[name] == "":
			before[name] = value
		}
	}
	for name, value := range within {
		if before[name] == "" {
			before[name] = value
		}
	}
	return before
}
