package store_test

import (
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/secret"
	"countersign/internal/store"
	"countersign/internal/store/pgtest"
	"countersign/internal/tenant"
	"countersign/internal/tenant/recordtest"
	"countersign/internal/verify"
)

func TestSQLiteKeepsRecords(t *testing.T) {
	recordtest.Run(t, func(t *testing.T) recordtest.Open {
		path := filepath.Join(t.TempDir(), "c.db")
		var last *store.SQLite
		return func(t *testing.T) tenant.Store {
			if last != nil { // one process has the file: the second opening is the first
				if _, err := last.Queued(t.Context()); err == nil {
					return last
				}
			}
			s := open(t, path)
			t.Cleanup(func() { _ = s.Close() }) // a test may have closed it
			last = s
			return s
		}
	})
}

func TestPostgreSQLKeepsRecords(t *testing.T) {
	recordtest.Run(t, func(t *testing.T) recordtest.Open {
		url := pgtest.URL(t)
		return func(t *testing.T) tenant.Store { return openPostgres(t, url) }
	})
}

// What the rooms above do with records, once through on each database.
func TestADirectoryStandsOnBothDatabases(t *testing.T) {
	for name, s := range map[string]tenant.Store{
		"sqlite": open(t, filepath.Join(t.TempDir(), "c.db")), "postgres": openPostgres(t, pgtest.URL(t)),
	} {
		t.Run(name, func(t *testing.T) {
			d := tenant.New(tenant.Config{Store: s, Keys: secret.Generate(), Now: time.Now, Random: rand.Reader})
			a, err := d.AddAccount(t.Context(), "Acme 🦊")
			if err != nil {
				t.Fatal(err)
			}
			k, text, err := d.CreateKey(t.Context(), a.Tenant, "key", []tenant.Scope{tenant.ScopeVerify})
			if err != nil {
				t.Fatal(err)
			}
			if p, ok, err := d.Bearer(t.Context(), text); !ok || err != nil || p.Tenant != a.Tenant || p.Key != k.ID {
				t.Errorf("%+v %v", p, err)
			}
			p, err := d.AddProfile(t.Context(), a.Tenant, tenant.Profile{Name: "shop", Base: tenant.Settings{Validity: time.Minute}})
			if err != nil {
				t.Fatal(err)
			}
			p, err = d.ChangeProfile(t.Context(), a.Tenant, p.ID, func(p *tenant.Profile) error { p.Language = "de"; return nil })
			if stands, again := d.Profile(t.Context(), a.Tenant, p.ID); err != nil || again != nil || !cmp.Equal(p, stands) {
				t.Error(err, again, cmp.Diff(p, stands))
			}
			l := tenant.RateLimit{Meta: tenant.Meta{Parent: p.ID}, Name: "ip"}
			if l, err = d.RateLimits.Add(t.Context(), a.Tenant, l); err != nil {
				t.Fatal(err)
			}
			b := tenant.Bucket{Meta: tenant.Meta{Parent: l.ID}, Max: 1, Seconds: 60}
			if _, err = d.Buckets.Add(t.Context(), a.Tenant, b); err != nil {
				t.Fatal(err)
			}
			if _, err = d.Buckets.Add(t.Context(), a.Tenant, b); verify.KindOf(err) != verify.Taken {
				t.Errorf("the interval again: %v", err)
			}
			if q, err := d.Quotas(t.Context(), p, map[string]string{"ip": "192.0.2.1"}); err != nil || len(q) != 1 {
				t.Errorf("%v %v", q, err)
			}
			for _, name := range []string{"i\x00p", "ip\xff", "ip\n"} { // PostgreSQL holds no such text, and says so
				if _, err := d.RateLimits.Named(t.Context(), a.Tenant, p.ID, name); verify.KindOf(err) != verify.NotFound {
					t.Errorf("a limit called %q: %v", name, err)
				}
				if _, err := d.Quotas(t.Context(), p, map[string]string{name: "x"}); verify.KindOf(err) != verify.NotFound {
					t.Errorf("a quota called %q: %v", name, err)
				}
			}
			if _, err := d.AddSafe(t.Context(), a.Tenant, "+13035551234"); err != nil {
				t.Error(err)
			}
			if err := d.Rekey(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := d.DropProfile(t.Context(), a.Tenant, p.ID); err != nil {
				t.Error(err)
			}
			if _, err := d.RateLimits.Find(t.Context(), a.Tenant, l.ID); verify.KindOf(err) != verify.NotFound {
				t.Errorf("the rate limit is left: %v", err)
			}
		})
	}
}
