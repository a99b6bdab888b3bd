package code_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"

	"countersign/internal/code"
)

func TestCodesHaveTheirLengthAndAlphabet(t *testing.T) {
	for _, tt := range []struct {
		spec  code.Spec
		chars string
	}{
		{code.Spec{Alphabet: code.Digits, Length: 4}, "0123456789"},
		{code.Default, "0123456789"},
		{code.Spec{Alphabet: code.Hex, Length: 8}, "0123456789ABCDEF"},
		{code.Spec{Alphabet: code.Alphanumeric, Length: 10}, "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"},
	} {
		t.Run(tt.spec.String(), func(t *testing.T) {
			for range 200 {
				c, err := tt.spec.Draw(rand.Reader)
				if err != nil {
					t.Fatal(err)
				}
				if len(c.Text()) != tt.spec.Length || strings.Trim(c.Text(), tt.chars) != "" {
					t.Fatalf("drew %q", c.Text())
				}
				if !tt.spec.Plausible(c.Text()) {
					t.Fatalf("%q is not plausible to its own spec", c.Text())
				}
			}
		})
	}
}

// Chi-square over the characters at every place: a modulo bias of 256 mod 10
// would stand out at this count many times over.
func TestEveryCharacterIsEquallyLikelyAtEveryPlace(t *testing.T) {
	const draws = 200_000
	var seen [6][10]int
	for range draws {
		c, err := code.Default.Draw(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for place := range 6 {
			seen[place][c.Text()[place]-'0']++
		}
	}
	for place := range seen {
		chi := 0.0
		for _, n := range seen[place] {
			d := float64(n) - draws/10
			chi += d * d / (draws / 10)
		}
		// 9 degrees of freedom: 50 is passed by chance once in 10⁷ runs.
		if chi > 50 {
			t.Errorf("place %d: chi-square %.1f, counts %v", place, chi, seen[place])
		}
	}
}

func TestSpecsThatCannotBeAreRefused(t *testing.T) {
	for _, s := range []code.Spec{{}, {code.Digits, 3}, {code.Digits, 11}, {"emoji", 6}} {
		if err := s.Check(); !errors.Is(err, code.ErrSpec) {
			t.Errorf("%v: %v", s, err)
		}
		if _, err := s.Draw(rand.Reader); err == nil {
			t.Errorf("%v: a code was drawn", s)
		}
	}
}

func TestFourHexCharactersAreWeakerThanSixDigits(t *testing.T) {
	if !(code.Spec{Alphabet: code.Hex, Length: 4}).Weak() {
		t.Error("the tutorial's four hexadecimal characters should be called weak")
	}
	if code.Default.Weak() || (code.Spec{Alphabet: code.Hex, Length: 6}).Weak() {
		t.Error("six digits and six hexadecimal characters are not weak")
	}
	if got := code.Default.Bits(); math.Abs(got-19.93) > 0.01 {
		t.Errorf("six digits have %.2f bits", got)
	}
}

func TestWhatAPersonTypesMatchesInAnyOfItsForms(t *testing.T) {
	digits, _ := code.Custom("012345")
	hex, _ := code.Custom("0AF9")
	for _, tt := range []struct {
		code  code.Code
		guess string
		want  bool
	}{
		{digits, "012345", true},
		{digits, " 012 345 ", true},
		{digits, "012-345", true},
		{digits, "012–345", true},
		{digits, "０１２３４５", true},
		{digits, "٠١٢٣٤٥", true},
		{digits, "۰۱۲۳۴۵", true},
		{digits, "०१२३४५", true},
		{digits, "\u200f012345\u200e", true},
		{digits, "𝟎𝟏𝟐𝟑𝟒𝟓", true},
		{digits, "12345", false},
		{digits, "0123456", false},
		{digits, "", false},
		{digits, "０１２３４６", false},
		{digits, "012😀345", false},
		{hex, "0af9", true},
		{hex, "0AF9", true},
		{hex, "０ａｆ９", true},
		{hex, "OAF9", false},
		{code.Code{}, "", false},
	} {
		if got := tt.code.Matches(tt.guess); got != tt.want {
			t.Errorf("%q matches %q: %v, want %v", tt.code.Text(), tt.guess, got, tt.want)
		}
	}
}

func TestASlipOfTheFingerIsNotPlausible(t *testing.T) {
	for guess, want := range map[string]bool{
		"123456": true, "123 456": true, "１２３４５６": true,
		"12345": false, "1234567": false, "12345a": false, "": false, "😀": false,
	} {
		if got := code.Default.Plausible(guess); got != want {
			t.Errorf("%q plausible: %v, want %v", guess, got, want)
		}
	}
}

func TestCustomCodesAreShortAndPlain(t *testing.T) {
	for _, bad := range []string{"", "123", "12345678901", "12 34", "12-34", "１２３４", "1234\n"} {
		if _, err := code.Custom(bad); !errors.Is(err, code.ErrCustom) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestNoWayOfPrintingShowsTheCode(t *testing.T) {
	c, _ := code.Custom("4711")
	j, err := json.Marshal(map[string]any{"code": c, "in": struct{ C code.Code }{c}})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "code", c, "ptr", &c, "in", struct{ C code.Code }{c})
	printed := fmt.Sprintf("%v %+v %#v %s %q %d %x %v %+v %#v %v", c, c, c, c, c, c, c, &c, struct{ C code.Code }{c}, []code.Code{c}, struct{ c code.Code }{c})
	for _, out := range []string{string(j), log.String(), printed, fmt.Errorf("x %w %v", code.ErrSpec, c).Error()} {
		if strings.Contains(out, "4711") || strings.Contains(out, "34373131") {
			t.Errorf("the code shows in %s", out)
		}
	}
}
