package mailbox_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"countersign/internal/mailbox"
)

func TestAnAddressIsReadAsItIsDeliveredTo(t *testing.T) {
	for text, want := range map[string]string{
		"ada@example.com":                      "ada@example.com",
		"  ada@example.com\r\n":                "ada@example.com",
		"\u200e\ufeffada@example.com\u202c":    "ada@example.com",
		"Ada.Lovelace@Example.COM":             "Ada.Lovelace@example.com",
		"ada+codes@mail.example.co.uk":         "ada+codes@mail.example.co.uk",
		"o'hara!#$%&*-/=?^_`{|}~@example.com":  "o'hara!#$%&*-/=?^_`{|}~@example.com",
		"1@1.de":                               "1@1.de",
		"a@XN--BCHER-KVA.example":              "a@xn--bcher-kva.example",
		strings.Repeat("l", 64) + "@a.de":      strings.Repeat("l", 64) + "@a.de",
		"a@" + strings.Repeat("d", 63) + ".de": "a@" + strings.Repeat("d", 63) + ".de",
		longest:                                longest,
	} {
		got, err := mailbox.Parse(text)
		if err != nil || got.Text() != want {
			t.Errorf("Parse(%q) = %q, %v; want %s", text, got.Text(), err, want)
		}
		if !got.Equal(mailbox.Trusted(want)) {
			t.Errorf("%q is not equal to the address it is", text)
		}
	}
}

// longest has 254 characters.
var longest = "aa@" + strings.Repeat("d", 62) + strings.Repeat("."+strings.Repeat("d", 62), 3)

func TestWhatIsNoAddressIsRefusedWithItsReason(t *testing.T) {
	for text, want := range map[string]error{
		"":                                     mailbox.ErrEmpty,
		" \u200b\t":                            mailbox.ErrEmpty,
		"ada":                                  mailbox.ErrShape,
		"@example.com":                         mailbox.ErrShape,
		"ada@":                                 mailbox.ErrShape,
		"ada@example.com@example.com":          mailbox.ErrShape,
		"ada@example.com,eve@example.com":      mailbox.ErrShape,
		"ada@example.com, eve@example.com":     mailbox.ErrShape,
		"Ada <ada@example.com>":                mailbox.ErrShape,
		"<ada@example.com>":                    mailbox.ErrShape,
		"ada@example.com (work)":               mailbox.ErrShape,
		"ada(work)@example.com":                mailbox.ErrShape,
		`"ada lovelace"@example.com`:           mailbox.ErrShape,
		"mailto:ada@example.com":               mailbox.ErrShape,
		".ada@example.com":                     mailbox.ErrShape,
		"ada.@example.com":                     mailbox.ErrShape,
		"a..da@example.com":                    mailbox.ErrShape,
		"ad\x00a@example.com":                  mailbox.ErrCharacter,
		"ada\r\nBcc:eve@example.com":           mailbox.ErrCharacter,
		"ad\x7fa@example.com":                  mailbox.ErrCharacter,
		"ad\u202ea@example.com":                mailbox.ErrCharacter,
		"ädä@example.com":                      mailbox.ErrCharacter,
		"ad\xffa@example.com":                  mailbox.ErrCharacter,
		strings.Repeat("l", 65) + "@a.de":      mailbox.ErrTooLong,
		longest + "d":                          mailbox.ErrTooLong,
		strings.Repeat(" ", 1<<20):             mailbox.ErrTooLong,
		"ada@localhost":                        mailbox.ErrDomain,
		"ada@[127.0.0.1]":                      mailbox.ErrDomain,
		"ada@[IPv6:::1]":                       mailbox.ErrDomain,
		"ada@127.0.0.1":                        mailbox.ErrDomain,
		"ada@example.com.":                     mailbox.ErrDomain,
		"ada@.example.com":                     mailbox.ErrDomain,
		"ada@example..com":                     mailbox.ErrDomain,
		"ada@-example.com":                     mailbox.ErrDomain,
		"ada@example-.com":                     mailbox.ErrDomain,
		"ada@exa_mple.com":                     mailbox.ErrDomain,
		"ada@example.com\r\nX":                 mailbox.ErrDomain,
		"ada@exam\x00ple.com":                  mailbox.ErrDomain,
		"a@" + strings.Repeat("d", 64) + ".de": mailbox.ErrDomain,
		"ada@bücher.example":                   mailbox.ErrInternational,
		"ada@example。com":                      mailbox.ErrInternational,
		"ada@еxample.com":                      mailbox.ErrInternational,
	} {
		got, err := mailbox.Parse(text)
		if !errors.Is(err, want) {
			t.Errorf("Parse(%.60q) = %q, %v; want %v", text, got.Text(), err, want)
		}
		if !got.IsZero() {
			t.Errorf("Parse(%.60q) refuses and gives an address all the same", text)
		}
	}
}

