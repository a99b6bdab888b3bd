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

// sent is a store with messages besides.
type sent struct {
	past
	deliveries map[verify.ID][]verify.Delivery
}

func (s *sent) Deliveries(_ context.Context, id verify.ID) ([]verify.Delivery, error) {
	return s.deliveries[id], nil
}

func TestThePastIsTheMessagesBeforeTheNewestFirstAndBounded(t *testing.T) {
	store := &sent{past: past{rows: map[verify.ID]verify.Verification{}}, deliveries: map[verify.ID][]verify.Delivery{}}
	const all = 9
	for n := byte(2); n <= all; n++ { // the first was deleted
		v := verify.Verification{ID: verify.ID{n}, Previous: verify.ID{n - 1}}
		store.rows[v.ID] = v
		for number := 1; number <= 2; number++ {
			store.deliveries[v.ID] = append(store.deliveries[v.ID], verify.Delivery{Key: verify.DeliveryKey{Verification: v.ID, Number: number}})
		}
	}
	e := &engine{store: store}
	look := func(of byte, number int) (keys []verify.DeliveryKey) {
		t.Helper()
		v := verify.Verification{ID: verify.ID{of}, Previous: verify.ID{of - 1}}
		jobs, err := e.Past(t.Context(), verify.Job{Verification: v, Delivery: verify.Delivery{Key: verify.DeliveryKey{Verification: v.ID, Number: number}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range jobs {
			if j.Verification.ID != j.Delivery.Key.Verification {
				t.Errorf("%v belongs to %v", j.Delivery.Key, j.Verification.ID)
			}
			keys = append(keys, j.Delivery.Key)
		}
		return keys
	}
	key := func(of byte, number int) verify.DeliveryKey {
		return verify.DeliveryKey{Verification: verify.ID{of}, Number: number}
	}
	for name, tt := range map[string]struct{ got, want []verify.DeliveryKey }{
		"of a stranger":       {look(1, 1), nil},
		"of a first message":  {look(3, 1), []verify.DeliveryKey{key(2, 2), key(2, 1)}},
		"of a second message": {look(3, 2), []verify.DeliveryKey{key(3, 1), key(2, 2), key(2, 1)}},
		"of one with many before": {
			look(all, 1), []verify.DeliveryKey{key(8, 2), key(8, 1), key(7, 2), key(7, 1), key(6, 2), key(6, 1)},
		},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s: %v", name, tt.got)
		}
	}
	store.err = errors.New("away")
	if _, err := e.Past(t.Context(), verify.Job{Verification: verify.Verification{Previous: verify.ID{3}}}); !errors.Is(err, store.err) {
		t.Error(err)
	}
}
