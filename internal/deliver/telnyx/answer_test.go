package telnyx_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/internal/deliver/telnyx"
	"countersign/internal/verify"
)

// The codes by class, as docs and the operator's alarms sort them.
func codes() map[verify.Class][]int {
	return map[verify.Class][]int{
		verify.NotMobile:     {40001},
		verify.BadNumber:     {40310, 40012},
		verify.OptedOut:      {40300},
		verify.Filtered:      {40002, 40003, 40015, 40017, 40322},
		verify.Temporary:     {40004, 40006, 40008, 40005, 40014},
		verify.Throttled:     {40011, 40016, 40018, 40318},
		verify.Pumping:       {40020},
		verify.SenderUnready: {40010, 40305, 40306, 40307, 40013, 40329, 40321},
		verify.RegionOff:     {40309, 40331},
		verify.NoMoney:       {40333, 20100},
	}
}

// A code comes in three places, and Telnyx has written it as a text and as a number.
func TestEachCodeHasItsClassWhereverItStands(t *testing.T) {
	for class, list := range codes() {
		for _, n := range list {
			for _, form := range []string{strconv.Itoa(n), strconv.Quote(strconv.Itoa(n))} {
				fault := `[{"title":5},{"code":` + form + `}]`
				for _, answered := range []struct {
					status int
					body   string
				}{
					{400, `{"errors":` + fault + `}`},
					{500, `{"errors":` + fault + `}`},
					{200, `{"data":{"to":[{"status":"sending_failed"}],"errors":` + fault + `}}`},
					{200, `{"data":{"id":7,"from":null,"to":[{"status":"delivery_failed"}],"errors":` + fault + `}}`},
				} {
					_, err := send(t, answered.status, nil, answered.body)
					if e := refusal(t, err); e.Class != class || e.Ambiguous {
						t.Errorf("%d %s: %v, want %s", answered.status, answered.body, err, class)
					}
				}
			}
		}
	}
}

func TestTheFirstCodeThatIsKnownDecides(t *testing.T) {
	_, err := send(t, 422, nil, `{"errors":[{"code":"10015"},{"code":"40300"},{"code":"40002"}]}`)
	if e := refusal(t, err); e.Class != verify.OptedOut {
		t.Error(err)
	}
}

func TestAMessageGivenUpAtOnceIsRefusedEvenWithoutACode(t *testing.T) {
	_, err := send(t, 200, nil, `{"data":{"id":"x","to":[{"status":"sending_failed"}]}}`)
	if e := refusal(t, err); e.Class != verify.UnknownClass || e.Ambiguous {
		t.Error(err)
	}
}

func TestATakenMessageIsNamedIfTheAnswerCanBeRead(t *testing.T) {
	for body, want := range map[string]string{
		`{"data":{"id":"40385f64-5717"}}`:                                      "40385f64-5717",
		`{"data":{"id":"a","to":[{"status":"queued"}],"errors":[{"code":1}]}}`: "a",
		`{"data":{"to":[],"id":"a","parts":"one"},"more":1}`:                   "a",
		`{"data":{"id":12}}`:                                                   "",
		`{"data":{"id":"a b"}}`:                                                "",
		`{"data":{"id":"` + strings.Repeat("a", 65) + `"}}`:                    "",
		`{"data":{"id":"a"`:                                                    "",
		`{"errors":[{"code":"40300"}]}`:                                        "",
		`{"data":{"id":"a","to":"+1","errors":{"code":"40300"}}}`:              "a",
		`{"data":{"id":"a"},"pad":"` + strings.Repeat(" ", 70_000) + `"}`:      "",
	} {
		got, err := send(t, 200, nil, body)
		if err != nil || got.CarrierID != want {
			t.Errorf("%.80s: %q, %v; want %q", body, got.CarrierID, err, want)
		}
	}
}

