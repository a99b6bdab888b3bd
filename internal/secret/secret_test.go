package secret_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"countersign/internal/secret"
)

func TestARingReadsWhatItWrote(t *testing.T) {
	a := secret.Generate()
	b, err := secret.Parse("# comment\n\n" + a.Text())
	if err != nil {
		t.Fatal(err)
	}
	one, _ := a.Sum(a.Current(), secret.Address, "x")
	two, _ := b.Sum(b.Current(), secret.Address, "x")
	if one != two {
		t.Error("the ring that was read hashes differently")
	}
}

func TestABadKeyFileIsRefusedWithoutShowingIt(t *testing.T) {
	good := strings.TrimSpace(secret.Generate().Text())
	_, key, _ := strings.Cut(good, " ")
	for _, text := range []string{"", "# nothing\n", key, "k1", "k1 " + key[:20], "k1 " + key + "AAAA", good + "\n" + good, "an-id-that-is-far-too-long " + key} {
		_, err := secret.Parse(text)
		if !errors.Is(err, secret.ErrFormat) {
			t.Errorf("%.12q…: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), key[:8]) {
			t.Error("the error shows the key")
		}
	}
}

func TestPartsUsesAndKeysDoNotMix(t *testing.T) {
	r := secret.Generate()
	seen := map[[32]byte]string{}
	for name, sum := range map[string]func() ([32]byte, error){
		"ab":       func() ([32]byte, error) { return r.Sum("k1", secret.Address, "a", "b") },
		"a b":      func() ([32]byte, error) { return r.Sum("k1", secret.Address, "ab") },
		"ab, none": func() ([32]byte, error) { return r.Sum("k1", secret.Address, "ab", "") },
		"code":     func() ([32]byte, error) { return r.Sum("k1", secret.Code, "a", "b") },
		"other":    func() ([32]byte, error) { return secret.Generate().Sum("k1", secret.Address, "a", "b") },
	} {
		got, err := sum()
		if err != nil {
			t.Fatal(err)
		}
		if twin, ok := seen[got]; ok {
			t.Errorf("%s hashes like %s", name, twin)
		}
		seen[got] = name
	}
	if _, err := r.Sum("k9", secret.Code); !errors.Is(err, secret.ErrKey) {
		t.Errorf("unknown key: %v", err)
	}
}

func TestAStreamIsTheSameEveryTimeAndDoesNotRepeatItself(t *testing.T) {
	r := secret.Generate()
	read := func(parts ...string) []byte {
		s, err := r.Stream("k1", secret.Code, parts...)
		if err != nil {
			t.Fatal(err)
		}
		out := make([]byte, 200)
		if _, err := io.ReadFull(s, out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	a, b, c := read("one"), read("one"), read("two")
	if !bytes.Equal(a, b) {
		t.Error("two readings of one stream differ")
	}
	if bytes.Equal(a[:32], c[:32]) || bytes.Equal(a[:32], a[32:64]) {
		t.Error("the stream repeats")
	}
}

func TestASealedValueOpensOnlyInItsPlaceAndUnchanged(t *testing.T) {
	r := secret.Generate()
	sealed, err := r.Seal(secret.Row, "verification 1 address", []byte("+447400123456"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("7400")) {
		t.Error("the sealed value shows its content")
	}
	plain, err := r.Open(secret.Row, "verification 1 address", sealed)
	if err != nil || string(plain) != "+447400123456" {
		t.Fatalf("%q %v", plain, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another place": func() ([]byte, error) { return r.Open(secret.Row, "verification 2 address", sealed) },
		"another use":   func() ([]byte, error) { return r.Open(secret.Page, "verification 1 address", sealed) },
		"another key":   func() ([]byte, error) { return secret.Generate().Open(secret.Row, "verification 1 address", sealed) },
	} {
		if got, err := open(); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := r.Open(secret.Row, "verification 1 address", bad); err == nil {
			t.Errorf("opens with byte %d changed", i)
		}
	}
	for i := range sealed {
		if _, err := r.Open(secret.Row, "verification 1 address", sealed[:i]); err == nil {
			t.Errorf("opens when cut to %d bytes", i)
		}
	}
	again, _ := r.Seal(secret.Row, "verification 1 address", []byte("+447400123456"))
	if bytes.Equal(again, sealed) {
		t.Error("sealing twice gives the same bytes")
	}
}

func TestARotatedRingStillOpensTheOldAndSealsWithTheNew(t *testing.T) {
	old := secret.Generate()
	sealed, _ := old.Seal(secret.Row, "p", []byte("x"))
	fresh := strings.Replace(secret.Generate().Text(), "k1", "k2", 1)
	both, err := secret.Parse(fresh + old.Text())
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := both.Open(secret.Row, "p", sealed); err != nil || string(plain) != "x" {
		t.Errorf("old value: %q, %v", plain, err)
	}
	if both.Current() != "k2" {
		t.Errorf("current key is %s", both.Current())
	}
	renewed, _ := both.Seal(secret.Row, "p", []byte("x"))
	if _, err := old.Open(secret.Row, "p", renewed); !errors.Is(err, secret.ErrKey) {
		t.Errorf("the old ring alone opens a new value: %v", err)
	}
}

func TestNothingPrintsAKey(t *testing.T) {
	r := secret.Generate()
	_, encoded, _ := strings.Cut(strings.TrimSpace(r.Text()), " ")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	inside := struct{ r *secret.Ring }{r}
	var out strings.Builder
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "ring", r, "in", inside)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%08b"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", r, inside, &inside)
	}
	forms := []string{encoded[:8], string(raw[:8]), fmt.Sprintf("%x", raw[:8]), fmt.Sprintf("%X", raw[:8]), strings.Trim(fmt.Sprintf("%d", raw[:4]), "[]"),
		strings.Trim(fmt.Sprintf("%q", raw[:8]), `"`), strings.Trim(fmt.Sprintf("%08b", raw[:3]), "[]")}
	for _, form := range forms {
		if strings.Contains(out.String(), form) {
			t.Errorf("the key shows as %s in %s", form, out.String())
		}
	}
}
