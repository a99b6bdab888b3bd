// Package phone turns what people and programs write into telephone numbers.
//
// The one idea: text is parsed once, and only the parsed Number travels on, so
// that every spelling of a number meets the same limits, the same verification
// and the same handset. Numbering plans are those of libphonenumber, through
// github.com/nyaruka/phonenumbers. Whether a number may be texted is decided by
// the core, not here.
package phone

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"countersign/internal/numeral"
)

// Why a text is not a telephone number.
var (
	ErrEmpty     = errors.New("phone: no number given")
	ErrCharacter = errors.New("phone: characters that no number has")
	ErrTooShort  = errors.New("phone: too few digits")
	ErrTooLong   = errors.New("phone: too many digits")
	ErrCountry   = errors.New("phone: no country: begin with + and the country code")
	ErrUnknown   = errors.New("phone: no such number in its country's numbering plan")
	ErrRegion    = errors.New("phone: not a country or country calling code")
)

// Type is what a numbering plan says of a number.
type Type string

// The types. MobileOrFixed is a number of a plan that does not tell the two
// apart, as in North America.
const (
	Mobile        Type = "mobile"
	Fixed         Type = "fixed line"
	MobileOrFixed Type = "mobile or fixed line"
	TollFree      Type = "toll free"
	Premium       Type = "premium rate"
	SharedCost    Type = "shared cost"
	VoIP          Type = "voip"
	Personal      Type = "personal"
	Pager         Type = "pager"
	UAN           Type = "company-wide"
	Voicemail     Type = "voicemail"
	Unknown       Type = "unknown"
)

var types = map[phonenumbers.PhoneNumberType]Type{
	phonenumbers.MOBILE:               Mobile,
	phonenumbers.FIXED_LINE:           Fixed,
	phonenumbers.FIXED_LINE_OR_MOBILE: MobileOrFixed,
	phonenumbers.TOLL_FREE:            TollFree,
	phonenumbers.PREMIUM_RATE:         Premium,
	phonenumbers.SHARED_COST:          SharedCost,
	phonenumbers.VOIP:                 VoIP,
	phonenumbers.PERSONAL_NUMBER:      Personal,
	phonenumbers.PAGER:                Pager,
	phonenumbers.UAN:                  UAN,
	phonenumbers.VOICEMAIL:            Voicemail,
}

// Number is a telephone number that its country's plan knows. Numbers are compared
// with Equal; == does not compile, since two Numbers of one text may have come by
// it in different ways. Every way of printing it but E164 shows a mask; the text
// stands behind a pointer because fmt calls no method of a value in an unexported
// field.
type Number struct {
	_    [0]func()
	e164 *string
	plan plan
}

// plan is what the numbering plan says of a number. It is looked up once, when
// the number is parsed, for it costs more than all else that is done with one.
type plan struct {
	known  bool
	kind   Type
	region string
}

// longest text that can be a number with every separator people use. E.164 has
// at most 15 digits.
const longest = 64

// Parse reads a number in international form (+44 7700 900123, 0044…) or, where
// region is a country (ISO 3166, "GB"), in that country's national form. Spaces,
// hyphens, dots, brackets, slashes, invisible marks and digits of any script are
// understood; letters and extensions are refused. The error is one of this
// package's.
func Parse(text, region string) (Number, error) {
	digits, err := clean(text)
	if err != nil {
		return Number{}, err
	}
	if region == "" && strings.HasPrefix(digits, "00") {
		digits = "+" + digits[2:]
	}
	if region == "" && digits[0] != '+' {
		return Number{}, ErrCountry
	}
	return parse(digits, region)
}

// ParseE164 reads a number in E.164 form, + and digits alone, as APIs write it.
// The error is one of this package's.
func ParseE164(text string) (Number, error) {
	if text == "" {
		return Number{}, ErrEmpty
	}
	if text[0] != '+' {
		return Number{}, ErrCountry
	}
	if strings.Trim(text[1:], "0123456789") != "" {
		return Number{}, ErrCharacter
	}
	if len(text) > longest {
		return Number{}, ErrTooLong
	}
	return parse(text, "")
}

func parse(digits, region string) (Number, error) {
	if n, ok := direct(digits); ok {
		return n, nil
	}
	parsed, err := phonenumbers.Parse(digits, region)
	switch {
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode):
		return Number{}, ErrCountry
	case errors.Is(err, phonenumbers.ErrNumTooLong):
		return Number{}, ErrTooLong
	case errors.Is(err, phonenumbers.ErrTooShortNSN), errors.Is(err, phonenumbers.ErrTooShortAfterIDD):
		return Number{}, ErrTooShort
	case err != nil:
		return Number{}, ErrUnknown
	}
	switch phonenumbers.IsPossibleNumberWithReason(parsed) {
	case phonenumbers.TOO_SHORT, phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		return Number{}, ErrTooShort
	case phonenumbers.TOO_LONG:
		return Number{}, ErrTooLong
	case phonenumbers.INVALID_COUNTRY_CODE:
		return Number{}, ErrCountry
	}
	p := planOf(parsed)
	if p.kind == Unknown {
		return Number{}, ErrUnknown
	}
	e164 := phonenumbers.Format(parsed, phonenumbers.E164)
	return Number{e164: &e164, plan: p}, nil
}

