package tenant_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/internal/tenant"
	"countersign/internal/verify"
)

func sid(prefix string, id verify.ID) string { return prefix + hex.EncodeToString(id[:]) }

func TestAKeyIsLettersAndDigitsAndOpensItsTenant(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	a := w.account(d, "Acme")
	k, text := w.key(d, a.Tenant, "backend", tenant.ScopeVerify)
	if !regexp.MustCompile(`^KEY[A-Za-z0-9]{40}$`).MatchString(text) {
		t.Error("the key has another form")
	}
	p, ok, err := d.Bearer(t.Context(), text)
	if err != nil || !ok || p.Tenant != a.Tenant || p.Account != a.ID || p.Key != k.ID || fmt.Sprint(p.Scopes) != "[verify]" {
		t.Errorf("%+v %t %v", p, ok, err)
	}
	for _, r := range w.store.rows {
		if bytes.Contains(r.Body, []byte(text)) || strings.Contains(r.Name, text) {
			t.Error("the text of the key is stored")
		}
	}
}

// If bytes were cut with %, A to H would come five times where others come four.
func TestNoCharacterOfAKeyIsLikelierThanAnother(t *testing.T) {
	w := newWorld(t)
	w.config.Random = rand.NewChaCha8([32]byte{1})
	d := w.node()
	counts, early := map[rune]int{}, 0
	for i := range 200 {
		_, text := w.key(d, tenant.Default, fmt.Sprint("k", i))
		for _, c := range strings.TrimPrefix(text, "KEY") {
			counts[c]++
			if c >= 'A' && c <= 'H' {
				early++
			}
		}
	}
	if fair := 200 * 40 * 8 / 62; len(counts) != 62 || early < fair-100 || early > fair+100 { // biased: 218 more
		t.Errorf("%d characters; A to H come %d times, want about %d", len(counts), early, fair)
	}
}

func TestWhoIsNobody(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	a, b := w.account(d, "a"), w.account(d, "b")
	k, text := w.key(d, a.Tenant, "k")
	other, otherText := w.key(d, b.Tenant, "k")
	first, err := d.EnsureAccount(t.Context(), tenant.Default, "x")
	w.must(err)
	sum := sha256.Sum256([]byte(configured))
	for _, tt := range []struct {
		user, password, tenant string
	}{
		{sid("AC", a.ID), text, a.Tenant},
		{sid("SK", k.ID), text, a.Tenant},
		{strings.ToUpper(sid("AC", a.ID)), text, a.Tenant},
		{sid("AC", first.ID), configured, tenant.Default},
		{sid("SK", verify.ID(sum[:16])), configured, tenant.Default},
		{sid("AC", b.ID), text, ""},
		{sid("SK", other.ID), text, ""},
		{sid("SK", a.ID), text, ""},
		{sid("AC", k.ID), text, ""},
		{sid("VA", a.ID), text, ""},
		{sid("AC", a.ID), otherText, ""},
		{sid("AC", a.ID), text + "x", ""},
		{sid("AC", a.ID), "", ""},
		{"AC", text, ""},
		{"", text, ""},
		{"AC" + strings.Repeat("x", 32), text, ""},
	} {
		p, ok, err := d.Basic(t.Context(), tt.user, tt.password)
		if err != nil || ok != (tt.tenant != "") || p.Tenant != tt.tenant {
			t.Errorf("%q is let in as %q: %t %v, want %q", tt.user, p.Tenant, ok, err, tt.tenant)
		}
	}
	for _, text := range []string{"", "KEY", configured[1:], strings.ToLower(text)} {
		if p, ok, err := d.Bearer(t.Context(), text); ok || err != nil || p.Tenant != "" {
			t.Errorf("a wrong key is let in: %+v %v", p, err)
		}
	}
}

func TestTheWholeHashOfAKeyIsCompared(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	a := w.account(d, "a")
	sum := sha256.Sum256([]byte("KEYforged"))
	forged := sum
	forged[31] ^= 1
	body := fmt.Sprintf(`{"name":"x","hash":%q,"place":1,"scopes":null}`, "")
	w.must(w.store.AddRecord(t.Context(), tenant.Record{Kind: tenant.APIKeys, ID: verify.ID(sum[:16]), Tenant: a.Tenant, Body: []byte(body), Version: 1}))
	if _, ok, _ := d.Bearer(t.Context(), "KEYforged"); ok {
		t.Error("a record of the right id and no hash lets in")
	}
	_, err := d.APIKeys.Change(t.Context(), a.Tenant, verify.ID(sum[:16]), func(k *tenant.APIKey) error { k.Hash = forged[:]; return nil })
	w.must(err)
	if _, ok, _ := d.Bearer(t.Context(), "KEYforged"); ok {
		t.Error("a record of the right id and another hash lets in")
	}
	_, err = d.APIKeys.Change(t.Context(), a.Tenant, verify.ID(sum[:16]), func(k *tenant.APIKey) error { k.Hash = sum[:]; return nil })
	w.must(err)
	if _, ok, _ := d.Bearer(t.Context(), "KEYforged"); !ok {
		t.Error("the right hash does not let in: the test proves nothing")
	}
}