func TestRetryAfterIsHeardInEitherFormAndBounded(t *testing.T) {
	const date = "Thu, 01 Jan 2026 12:00:00 GMT"
	for _, row := range []struct {
		status      int
		after, date string
		want        time.Duration
	}{
		{429, "7", "", 7 * time.Second},
		{429, " 0 ", "", 0},
		{503, "7", "", 7 * time.Second},
		{429, "601", "", 10 * time.Minute},
		{429, strings.Repeat("9", 40), "", 10 * time.Minute},
		{429, "-7", "", 0},
		{429, "1.5", "", 0},
		{429, "soon", date, 0},
		{429, "", date, 0},
		{429, "Thu, 01 Jan 2026 12:01:30 GMT", date, 90 * time.Second},
		{429, "Thursday, 01-Jan-26 12:01:30 GMT", date, 90 * time.Second},
		{429, "Thu, 01 Jan 2026 11:00:00 GMT", date, 0},
		{429, "Fri, 02 Jan 2026 12:00:00 GMT", date, 10 * time.Minute},
		{429, "Thu, 01 Jan 2026 12:01:30 GMT", "", 0},
		{429, "Thu, 01 Jan 2026 12:01:30 GMT", "yesterday", 0},
		{404, "7", "", 0},
	} {
		_, err := send(t, row.status, http.Header{"Retry-After": {row.after}, "Date": {row.date}}, "")
		if e := refusal(t, err); e.Wait != row.want {
			t.Errorf("%d after %q on %q: %s, want %s", row.status, row.after, row.date, e.Wait, row.want)
		}
	}
}

// A carrier that writes our code or number where its own code belongs is not
// believed.
func TestAnEchoIsNotShownAsACode(t *testing.T) {
	_, err := send(t, 400, nil, `{"errors":[{"code":"4711"},{"code":"202555"},{"code":"1234567"},{"code":"40a"},{"code":"99999"}]}`)
	if got, want := err.Error(), "not sent (unknown): telnyx: answered 400 with code 99999"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzAnswersNeitherPanicNorGiveAnythingAway(f *testing.F) {
	f.Add(200, "", `{"data":{"id":"a","to":[{"status":"sending_failed"}],"errors":[{"code":40300}]}}`)
	f.Add(400, "7", `{"errors":[{"code":"40310","title":"t","detail":"The message 731946 to `+to+`"}]}`)
	f.Add(429, "Thu, 01 Jan 2026 12:01:30 GMT", `{"errors":[{"code":731946},{"code":"731946"}]}`)
	f.Add(500, "731946", `[`+key+`]`)
	f.Fuzz(func(t *testing.T, status int, after, body string) {
		got, err := sendCode(t, "731946", status, http.Header{"Retry-After": {after}}, body)
		if err == nil {
			if status/100 != 2 || len(got.CarrierID) > 64 {
				t.Errorf("%d is success, called %q", status, got.CarrierID)
			}
			return
		}
		e := refusal(t, err)
		if e.Wait < 0 || e.Wait > 10*time.Minute {
			t.Errorf("waits %s", e.Wait)
		}
		out := strings.ReplaceAll(fmt.Sprintf("%v %+v %q", err, e, e.Err), strconv.Itoa(status), "")
		for _, secret := range []string{"731946", key, to, to[1:], "verification"} {
			if strings.Contains(out, secret) {
				t.Errorf("%q is shown: %s", secret, out)
			}
		}
	})
}

// send sends to a Telnyx that answers so, without a network.
func send(t testing.TB, status int, header http.Header, body string) (verify.Submission, error) {
	t.Helper()
	return sendCode(t, "4711", status, header, body)
}

func sendCode(t testing.TB, digits string, status int, header http.Header, body string) (verify.Submission, error) {
	t.Helper()
	if header == nil {
		header = http.Header{}
	}
	return carrier(t, telnyx.Config{Transport: trip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})}).Send(t.Context(), text(digits))
}