// direct is parse without the detour for numbers that are written as the plan
// has them: +, a calling code, and a national number that is valid as it stands.
// Parse goes through a dozen regular expressions to find that out; what direct
// does not understand is left to it, and TestDirectAgreesWithParse holds the two
// together.
func direct(digits string) (Number, bool) {
	if digits[0] != '+' || len(digits) < 8 || len(digits) > 16 {
		return Number{}, false
	}
	for length := 1; length <= 3; length++ {
		calling, err := strconv.Atoi(digits[1 : 1+length])
		if err != nil || calling == 0 {
			return Number{}, false
		}
		if phonenumbers.GetRegionCodeForCountryCode(calling) == phonenumbers.UNKNOWN_REGION {
			continue
		}
		national := digits[1+length:]
		if national[0] == '0' {
			return Number{}, false // a leading zero means something in Italy alone: Parse knows
		}
		value, err := strconv.ParseUint(national, 10, 64)
		if err != nil {
			return Number{}, false
		}
		code := int32(calling)
		parsed := &phonenumbers.PhoneNumber{CountryCode: &code, NationalNumber: &value}
		p := planOf(parsed)
		return Number{e164: &digits, plan: p}, p.kind != Unknown
	}
	return Number{}, false
}

func planOf(n *phonenumbers.PhoneNumber) plan {
	p := plan{known: true, kind: Unknown, region: phonenumbers.GetRegionCodeForNumber(n)}
	if t, ok := types[phonenumbers.GetNumberType(n)]; ok && p.region != "" {
		p.kind = t
	}
	return p
}

// Trusted takes an E.164 text that Parse made earlier, as when it comes back
// from the store. It checks nothing.
func Trusted(e164 string) Number { return Number{e164: &e164} }

// clean keeps the digits, as ASCII, and a leading +.
func clean(text string) (string, error) {
	if len(text) > longest*4 {
		return "", ErrTooLong
	}
	var b strings.Builder
	for _, r := range text {
		digit, isDigit := numeral.Digit(r)
		switch {
		case invisible(r), unicode.Is(unicode.Pd, r), strings.ContainsRune(".()/[]·", r):
		case (r == '+' || r == '＋') && b.Len() == 0:
			b.WriteByte('+')
		case isDigit:
			b.WriteByte(digit)
		default:
			return "", ErrCharacter
		}
	}
	switch n := strings.TrimPrefix(b.String(), "+"); {
	case n == "" && strings.TrimFunc(text, invisible) == "":
		return "", ErrEmpty
	case n == "":
		return "", ErrCharacter
	case len(n) > longest:
		return "", ErrTooLong
	}
	return b.String(), nil
}

func invisible(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// Region takes what an operator writes for the country of national numbers: an
// ISO 3166 code ("US") or a calling code ("+1", "1"), of which it takes the main
// country. Empty stays empty. The error is ErrRegion.
func Region(text string) (string, error) {
	text = strings.ToUpper(strings.TrimSpace(text))
	if text == "" {
		return "", nil
	}
	if calling, err := strconv.Atoi(strings.TrimPrefix(text, "+")); err == nil {
		region := phonenumbers.GetRegionCodeForCountryCode(calling)
		if region == phonenumbers.UNKNOWN_REGION || region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
			return "", ErrRegion
		}
		return region, nil
	}
	if !phonenumbers.GetSupportedRegions()[text] {
		return "", ErrRegion
	}
	return text, nil
}

// Regions lists the countries that have numbers, by ISO 3166, sorted.
func Regions() []string {
	var out []string
	for region := range phonenumbers.GetSupportedRegions() {
		out = append(out, region)
	}
	slices.Sort(out)
	return out
}

// CallingCode is how every number of a region (ISO 3166) begins: "+44"; just "+" for one
// that is not known.
func CallingCode(region string) string {
	if calling := phonenumbers.GetCountryCodeForRegion(region); calling != 0 {
		return "+" + strconv.Itoa(calling)
	}
	return "+"
}

// Example returns a mobile number of a region in the form people there write it,
// to show beside a form field; empty where none is known.
func Example(region string) string {
	n := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE)
	if n == nil {
		return ""
	}
	return phonenumbers.Format(n, phonenumbers.NATIONAL)
}

// E164 returns the whole number: + and up to 15 digits. It goes to the carrier
// and to the caller who gave it, never to a log. The zero Number has none.
func (n Number) E164() string {
	if n.e164 == nil {
		return ""
	}
	return *n.e164
}

// Equal says whether two Numbers are the same number.
func (n Number) Equal(o Number) bool { return n.E164() == o.E164() }

// IsZero says whether n is no number at all.
func (n Number) IsZero() bool { return n.e164 == nil }

// Type is the kind of line that the numbering plan says the number is.
func (n Number) Type() Type { return n.lookUp().kind }

// NoCountry is the region of numbers of plans that belong to no country.
const NoCountry = "001"

// Region is the number's country as an ISO 3166 code, or NoCountry; empty if
// unknown.
func (n Number) Region() string { return n.lookUp().region }

func (n Number) lookUp() plan {
	if n.plan.known {
		return n.plan
	}
	parsed, err := phonenumbers.Parse(n.E164(), "")
	if err != nil {
		return plan{kind: Unknown}
	}
	return planOf(parsed)
}

// Masked shows the calling code's first digit and the last two digits:
// "+4•••••••••23".
func (n Number) Masked() string {
	e := n.E164()
	if len(e) < 7 {
		return "+•••"
	}
	return e[:2] + strings.Repeat("•", len(e)-4) + e[len(e)-2:]
}

// String returns the mask.
func (n Number) String() string { return n.Masked() }

// Format writes the mask whatever the verb.
func (n Number) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, n.Masked()) }

// LogValue returns the mask.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.Masked()) }

// MarshalText returns the mask: whoever means to show the number says E164.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.Masked()), nil }
