package app_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/google/uuid"

	"countersign/internal/code"
	"countersign/internal/secret"
)

// thief has a stolen database and everything that is public. What he is to find
// he has only as one of his guesses.
type thief struct {
	loot    *loot
	rows    []victimRow
	knows   thiefKnows
	windows map[uint64]bool // every eight bytes in a row of any value
	found   []string
}

// thiefKnows is what there is to know besides rows. The key and the API keys are
// for a look whether they are in the loot, and for nothing else.
type thiefKnows struct {
	Profile, Key string
	APIKeys      []string
	Guesses      int
}

func newThief(l *loot, rows []victimRow, knows thiefKnows) *thief {
	t := &thief{loot: l, rows: rows, knows: knows, windows: map[uint64]bool{}}
	for _, values := range l.columns {
		for _, v := range values {
			for _, text := range readings(v) {
				for i := 0; i+8 <= len(text); i++ {
					t.windows[binary.BigEndian.Uint64(text[i:])] = true
				}
			}
		}
	}
	return t
}

// readings are the bytes that a value may stand for: itself, what it is the
// hexadecimal or base64 form of, and the texts in it if it is JSON.
func readings(v any) [][]byte {
	var text []byte
	switch v := v.(type) {
	case []byte:
		text = v
	case string:
		text = []byte(v)
	default:
		return nil
	}
	out := [][]byte{text}
	var record map[string]any
	if json.Unmarshal(text, &record) == nil {
		for _, field := range record {
			out = append(out, readings(field)...)
		}
	}
	if raw, err := hex.DecodeString(string(text)); err == nil {
		out = append(out, raw)
	}
	if raw, err := base64.StdEncoding.DecodeString(string(text)); err == nil {
		out = append(out, raw)
	}
	return out
}

// everything tries all that the source code and experience suggest.
func (t *thief) everything() []string {
	t.lookForKeys()
	t.lookForPlain()
	t.lookForRepetition()
	t.hashNumbers()
	t.hashCodes()
	t.drawWithWeakKeys()
	return t.found
}

func (t *thief) find(format string, args ...any) {
	t.found = append(t.found, fmt.Sprintf(format, args...))
}

func (t *thief) lookForKeys() {
	raw, err := base64.StdEncoding.DecodeString(t.knows.Key)
	if err != nil || len(raw) != 32 {
		t.find("the test does not have the key")
		return
	}
	forms := spellings(string(raw))
	for _, key := range t.knows.APIKeys {
		forms = append(forms, []byte(key), []byte(strings.TrimPrefix(strings.TrimPrefix(key, "KEY"), "dev")))
	}
	for name, text := range t.loot.files {
		for i, form := range forms {
			if bytes.Contains(text, form) {
				t.find("a key is in %s, in form %d", name, i)
			}
		}
	}
	for name, values := range t.loot.columns {
		for _, v := range values {
			for _, text := range readings(v) {
				if slices.ContainsFunc(forms, func(f []byte) bool { return bytes.Contains(text, f) }) {
					t.find("a key is in %s", name)
				}
			}
		}
	}
}

// spellings are the forms in which a text may stand in a file.
func spellings(text string) [][]byte {
	raw := []byte(text)
	wide := make([]byte, 0, 2*len(raw))
	for _, u := range utf16.Encode([]rune(text)) {
		wide = binary.LittleEndian.AppendUint16(wide, u)
	}
	out := [][]byte{raw, []byte(hex.EncodeToString(raw)), []byte(strings.ToUpper(hex.EncodeToString(raw)))}
	if len(wide) == 2*len(raw) {
		out = append(out, wide)
	}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 { // where it begins within a group of three bytes
			encoded := e.EncodeToString(append(make([]byte, shift), raw...))
			out = append(out, []byte(encoded[(8*shift+5)/6:len(encoded)-1]))
		}
	}
	return out
}

