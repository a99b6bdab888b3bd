package twilioapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/twilioapi"
)

// world makes one of everything as the owner.
func world(t *testing.T) *service {
	t.Helper()
	s := newService(t)
	const v = "POST /v2/Services/$VA1"
	for _, request := range []string{
		"POST /v2/Services\n\nFriendlyName=Acme",
		v + "/Verifications\n\nTo=%2B13035551234&Channel=sms",
		v + "/RateLimits\n\nUniqueName=ip",
		v + "/RateLimits/$RK1/Buckets\n\nMax=5&Interval=60",
		v + "/MessagingConfigurations\n\nCountry=US&MessagingServiceSid=MG" + strings.Repeat("a", 32),
		v + "/Webhooks\n\nFriendlyName=w&EventTypes=*&WebhookUrl=https%3A%2F%2Fexample.com",
		"POST /v2/SafeList/Numbers\n\nPhoneNumber=%2B13035551234",
	} {
		if rec := s.send(t, request); rec.Code != http.StatusCreated {
			t.Fatalf("%s: %s", request, rec.Body)
		}
	}
	return s
}

// paths names the owner's things in a pattern.
var paths = strings.NewReplacer(
	"{verification}", "$VE1", "{limit}", "$RK1", "{bucket}", "$BL1", "{country}", "US",
	"{webhook}", "$YW1", "{attempt}", "$VL1", "{number}", "+13035551234",
)

// body is a good one for any route.
const body = "FriendlyName=Stolen&To=%2B13035551234&Channel=sms&Code=$CODE(VE1)&Status=canceled&UniqueName=ip&Description=stolen" +
	"&Max=1&Interval=60&Country=US&MessagingServiceSid=MGbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb&EventTypes=*&WebhookUrl=https%3A%2F%2Fexample.org"

// everything reads all that the owner has.
func (s *service) everything(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for _, path := range []string{
		"/v2/Services", "/v2/Services/$VA1/Verifications/$VE1", "/v2/Services/$VA1/RateLimits", "/v2/Services/$VA1/RateLimits/$RK1/Buckets",
		"/v2/Services/$VA1/MessagingConfigurations", "/v2/Services/$VA1/Webhooks", "/v2/Attempts/$VL1", "/v2/Attempts/Summary",
		"/v2/SafeList/Numbers/+13035551234",
	} {
		out.WriteString(s.send(t, "GET "+path).Body.String())
	}
	return out.String()
}

func TestNoTenantSeesOrChangesWhatIsAnothers(t *testing.T) {
	s := world(t)
	if rec := s.send(t, "POST /v2/Services\nAs: other\n\nFriendlyName=Other"); rec.Code != http.StatusCreated { // $VA2
		t.Fatal(rec.Body)
	}
	before := s.everything(t)
	for _, service := range []string{"$VA1", "$VA2"} {
		for _, p := range twilioapi.Patterns() {
			path := paths.Replace(strings.Replace(p, "{service}", service, 1))
			rec := s.send(t, path+"\nAs: other\n\n"+s.bodyOf(p))
			switch {
			case strings.Contains(p, "{service}") && service == "$VA1", strings.Contains(path, "$"+"VE"), strings.Contains(path, "$RK"),
				strings.Contains(path, "$YW"), strings.Contains(path, "$VL"), strings.Contains(p, "VerificationCheck"),
				strings.Contains(p, "{country}") && !strings.HasPrefix(p, "POST"):
				if rec.Code != http.StatusNotFound {
					t.Errorf("%s as another tenant: %d %s", path, rec.Code, rec.Body)
				}
			}
			if text := s.mask(rec.Body.String()); strings.Contains(text, "$VA1") || strings.Contains(text, "$VE1") || strings.Contains(text, "$AC1") {
				t.Errorf("%s shows another tenant's: %s", path, text)
			}
		}
	}
	if d := cmp.Diff(before, s.everything(t)); d != "" {
		t.Error("another tenant changed something (-before +after):", d)
	}
}

// bodyOf is a body for a route that has one.
func (s *service) bodyOf(pattern string) string {
	if strings.HasPrefix(pattern, "POST") {
		return body
	}
	return ""
}

func TestFiltersFindNothingOfAnotherTenant(t *testing.T) {
	s := world(t)
	for _, query := range []string{"", "?VerificationSid=$VE1", "?VerifyServiceSid=$VA1", "?ChannelData.To=%2B13035551234"} {
		rec := s.send(t, "GET /v2/Attempts"+query+"\nAs: other")
		if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"attempts":[]`) {
			t.Errorf("%s: %d %s", query, rec.Code, rec.Body)
		}
	}
}

func TestAServiceDoesNotOpenWhatAnotherOneOfTheSameTenantHas(t *testing.T) {
	s := world(t)
	if rec := s.send(t, "POST /v2/Services\n\nFriendlyName=Second"); rec.Code != http.StatusCreated { // $VA2
		t.Fatal(rec.Body)
	}
	before := s.everything(t)
	for _, p := range twilioapi.Patterns() {
		path := paths.Replace(strings.Replace(p, "{service}", "$VA2", 1))
		if !strings.Contains(path, "$VA2/") || path == paths.Replace(p) || strings.HasSuffix(p, "Verifications") || !strings.Contains(path, "1") {
			continue
		}
		if rec := s.send(t, path+"\n\n"+s.bodyOf(p)); rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	rec := s.send(t, "POST /v2/Services/$VA2/VerificationCheck\n\nVerificationSid=$VE1&Code=$CODE(VE1)")
	if rec.Code != http.StatusNotFound {
		t.Errorf("a check under another service: %d %s", rec.Code, rec.Body)
	}
	if d := cmp.Diff(before, s.everything(t)); d != "" {
		t.Error("another service changed something (-before +after):", d)
	}
}

func TestAKeyOpensNoOtherAccount(t *testing.T) {
	s := world(t)
	s.logins["crossed"] = login{s.logins["owner"].user, s.logins["other"].password}
	if rec := s.send(t, "GET /v2/Services\nAs: crossed"); rec.Code != http.StatusUnauthorized {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
