package secret_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"countersign/internal/secret"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func rotating(t *testing.T, from time.Time) (*secret.Ring, *secret.Ring) {
	t.Helper()
	old := secret.Generate()
	both, err := old.Rotate(from)
	if err != nil {
		t.Fatal(err)
	}
	read, err := secret.Parse(both.Text())
	if err != nil {
		t.Fatal(err)
	}
	return old, read
}

func TestTheCurrentKeyIsTheOneWhoseTimeCameLast(t *testing.T) {
	_, ring := rotating(t, noon.Add(time.Hour))
	for _, tt := range []struct {
		at             time.Duration
		current, other string
	}{{0, "k1", "k2"}, {time.Hour - time.Second, "k1", "k2"}, {time.Hour, "k2", "k1"}, {1000 * time.Hour, "k2", "k1"}} {
		if got := ring.At(noon.Add(tt.at)); got.Current() != tt.current || got.Other() != tt.other {
			t.Errorf("after %s: %s and %s", tt.at, got.Current(), got.Other())
		}
	}
	if got := ring.From("k2"); !got.Equal(noon.Add(time.Hour)) {
		t.Errorf("k2 is current from %s", got)
	}
}

func TestARotationEndsBeforeTheNextBegins(t *testing.T) {
	_, ring := rotating(t, noon)
	if _, err := ring.Rotate(noon); !errors.Is(err, secret.ErrRotating) {
		t.Errorf("a third key: %v", err)
	}
	if _, err := ring.Without("k2"); !errors.Is(err, secret.ErrInUse) {
		t.Errorf("the key that takes over left: %v", err)
	}
	if _, err := ring.At(noon).Without("k2"); !errors.Is(err, secret.ErrInUse) {
		t.Errorf("the current key left: %v", err)
	}
	if _, err := ring.Without("k9"); !errors.Is(err, secret.ErrKey) {
		t.Errorf("a key that is not there left: %v", err)
	}
	alone, err := ring.At(noon).Without("k1")
	if err != nil || alone.Current() != "k2" || alone.Other() != "" {
		t.Fatalf("%v, %v", alone, err)
	}
	next, err := alone.Rotate(noon.Add(time.Hour))
	if err != nil || next.Other() != "k3" {
		t.Errorf("the next key is %v, %v", next, err)
	}
}

func TestARingOfMoreThanTwoKeysIsRefused(t *testing.T) {
	_, ring := rotating(t, noon)
	third := strings.Replace(secret.Generate().Text(), "k1", "k3", 1)
	if _, err := secret.Parse(ring.Text() + third); !errors.Is(err, secret.ErrFormat) {
		t.Errorf("told %v", err)
	}
	for _, bad := range []string{" from=yesterday", " 2026-03-01T12:00:00Z", " from=2026-03-01T12:00:00Z x"} {
		if _, err := secret.Parse(strings.TrimSpace(secret.Generate().Text()) + bad); !errors.Is(err, secret.ErrFormat) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestAFrozenRingStaysAsItWas(t *testing.T) {
	old, both := rotating(t, noon)
	frozen := old.Frozen()
	if frozen != old.Frozen() {
		t.Error("freezing twice gives two rings")
	}
	old.Replace(both.At(noon))
	if old.Current() != "k2" || frozen.Current() != "k1" || old.Frozen() == frozen {
		t.Errorf("the ring is at %s, the frozen one at %s", old.Current(), frozen.Current())
	}
	a, _ := frozen.Sum("k1", secret.Address, "x")
	b, _ := old.Sum("k1", secret.Address, "x")
	if a != b {
		t.Error("the old key is another one now")
	}
}
