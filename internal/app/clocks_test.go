package app

import (
	"strings"
	"testing"
	"time"

	"countersign/internal/store"
	"countersign/internal/store/pgtest"
)

func TestANodeWhoseClockIsWrongIsRefused(t *testing.T) {
	s, err := store.OpenPostgres(t.Context(), pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, tt := range []struct {
		off  time.Duration
		want string
	}{
		{0, ""}, {2 * time.Second, ""}, {-2 * time.Second, ""},
		{time.Hour, "1h0m0s ahead of"}, {-time.Hour, "1h0m0s behind"}, {20 * time.Second, "20s ahead of"},
	} {
		err := compareClocks(t.Context(), s, func() time.Time { return time.Now().Add(tt.off) })
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s off: %v", tt.off, err)
		}
	}
}
