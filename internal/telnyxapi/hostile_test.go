package telnyxapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// routesWithBody are all routes that read a body, with one that each accepts. $ID is a
// verification whose code is 4711, $OWN a profile, $TEMPLATE a template.
var routesWithBody = []struct{ route, good string }{
	{"POST /v2/verifications/sms", `"phone_number":"+13035551299","verify_profile_id":"$PROFILE"`},
	{"POST /v2/verifications", `"type":"sms","phone_number":"+13035551299","verify_profile_id":"$PROFILE"`},
	{"POST /v2/verifications/$ID/actions/verify", `"code":"4712"`},
	{"POST /v2/verifications/by_phone_number/+13035551234/actions/verify", `"code":"4712","verify_profile_id":"$PROFILE"`},
	{"POST /v2/verify_profiles", `"name":"a"`},
	{"PATCH /v2/verify_profiles/$OWN", `"name":"a"`},
	{"POST /v2/verify_profiles/templates", `"text":"{{code}}"`},
	{"PATCH /v2/verify_profiles/templates/$TEMPLATE", `"text":"{{code}}"`},
}

// hostileBodies are answered alike at every route. $GOOD are the fields that the route
// accepts.
var hostileBodies = []struct {
	name, body string
	want       string // status, code and pointer; empty: 200
}{
	{"no body", ``, "400 10023"},
	{"blanks", " \n\t", "400 10023"},
	{"half an object", `{$GOOD`, "400 10023"},
	{"a comma too much", `{$GOOD,}`, "400 10023"},
	{"no quotes", `{$GOOD,x:1}`, "400 10023"},
	{"single quotes", `{$GOOD,'x':1}`, "400 10023"},
	{"a comment", `{$GOOD/* x */}`, "400 10023"},
	{"a byte order mark", "\xef\xbb\xbf{$GOOD}", "400 10023"},
	{"UTF-16", "\xff\xfe{\x00}\x00", "400 10023"},
	{"bytes behind it", `{$GOOD} x`, "400 10023"},
	{"another object behind it", `{$GOOD}{$GOOD}`, "400 10023"},
	{"a NUL behind it", "{$GOOD}\x00", "400 10023"},
	{"a NUL in a string", "{$GOOD,\"x\":\"\x00\"}", "400 10023"},
	{"a line break in a string", "{$GOOD,\"x\":\"\n\"}", "400 10023"},
	{"invalid UTF-8 in a value", "{$GOOD,\"x\":\"\xff\"}", "400 10023"},
	{"invalid UTF-8 in a name", "{$GOOD,\"\xc3\x28\":1}", "400 10023"},
	{"an overlong NUL", "{$GOOD,\"x\":\"\xc0\x80\"}", "400 10023"},
	{"half a surrogate pair", `{$GOOD,"x":"\ud800"}`, "400 10023"},
	{"NaN", `{$GOOD,"x":NaN}`, "400 10023"},
	{"Infinity", `{$GOOD,"x":-Infinity}`, "400 10023"},
	{"a number with a zero before it", `{$GOOD,"x":01}`, "400 10023"},
	{"a number with a plus", `{$GOOD,"x":+1}`, "400 10023"},
	{"a hexadecimal number", `{$GOOD,"x":0x10}`, "400 10023"},
	{"True", `{$GOOD,"x":True}`, "400 10023"},
	{"a name twice", `{$GOOD,"x":1,"x":1}`, "400 10023 /x"},
	{"a name twice, once escaped", `{$GOOD,"xy":1,"\u0078y":1}`, "400 10023 /xy"},
	{"a name twice, further in", `{$GOOD,"x":[{"y":1,"y":2}]}`, "400 10023 /x/0/y"},
	{"objects too deep", `{$GOOD,"x":` + strings.Repeat(`[`, 10_001) + strings.Repeat(`]`, 10_001) + `}`, "400 10023"},
	{"a body too long", `{$GOOD,"x":"` + strings.Repeat("x", 64<<10) + `"}`, "413 10015"},
	{"null", `null`, "400 10004 $FIRST"},
	{"a list", `[{$GOOD}]`, "422 10026"},
	{"a string", `"{}"`, "422 10026"},
	{"a number", `1`, "422 10026"},
	{"true", `true`, "422 10026"},

	{"objects as deep as may be", `{$GOOD,"x":` + strings.Repeat(`[`, 9_999) + strings.Repeat(`]`, 9_999) + `}`, ""},
	{"a huge number in an unknown field", `{$GOOD,"x":1e999999999}`, ""},
	{"a name in another case", `{$GOOD,"CODE":1,"Phone_Number":2,"NAME":3,"Text":4}`, ""},
	{"a name with a NUL", `{$GOOD,"\u0000":1}`, ""},
	{"what JavaScript means by __proto__", `{$GOOD,"__proto__":{"admin":true},"constructor":1}`, ""},
	{"blanks around it", " \r\n\t{$GOOD}\n ", ""},
}

