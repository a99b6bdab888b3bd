package phone_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"countersign/internal/phone"
)

func TestEverySpellingIsTheSameNumber(t *testing.T) {
	for _, tt := range []struct{ text, region, want string }{
		{"+447400123456", "", "+447400123456"},
		{"+44 7400 123456", "", "+447400123456"},
		{"+44 (0)7400 123456", "", "+447400123456"},
		{"0044 7400 123456", "", "+447400123456"},
		{"0044-7400-123456", "GB", "+447400123456"},
		{"07400 123 456", "GB", "+447400123456"},
		{"07400.123.456", "GB", "+447400123456"},
		{"(07400) 123-456", "GB", "+447400123456"},
		{"07400–123—456", "GB", "+447400123456"},
		{"＋４４７４００１２３４５６", "", "+447400123456"},
		{"٠٧٤٠٠ ١٢٣٤٥٦", "GB", "+447400123456"},
		{"०७४०० १२३४५६", "GB", "+447400123456"},
		{"\u200e+44 7400 123456\u202c", "", "+447400123456"},
		{"\u00a007400\u00a0123456", "GB", "+447400123456"},
		{"201-555-0123", "US", "+12015550123"},
		{"(201) 555.0123", "US", "+12015550123"},
		{"1 201 555 0123", "US", "+12015550123"},
		{"011 44 7400 123456", "US", "+447400123456"},
	} {
		got, err := phone.Parse(tt.text, tt.region)
		if err != nil || got.E164() != tt.want {
			t.Errorf("Parse(%q, %q) = %q, %v; want %s", tt.text, tt.region, got.E164(), err, tt.want)
		}
		if !got.Equal(phone.Trusted(tt.want)) {
			t.Errorf("%q is not equal to the number it is", tt.text)
		}
	}
}

func TestWhatIsNoNumberIsRefusedWithItsReason(t *testing.T) {
	for _, tt := range []struct {
		text, region string
		want         error
	}{
		{"", "US", phone.ErrEmpty},
		{" \u200f ", "US", phone.ErrEmpty},
		{"()-", "US", phone.ErrCharacter},
		{"call me", "US", phone.ErrCharacter},
		{"1-800-FLOWERS", "US", phone.ErrCharacter},
		{"+44 7400 123456 x12", "", phone.ErrCharacter},
		{"+44 7400 😀123456", "", phone.ErrCharacter},
		{"++447400123456", "", phone.ErrCharacter},
		{"+44+7400123456", "", phone.ErrCharacter},
		{"2015550123", "", phone.ErrCountry},
		{"+999 1234567", "", phone.ErrCountry},
		{"+0447400123456", "", phone.ErrCountry},
		{"+44 74", "", phone.ErrTooShort},
		{"555-0123", "US", phone.ErrTooShort},
		{"+44 7400 123456 7890", "", phone.ErrTooLong},
		{strings.Repeat("1", 1<<20), "US", phone.ErrTooLong},
		{strings.Repeat("1", 80), "US", phone.ErrTooLong},
		{"+1 999 999 9999", "", phone.ErrUnknown},
	} {
		if got, err := phone.Parse(tt.text, tt.region); !errors.Is(err, tt.want) {
			t.Errorf("Parse(%.40q, %q) = %v, %v; want %v", tt.text, tt.region, got, err, tt.want)
		}
	}
}

func TestAPIsWriteE164AndNothingElse(t *testing.T) {
	if n, err := phone.ParseE164("+13035551234"); err != nil || n.E164() != "+13035551234" {
		t.Errorf("%v %v", n, err)
	}
	for text, want := range map[string]error{
		"":                 phone.ErrEmpty,
		"13035551234":      phone.ErrCountry,
		" 13035551234":     phone.ErrCountry,
		"+1 303 555 1234":  phone.ErrCharacter,
		"+１３０３５５５１２３４":     phone.ErrCharacter,
		"+":                phone.ErrUnknown,
		"+1303555":         phone.ErrTooShort,
		"+130355512345555": phone.ErrTooLong,
	} {
		if _, err := phone.ParseE164(text); !errors.Is(err, want) {
			t.Errorf("ParseE164(%q): %v, want %v", text, err, want)
		}
	}
}

func TestThePlanTellsTypesAndCountries(t *testing.T) {
	for e164, want := range map[string]struct {
		kind   phone.Type
		region string
	}{
		"+447400123456": {phone.Mobile, "GB"},
		"+442071838750": {phone.Fixed, "GB"},
		"+12015550123":  {phone.MobileOrFixed, "US"},
		"+18002345678":  {phone.TollFree, "US"},
		"+19002345678":  {phone.Premium, "US"},
		"+449012345678": {phone.Premium, "GB"},
		"+445612345678": {phone.VoIP, "GB"},
		"+447640123456": {phone.Pager, "GB"},
		"+80012345678":  {phone.TollFree, "001"},
	} {
		n, err := phone.ParseE164(e164)
		if err != nil {
			t.Errorf("%s: %v", e164, err)
			continue
		}
		if n.Type() != want.kind || n.Region() != want.region {
			t.Errorf("%s is %s of %s, want %s of %s", e164, n.Type(), n.Region(), want.kind, want.region)
		}
	}
}

