package telnyxapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"countersign/internal/tenant"
)

// A number in a path is taken as it stands or escaped, and nothing else is one.
func TestNumbersAndIDsInPaths(t *testing.T) {
	s, names := hostile(t)
	const list, notE164, noSuch = "GET /v2/verifications/by_phone_number/", "422 10016 /phone_number", "404 10005"
	for route, want := range map[string]string{
		list + "+13035551234":                                         "",
		list + "%2B13035551234":                                       "",
		list + "%2b1303555%31234":                                     "",
		list + "13035551234":                                          notE164,
		list + "%2013035551234":                                       notE164, // a + that was decoded as in a form
		list + "+1%20303%20555%201234":                                notE164,
		list + "+1-303-555-1234":                                      notE164,
		list + "%2B%2B13035551234":                                    notE164,
		list + "%252B13035551234":                                     notE164, // escaped twice
		list + "+1303555%2F1234":                                      notE164,
		list + "+13035551234%2F":                                      notE164,
		list + "+13035551234%00":                                      notE164,
		list + "+13035551234%0A":                                      notE164,
		list + "%FF":                                                  notE164,
		list + "%EF%BC%8B13035551234":                                 notE164, // a wide +
		list + "+1303":                                                "400 10002 /phone_number",
		list + "+13035551234/":                                        noSuch,
		list:                                                          noSuch,
		list + "+13035551234/actions":                                 noSuch,
		"GET /v2/verifications/$ID":                                   "",
		"GET /v2/verifications/%24ID":                                 noSuch + " /verification_id",
		"GET /v2/verifications/$ID%00":                                noSuch + " /verification_id",
		"GET /v2/verifications/$ID%2F":                                noSuch + " /verification_id",
		"GET /v2/verifications/%7B$ID%7D":                             noSuch + " /verification_id",
		"GET /v2/verifications/urn:uuid:$ID":                          noSuch + " /verification_id",
		"GET /v2/verifications/$ID/":                                  noSuch,
		"GET /v2/verify_profiles/$OWN":                                "",
		"GET /v2/verify_profiles/urn:uuid:$OWN":                       noSuch + " /verify_profile_id",
		"GET /v2/verify_profiles/%7B$OWN%7D":                          noSuch + " /verify_profile_id",
		"GET /v2/verify_profiles/$OWN%2F":                             noSuch + " /verify_profile_id",
		"GET /v2/verify_profiles/templates%2F":                        noSuch + " /verify_profile_id",
		"PUT /v2/verify_profiles/$OWN":                                noSuch,
		"DELETE /v2/verifications/$ID":                                noSuch,
		"PROPFIND /v2/verifications":                                  noSuch,
		"GET /v2/":                                                    noSuch,
		"GET /v2/verifications%2Fsms":                                 noSuch,
		"GET /v2/verify_profiles?page[size]=-1":                       "422 10033",
		"GET /v2/verify_profiles?page[size]=1e2":                      "422 10033",
		"GET /v2/verify_profiles?page[size]=%00":                      "422 10033",
		"GET /v2/verify_profiles?filter[name]=%FF":                    "",
		"GET /v2/verify_profiles?filter[name]=%25":                    "",
		"GET /v2/verify_profiles?page[number]=99999999999999999999":   "422 10033",
		"GET /v2/verify_profiles?page[number]=1000000&page[size]=250": "",
	} {
		t.Run(route, func(t *testing.T) { is(t, s.send(t, names.Replace(route), "", ""), want) })
	}
	check := "POST /v2/verifications/by_phone_number/%s/actions/verify"
	for number, want := range map[string]string{
		"+13035551234": "", "%2B13035551234": "", "%2013035551234": notE164, "+1303555%2F1234": notE164, "+13035551234%00": notE164,
	} {
		rec := s.send(t, fmt.Sprintf(check, number), "application/json", names.Replace(`{"code":"4712","verify_profile_id":"$PROFILE"}`))
		is(t, rec, want)
	}
	for _, id := range []string{"%7B$TEMPLATE%7D", "urn:uuid:$TEMPLATE", "$TEMPLATE%00", "$OWN", "$ID"} {
		rec := s.send(t, names.Replace("PATCH /v2/verify_profiles/templates/"+id), "application/json", `{"text":"{{code}}"}`)
		is(t, rec, noSuch+" /template_id")
	}
}

