package sendertest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// searchError searches an error and all that it wraps.
func (s *suite) searchError(t *testing.T, err error) {
	t.Helper()
	for ; err != nil; err = errors.Unwrap(err) {
		s.search(t, "the error", err)
	}
}

// search prints v in every way and looks for each canary in every disguise.
func (s *suite) search(t *testing.T, what string, v any) {
	t.Helper()
	encoded, _ := json.Marshal(v) // what cannot be encoded shows nothing
	ways := map[string]string{
		"%v":   fmt.Sprintf("%v", v),
		"%+v":  fmt.Sprintf("%+v", v),
		"%#v":  fmt.Sprintf("%#v", v),
		"%q":   fmt.Sprintf("%q", v),
		"JSON": string(encoded),
	}
	if err, ok := v.(error); ok {
		ways["Error"] = err.Error()
	}
	for way, out := range ways {
		if found := s.find(out); found != "" {
			t.Errorf("%s shows %s by %s: %s", what, found, way, out)
		}
	}
}

// find names a canary that out holds, or nothing.
func (s *suite) find(out string) string {
	// An address may hold the code's digits by chance.
	out = regexp.MustCompile(`0x[0-9a-f]+`).ReplaceAllString(out, "")
	number := onlyDigits(canaryNumber)
	for _, c := range slices.Concat([]string{canaryCode, canaryName, number}, s.Secrets) {
		for disguise, form := range disguises(c) {
			if strings.Contains(out, form) {
				return fmt.Sprintf("%q, %s", c, disguise)
			}
		}
	}
	// However a number is written, its digits come in order.
	if strings.Contains(onlyDigits(out), number) {
		return fmt.Sprintf("%q, spaced", number)
	}
	return ""
}

// disguises are the forms in which a secret travels or is quoted. Unpadded base64
// is the beginning of the padded one.
func disguises(secret string) map[string]string {
	return map[string]string{
		"plain":          secret,
		"base64":         base64.RawStdEncoding.EncodeToString([]byte(secret)),
		"URL base64":     base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"hexadecimal":    hex.EncodeToString([]byte(secret)),
		"query-escaped":  url.QueryEscape(secret),
		"path-escaped":   url.PathEscape(secret),
		"Go-quoted":      strings.Trim(fmt.Sprintf("%q", secret), `"`),
		"letter-spaced":  strings.Join(strings.Split(secret, ""), " "),
		"letter-hyphens": strings.Join(strings.Split(secret, ""), "-"),
	}
}

func onlyDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}
