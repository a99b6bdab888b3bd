package app

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"countersign/internal/phone"
	"countersign/internal/secret"
	"countersign/internal/verify"
)

// past is a store that knows what came before.
type past struct {
	verify.Store
	live map[verify.SubjectKey]verify.ID
	rows map[verify.ID]verify.Verification
	err  error
}

func (p *past) Verification(_ context.Context, id verify.ID) (*verify.Verification, error) {
	v, ok := p.rows[id]
	if !ok || p.err != nil {
		return nil, p.err
	}
	return &v, nil
}

func (p *past) Live(ctx context.Context, key verify.SubjectKey) (*verify.Verification, error) {
	return p.Verification(ctx, p.live[key])
}

func TestAHistoryIsTheNewestFirstUnderEitherKeyAndBounded(t *testing.T) {
	ring, err := secret.Generate().Rotate(time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	ring = ring.At(time.Unix(1, 0))
	to := verify.Target{Tenant: "t", Address: verify.Phone(phone.Trusted("+12015550101"))}
	now, other, err := to.Keys(&verify.Env{Keys: ring})
	if err != nil || other == (verify.SubjectKey{}) {
		t.Fatal(other, err)
	}
	store := &past{live: map[verify.SubjectKey]verify.ID{}, rows: map[verify.ID]verify.Verification{}}
	id := func(n int) verify.ID { return verify.ID{byte(n >> 8), byte(n)} }
	const all = maxHistory + 10
	for n := 2; n <= all; n++ { // the first was deleted
		store.rows[id(n)] = verify.Verification{ID: id(n), Previous: id(n - 1)}
	}
	e := &engine{store: store, keys: ring}
	history := func(limit int) (ids []verify.ID) {
		t.Helper()
		rows, err := e.History(t.Context(), to, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range rows {
			ids = append(ids, v.ID)
		}
		return ids
	}
	if got := history(5); got != nil {
		t.Errorf("of a stranger: %v", got)
	}
	for _, tt := range []struct {
		name       string
		now, other int // the newest under each key; 0: none
		limit      int
		want       []verify.ID
	}{
		{"under the current key", 4, 0, 10, []verify.ID{id(4), id(3), id(2)}},
		{"under the other key", 0, 4, 10, []verify.ID{id(4), id(3), id(2)}},
		{"the current key's is newer", 5, 3, 2, []verify.ID{id(5), id(4)}},
		{"the other key's is newer", 3, 5, 2, []verify.ID{id(5), id(4)}},
		{"none is asked for", 5, 0, 0, nil},
	} {
		store.live[now], store.live[other] = id(tt.now), id(tt.other)
		if got := history(tt.limit); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	store.live[now] = id(all)
	if got := history(2 * all); len(got) != maxHistory {
		t.Errorf("%d were read", len(got))
	}
	store.err = errors.New("gone")
	if _, err := e.History(t.Context(), to, 1); verify.KindOf(err) != verify.Unavailable {
		t.Errorf("a store that fails: %v", err)
	}
}
