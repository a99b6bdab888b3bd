package twilioapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"countersign/internal/twilioapi"
)

func TestHostileBodiesAreRefusedAndStartNothing(t *testing.T) {
	const good = "To=%2B13035551234&Channel=sms"
	deep := url.QueryEscape(strings.Repeat(`{"a":`, 1500) + "1" + strings.Repeat("}", 1500))
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"64 KiB and one":           {good + "&Pad=" + strings.Repeat("x", 64<<10-len(good)-4), 413},
		"the same parameter twice": {good + "&To=%2B13035551235", 400},
		"another case":             {"TO=%2B13035551234&CHANNEL=sms", 400},
		"deep tags":                {good + "&Tags=" + deep, 400},
		"eleven tags":              {good + "&Tags=" + url.QueryEscape(`{"a":"","b":"","c":"","d":"","e":"","f":"","g":"","h":"","i":"","j":"","k":""}`), 400},
		"a list for tags":          {good + "&Tags=%5B%5D", 400},
		"null for tags":            {good + "&Tags=null", 400},
		"a NUL in tags":            {good + "&Tags=" + url.QueryEscape(`{"a":"\u0000"}`), 400},
		"no UTF-8":                 {good + "&Locale=%c3%28", 400},
		"no UTF-8 in a name":       {good + "&%ff=1", 400},
		"half an escape":           {good + "&Locale=%4", 400},
		"a line break":             {good + "&CustomFriendlyName=a%0d%0ab", 400},
		"an address as the name":   {good + "&CustomFriendlyName=https://evil.example", 400},
		"a variable as the name":   {good + "&CustomFriendlyName=%7B%7Bcode%7D%7D", 400},
		"an unescaped plus":        {"To=+13035551234&Channel=sms", 400},
		"spaces":                   {"To=%2B1+303+555+1234&Channel=sms", 400},
		"JSON":                     {`{"To":"+13035551234","Channel":"sms"}`, 400},
		"digits of another script": {"To=%2B1%D9%A3035551234&Channel=sms", 400},
		"a long number":            {"To=%2B" + strings.Repeat("1", 60000) + "&Channel=sms", 400},
		"an address with a header": {"To=a%40example.com%0d%0aBcc:b@example.com&Channel=email", 400},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t)
			s.send(t, "POST /v2/Services\n\nFriendlyName=Acme")
			rec := s.send(t, "POST /v2/Services/$VA1/Verifications\n\n"+c.body)
			if rec.Code != c.status || !strings.Contains(rec.Body.String(), `"code":60200`) {
				t.Errorf("%d %s", rec.Code, rec.Body)
			}
			if len(rec.Body.String()) > 1000 {
				t.Errorf("the refusal has %d bytes", rec.Body.Len())
			}
			if rec := s.send(t, "GET /v2/Attempts"); !strings.Contains(rec.Body.String(), `"attempts":[]`) {
				t.Errorf("something was sent: %s", rec.Body)
			}
		})
	}
}

func TestABodyOf64KiBIsRead(t *testing.T) {
	s := newService(t)
	s.send(t, "POST /v2/Services\n\nFriendlyName=Acme")
	body := "To=%2B13035551234&Channel=sms&Pad="
	body += strings.Repeat("x", 64<<10-len(body))
	if rec := s.send(t, "POST /v2/Services/$VA1/Verifications\n\n"+body); rec.Code != http.StatusCreated {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestKnownAndUnknownNumbersAreAnsweredToTheByteAlike(t *testing.T) {
	s := world(t)
	var bodies []string
	for _, to := range []string{"%2B13035559999", "nobody%40example.com", "%2B13035551235"} {
		bodies = append(bodies, s.send(t, "POST /v2/Services/$VA1/VerificationCheck\n\nTo="+to+"&Code=123456").Body.String())
	}
	s.send(t, "POST /v2/Services/$VA1/Verifications/$VE1\n\nStatus=canceled")
	bodies = append(bodies, s.send(t, "POST /v2/Services/$VA1/VerificationCheck\n\nTo=%2B13035551234&Code=123456").Body.String())
	for _, b := range bodies[1:] {
		if b != bodies[0] {
			t.Errorf("%s is not %s", b, bodies[0])
		}
	}
}

// FuzzForm: whatever is read is UTF-8 without control characters, and is read the same
// once it is written again.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		"", "To=%2B13035551234&Channel=sms", "a=%", "a=%zz", "&&==;", "Tags=%7B%22a%22%3A%221%22%7D", "PageToken=PT5-6&Page=1&PageSize=2",
		"a=1&a=2", "%00=1", "a=%ff", "FriendlyName=12345", "Date=2026-03-01T12:00:00Z", "VA=VA" + strings.Repeat("0", 32),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, err := twilioapi.ReadForm(text)
		if err != nil {
			return
		}
		for name, all := range values {
			for _, v := range append(all, name) {
				if !utf8.ValidString(v) || strings.ContainsFunc(v, unicode.IsControl) {
					t.Fatalf("%q was let in", v)
				}
			}
		}
		again, err := twilioapi.ReadForm(url.Values(values).Encode())
		if err != nil || len(again) != len(values) {
			t.Fatalf("%q is read as %v and then %v, %v", text, values, again, err)
		}
	})
}