// lookForPlain searches rows and files for codes and numbers in every spelling.
func (t *thief) lookForPlain() {
	s := newSearch()
	for _, r := range t.rows {
		for _, text := range []string{r.number[1:], r.number[3:], r.custom} {
			if text != "" {
				for _, form := range spellings(text) {
					s.add(form, "a number or a custom code of "+r.id)
				}
			}
		}
		if r.custom == "" {
			s.add([]byte(r.code), "the code of "+r.id)
		}
	}
	for name, text := range t.loot.files {
		// Six digits by themselves stand in many a file of a server: in rows they
		// are looked for below.
		s.in(text, len(t.loot.files) < 10 || name == "more", func(what string) { t.find("%s is in %s", what, name) })
	}
	for name, values := range t.loot.columns {
		for _, v := range values {
			if n, ok := v.(int64); ok {
				v = strconv.FormatInt(n, 10)
			}
			for _, text := range readings(v) {
				s.in(text, true, func(what string) { t.find("%s is in %s", what, name) })
			}
		}
	}
}

// open are the columns in which equal values tell nothing: what is public, and
// what says that two rows belong together.
var open = []string{
	"verifications.subject", "verifications.profile", "verifications.previous", "deliveries.verification", "replays.verification",
	"records.parent", "events.profile", "events.verification",
}

// tag is what follows a sealed value; it differs where only the row does.
const tag = 16

// lookForRepetition demands that no value which is made of a secret comes twice:
// equal numbers and equal codes must not show.
func (t *thief) lookForRepetition() {
	for name, values := range t.loot.columns {
		if slices.Contains(open, name) {
			continue
		}
		seen := map[string]bool{}
		for _, v := range values {
			text, ok := v.([]byte)
			if len(text) > 2*tag {
				text = text[:len(text)-tag]
			}
			if ok && seen[string(text)] {
				t.find("%s holds a value twice", name)
				break
			}
			seen[string(text)] = true
		}
	}
}

// hit says whether a hash is in the database, whole or cut.
func (t *thief) hit(sum []byte) bool { return t.windows[binary.BigEndian.Uint64(sum)] }

// hashNumbers tries, for many numbers, what a database may find them by.
func (t *thief) hashNumbers() {
	for _, r := range t.rows {
		for _, n := range []string{r.number, r.number[1:], r.number[3:]} {
			for _, text := range []string{
				n, "default" + n, "subjectdefault" + t.knows.Profile + n, t.knows.Profile + n, "default" + t.knows.Profile + n,
				framed("countersign 1 address", "subject", "default", t.knows.Profile, "", n), framed("subject", n),
				victimRow{number: n}.startRequest(t.knows.Profile, ""), victimRow{number: n}.startBody(t.knows.Profile, ""),
			} {
				if t.any(text, r.id) {
					t.find("the number of %s is found by an unkeyed hash", r.id)
				}
			}
		}
	}
}

// hashCodes tries the codes of every verification: each guess with each hash that
// a code may have been hidden in.
func (t *thief) hashCodes() {
	for _, r := range t.rows {
		raw := uuid.MustParse(r.id)
		for guess := range t.candidates(r) {
			for _, text := range []string{
				guess, r.id + guess, guess + r.id, r.id + ":" + guess, string(raw[:]) + guess, r.number + guess, guess + r.number,
				framed("countersign 1 code", r.id, guess), "verification " + r.id + " code" + guess,
				r.checkRequest(guess), r.checkBody(guess), r.startRequest(t.knows.Profile, guess), r.startBody(t.knows.Profile, guess),
			} {
				if t.any(text, r.id) {
					t.find("a code of %s is found by an unkeyed hash", r.id)
				}
			}
		}
	}
}

// candidates are the codes that the thief tries: six digits or all of the form
// that a customer uses, with the right one among them.
func (t *thief) candidates(r victimRow) func(func(string) bool) {
	return func(yield func(string) bool) {
		for i := range t.knows.Guesses - 1 {
			guess := fmt.Sprintf("%06d", i)
			if r.custom != "" {
				guess = fmt.Sprintf("Own%07d", 1_000_000+i)
			}
			if !yield(guess) {
				return
			}
		}
		yield(r.code)
	}
}

