package post_test

import (
	"context"
	"errors"
	"io"
	"net/http"

	"strings"
	"testing"
	"time"

	"countersign/internal/deliver/post"
	"countersign/internal/verify"
)

// trip is a transport that a test writes as a function.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answering(status int, header http.Header, body string) trip {
	return func(r *http.Request) (*http.Response, error) {
		if header == nil {
			header = http.Header{}
		}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

func TestRetryAfterIsHeardInEitherFormAndBounded(t *testing.T) {
	const date = "Thu, 01 Jan 2026 12:00:00 GMT"
	for _, row := range []struct {
		after, date string
		want        time.Duration
	}{
		{"7", "", 7 * time.Second},
		{" 7 ", "", 7 * time.Second},
		{"0", "", 0},
		{"600", "", 10 * time.Minute},
		{"601", "", 10 * time.Minute},
		{strings.Repeat("9", 40), "", 10 * time.Minute},
		{"-7", "", 0},
		{"+7", "", 0},
		{"1.5", "", 0},
		{"0x7", "", 0},
		{"soon", date, 0},
		{"", date, 0},
		{"Thu, 01 Jan 2026 12:01:30 GMT", date, 90 * time.Second},
		{"Thursday, 01-Jan-26 12:01:30 GMT", date, 90 * time.Second},
		{"Thu Jan  1 12:01:30 2026", date, 90 * time.Second},
		{"Thu, 01 Jan 2026 11:00:00 GMT", date, 0},
		{"Fri, 02 Jan 2026 12:00:00 GMT", date, 10 * time.Minute},
		{"Thu, 01 Jan 2026 12:01:30 GMT", "", 0},
		{"Thu, 01 Jan 2026 12:01:30 GMT", "yesterday", 0},
	} {
		c := post.New(post.Client{Carrier: "acme", Transport: answering(429, http.Header{"Retry-After": {row.after}, "Date": {row.date}}, "")})
		a, failed := c.Post(t.Context(), "https://acme.example/", nil)
		if failed != nil {
			t.Fatal(failed)
		}
		if got := a.Refusal(verify.Message{}, nil, nil).Wait; got != row.want {
			t.Errorf("%q on %q: %s, want %s", row.after, row.date, got, row.want)
		}
	}
}

// What waits is a refusal that passes by itself; another is not tried again anyway.
func TestOnlyARefusalThatPassesHasAWait(t *testing.T) {
	classes := map[post.Code]verify.Class{}
	for _, class := range verify.Classes() {
		classes[post.Code(class)] = class
	}
	c := post.New(post.Client{Carrier: "acme", Transport: answering(500, http.Header{"Retry-After": {"7"}}, "")})
	for _, class := range verify.Classes() {
		a, failed := c.Post(t.Context(), "https://acme.example/", nil)
		if failed != nil {
			t.Fatal(failed)
		}
		e := a.Refusal(verify.Message{}, []post.Code{"", "unheard of", post.Code(class)}, classes)
		waits := class == verify.Throttled || class == verify.Temporary
		if e.Class != class || e.Ambiguous || (e.Wait == 7*time.Second) != waits {
			t.Errorf("%s: %v, wait %s", class, e, e.Wait)
		}
	}
}

func TestARequestIsSignedOverItsBody(t *testing.T) {
	var got *http.Request
	var body []byte
	c := post.New(post.Client{
		Carrier: "acme", Kind: "text/plain",
		Sign: func(h http.Header, body []byte) { h.Set("X-Signature", "of "+string(body)) },
		Transport: trip(func(r *http.Request) (*http.Response, error) {
			got = r
			body, _ = io.ReadAll(r.Body)
			return answering(204, nil, "")(r)
		}),
	})
	if _, failed := c.Post(t.Context(), "https://acme.example/x", []byte("the body")); failed != nil {
		t.Fatal(failed)
	}
	if got.Header.Get("X-Signature") != "of the body" || string(body) != "the body" || got.ContentLength != 8 {
		t.Errorf("signed %q, sent %q", got.Header.Get("X-Signature"), body)
	}
	if _, there := got.Header["Authorization"]; there {
		t.Error("authorized by nobody knows what")
	}
}

// A letter that was given up unread can never be read, and one that was opened at all may
// have gone out.
func TestALetterIsSealedOnlyIfNobodyReadIt(t *testing.T) {
	lost := errors.New("lost")
	for _, row := range []struct {
		name      string
		read      func(r *http.Request)
		ambiguous bool
	}{
		{"nothing read", func(*http.Request) {}, false},
		{"closed unread", func(r *http.Request) { _ = r.Body.Close() }, false},
		{"opened anew and unread", func(r *http.Request) { _, _ = r.GetBody() }, false},
		{"one byte read", func(r *http.Request) { _, _ = r.Body.Read(make([]byte, 1)) }, true},
		{"all read", func(r *http.Request) { _, _ = io.ReadAll(r.Body) }, true},
		{"read a second time only", func(r *http.Request) { b, _ := r.GetBody(); _, _ = io.ReadAll(b) }, true},
	} {
		var given *http.Request
		c := post.New(post.Client{Carrier: "acme", Transport: trip(func(r *http.Request) (*http.Response, error) {
			given = r
			row.read(r)
			return nil, lost
		})})
		_, failed := c.Post(t.Context(), "https://acme.example/", []byte("the body"))
		if failed == nil || failed.Ambiguous != row.ambiguous || failed.Class != verify.Temporary || errors.Is(failed, lost) {
			t.Errorf("%s: %v", row.name, failed)
		}
		anew, _ := given.GetBody()
		for _, b := range []io.Reader{given.Body, anew} {
			if late, err := io.ReadAll(b); !row.ambiguous && (len(late) > 0 || err == nil) {
				t.Errorf("%s: afterwards %q can be read, %v", row.name, late, err)
			}
		}
	}
}

func TestAPostEndsWithItsTimeAndWithItsContext(t *testing.T) {
	waiting := trip(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	c := post.New(post.Client{Carrier: "acme", Timeout: time.Millisecond, Transport: waiting})
	if _, failed := c.Post(t.Context(), "https://acme.example/", nil); !errors.Is(failed, context.DeadlineExceeded) {
		t.Errorf("late: %v", failed)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c = post.New(post.Client{Carrier: "acme", Transport: waiting})
	if _, failed := c.Post(ctx, "https://acme.example/", nil); !errors.Is(failed, context.Canceled) || failed.Ambiguous {
		t.Errorf("cancelled: %v", failed)
	}
	if c.Timeout != post.DefaultTimeout {
		t.Errorf("of itself a client waits %s", c.Timeout)
	}
}

func TestAnAnswerIsReadTo64KiB(t *testing.T) {
	c := post.New(post.Client{Carrier: "acme", Transport: answering(200, nil, strings.Repeat("x", 70_000))})
	a, failed := c.Post(t.Context(), "https://acme.example/", nil)
	if failed != nil || len(a.Body) != 64<<10 || !a.Taken() {
		t.Errorf("%d bytes, %v", len(a.Body), failed)
	}
}

func TestARequestThatCannotBeMadeIsSurelyNotSent(t *testing.T) {
	c := post.New(post.Client{Carrier: "acme", Transport: trip(func(*http.Request) (*http.Response, error) {
		t.Error("the carrier was asked")
		return nil, nil
	})})
	_, failed := c.Post(t.Context(), "https://canary host/", nil)
	if failed == nil || failed.Ambiguous || failed.Class != verify.UnknownClass || strings.Contains(failed.Error(), "canary") {
		t.Errorf("%v", failed)
	}
}

func TestACodeIsShortAndOfDigits(t *testing.T) {
	for in, want := range map[string]post.Code{
		`"30006"`: "30006", `30006`: "30006", `""`: "", `"1234567"`: "", `"30a06"`: "", `null`: "", `{"a":1}`: "", `[1]`: "", `1.5`: "", `-1`: "", `"3 0"`: "",
	} {
		c := post.Code("")
		if err := c.UnmarshalJSON([]byte(in)); err != nil || c != want {
			t.Errorf("%s: %q, %v", in, c, err)
		}
	}
}

func TestAnIDIsPlain(t *testing.T) {
	for _, id := range []string{"SM0123456789abcdef", "40385f64-5717_A", "v3:MdI91X4lWFEs7IgbBEOT9M4AigoY08M0WWZFISt1Yw2axZ_IiE4pqg", strings.Repeat("a", 64)} {
		if got := post.PlainID(id); got != id {
			t.Errorf("%q becomes %q", id, got)
		}
	}
	for _, id := range []string{"", "a b", "a\n", "a/b", "a?b", "a%20", "é", `a"`, "a=b", "<a>", strings.Repeat("a", 65)} {
		if got := post.PlainID(id); got != "" {
			t.Errorf("%q becomes %q", id, got)
		}
	}
}

func TestABaseIsHTTPSOrLoopback(t *testing.T) {
	for _, good := range []string{
		"https://acme.example", "https://acme.example:8443/v1/", "https://[2001:db8::1]/", "http://localhost:80", "http://127.0.0.1", "http://127.255.0.9:1", "http://[::1]:80/a",
	} {
		if base, err := post.ParseBase(good); err != nil || base.String() != good {
			t.Errorf("%s: %v, %v", good, base, err)
		}
	}
	for bad, says := range map[string]string{
		"":                              "https://",
		"acme.example":                  "https://",
		"//acme.example":                "https://",
		"mailto:canary@acme.example":    "https://",
		"https://":                      "https://",
		"https://:443":                  "https://",
		"https://canary\x7f/":           "cannot be read",
		"https://acme.example/%zz":      "cannot be read",
		"https://canary@acme.example":   "user name",
		"https://a:canary@acme.example": "user name",
		"https://acme.example?canary":   "? or #",
		"https://acme.example?":         "? or #",
		"https://acme.example#canary":   "? or #",
		"http://acme.example":           "in the clear",
		"http://10.0.0.1":               "in the clear",
		"http://169.254.169.254":        "in the clear",
		"http://[::ffff:10.0.0.1]":      "in the clear",
		"http://0x7f.0.0.1":             "in the clear",
		"http://localhost.acme.example": "in the clear",
	} {
		_, err := post.ParseBase(bad)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v, want %q", bad, err, says)
		}
	}
}

func TestAnOriginHasThreeForms(t *testing.T) {
	for from, want := range map[string]post.Origin{
		"+15551234567": post.Number, "+1234567": post.Number, "+123456789012345": post.Number,
		"123": post.ShortCode, "12345678": post.ShortCode, "Acme": post.Name, "Acme Bank 1": post.Name, "1a": post.Name,
	} {
		if got, err := post.ParseOrigin(from); err != nil || got != want {
			t.Errorf("%q: %v, %v", from, got, err)
		}
	}
	for _, from := range []string{"", "+", "+0123456789", "+123456", "+1234567890123456", "+1 555", "+1555a", "12", "123456789", "Twelve Chars", "Acme!", " ", "Äcme"} {
		if got, err := post.ParseOrigin(from); err == nil {
			t.Errorf("%q is %v", from, got)
		}
	}
}

func TestACredentialPrints(t *testing.T) {
	bad := []string{" ", "a b", "a\n", "\ta", "é", "\x7f", "a\x00"}
	for _, good := range []string{"", "KEY_abc-1.2~!", `"\`} {
		if !post.Printable(good) {
			t.Errorf("%q does not print", good)
		}
	}
	for _, text := range bad {
		if post.Printable(text) {
			t.Errorf("%q prints", text)
		}
	}
}