// hostile has a verification, a profile and a template, and says what stands for them.
func hostile(t *testing.T) (*service, *strings.Replacer) {
	t.Helper()
	s := newService(t)
	create := func(route, body string) string {
		rec := s.send(t, route, "application/json", body)
		var made struct{ Data struct{ ID string } }
		if err := json.Unmarshal(rec.Body.Bytes(), &made); err != nil || made.Data.ID == "" {
			t.Fatalf("%s: %d %s", route, rec.Code, rec.Body)
		}
		return made.Data.ID
	}
	started := fmt.Sprintf(`{"phone_number":"+13035551234","verify_profile_id":"%s","custom_code":"4711"}`, profileID)
	return s, strings.NewReplacer(
		"$ID", create("POST /v2/verifications/sms", started),
		"$OWN", create("POST /v2/verify_profiles", `{"name":"own"}`),
		"$TEMPLATE", create("POST /v2/verify_profiles/templates", `{"text":"{{code}}"}`),
		"$PROFILE", profileID.String(),
	)
}

// send asks with the tenant's key, or with another one after the route: «GET /v2 KEY».
func (s *service) send(t *testing.T, route, contentType, body string) *httptest.ResponseRecorder {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	path, key, other := strings.Cut(path, " ")
	if !other {
		key = apiKey
	}
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+key)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, req)
	return rec
}

// is compares an answer to a status, a code and a pointer, and an error to what every
// error is like.
func is(t *testing.T, rec *httptest.ResponseRecorder, want string) {
	t.Helper()
	got := fmt.Sprint(rec.Code)
	if rec.Code != http.StatusOK {
		e := read(t, rec).Errors[0]
		got += " " + e.Code
		if e.Source != nil {
			got += " " + e.Source.Pointer
		}
		if e.Title == "" || len(e.Detail) < 10 || !strings.HasSuffix(e.Meta.URL, "/"+e.Code) {
			t.Errorf("%+v", e)
		}
	}
	if strings.Contains(rec.Body.String(), `"response_code":"accepted"`) {
		t.Errorf("it was taken for the right code: %s", rec.Body)
	}
	if want == "" {
		want = "200"
	}
	if got != want {
		t.Errorf("%s, want %s: %.300s", got, want, rec.Body)
	}
	if h := rec.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", h)
	}
}

// What a null in the place of the whole body lacks first.
var firstMissing = map[string]string{
	"POST /v2/verifications/sms": "/phone_number", "POST /v2/verifications": "/type",
	"POST /v2/verifications/$ID/actions/verify":                          "/code",
	"POST /v2/verifications/by_phone_number/+13035551234/actions/verify": "/verify_profile_id",
	"POST /v2/verify_profiles":                                           "/name",
	"POST /v2/verify_profiles/templates":                                 "/text",
	"PATCH /v2/verify_profiles/templates/$TEMPLATE":                      "/text",
}

func TestHostileBodiesAreAnsweredAlikeAtEveryRoute(t *testing.T) {
	s, names := hostile(t)
	for _, r := range routesWithBody {
		for _, tt := range hostileBodies {
			t.Run(r.route+" with "+tt.name, func(t *testing.T) {
				body := names.Replace(strings.ReplaceAll(tt.body, "$GOOD", r.good))
				want := strings.ReplaceAll(tt.want, "$FIRST", firstMissing[r.route])
				if strings.HasPrefix(r.route, "PATCH /v2/verify_profiles/$OWN") && tt.name == "null" {
					want = "" // a change of nothing
				}
				is(t, s.send(t, names.Replace(r.route), "application/json", body), want)
			})
		}
	}
}

func TestABodyOf64KiBIsReadAndOneByteMoreIsNot(t *testing.T) {
	s, names := hostile(t)
	for _, r := range routesWithBody {
		body := names.Replace("{" + r.good + "}")
		body += strings.Repeat(" ", 64<<10-len(body))
		is(t, s.send(t, names.Replace(r.route), "application/json", body), "")
		is(t, s.send(t, names.Replace(r.route), "application/json", body+" "), "413 10015")
	}
}

