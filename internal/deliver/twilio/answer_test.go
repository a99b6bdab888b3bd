package twilio_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/internal/deliver/twilio"
	"countersign/internal/verify"
)

// The codes by class, as docs and the operator's alarms sort them.
func codes() map[verify.Class][]int {
	return map[verify.Class][]int{
		verify.NotMobile:     {21614, 21635, 30006},
		verify.BadNumber:     {21211, 21214, 21217, 30005},
		verify.OptedOut:      {21610, 30004},
		verify.Filtered:      {30007},
		verify.Temporary:     {30003, 30008},
		verify.Throttled:     {10004, 14107, 20429, 21611, 30001},
		verify.Pumping:       {30450, 30453},
		verify.SenderUnready: {21210, 21212, 21219, 21603, 21606, 21608, 21612, 21703, 30034, 572005, 573005},
		verify.RegionOff:     {21215, 21408},
		verify.Credentials:   {10001, 20003, 20005, 20404},
		verify.NoMoney:       {30002},
	}
}

func TestEachCodeHasItsClassWhereverItStands(t *testing.T) {
	for class, list := range codes() {
		for _, n := range list {
			for _, row := range []struct {
				status int
				body   string
			}{
				{400, `{"code":%d,"message":"m","more_info":"https://www.twilio.com/docs/errors/1","status":400}`},
				{404, `{"code":"%d","status":"404"}`},
				{500, `{"status":500,"code":%d}`},
				{201, `{"sid":"SM1","status":"failed","error_code":%d,"code":null}`},
				{200, `{"sid":7,"status":"undelivered","error_code":"%d"}`},
			} {
				_, err := send(t, row.status, nil, fmt.Sprintf(row.body, n))
				if e := refusal(t, err); e.Class != class || e.Ambiguous || !strings.HasSuffix(err.Error(), strconv.Itoa(n)) {
					t.Errorf("%d %s: %v, want %s", row.status, fmt.Sprintf(row.body, n), err, class)
				}
			}
		}
	}
}

func TestACodeThatIsNotKnownLeavesItToTheStatus(t *testing.T) {
	for status, want := range map[int]verify.Class{
		400: verify.UnknownClass, 401: verify.Credentials, 402: verify.NoMoney, 403: verify.Credentials, 404: verify.UnknownClass,
		429: verify.Throttled, 500: verify.Temporary, 503: verify.Temporary,
	} {
		_, err := send(t, status, nil, `{"code":99999,"message":"code 4711 to `+to+`"}`)
		e := refusal(t, err)
		if e.Class != want || e.Ambiguous != (status == 500) {
			t.Errorf("%d: %v", status, err)
		}
		if want := "twilio: answered " + strconv.Itoa(status) + " with code 99999"; e.Err.Error() != want {
			t.Errorf("%q is said, want %q", e.Err, want)
		}
	}
}

func TestEveryClassCanBeToldByTwilio(t *testing.T) {
	reached := map[verify.Class]bool{verify.UnknownClass: true} // by status, above
	for class := range codes() {
		reached[class] = true
	}
	for _, class := range verify.Classes() {
		if !reached[class] {
			t.Errorf("no code for %q", class)
		}
	}
}

func TestATakenMessageIsNamedIfTheAnswerCanBeRead(t *testing.T) {
	for body, want := range map[string]string{
		`{"sid":"SM0123","status":"queued","error_code":null}`:    "SM0123",
		`{"sid":"SM0123","status":"accepted","error_code":30007}`: "SM0123", // the status is Twilio's word on it
		`{"sid":"CA0123","status":"queued","price":{},"to":[]}`:   "CA0123",
		`{"status":7,"sid":"SM0123"}`:                             "SM0123",
		`{"sid":12}`:                                              "",
		`{"sid":"a b"}`:                                           "",
		`{"sid":"` + strings.Repeat("a", 65) + `"}`:               "",
		`{"sid":"a"`:     "",
		`{"code":21610}`: "",
		`{"sid":"a","pad":"` + strings.Repeat(" ", 70_000) + `"}`:                "",
		`{"sid":"SM0123","status":"sent","error_code":"` + to + `","code":4711}`: "SM0123",
	} {
		got, err := send(t, 201, nil, body)
		if err != nil || got.CarrierID != want {
			t.Errorf("%.80s: %q, %v; want %q", body, got.CarrierID, err, want)
		}
	}
}

func TestAMessageGivenUpAtOnceIsRefusedEvenWithoutACode(t *testing.T) {
	for _, status := range []string{"failed", "undelivered", "canceled"} {
		got, err := send(t, 201, nil, `{"sid":"SM0123","error_code":null,"status":"`+status+`"}`)
		if e := refusal(t, err); e.Class != verify.UnknownClass || e.Ambiguous || got != (verify.Submission{}) {
			t.Errorf("%s: %v", status, err)
		}
	}
}

func TestRetryAfterIsHeard(t *testing.T) {
	_, err := send(t, 429, http.Header{"Retry-After": {"7"}}, `{"code":20429}`)
	if e := refusal(t, err); e.Wait != 7*time.Second || !e.Later() {
		t.Errorf("%v, wait %s", err, e.Wait)
	}
}

// A carrier that writes our code, number or keys where its own code belongs is
// not believed.
func TestAnEchoIsNotShownAsACode(t *testing.T) {
	for _, echo := range []string{"4711", "202555", "8642"} {
		_, err := send(t, 400, nil, `{"code":`+echo+`}`)
		if got, want := err.Error(), "not sent (unknown): twilio: answered 400"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func FuzzAnswersNeitherPanicNorGiveAnythingAway(f *testing.F) {
	f.Add(201, "", `{"sid":"SM1","status":"failed","error_code":30007}`)
	f.Add(400, "7", `{"code":21211,"message":"The 'To' number `+to+` is not valid: 731946"}`)
	f.Add(429, "Thu, 01 Jan 2026 12:01:30 GMT", `{"code":731946}`)
	f.Add(500, "731946", `[`+token+`]`)
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
		for _, secret := range []string{"731946", token, to, to[1:], "verification"} {
			if strings.Contains(out, secret) {
				t.Errorf("%q is shown: %s", secret, out)
			}
		}
	})
}

// send sends to a Twilio that answers so, without a network.
func send(t testing.TB, status int, header http.Header, body string) (verify.Submission, error) {
	t.Helper()
	return sendCode(t, "4711", status, header, body)
}

func sendCode(t testing.TB, digits string, status int, header http.Header, body string) (verify.Submission, error) {
	t.Helper()
	m := text(digits)
	m.Keys = "8642"
	return carrier(t, twilio.Config{Transport: trip(func(r *http.Request) (*http.Response, error) {
		return answered(r, status, header, body), nil
	})}).Send(t.Context(), m)
}
