package tenant_test

import (
	"context"
	"maps"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// estate is one of everything that a tenant can have, and a key to it.
type estate struct {
	tenant   string
	account  tenant.Account
	key      tenant.APIKey
	text     string
	profile  tenant.Profile
	template tenant.Template
	limit    tenant.RateLimit
	bucket   tenant.Bucket
	sender   tenant.Sender
	webhook  tenant.Webhook
	safe     tenant.SafeNumber
}

func (w *world) estate(d *tenant.Directory, name string) (e estate) {
	w.t.Helper()
	ctx := w.t.Context()
	var err error
	add := func(errs ...error) {
		w.t.Helper()
		for _, err := range errs {
			w.must(err)
		}
	}
	e.account = w.account(d, name)
	e.tenant = e.account.Tenant
	e.key, e.text = w.key(d, e.tenant, "key")
	e.template, err = d.Templates.Add(ctx, e.tenant, tenant.Template{Text: "{{code}}"})
	add(err)
	e.profile = w.profile(d, e.tenant, tenant.Profile{})
	of := tenant.Meta{Parent: e.profile.ID}
	e.limit, err = d.RateLimits.Add(ctx, e.tenant, tenant.RateLimit{Meta: of, Name: "limit"})
	add(err)
	e.bucket, err = d.Buckets.Add(ctx, e.tenant, tenant.Bucket{Meta: tenant.Meta{Parent: e.limit.ID}, Max: 1, Seconds: 60})
	add(err)
	e.sender, err = d.Senders.Add(ctx, e.tenant, tenant.Sender{Meta: of, Country: "US", Service: "MG1"})
	add(err)
	e.webhook, err = d.Webhooks.Add(ctx, e.tenant, tenant.Webhook{Meta: of, Name: "hook", URL: "https://example.com", Events: []string{"*"}})
	add(err)
	e.safe, err = d.AddSafe(ctx, e.tenant, number)
	add(err)
	return e
}

// set is a Set of any kind as the thief tries it.
type set[T any] interface {
	Find(ctx context.Context, tenant string, id verify.ID) (T, error)
	Named(ctx context.Context, tenant string, parent verify.ID, name string) (T, error)
	List(ctx context.Context, tenant string, q tenant.Query) ([]T, int, error)
	Add(ctx context.Context, tenant string, v T) (T, error)
	Change(ctx context.Context, tenant string, id verify.ID, change func(*T) error) (T, error)
	Drop(ctx context.Context, tenant string, id verify.ID) (T, error)
}

// Nothing of one tenant can be found, listed, changed or deleted by another one, by
// any method that there is: one without a row here fails the test.
func TestTenantsAreApart(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	owner := w.estate(d, "owner")
	thief := w.account(d, "thief").Tenant
	before := maps.Clone(w.store.rows)

	tryAll(w, d, owner, thief)
	sets := map[string]func(*testing.T){
		"Accounts":   func(t *testing.T) { trySet(t, d.Accounts, thief, owner.account, owner.account.Meta, owner.tenant) },
		"APIKeys":    func(t *testing.T) { trySet(t, d.APIKeys, thief, owner.key, owner.key.Meta, "1 key") },
		"Templates":  func(t *testing.T) { trySet(t, d.Templates, thief, owner.template, owner.template.Meta, "") },
		"RateLimits": func(t *testing.T) { trySet(t, d.RateLimits, thief, owner.limit, owner.limit.Meta, "limit") },
		"Buckets":    func(t *testing.T) { trySet(t, d.Buckets, thief, owner.bucket, owner.bucket.Meta, "60") },
		"Senders":    func(t *testing.T) { trySet(t, d.Senders, thief, owner.sender, owner.sender.Meta, "US") },
		"Webhooks":   func(t *testing.T) { trySet(t, d.Webhooks, thief, owner.webhook, owner.webhook.Meta, "hook") },
	}
	fields := reflect.TypeFor[tenant.Directory]()
	for i := range fields.NumField() {
		if f := fields.Field(i); f.IsExported() && sets[f.Name] == nil {
			t.Errorf("%s has no row", f.Name)
		}
	}
	for name, try := range sets {
		t.Run(name, try)
	}
	for key, r := range before {
		if diff := cmp.Diff(r, w.store.rows[key]); diff != "" {
			t.Errorf("%s was changed: %s", key, diff)
		}
	}
	for key, r := range w.store.rows {
		if _, ok := before[key]; !ok && r.Tenant != thief && r.Tenant != tenant.Default {
			t.Errorf("%s was added to %s", key, r.Tenant)
		}
	}
}

// trySet tries every method of a Set on another tenant's record.
func trySet[T any](t *testing.T, s set[T], thief string, v T, m tenant.Meta, name string) {
	ctx := t.Context()
	tries := map[string]func() error{
		"Find":  func() error { _, err := s.Find(ctx, thief, m.ID); return err },
		"Named": func() error { _, err := s.Named(ctx, thief, m.Parent, name); return err },
		"Change": func() error {
			_, err := s.Change(ctx, thief, m.ID, func(*T) error { t.Error("it was shown"); return nil })
			return err
		},
		"Drop": func() error { _, err := s.Drop(ctx, thief, m.ID); return err },
		"List": func() error {
			for _, parent := range []verify.ID{m.Parent, {}} {
				if page, total, err := s.List(ctx, thief, tenant.Query{Tenant: m.Tenant, Parent: parent, Limit: 9}); len(page) > 0 || total > 0 || err != nil {
					if _, account := any(v).(tenant.Account); !account { // the thief has an account of its own
						t.Errorf("List: %v, %d, %v", page, total, err)
					}
				}
			}
			return &verify.Error{Kind: verify.NotFound}
		},
		"Add": func() error { // under the owner's id, and to the owner's profile
			_, err := s.Add(ctx, thief, v)
			if kind := verify.KindOf(err); m.Parent == noID && (kind == verify.Taken || kind == verify.Full) {
				err = &verify.Error{Kind: verify.NotFound}
			}
			return err
		},
	}
	methods := reflect.TypeOf(s)
	for i := range methods.NumMethod() {
		method := methods.Method(i).Name
		if tries[method] == nil {
			t.Errorf("%s has no row", method)
			continue
		}
		t.Run(method, func(t *testing.T) { refused(t, tries[method](), verify.NotFound, "") })
	}
}

// tryAll tries every method of a Directory.
func tryAll(w *world, d *tenant.Directory, owner estate, thief string) {
	t, ctx := w.t, w.t.Context()
	stolen := owner.profile
	stolen.Tenant = thief // as if an adapter had put its own caller's tenant there
	rows := map[string]func() error{
		"Profile": func() error { _, err := d.Profile(ctx, thief, owner.profile.ID); return err },
		"ChangeProfile": func() error {
			_, err := d.ChangeProfile(ctx, thief, owner.profile.ID, func(*tenant.Profile) error { t.Error("it was shown"); return nil })
			return err
		},
		"DropProfile": func() error { _, err := d.DropProfile(ctx, thief, owner.profile.ID); return err },
		"Profiles": func() error {
			page, total, err := d.Profiles(ctx, thief, tenant.Query{Tenant: owner.tenant, Limit: 9})
			if len(page) > 0 || total > 0 || err != nil {
				t.Errorf("Profiles: %v, %d, %v", page, total, err)
			}
			return none()
		},
		"AddProfile": func() error {
			_, err := d.AddProfile(ctx, thief, tenant.Profile{Name: "x", Base: tenant.Settings{Template: owner.template.ID}})
			refused(t, err, verify.Invalid, verify.FieldTemplate)
			_, err = d.AddProfile(ctx, thief, owner.profile)
			refused(t, err, verify.Taken, "")
			return none()
		},
		"Rules":     func() error { _, err := d.Rules(ctx, stolen, verify.SMS, owner.template.ID, ""); return err },
		"Quotas":    func() error { _, err := d.Quotas(ctx, stolen, map[string]string{"limit": "x"}); return err },
		"Template":  func() error { _, err := d.Template(ctx, thief, owner.template.ID); return err },
		"Safe":      func() error { _, err := d.Safe(ctx, thief, number); return err },
		"DropSafe":  func() error { return d.DropSafe(ctx, thief, number) },
		"AddSafe":   func() error { return none() }, // two tenants' numbers: TestANumberIsOnTheSafeListOnce…
		"RevokeKey": func() error { _, err := d.RevokeKey(ctx, thief, owner.key.ID); return err },
		"CreateKey": func() error {
			_, text, err := d.CreateKey(ctx, thief, "key", nil)
			w.must(err)
			p, ok, err := d.Bearer(ctx, text)
			if !ok || err != nil || p.Tenant != thief {
				t.Errorf("%+v %v", p, err)
			}
			if _, ok, _ := d.Basic(ctx, sid("AC", owner.account.ID), text); ok {
				t.Error("the thief's key opens the owner's account")
			}
			for _, k := range must(d.APIKeys.List(ctx, thief, tenant.Query{Limit: 9})) {
				_, err := d.APIKeys.Drop(ctx, thief, k.ID)
				w.must(err)
			}
			return none()
		},
		"Account": func() error {
			if a, err := d.Account(ctx, thief); err != nil || a.ID == owner.account.ID {
				t.Errorf("%+v %v", a, err)
			}
			return none()
		},
		// Of these a tenant is no argument: they are the operator's, or find the tenant.
		"Bearer": none, "Basic": none, "AddAccount": none, "AllAccounts": none, "EnsureAccount": none, "Rekey": none, "Cached": none,
	}
	methods := reflect.TypeOf(d)
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		if rows[name] == nil {
			t.Errorf("%s has no row", name)
			continue
		}
		t.Run(name, func(t *testing.T) { refused(t, rows[name](), verify.NotFound, "") })
	}
}

func none() error { return &verify.Error{Kind: verify.NotFound} }

func must[T any](all []T, _ int, err error) []T {
	if err != nil {
		panic(err)
	}
	return all
}
