package sendertest

import (
	"encoding/base64"
	"testing"

	"countersign/internal/phone"
)

func TestCanariesAreFoundInEveryDisguise(t *testing.T) {
	s := &suite{Harness: Harness{Secrets: []string{"first/ké y", "second"}}}
	for _, out := range []string{
		"code 731946", "code=7 3 1 9 4 6.", "7-3-1-9-4-6", "373331393436",
		"Your Quokkasoft code", "to +12025550147", "to 12025550147", "to %2B12025550147", "to +1 (202) 555-0147",
		"first/ké y", "first%2Fk%C3%A9+y", "first%2Fk%C3%A9%20y", "second",
		base64.StdEncoding.EncodeToString([]byte("second")), base64.URLEncoding.EncodeToString([]byte("first/ké y")),
		base64.StdEncoding.EncodeToString([]byte("731946")),
	} {
		if s.find(out) == "" {
			t.Errorf("nothing found in %q", out)
		}
	}
}

func TestWhatIsNoCanaryIsLeftAlone(t *testing.T) {
	s := &suite{Harness: Harness{Secrets: []string{"second"}}}
	for _, out := range []string{
		"", "telnyx: answered 400 with code 40310", phone.Trusted(canaryNumber).Masked(), "&{err:0xc000731946}",
		"dial tcp 127.0.0.1:54321: connect: connection refused",
	} {
		if found := s.find(out); found != "" {
			t.Errorf("%s found in %q", found, out)
		}
	}
}
