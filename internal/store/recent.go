package store

import "countersign/internal/verify"

// recent keeps the rows that were written last, as the database has them. Nobody
// but this process writes to the file, and every change of these tables is a
// batch, so what is here need not be read again: the report of a delivery and the
// check of a code mostly come within the minute. Whoever holds the writing
// connection's lock may use it.
type recent struct {
	subjects      generations[verify.SubjectKey, verify.Subject]
	verifications generations[verify.ID, verify.Verification]
	deliveries    generations[verify.DeliveryKey, verify.Delivery]
}

// generation is how many rows of a table are kept at least, and half of how many
// at most: about a kilobyte for each verification with the rows about it.
const generation = 2048

// generations is a bounded map that forgets the half that is older.
type generations[K comparable, R any] struct{ young, old map[K]*R }

func (g *generations[K, R]) get(key K) *R {
	if r := g.young[key]; r != nil {
		return r
	}
	return g.old[key]
}

func (g *generations[K, R]) put(key K, row R) {
	if g.young == nil || len(g.young) >= generation {
		g.young, g.old = make(map[K]*R), g.young
	}
	g.young[key] = &row
}

func (g *generations[K, R]) drop(key K) {
	delete(g.young, key)
	delete(g.old, key)
}

// keep takes in what a batch has made durable. Instants are rounded as the
// database rounds them.
func (r *recent) keep(b *batch) {
	for _, key := range b.snap.GoneSubjects() {
		r.subjects.drop(key)
	}
	for _, id := range b.snap.GoneVerifications() {
		r.verifications.drop(id)
		for n := 1; n <= verify.MaxSends; n++ {
			r.deliveries.drop(verify.DeliveryKey{Verification: id, Number: n})
		}
	}
	for i := range b.subjects {
		r.subjects.put(b.subjects[i].Row.Key, b.subjects[i].Row)
	}
	for i := range b.verifications {
		v := b.verifications[i].Row
		v.SentAt, v.CreatedAt, v.UpdatedAt = stored(v.SentAt), stored(v.CreatedAt), stored(v.UpdatedAt)
		v.ExpiresAt, v.PurgeAt = stored(v.ExpiresAt), stored(v.PurgeAt)
		r.verifications.put(v.ID, v)
	}
	for i := range b.deliveries {
		d := b.deliveries[i].Row
		d.DueAt, d.CreatedAt, d.UpdatedAt = stored(d.DueAt), stored(d.CreatedAt), stored(d.UpdatedAt)
		r.deliveries.put(d.Key, d)
	}
}

// forget forgets everything: it is not known what the database has.
func (r *recent) forget() { *r = recent{} }
