package tenant_test

import (
	"fmt"
	"testing"
	"time"

	"countersign/internal/tenant"
)

func TestWhatWasReadIsAskedForAgainAfterMaxAge(t *testing.T) {
	for _, tt := range []struct{ maxAge, after, reads time.Duration }{
		{10 * time.Second, 9 * time.Second, 0}, {10 * time.Second, 10 * time.Second, 1}, {0, 0, 1},
		{10 * time.Second, -time.Second, 1}, // a clock that was set back
	} {
		w := newWorld(t)
		w.config.MaxAge = tt.maxAge
		d := w.node()
		p := w.profile(d, "t", tenant.Profile{})
		_, err := d.Profile(t.Context(), "t", p.ID)
		w.must(err)
		before := w.store.reads
		w.now = w.now.Add(tt.after)
		_, err = d.Profile(t.Context(), "t", p.ID)
		w.must(err)
		if n := w.store.reads - before; n != int(tt.reads) {
			t.Errorf("%d reads %s later, MaxAge %s", n, tt.after, tt.maxAge)
		}
	}
}

func TestAChangeIsSeenHereAtOnceAndElsewhereWithinMaxAge(t *testing.T) {
	w := newWorld(t)
	here, there := w.node(), w.node()
	p := w.profile(here, "t", tenant.Profile{Name: "old"})
	name := func(d *tenant.Directory) string {
		p, err := d.Profile(t.Context(), "t", p.ID)
		w.must(err)
		return p.Name
	}
	_, _ = name(here), name(there)
	_, err := here.ChangeProfile(t.Context(), "t", p.ID, func(p *tenant.Profile) error { p.Name = "new"; return nil })
	w.must(err)
	if name(here) != "new" {
		t.Error("the change is not seen here")
	}
	w.now = w.now.Add(w.config.MaxAge)
	if name(there) != "new" {
		t.Error("the change is not seen elsewhere")
	}
}

func TestWhatWasReadBeforeAChangeIsNotKeptAfterIt(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	p := w.profile(d, "t", tenant.Profile{Name: "old"})
	w.store.during = func() {
		_, err := d.ChangeProfile(t.Context(), "t", p.ID, func(p *tenant.Profile) error { p.Name = "new"; return nil })
		w.must(err)
	}
	_, err := d.Profile(t.Context(), "t", p.ID)
	w.must(err)
	if p, err := d.Profile(t.Context(), "t", p.ID); err != nil || p.Name != "new" {
		t.Errorf("%s %v", p.Name, err)
	}
}

func TestWhatIsAddedElsewhereIsFoundAtOnce(t *testing.T) {
	w := newWorld(t)
	here, there := w.node(), w.node()
	id := tenant.Meta{ID: fixedID}
	if _, err := there.Templates.Find(t.Context(), "t", fixedID); err == nil {
		t.Fatal("it is there")
	}
	_, err := here.Templates.Add(t.Context(), "t", tenant.Template{Meta: id, Text: "{{code}}"})
	w.must(err)
	_, err = there.Templates.Find(t.Context(), "t", fixedID)
	w.must(err)
}

func TestACacheIsBounded(t *testing.T) {
	w := newWorld(t)
	d := w.node()
	for i := range 5000 {
		if _, ok, err := d.Bearer(t.Context(), fmt.Sprint("KEY", i)); ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if n := d.Cached(); n != 0 {
		t.Errorf("%d keys that nobody has are kept", n)
	}
	v, err := d.Templates.Add(t.Context(), "t", tenant.Template{Text: "{{code}}"})
	w.must(err)
	for i := range 5000 { // the same under other ids, as in a store of many tenants
		r := w.store.rows["template"+v.ID.String()]
		r.ID[0], r.ID[1], r.ID[2] = 0xff, byte(i>>8), byte(i)
		w.must(w.store.AddRecord(t.Context(), r))
		_, err := d.Templates.Find(t.Context(), "t", r.ID)
		w.must(err)
		if n := d.Cached(); n == 0 || n > 4096 {
			t.Fatalf("%d are kept", n)
		}
	}
}
