package gate

import (
	"errors"
	"testing"
	"time"
)

func TestWhatIsRememberedIsBoundedAndNothingIsForgottenTooSoon(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := seen{most: 2}
	until := now.Add(5 * time.Minute)
	if s.add("a", until, now) != nil || s.add("b", until, now) != nil {
		t.Fatal("no room for two")
	}
	if err := s.add("a", until, now); !errors.Is(err, ErrUsed) {
		t.Errorf("%v", err)
	}
	if _, ok := errors.AsType[*ServiceError](s.add("c", until, now)); !ok {
		t.Error("a third one was taken")
	}
	if err := s.add("c", until.Add(time.Hour), until); err != nil {
		t.Errorf("there is room again: %v", err)
	}
	if len(s.until) != 1 {
		t.Errorf("%d are remembered", len(s.until))
	}
}