func TestARevokedKeyEndsHereAtOnceAndElsewhereWithinMaxAge(t *testing.T) {
	w := newWorld(t)
	here, there := w.node(), w.node()
	a := w.account(here, "a")
	k, text := w.key(here, a.Tenant, "k")
	for _, d := range []*tenant.Directory{here, there} {
		if _, ok, err := d.Bearer(t.Context(), text); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	gone, err := here.RevokeKey(t.Context(), a.Tenant, k.ID)
	if err != nil || gone.RevokedAt.IsZero() {
		t.Fatal(gone, err)
	}
	if _, ok, _ := here.Bearer(t.Context(), text); ok {
		t.Error("here it still opens")
	}
	w.now = w.now.Add(w.config.MaxAge)
	if _, ok, _ := there.Bearer(t.Context(), text); ok {
		t.Error("after MaxAge it still opens elsewhere")
	}
	again, err := here.RevokeKey(t.Context(), a.Tenant, k.ID)
	if err != nil || !again.RevokedAt.Equal(gone.RevokedAt) {
		t.Errorf("revoked again: %v, %v", again.RevokedAt, err)
	}
}

func TestTwoLiveKeysHaveOneNameSoThatOneCanTakeOver(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	a := w.account(d, "a")
	k, _ := w.key(d, a.Tenant, "k")
	w.key(d, a.Tenant, "k")
	_, _, err := d.CreateKey(t.Context(), a.Tenant, "k", nil)
	refused(t, err, verify.Full, verify.FieldName)
	_, err = d.RevokeKey(t.Context(), a.Tenant, k.ID)
	w.must(err)
	w.key(d, a.Tenant, "k")
	_, _, err = d.CreateKey(t.Context(), a.Tenant, "k", nil)
	refused(t, err, verify.Full, verify.FieldName)
	all, total, err := d.APIKeys.List(t.Context(), a.Tenant, tenant.Query{Name: "K", Limit: 9})
	if len(all) != 3 || total != 3 || err != nil {
		t.Error(len(all), total, err)
	}
}

func TestRevokedKeysMakeRoomForNewOnes(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	a := w.account(d, "a")
	first, _ := w.key(d, a.Tenant, "k")
	_, err := d.RevokeKey(t.Context(), a.Tenant, first.ID)
	w.must(err)
	for i := range 199 {
		w.key(d, a.Tenant, fmt.Sprint("k", i))
	}
	w.key(d, a.Tenant, "one more")
	if _, err := d.APIKeys.Find(t.Context(), a.Tenant, first.ID); verify.KindOf(err) != verify.NotFound {
		t.Errorf("the revoked one is still there: %v", err)
	}
	_, _, err = d.CreateKey(t.Context(), a.Tenant, "too many", nil)
	refused(t, err, verify.Full, "")
}

func TestWhatAKeyIsRefused(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	a := w.account(d, "a")
	before := w.store.count()
	for _, tt := range []struct {
		tenant, name string
		scopes       []tenant.Scope
		kind         verify.Kind
		field        string
	}{
		{a.Tenant, "", nil, verify.Invalid, verify.FieldName},
		{a.Tenant, strings.Repeat("ü", 65), nil, verify.Invalid, verify.FieldName},
		{a.Tenant, "a\nb", nil, verify.Invalid, verify.FieldName},
		{a.Tenant, "a", []tenant.Scope{"all"}, verify.Invalid, verify.FieldScopes},
		{"nobody", "a", nil, verify.NotFound, ""},
	} {
		_, text, err := d.CreateKey(t.Context(), tt.tenant, tt.name, tt.scopes)
		refused(t, err, tt.kind, tt.field)
		if text != "" {
			t.Error("a text comes with a refusal")
		}
	}
	sum := sha256.Sum256([]byte(configured))
	_, err := d.RevokeKey(t.Context(), tenant.Default, verify.ID(sum[:16]))
	refused(t, err, verify.Forbidden, "")
	_, err = d.RevokeKey(t.Context(), a.Tenant, verify.ID(sum[:16]))
	refused(t, err, verify.NotFound, "")
	if n := w.store.count(); n != before {
		t.Errorf("%d rows, %d before", n, before)
	}
}

func TestScopes(t *testing.T) {
	read, check, manage := tenant.ScopeRead, tenant.ScopeVerify, tenant.ScopeManage
	for _, tt := range []struct {
		has  []tenant.Scope
		asks tenant.Scope
		may  bool
	}{
		{nil, read, true}, {nil, check, true}, {nil, manage, true},
		{[]tenant.Scope{read}, read, true}, {[]tenant.Scope{read}, check, false}, {[]tenant.Scope{read}, manage, false},
		{[]tenant.Scope{check}, read, true}, {[]tenant.Scope{check}, check, true}, {[]tenant.Scope{check}, manage, false},
		{[]tenant.Scope{manage}, read, true}, {[]tenant.Scope{manage}, check, false}, {[]tenant.Scope{manage}, manage, true},
		{[]tenant.Scope{read, check}, manage, false}, {[]tenant.Scope{check, manage}, manage, true},
	} {
		err := tenant.Principal{Scopes: tt.has}.May(tt.asks)
		if tt.may && err != nil {
			t.Errorf("%v may not %s", tt.has, tt.asks)
		}
		if !tt.may {
			refused(t, err, verify.Forbidden, "")
		}
	}
}

func TestTheLastUseIsWrittenEveryTenMinutesAndFailsNobody(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	a := w.account(d, "a")
	k, text := w.key(d, a.Tenant, "k")
	used := func() time.Time {
		k, err := w.node().APIKeys.Find(t.Context(), a.Tenant, k.ID)
		w.must(err)
		return k.UsedAt
	}
	ask := func() {
		t.Helper()
		if _, ok, err := d.Bearer(t.Context(), text); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	start := w.now.Truncate(time.Millisecond)
	for _, tt := range []struct{ at, used time.Duration }{
		{0, 0}, {9 * time.Minute, 0}, {10 * time.Minute, 10 * time.Minute}, {19 * time.Minute, 10 * time.Minute}, {time.Hour, time.Hour},
	} {
		w.now = start.Add(tt.at)
		ask()
		if got := used().Sub(start); got != tt.used {
			t.Errorf("after %s the last use was after %s, want %s", tt.at, got, tt.used)
		}
	}
	w.store.writes = errors.New("read-only")
	w.now = start.Add(3 * time.Hour)
	ask()
	w.store.writes = nil
	if got := used().Sub(start); got != time.Hour {
		t.Errorf("the use was written after %s", got)
	}
}

func TestAStoreThatDoesNotAnswerLetsNobodyInAndSaysSo(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	a := w.account(d, "a")
	_, text := w.key(d, a.Tenant, "k")
	w.store.fails = errors.New("no connection")
	for _, key := range []string{text, configured, "KEYnobody"} {
		_, ok, err := w.node().Bearer(t.Context(), key)
		refused(t, err, verify.Unavailable, "")
		_, basic, err := w.node().Basic(t.Context(), sid("AC", a.ID), key)
		refused(t, err, verify.Unavailable, "")
		if ok || basic {
			t.Error("somebody is let in")
		}
	}
}

func TestTheFirstAccountIsMadeOnceByWhoeverNeedsIt(t *testing.T) {
	w := newWorld(t)
	one, two := w.node(), w.node()
	w.store.during = func() { // two has looked and found none
		_, ok, err := one.Bearer(t.Context(), configured)
		if !ok || err != nil {
			t.Error(ok, err)
		}
	}
	p, ok, err := two.Bearer(t.Context(), configured)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	q, _, _ := one.Bearer(t.Context(), configured)
	if p.Account != q.Account || p.Account == noID || w.store.count() != 1 {
		t.Errorf("accounts %s and %s, %d rows", p.Account, q.Account, w.store.count())
	}
}

func TestAccountsAreCalledByTheirNames(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	a := w.account(d, "Acme")
	_, err := d.AddAccount(t.Context(), "ACME")
	refused(t, err, verify.Taken, verify.FieldName)
	_, err = d.AddAccount(t.Context(), "")
	refused(t, err, verify.Invalid, verify.FieldName)
	all, total, err := d.AllAccounts(t.Context(), tenant.Query{Offset: 0, Limit: 9})
	if err != nil || total != 2 || len(all) != 2 || a.Tenant != a.ID.String() {
		t.Errorf("%+v %d %v", all, total, err)
	}
	_, err = d.Accounts.Drop(t.Context(), a.Tenant, a.ID)
	w.must(err)
	if _, err := d.Account(t.Context(), a.Tenant); verify.KindOf(err) != verify.NotFound {
		t.Error(err)
	}
}

func TestAKeyWithoutAnAccountOpensNothing(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	a := w.account(d, "a")
	_, text := w.key(d, a.Tenant, "k")
	_, err := d.Accounts.Drop(t.Context(), a.Tenant, a.ID)
	w.must(err)
	if _, ok, err := d.Bearer(t.Context(), text); ok || err != nil {
		t.Error(ok, err)
	}
}

func TestADirectoryPrintsNoKey(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	if strings.Contains(fmt.Sprintf("%+v %#v", d, d), configured) {
		t.Error("the configured key shows")
	}
}
