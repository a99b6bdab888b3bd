package telnyxapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"countersign/internal/tenant"
)

// What each route needs. A key with another scope is refused, and one of another
// tenant finds nothing.
func TestEveryRouteAsksForItsScope(t *testing.T) {
	const id = "/11111111-2222-4333-8444-555555555555"
	routes := map[string]tenant.Scope{
		"POST /v2/verifications":                                             tenant.ScopeVerify,
		"POST /v2/verifications/sms":                                         tenant.ScopeVerify,
		"POST /v2/verifications/call":                                        tenant.ScopeVerify,
		"POST /v2/verifications/whatsapp":                                    tenant.ScopeVerify,
		"POST /v2/verifications/flashcall":                                   tenant.ScopeVerify,
		"POST /v2/verifications/dtmf_confirm":                                tenant.ScopeVerify,
		"POST /v2/verifications" + id + "/actions/verify":                    tenant.ScopeVerify,
		"POST /v2/verifications/by_phone_number/+13035551234/actions/verify": tenant.ScopeVerify,
		"GET /v2/verifications" + id:                                         tenant.ScopeRead,
		"GET /v2/verifications/by_phone_number/+13035551234":                 tenant.ScopeRead,
		"GET /v2/verify_profiles":                                            tenant.ScopeRead,
		"GET /v2/verify_profiles" + id:                                       tenant.ScopeRead,
		"GET /v2/verify_profiles/templates":                                  tenant.ScopeRead,
		"POST /v2/verify_profiles":                                           tenant.ScopeManage,
		"PATCH /v2/verify_profiles" + id:                                     tenant.ScopeManage,
		"DELETE /v2/verify_profiles" + id:                                    tenant.ScopeManage,
		"POST /v2/verify_profiles/templates":                                 tenant.ScopeManage,
		"PATCH /v2/verify_profiles/templates" + id:                           tenant.ScopeManage,
	}
	s := newService(t)
	keys := map[tenant.Scope]string{}
	for _, scope := range []tenant.Scope{tenant.ScopeRead, tenant.ScopeVerify, tenant.ScopeManage} {
		keys[scope] = s.key(t, string(scope), scope)
	}
	ask := func(route, key string) int {
		method, path, _ := strings.Cut(route, " ")
		req := httptest.NewRequest(method, path, strings.NewReader("{}"))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+key)
		rec := httptest.NewRecorder()
		s.handler.ServeHTTP(rec, req)
		return rec.Code
	}
	for route, needs := range routes {
		for scope, key := range keys {
			got := ask(route, key)
			// Who may verify or manage may read.
			if may := scope == needs || needs == tenant.ScopeRead; may == (got == http.StatusForbidden) && !strings.HasSuffix(route, "dtmf_confirm") {
				t.Errorf("%s with scope %s: %d", route, scope, got)
			}
		}
		if got := ask(route, "KEYnobody"); got != http.StatusUnauthorized {
			t.Errorf("%s with no key: %d", route, got)
		}
	}
}