func TestNoErrorRepeatsWhatWasWritten(t *testing.T) {
	for _, shape := range []string{"%s", "%s@", "%s@localhost", "%s <x@example.com>", "\x00%s@example.com", "x@%s.ü", "x@%s_.com"} {
		_, err := mailbox.Parse(fmt.Sprintf(shape, "canary"))
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", shape, err)
		}
	}
}

func TestSpellingsThatDifferInCaseAreOneMailbox(t *testing.T) {
	a, b := parsed(t, "Ada@Example.com"), parsed(t, "aDA@exaMPLE.COM")
	if !a.Equal(b) || a.Key() != "ada@example.com" || b.Key() != a.Key() {
		t.Errorf("keys %q and %q", a.Key(), b.Key())
	}
	if a.Text() != "Ada@example.com" {
		t.Errorf("mail goes to %q", a.Text())
	}
}

func TestDotsAndTagsAreOtherMailboxes(t *testing.T) {
	ada := parsed(t, "adalovelace@example.com")
	for _, text := range []string{"ada.lovelace@example.com", "adalovelace+codes@example.com", "adalovelace@mail.example.com"} {
		if ada.Equal(parsed(t, text)) {
			t.Errorf("%s is taken for %s", text, ada.Text())
		}
	}
}

func TestTheZeroValueIsNoAddress(t *testing.T) {
	var zero mailbox.Address
	for _, a := range []mailbox.Address{zero, mailbox.Trusted("")} {
		if !a.IsZero() || a.Text() != "" || a.Key() != "" || a.String() != "***" {
			t.Errorf("%q %q %q", a.Text(), a.Key(), a.String())
		}
	}
	if parsed(t, "ada@example.com").IsZero() || zero.Equal(parsed(t, "ada@example.com")) {
		t.Error("an address is taken for none")
	}
}

func TestAddressesCannotBeComparedByMistake(t *testing.T) {
	if reflect.TypeFor[mailbox.Address]().Comparable() {
		t.Error("== compiles, and says of two spellings that they are two mailboxes")
	}
}

func TestMasksShowTheFirstLettersAlone(t *testing.T) {
	for text, want := range map[string]string{
		"ada@example.com":        "a***@e***.com",
		"a@b.de":                 "a***@b***.de",
		"ada@mail.example.co.uk": "a***@m***.uk",
	} {
		if got := parsed(t, text).Masked(); got != want {
			t.Errorf("%s is masked as %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"canary", "@canary", "canary@", "canary@canary"} {
		if got := mailbox.Trusted(text).Masked(); got != "***" {
			t.Errorf("what is no address is masked as %s", got)
		}
	}
}

func TestNoWayOfPrintingShowsTheWholeAddress(t *testing.T) {
	a := mailbox.Trusted("canary@whereabouts.example.com")
	j, err := json.Marshal(map[string]any{"a": a, "p": &a, "in": struct{ A mailbox.Address }{a}})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "a", a, "in", struct{ a mailbox.Address }{a})
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "a", a, "in", struct{ A mailbox.Address }{a})
	printed := fmt.Sprintf("%v %+v %#v %s %q %x %d %v %+v %#v", a, a, a, a, a, a, a, &a, struct{ a mailbox.Address }{a}, []mailbox.Address{a})
	for _, out := range []string{string(j), log.String(), printed} {
		if strings.Contains(out, "anary") || strings.Contains(out, "hereabouts") || strings.Contains(out, "63616e617279") {
			t.Errorf("the address shows in %s", out)
		}
	}
}

// Whatever is typed, an address that comes out is one line of ASCII, and parsing
// it again gives the same.
func FuzzParseGivesOneFormPerAddress(f *testing.F) {
	for _, s := range []string{"ada@example.com", " Ada+x@Example.COM\n", "\"a b\"@c.de", "a@[::1]", "ä@ö.ü", "a@b@c.d", "a@b..c", "a@xn--bcher-kva.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := mailbox.Parse(text)
		if err != nil {
			if !a.IsZero() || !strings.HasPrefix(err.Error(), "mailbox: ") {
				t.Fatalf("%q gave %q with %v", text, a.Text(), err)
			}
			return
		}
		out := a.Text()
		if len(out) > 254 || strings.Count(out, "@") != 1 || strings.IndexFunc(out, func(r rune) bool { return r <= ' ' || r >= 0x7f }) >= 0 {
			t.Fatalf("%q gave %q", text, out)
		}
		again, err := mailbox.Parse(out)
		if err != nil || again.Text() != out || !again.Equal(a) {
			t.Fatalf("%q gave %s, which gives %s, %v", text, out, again.Text(), err)
		}
		key, err := mailbox.Parse(a.Key())
		if err != nil || !key.Equal(a) {
			t.Fatalf("the key of %s is not the same mailbox: %v", out, err)
		}
		if mask := a.Masked(); len(out) > len(mask) && strings.Contains(mask, out) {
			t.Fatalf("the mask of %s is %s", out, mask)
		}
	})
}

func parsed(t *testing.T, text string) mailbox.Address {
	t.Helper()
	a, err := mailbox.Parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return a
}
