package receipt_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/internal/deliver/receipt"
)

func TestAHeaderThatIsSignedComesOnce(t *testing.T) {
	for _, row := range []struct {
		values []string
		want   string
		ok     bool
	}{
		{nil, "", false}, {[]string{""}, "", false}, {[]string{"a"}, "a", true}, {[]string{"a", "a"}, "", false}, {[]string{"", "a"}, "", false},
	} {
		got, ok := receipt.One(http.Header{"X-Signature": row.values}, "x-signature")
		if got != row.want || ok != row.ok {
			t.Errorf("%q: %q, %v", row.values, got, ok)
		}
	}
}

func TestAnInstantIsFreshForFiveMinutesEitherWay(t *testing.T) {
	at := time.Unix(1_780_000_000, 0)
	for seconds, want := range map[string]bool{
		"1780000000": true, "1779999700": true, "1780000300": true, "1779999699": false, "1780000301": false,
		"": false, "0": false, "-1780000000": false, "+1780000000": false, " 1780000000": false, "1780000000.0": false, "1780000000000": false,
		"99999999999999999999": false, "1e9": false, "１７８０００００００": false,
	} {
		if got := receipt.Fresh(seconds, at); got != want {
			t.Errorf("%q: %v", seconds, got)
		}
	}
	if receipt.Fresh("1780000000", at.Add(100*365*24*time.Hour)) {
		t.Error("an instant of a hundred years ago is fresh")
	}
}

func TestBase64HasOneForm(t *testing.T) {
	for text, want := range map[string]string{"": "", "YQ==": "a", "YWI=": "ab", "YWJj": "abc", "+/+/": "\xfb\xff\xbf"} {
		if got, ok := receipt.Base64(text); !ok || string(got) != want {
			t.Errorf("%q: %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{"YR==", "YQ=", "YQ", "YQ==\n", "Y\nQ==", "\r\nYQ==", "YQ== ", "-_-_", "YQ==YQ==", "Y"} {
		if got, ok := receipt.Base64(text); ok {
			t.Errorf("%q is %q", text, got)
		}
	}
}

func TestAnAddressNamesItsMessageAndNoOther(t *testing.T) {
	const address = "https://otp.example/receipts/acme"
	for _, message := range []string{"0198c0de-0000-7000-8000-000000000001-1", "a b&c=d/é?", "%"} {
		full := receipt.WithMessage(address, message)
		if got, ok := receipt.MessageOf(address, full); !ok || got != message {
			t.Errorf("%q: %s is %q, %v", message, full, got, ok)
		}
	}
	for _, full := range []string{
		"", address, address + "?", address + "?message=", address + "?message=a&message=b", address + "?message=a&x=y", address + "?x=y&message=a",
		address + "?message=%61", address + "?message=%", address + "/?message=a", address + "?message=a b", address + "?message=a#b",
		"http" + strings.TrimPrefix(address, "https") + "?message=a", address + ":443?message=a",
	} {
		if got, ok := receipt.MessageOf(address, full); ok {
			t.Errorf("%s names %q", full, got)
		}
	}
}

func TestAReceiptURLIsHostAndPath(t *testing.T) {
	for _, good := range []string{"https://otp.example/receipts/a", "http://127.0.0.1:3000/receipts/a", "https://otp.example/cs/receipts/acme%20eu"} {
		if err := receipt.CheckAddress(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "otp.example/a", "ftp://otp.example/a", "https:///a", "https://u:canary@otp.example/a", "https://otp.example/a?canary", "https://otp.example/a?", "https://otp.example/a#canary", "https://canary\x00/"} {
		if err := receipt.CheckAddress(bad); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
