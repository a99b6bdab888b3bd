package main

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/internal/app"
	"countersign/internal/deliver/telnyx/telnyxtest"
	"countersign/internal/store/pgtest"
)

// keeper is an operator beside a running service.
type keeper struct {
	t      *testing.T
	config string
}

// says runs a command and demands its exit code and its words.
func (k keeper) says(code int, want string, args ...string) string {
	k.t.Helper()
	got, out, errs := cliRun(k.t, nil, nil, append(args, "--config", k.config)...)
	if got != code || !strings.Contains(out+errs, want) {
		k.t.Errorf("%v: exit %d, want %d with %q\n%s%s", args, got, code, want, out, errs)
	}
	return out
}

type madeKey struct {
	SID        string
	Key        string
	AccountSID string `json:"account_sid"`
}

func (k keeper) makes(args ...string) (made madeKey) {
	k.t.Helper()
	out := k.says(0, `"key":"KEY`, append([]string{"keys", "create", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &made); err != nil || strings.Count(out, "\n") != 1 {
		k.t.Fatalf("%q: %v", out, err)
	}
	return made
}

// asked is the status that a key gets for a look at a verification, and, in Twilio's
// manner, at the default service.
func asked(p *process, k madeKey, verification string) (telnyx, twilio int) {
	p.t.Helper()
	ask := func(path string, sign func(*http.Request)) int {
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, p.URL+path, nil)
		if err != nil {
			p.t.Fatal(err)
		}
		sign(r)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			p.t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	service := "VA" + strings.ReplaceAll(p.ProfileID, "-", "")
	return ask("/v2/verifications/"+verification, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+k.Key) }),
		ask("/v2/Services/"+service, func(r *http.Request) { r.SetBasicAuth(k.AccountSID, k.Key) })
}

func TestAPIKeysAreMadeListedAndRevokedBesideARunningService(t *testing.T) {
	for name, database := range map[string]func(dir string) string{
		"SQLite":     func(dir string) string { return "sqlite:" + filepath.Join(dir, "c.db") },
		"PostgreSQL": func(string) string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			p := serveOn(t, dir, database(dir), carrierAt(t, nil, telnyxtest.New(carrierKey)))
			keys(t, p, keeper{t, filepath.Join(dir, "config.yml")})
		})
	}
}

func keys(t *testing.T, p *process, k keeper) {
	v := p.begin("+13035551201")
	k.says(0, "There are no API keys", "keys", "list")
	first, second := k.makes("shop"), k.makes("shop", "--scope", "read")
	k.says(1, "keys revoke", "keys", "create", "shop")
	k.says(1, "no account is called", "keys", "create", "x", "--tenant", "nobody")
	k.says(2, "--scope", "keys", "create", "x", "--scope", "everything")
	for _, key := range []madeKey{first, second} {
		if telnyx, twilio := asked(p, key, v.ID); telnyx != 200 || twilio != 200 {
			t.Errorf("a new key gets %d and %d", telnyx, twilio)
		}
	}
	p.APIKey = second.Key
	if status, _ := post[map[string]any](p, "/v2/verifications/sms", map[string]string{"phone_number": "+13035551202", "verify_profile_id": p.ProfileID}); status != 403 {
		t.Errorf("a key that may read alone begins a verification: %d", status)
	}

	var made app.Account
	if err := json.Unmarshal([]byte(k.says(0, `"sid":"AC`, "accounts", "create", "Acme", "--json")), &made); err != nil {
		t.Fatal(err)
	}
	k.says(1, "another account has that name", "accounts", "create", "Acme")
	k.says(0, made.SID, "accounts", "list")
	theirs := k.makes("app", "--tenant", "Acme")
	if theirs.AccountSID != made.SID || first.AccountSID == made.SID {
		t.Errorf("keys of %s and %s", first.AccountSID, theirs.AccountSID)
	}
	if telnyx, twilio := asked(p, theirs, v.ID); telnyx != 404 || twilio != 404 {
		t.Errorf("another tenant's key gets %d and %d", telnyx, twilio)
	}
	mixed := madeKey{Key: first.Key, AccountSID: theirs.AccountSID}
	if _, twilio := asked(p, mixed, v.ID); twilio != 401 {
		t.Errorf("a key with another's account gets %d", twilio)
	}

	list := k.says(0, first.SID, "keys", "list") + k.says(0, first.SID, "keys", "list", "--json")
	for _, key := range []madeKey{first, second, theirs} {
		if !strings.Contains(list, key.SID) || strings.Contains(list, key.Key) {
			t.Errorf("the list lacks a key, or shows one:\n%s", list)
		}
	}
	if own := k.says(0, theirs.SID, "keys", "list", "--tenant", made.SID); strings.Contains(own, first.SID) {
		t.Errorf("the list of one account has a key of another:\n%s", own)
	}

	k.says(0, "Revoked "+first.SID, "keys", "revoke", first.SID)
	k.says(1, "no API key is called", "keys", "revoke", "SK00000000000000000000000000000000")
	// Beside another node, which is what the command is on PostgreSQL, the service
	// may take its word for five seconds more.
	tick := time.NewTicker(time.Second / 4)
	defer tick.Stop()
	for begun := time.Now(); ; <-tick.C {
		telnyx, twilio := asked(p, first, v.ID)
		if telnyx == 401 && twilio == 401 {
			break
		}
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("a revoked key gets %d and %d", telnyx, twilio)
		}
	}
	k.makes("shop") // the one that was revoked no longer counts
	terminate(t, p)
	k.says(0, second.SID, "keys", "list")
}