func TestABodyMustBeSaidToBeJSON(t *testing.T) {
	s, names := hostile(t)
	for _, r := range routesWithBody {
		for contentType, want := range map[string]string{
			"application/json":                      "",
			"Application/JSON":                      "",
			"application/json; charset=utf-8":       "",
			" application/json ;charset=\"UTF-8\" ": "",
			"":                                      "400 10029",
			"text/plain":                            "400 10029",
			"text/json":                             "400 10029",
			"application/x-www-form-urlencoded":     "400 10029",
			"multipart/form-data; boundary=x":       "400 10029",
			"application/problem+json":              "400 10029",
			"application/json, text/plain":          "400 10029",
			"application/json; charset":             "400 10029",
			"application/json\x00":                  "400 10029",
		} {
			t.Run(fmt.Sprintf("%s as %q", r.route, contentType), func(t *testing.T) {
				is(t, s.send(t, names.Replace(r.route), contentType, names.Replace("{"+r.good+"}")), want)
			})
		}
	}
}

// hostileFields are the fields of each body by what they must hold, and what a null
// in its place is answered with.
type hostileField struct{ route, rest, pointer, kind, null string }

var hostileFields = []hostileField{
	{"POST /v2/verifications/sms", `"verify_profile_id":"$PROFILE"`, "/phone_number", "string", "400 10004 /phone_number"},
	{"POST /v2/verifications/sms", `"phone_number":"+13035551298"`, "/verify_profile_id", "string", "400 10004 /verify_profile_id"},
	{"POST /v2/verifications/sms", `"phone_number":"+13035551298","verify_profile_id":"$PROFILE"`, "/custom_code", "string", ""},
	{"POST /v2/verifications/sms", `"phone_number":"+13035551298","verify_profile_id":"$PROFILE"`, "/timeout_secs", "number", ""},
	{"POST /v2/verifications/sms", `"phone_number":"+13035551298","verify_profile_id":"$PROFILE"`, "/extension", "string", ""},
	{"POST /v2/verifications", `"phone_number":"+13035551298","verify_profile_id":"$PROFILE"`, "/type", "string", "400 10004 /type"},
	{"POST /v2/verifications/$ID/actions/verify", `"x":1`, "/code", "string", "400 10004 /code"},
	{"POST /v2/verifications/$ID/actions/verify", `"code":"4712"`, "/status", "string", ""},
	{"POST /v2/verifications/by_phone_number/+13035551234/actions/verify", `"code":"4712"`, "/verify_profile_id", "string", "400 10004 /verify_profile_id"},
	{"POST /v2/verifications/by_phone_number/+13035551234/actions/verify", `"verify_profile_id":"$PROFILE"`, "/code", "string", "400 10004 /code"},
	{"POST /v2/verify_profiles", `"x":1`, "/name", "string", "422 10027 /name"},
	{"POST /v2/verify_profiles", `"name":"a"`, "/language", "string", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/webhook_url", "string", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/webhook_failover_url", "string", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/daily_spend_limit_enabled", "bool", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/sms", "object", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/call", "object", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/flashcall", "object", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/whatsapp", "object", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/sms/app_name", "string", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/sms/alpha_sender", "string", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/sms/code_length", "number", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/call/default_verification_timeout_secs", "number", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/call/default_timeout_secs", "number", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/flashcall/messaging_template_id", "string", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/flashcall/whitelisted_destinations", "list", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/whatsapp/sender_phone_number", "string", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/whatsapp/template_id", "string", ""},
	{"POST /v2/verify_profiles", `"name":"a"`, "/whatsapp/waba_id", "string", ""},
	{"POST /v2/verify_profiles/templates", `"x":1`, "/text", "string", "400 10004 /text"},
}

func TestAFieldOfAnotherKindIsRefusedByName(t *testing.T) {
	s, names := hostile(t)
	for _, f := range hostileFields {
		values := map[string]string{"string": `"x"`, "number": "1", "bool": "true", "list": `["x"]`, "object": `{"x":1}`}
		delete(values, f.kind)
		for kind, value := range values {
			t.Run(fmt.Sprintf("%s %s as %s", f.route, f.pointer, kind), func(t *testing.T) {
				is(t, s.send(t, names.Replace(f.route), "application/json", names.Replace(f.with(value))), "422 10026 "+f.pointer)
			})
		}
		t.Run(f.route+" "+f.pointer+" as null", func(t *testing.T) {
			is(t, s.send(t, names.Replace(f.route), "application/json", names.Replace(f.with("null"))), f.null)
		})
	}
}