// any says whether some hash of a text, under no key or a public one, is in the
// database.
func (t *thief) any(text, id string) bool {
	raw := uuid.MustParse(id)
	for _, key := range []string{"", id, string(raw[:]), t.knows.Profile, "default", "countersign", "k1", string(make([]byte, 32))} {
		if t.hit(digest(hmac.New(sha256.New, []byte(key)), text)) {
			return true
		}
	}
	return t.hit(digest(sha256.New(), text)) || t.hit(digest(sha512.New(), text)) ||
		t.hit(digest(sha1.New(), text)) || t.hit(digest(md5.New(), text))
}

func digest(h hash.Hash, text string) []byte {
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hashed(text string) string { return string(digest(sha256.New(), text)[:16]) }

// framed joins parts as package secret does.
func framed(parts ...string) string {
	var out []byte
	for _, p := range parts {
		out = append(binary.BigEndian.AppendUint64(out, uint64(len(p))), p...)
	}
	return string(out)
}

// drawWithWeakKeys does what the service does, with keys that somebody careless
// might have. One code in a million is right by chance, two are not.
func (t *thief) drawWithWeakKeys() {
	for _, weak := range []string{"", "countersign", "default", "k1", t.knows.Profile, "secret"} {
		hashed := sha256.Sum256([]byte(weak))
		for _, key := range [][]byte{hashed[:], append([]byte(weak), make([]byte, 64)...)[:32]} {
			ring, err := secret.Parse("k1 " + base64.StdEncoding.EncodeToString(key))
			if err != nil {
				t.find("the thief has no ring: %v", err)
				return
			}
			right := 0
			for _, r := range t.rows {
				stream, err := ring.Stream("k1", secret.Code, r.id)
				if err == nil {
					if c, err := code.Default.Draw(stream); err == nil && c.Matches(r.code) {
						right++
					}
				}
			}
			if right > 1 {
				t.find("%d codes are drawn with the key of %q", right, weak)
			}
			for _, column := range []string{"verifications.address", "verifications.custom_code"} {
				t.open(ring, column)
			}
		}
	}
}

// open tries to open a sealed column for every row there is.
func (t *thief) open(ring *secret.Ring, column string) {
	for _, v := range t.loot.columns[column] {
		sealed, ok := v.([]byte)
		if !ok {
			continue
		}
		for _, r := range t.rows[:min(len(t.rows), 20)] {
			for _, name := range []string{"address", "code"} {
				if _, err := ring.Open(secret.Row, "verification "+r.id+" "+name, sealed); err == nil {
					t.find("%s opens with a weak key", column)
				}
			}
		}
	}
}

// search finds many texts in one pass.
type search struct {
	texts map[string]string // text → what it is
	byKey map[[6]byte][]string
	maybe [1 << 16]bool
}

func newSearch() *search { return &search{texts: map[string]string{}, byKey: map[[6]byte][]string{}} }

func slot(text []byte) uint16 {
	return binary.LittleEndian.Uint16(text) ^ binary.LittleEndian.Uint16(text[3:])<<3
}

func (s *search) add(text []byte, what string) {
	if len(text) < 6 || s.texts[string(text)] != "" {
		return
	}
	s.texts[string(text)] = what
	key := [6]byte(text)
	s.byKey[key] = append(s.byKey[key], string(text))
	s.maybe[slot(text)] = true
}

// in reports what stands in a text. Of six digits it does so only where short is
// set, and no other digit is beside them.
func (s *search) in(text []byte, short bool, report func(string)) {
	for i := 0; i+6 <= len(text); i++ {
		if !s.maybe[slot(text[i:])] {
			continue
		}
		for _, needle := range s.byKey[[6]byte(text[i:])] {
			end := i + len(needle)
			if end > len(text) || string(text[i:end]) != needle {
				continue
			}
			if len(needle) == 6 && (!short || i > 0 && digit(text[i-1]) || end < len(text) && digit(text[end])) {
				continue
			}
			report(s.texts[needle])
		}
	}
}

func digit(b byte) bool { return b >= '0' && b <= '9' }