func TestOperatorsNameCountriesInTwoWays(t *testing.T) {
	for text, want := range map[string]string{"": "", "US": "US", "gb": "GB", "+1": "US", "1": "US", "44": "GB", " +49 ": "DE"} {
		if got, err := phone.Region(text); err != nil || got != want {
			t.Errorf("Region(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"XX", "United States", "+999", "0", "800", "-1"} {
		if got, err := phone.Region(text); !errors.Is(err, phone.ErrRegion) {
			t.Errorf("Region(%q) = %q, %v; want ErrRegion", text, got, err)
		}
	}
}

func TestNoWayOfPrintingShowsTheWholeNumber(t *testing.T) {
	n := phone.Trusted("+447400123456")
	j, err := json.Marshal(map[string]any{"n": n, "in": struct{ N phone.Number }{n}})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "n", n, "in", struct{ n phone.Number }{n})
	printed := fmt.Sprintf("%v %+v %#v %s %q %x %d %v %+v %#v", n, n, n, n, n, n, n, &n, struct{ n phone.Number }{n}, []phone.Number{n})
	for _, out := range []string{string(j), log.String(), printed} {
		if strings.Contains(out, "7400123") {
			t.Errorf("the number shows in %s", out)
		}
	}
	if got := n.Masked(); got != "+4•••••••••56" {
		t.Errorf("mask %q", got)
	}
}

// Whatever is typed, a number that comes out is in E.164 form, and parsing it
// again gives the same: no two spellings can hide the same destination.
func FuzzParseGivesOneFormPerNumber(f *testing.F) {
	for _, s := range []string{"+447400123456", "07400 123456", "٠٧٤٠٠", "1-800-FLOWERS", "+1 (303) 555-1234", "00447400123456"} {
		f.Add(s, "GB")
	}
	f.Fuzz(func(t *testing.T, text, region string) {
		n, err := phone.Parse(text, region)
		if err != nil {
			return
		}
		e := n.E164()
		if e[0] != '+' || len(e) > 16 || strings.Trim(e[1:], "0123456789") != "" {
			t.Fatalf("%q gave %q", text, e)
		}
		again, err := phone.ParseE164(e)
		if err != nil || !again.Equal(n) {
			t.Fatalf("%q gave %s, which gives %s, %v", text, e, again.E164(), err)
		}
	})
}

// For example numbers of every region and type, and for numbers near them, the
// short way says what the library's own parser says.
func TestDirectAgreesWithParse(t *testing.T) {
	kinds := []phonenumbers.PhoneNumberType{
		phonenumbers.MOBILE, phonenumbers.FIXED_LINE, phonenumbers.TOLL_FREE, phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST,
		phonenumbers.VOIP, phonenumbers.PERSONAL_NUMBER, phonenumbers.PAGER, phonenumbers.UAN, phonenumbers.VOICEMAIL,
	}
	r := rand.New(rand.NewPCG(1, 2))
	seen := 0
	for region := range phonenumbers.GetSupportedRegions() {
		for _, kind := range kinds {
			example := phonenumbers.GetExampleNumberForType(region, kind)
			if example == nil {
				continue
			}
			e164 := phonenumbers.Format(example, phonenumbers.E164)
			for try := range 12 {
				text := []byte(e164)
				if try > 0 {
					text[2+r.IntN(len(text)-2)] = byte('0' + r.IntN(10))
				}
				seen++
				agree(t, string(text))
			}
		}
	}
	if seen < 5000 {
		t.Errorf("only %d numbers were compared", seen)
	}
}

func agree(t *testing.T, e164 string) {
	t.Helper()
	got, err := phone.ParseE164(e164)
	parsed, parseErr := phonenumbers.Parse(e164, "")
	valid := parseErr == nil && phonenumbers.IsValidNumber(parsed)
	if (err == nil) != valid {
		t.Errorf("%s: we say %v, the library valid=%v", e164, err, valid)
		return
	}
	if !valid {
		return
	}
	if want := phonenumbers.Format(parsed, phonenumbers.E164); got.E164() != want {
		t.Errorf("%s: we say %s, the library %s", e164, got.E164(), want)
	}
	slow := phone.Trusted(got.E164())
	if got.Type() != slow.Type() || got.Region() != slow.Region() {
		t.Errorf("%s: %s of %s, looked up again %s of %s", e164, got.Type(), got.Region(), slow.Type(), slow.Region())
	}
}

func BenchmarkParseE164(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		n, err := phone.ParseE164("+12015550123")
		if err != nil || n.Type() != phone.MobileOrFixed || n.Region() != "US" {
			b.Fatal(err)
		}
	}
}

func TestACallingCodeIsHowEveryNumberOfItsCountryBegins(t *testing.T) {
	for region, want := range map[string]string{"GB": "+44", "JE": "+44", "US": "+1", "XK": "+383", "": "+", "ZZ": "+"} {
		if got := phone.CallingCode(region); got != want {
			t.Errorf("%q: %s, want %s", region, got, want)
		}
	}
}