// with is a body with value in the field's place.
func (f hostileField) with(value string) string {
	outer, inner, nested := strings.Cut(f.pointer[1:], "/")
	if nested {
		value = fmt.Sprintf(`{%q:%s}`, inner, value)
	}
	return fmt.Sprintf(`{%s,%q:%s}`, f.rest, outer, value)
}

func TestNumbersOutOfRangeDoNotWrapRound(t *testing.T) {
	s, names := hostile(t)
	start := func(field, value string) string {
		return fmt.Sprintf(`{"phone_number":"+13035551298","verify_profile_id":"$PROFILE",%q:%s}`, field, value)
	}
	profile := func(fields string) string { return `{"name":"a",` + fields + `}` }
	for _, tt := range []struct{ route, body, want string }{
		{"POST /v2/verifications/sms", start("timeout_secs", "0"), "422 10033 /timeout_secs"},
		{"POST /v2/verifications/sms", start("timeout_secs", "-1"), "422 10033 /timeout_secs"},
		{"POST /v2/verifications/sms", start("timeout_secs", "-9223372036854775808"), "422 10033 /timeout_secs"},
		{"POST /v2/verifications/sms", start("timeout_secs", "1.5"), "422 10026 /timeout_secs"},
		{"POST /v2/verifications/sms", start("timeout_secs", "9223372036854775808"), "422 10026 /timeout_secs"},
		{"POST /v2/verifications/sms", start("timeout_secs", "1e400"), "422 10026 /timeout_secs"},
		{"POST /v2/verifications/sms", start("timeout_secs", "9223372036854775807"), ""},
		{"POST /v2/verifications/sms", start("timeout_secs", "9223372037"), ""}, // in nanoseconds it would be below zero
		{"POST /v2/verify_profiles", profile(`"sms":{"default_verification_timeout_secs":-1}`), "422 10033 /sms/default_verification_timeout_secs"},
		{"POST /v2/verify_profiles", profile(`"sms":{"default_verification_timeout_secs":9223372036854775807}`), ""},
		{"POST /v2/verify_profiles", profile(`"sms":{"code_length":-1}`), "422 10027 /code_length"},
		{"POST /v2/verify_profiles", profile(`"sms":{"code_length":11}`), "422 10027 /code_length"},
		{"POST /v2/verify_profiles", profile(`"sms":{"code_length":18446744073709551622}`), "422 10026 /sms/code_length"},
		{"POST /v2/verify_profiles", profile(`"daily_spend_limit":-0.01`), "422 10033 /daily_spend_limit"},
		{"POST /v2/verify_profiles", profile(`"daily_spend_limit":1e9`), "422 10033 /daily_spend_limit"},
		{"POST /v2/verify_profiles", profile(`"daily_spend_limit":1e999999999`), "422 10033 /daily_spend_limit"},
		{"POST /v2/verify_profiles", profile(`"daily_spend_limit":1000000000.01`), "422 10033 /daily_spend_limit"},
		{"POST /v2/verify_profiles", profile(`"daily_spend_limit":"1/3"`), "422 10033 /daily_spend_limit"},
		{"POST /v2/verify_profiles", profile(`"daily_spend_limit":"NaN"`), "422 10033 /daily_spend_limit"},
		{"POST /v2/verify_profiles", profile(`"daily_spend_limit":[5]`), "422 10033 /daily_spend_limit"},
		{"POST /v2/verify_profiles", profile(`"daily_spend_limit":true`), "422 10033 /daily_spend_limit"},
		{"POST /v2/verify_profiles", profile(`"daily_spend_limit":1000000000`), ""},
	} {
		t.Run(tt.body, func(t *testing.T) {
			rec := s.send(t, tt.route, "application/json", names.Replace(tt.body))
			is(t, rec, tt.want)
			var shown struct {
				Data struct {
					Timeout int `json:"timeout_secs"`
				}
			}
			if err := json.Unmarshal(rec.Body.Bytes(), &shown); err != nil || shown.Data.Timeout < 0 || shown.Data.Timeout > 600 {
				t.Errorf("%v: %s", err, rec.Body)
			}
		})
	}
}