// A path that is not clean is sent to the clean one, by the standard library; nothing
// is done and nothing is told meanwhile.
func TestAPathThatIsNotCleanDoesNothing(t *testing.T) {
	s, names := hostile(t)
	for _, path := range []string{"/v2//verifications/$ID", "/v2/x/../verifications/$ID", "/v2/./verifications/$ID"} {
		rec := s.send(t, "GET "+names.Replace(path), "", "")
		if to := rec.Header().Get("Location"); rec.Code < 300 || rec.Code > 399 || to != names.Replace("/v2/verifications/$ID") || strings.Contains(rec.Body.String(), "+1303") {
			t.Errorf("%s: %d to %q", path, rec.Code, to)
		}
	}
}

// Whoever asks for what another tenant has learns no more than whoever asks for what
// nobody has: status, headers and body are the same to the byte.
func TestWhatIsAnotherTenantsIsAnsweredLikeWhatIsNot(t *testing.T) {
	s, theirs := hostile(t)
	const nobody, unused = "019ca8f1-8a00-7000-8000-000000000000", "+13035550000"
	none := strings.NewReplacer("$ID", nobody, "$OWN", nobody, "$TEMPLATE", nobody, "$PROFILE", nobody, "+13035551234", unused)
	key := s.key(t, "a third tenant", tenant.ScopeRead, tenant.ScopeVerify, tenant.ScopeManage)
	own := s.send(t, "POST /v2/verify_profiles "+key, "application/json", `{"name":"mine"}`)
	var mine struct{ Data struct{ ID string } }
	if err := json.Unmarshal(own.Body.Bytes(), &mine); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ route, body string }{
		{"GET /v2/verifications/$ID", ""},
		{"POST /v2/verifications/$ID/actions/verify", `{"code":"4711"}`},
		{"POST /v2/verifications/$ID/actions/verify", `{"status":"accepted"}`},
		{"POST /v2/verifications/$ID/actions/verify", `{"status":"rejected"}`},
		{"GET /v2/verifications/by_phone_number/+13035551234", ""},
		{"POST /v2/verifications/by_phone_number/+13035551234/actions/verify", `{"code":"4711","verify_profile_id":"$PROFILE"}`},
		{"POST /v2/verifications/by_phone_number/+13035551234/actions/verify", `{"code":"4711","verify_profile_id":"` + mine.Data.ID + `"}`},
		{"POST /v2/verifications/sms", `{"phone_number":"+13035551234","verify_profile_id":"$PROFILE"}`},
		{"GET /v2/verify_profiles/$OWN", ""},
		{"PATCH /v2/verify_profiles/$OWN", `{"name":"x"}`},
		{"DELETE /v2/verify_profiles/$OWN", ""},
		{"GET /v2/verify_profiles/$PROFILE", ""},
		{"DELETE /v2/verify_profiles/$PROFILE", ""},
		{"PATCH /v2/verify_profiles/templates/$TEMPLATE", `{"text":"{{code}}"}`},
		{"POST /v2/verify_profiles", `{"name":"x","sms":{"messaging_template_id":"$TEMPLATE"}}`},
	} {
		t.Run(tt.route+" "+tt.body, func(t *testing.T) {
			var answers [2]string
			for i, names := range []*strings.Replacer{theirs, none} {
				rec := s.send(t, names.Replace(tt.route)+" "+key, "application/json", names.Replace(tt.body))
				answers[i] = fmt.Sprint(rec.Code, rec.Header(), rec.Body)
			}
			if answers[0] != answers[1] {
				t.Errorf("theirs: %s\nnobody's: %s", answers[0], answers[1])
			}
		})
	}
	rec := s.send(t, theirs.Replace("POST /v2/verifications/$ID/actions/verify"), "application/json", `{"code":"4711"}`)
	if !strings.Contains(rec.Body.String(), `"accepted"`) {
		t.Errorf("another tenant has spoiled it: %s", rec.Body)
	}
}
