package telnyxapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/internal/ledger"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

// verifiedSession is a session in which the code was accepted, and its proof.
func (s *service) verifiedSession(t *testing.T, number string) (verify.Session, string) {
	t.Helper()
	to := verify.Phone(phone.Trusted(number))
	p, err := s.directory.Profile(t.Context(), "default", profileID)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := s.directory.Rules(t.Context(), p, verify.SMS, verify.ID{}, "")
	if err != nil {
		t.Fatal(err)
	}
	made, err := ledger.Do(t.Context(), s.ledger, verify.OpenSession{
		Profile: rules, Returns: p.ReturnURLs, Address: to, Details: verify.SessionDetails{ReturnURL: p.ReturnURLs[0], State: "abc"},
	})
	if err != nil {
		t.Fatal(err)
	}
	browser := verify.BrowserKey{1}
	begun, err := ledger.Do(t.Context(), s.ledger, verify.SessionStart{
		Session: made.ID, Browser: browser, Start: verify.Start{Profile: rules, Channel: verify.SMS, Address: to, Purpose: made.Purpose()},
	})
	if err != nil {
		t.Fatal(err)
	}
	code, err := begun.Verification.Reveal(s.keys)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Do(t.Context(), s.ledger, verify.SessionCheck{
		Session: made.ID, Browser: browser, Check: verify.Check{Tenant: rules.Tenant, Verification: begun.Verification.ID, Guess: code.Text()},
	}); err != nil {
		t.Fatal(err)
	}
	kept, err := s.store.Session(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.proofs.Sign(t.Context(), s.public, *kept)
	if err != nil {
		t.Fatal(err)
	}
	return *kept, text
}

func TestAProofIsRedeemedOnceAndForItsOwnSession(t *testing.T) {
	s := newService(t)
	redeem := func(session verify.Session, proof string) (int, string) {
		t.Helper()
		rec := s.sendJSON(t, http.MethodPost, "/v2/verification_sessions/"+session.ID.String()+"/redeem", map[string]string{"proof": proof})
		return rec.Code, rec.Body.String()
	}
	mine, proof := s.verifiedSession(t, "+13035551234")
	other, others := s.verifiedSession(t, "+13035551235")
	if status, text := redeem(mine, others); status != http.StatusUnprocessableEntity || !strings.Contains(text, "no proof of this session") {
		t.Errorf("another session's: %d %s", status, text)
	}
	if status, text := redeem(mine, proof[:len(proof)-5]+"AAAAA"); status != http.StatusUnprocessableEntity {
		t.Errorf("a changed one: %d %s", status, text)
	}
	status, text := redeem(mine, proof)
	var said struct{ Data map[string]any }
	if err := json.Unmarshal([]byte(text), &said); err != nil || status != http.StatusOK || said.Data["nonce"] != "abc" || said.Data["assurance"] != "restricted" {
		t.Errorf("%d %s", status, text)
	}
	if status, text := redeem(mine, proof); status != http.StatusUnprocessableEntity || !strings.Contains(text, "redeemed before") {
		t.Errorf("a second time: %d %s", status, text)
	}
	s.pass(verify.ProofValidity + time.Second)
	if status, text := redeem(other, others); status != http.StatusUnprocessableEntity || !strings.Contains(text, "too old") {
		t.Errorf("too late: %d %s", status, text)
	}
}

func TestWithoutAPublicAddressThereAreNoSessions(t *testing.T) {
	s := newService(t)
	s.public = ""
	rec := s.sendJSON(t, http.MethodPost, "/v2/verification_sessions", map[string]string{
		"verify_profile_id": profileID.String(), "return_url": "https://app.example.com/back",
	})
	if rec.Code != http.StatusForbidden || !strings.Contains(rec.Body.String(), "set public_url") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