func TestTextsThatMustNotBeStoredOrSent(t *testing.T) {
	s, names := hostile(t)
	for _, tt := range []struct{ route, body, want string }{
		{"POST /v2/verify_profiles", `{"name":"a\u0000b"}`, "422 10027 /name"},
		{"POST /v2/verify_profiles", `{"name":"a\nb"}`, "422 10027 /name"},
		{"POST /v2/verify_profiles", `{"name":"` + strings.Repeat("x", 65) + `"}`, "422 10027 /name"},
		{"POST /v2/verify_profiles", `{"name":"` + strings.Repeat("ä", 64) + `"}`, ""},
		{"POST /v2/verify_profiles", `{"name":"a","sms":{"app_name":"evil.example/login"}}`, "422 10027 /app_name"},
		{"POST /v2/verify_profiles", `{"name":"a","sms":{"app_name":"{{code}}"}}`, "422 10027 /app_name"},
		{"POST /v2/verify_profiles", `{"name":"a","webhook_url":"file:///etc/passwd"}`, "422 10027 /webhook_url"},
		{"POST /v2/verify_profiles", `{"name":"a","webhook_url":"https://u:p@example.com/"}`, "422 10027 /webhook_url"},
		{"POST /v2/verify_profiles", `{"name":"a","webhook_url":"https://example.com/\r\nX: y"}`, "422 10027 /webhook_url"},
		{"POST /v2/verify_profiles", `{"name":"a","webhook_url":"//example.com"}`, "422 10027 /webhook_url"},
		{"POST /v2/verify_profiles", `{"name":"a","sms":{"whitelisted_destinations":["us"]}}`, "422 10027 /whitelisted_destinations"},
		{"POST /v2/verify_profiles", `{"name":"a","sms":{"whitelisted_destinations":["US",null]}}`, "422 10027 /whitelisted_destinations"},
		{"POST /v2/verify_profiles", `{"name":"a","sms":{"whitelisted_destinations":["US",1]}}`, "422 10026 /sms/whitelisted_destinations/1"},
		{"POST /v2/verify_profiles/templates", `{"text":"{{code}} {{"}`, "422 10027 /text"},
		{"POST /v2/verify_profiles/templates", `{"text":"{{code}}\u0000"}`, "422 10027 /text"},
		{"POST /v2/verify_profiles/templates", `{"text":"{{code}}` + strings.Repeat("x", 1000) + `"}`, "422 10027 /text"},
		{"POST /v2/verifications/sms", `{"phone_number":"+13035551298","verify_profile_id":"{$PROFILE}"}`, "422 10015 /verify_profile_id"},
		{"POST /v2/verifications/sms", `{"phone_number":"+13035551298","verify_profile_id":"urn:uuid:$PROFILE"}`, "422 10015 /verify_profile_id"},
		{"POST /v2/verifications/sms", `{"phone_number":"+13035551298 ","verify_profile_id":"$PROFILE"}`, "422 10016 /phone_number"},
		{"POST /v2/verifications/sms", `{"phone_number":"+1303555１298","verify_profile_id":"$PROFILE"}`, "422 10016 /phone_number"},
		{"POST /v2/verifications/sms", `{"phone_number":"+1303555\u00001298","verify_profile_id":"$PROFILE"}`, "422 10016 /phone_number"},
		{"POST /v2/verifications/sms", `{"phone_number":"+` + strings.Repeat("1", 60_000) + `","verify_profile_id":"$PROFILE"}`, "400 10002 /phone_number"},
		{"POST /v2/verifications/sms", `{"phone_number":"+13035551298","verify_profile_id":"$PROFILE","custom_code":"12\u00003"}`, "422 10025 /custom_code"},
		{"POST /v2/verifications/sms", `{"phone_number":"+13035551298","verify_profile_id":"$PROFILE","custom_code":"１２３４"}`, "422 10025 /custom_code"},
		{"POST /v2/verifications/$ID/actions/verify", `{"code":"4711\u0000"}`, ""}, // a guess like any other
		{"POST /v2/verifications/$ID/actions/verify", `{"code":""}`, "422 10025 /code"},
		{"POST /v2/verifications/$ID/actions/verify", `{"code":"` + strings.Repeat("4", 60_000) + `"}`, ""},
	} {
		t.Run(fmt.Sprintf("%s %.80s", tt.route, tt.body), func(t *testing.T) {
			is(t, s.send(t, names.Replace(tt.route), "application/json", names.Replace(tt.body)), tt.want)
		})
	}
}
