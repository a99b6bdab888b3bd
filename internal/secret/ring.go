package secret

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Errors of a rotation.
var (
	ErrRotating = errors.New("secret: the ring holds two keys already: the last rotation has not ended")
	ErrInUse    = errors.New("secret: this key is the current one, or will be")
)

// maxKeys bounds a ring: whatever is found by a keyed hash is looked for under
// every key, so each key more is a row more to lock.
const maxKeys = 2

// Ring holds the keys. It is safe for concurrent use, also while Replace puts
// other keys in. Whoever needs the same keys twice takes Frozen first.
type Ring struct{ now atomic.Pointer[keys] }

// keys are what a ring holds at a time, the current one first.
type keys struct {
	list   []key
	frozen *Ring
}

type key struct {
	id   string
	from time.Time // when it becomes the current one; zero: it always was
	key  hidden
}

// hidden is a key that fmt shows as an address whatever the verb and wherever the
// ring stands: it follows pointers, and calls no method of an unexported field,
// but it never calls a function.
type hidden func() []byte

func hide(key []byte) hidden { return func() []byte { return key } }

func newRing(list []key) *Ring {
	k := &keys{list: list, frozen: &Ring{}}
	k.frozen.now.Store(k)
	r := &Ring{}
	r.now.Store(k)
	return r
}

func newKey(id string, from time.Time) key {
	raw := make([]byte, keySize)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the program instead
	return key{id, from, hide(raw)}
}

// Generate makes a ring of one new key.
func Generate() *Ring { return newRing([]key{newKey("k1", time.Time{})}) }

// Parse reads what Text wrote: a line a key, the current one first, with blank
// lines and lines beginning with # left out. The error never holds a key.
func Parse(text string) (*Ring, error) {
	var list []key
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		k, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if slices.ContainsFunc(list, func(o key) bool { return o.id == k.id }) {
			return nil, fmt.Errorf("line %d: id used twice: %w", n, ErrFormat)
		}
		list = append(list, k)
	}
	if err := lines.Err(); err != nil || len(list) == 0 || len(list) > maxKeys {
		return nil, fmt.Errorf("no key, too many, or a line too long: %w", ErrFormat)
	}
	return newRing(list), nil
}

func parseKey(line string) (key, error) {
	fields := strings.Fields(line)
	if len(fields) < 2 || len(fields) > 3 || len(fields[0]) > 16 {
		return key{}, ErrFormat
	}
	raw, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil || len(raw) != keySize {
		return key{}, ErrFormat
	}
	k := key{id: fields[0], key: hide(raw)}
	if len(fields) == 3 {
		at, ok := strings.CutPrefix(fields[2], "from=")
		if k.from, err = time.Parse(time.RFC3339, at); err != nil || !ok {
			return key{}, ErrFormat
		}
	}
	return k, nil
}

// Text writes the ring in the form that Parse reads. It is meant for the key
// file and nothing else.
func (r *Ring) Text() string {
	var b strings.Builder
	for _, k := range r.now.Load().list {
		fmt.Fprintf(&b, "%s %s", k.id, base64.StdEncoding.EncodeToString(k.key()))
		if !k.from.IsZero() {
			fmt.Fprintf(&b, " from=%s", k.from.UTC().Format(time.RFC3339))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// At returns the ring as it is at an instant: of the keys whose time has come the
// one whose time came last is the current one, and of equals the first. Before
// any key's time has come the first is the current one.
func (r *Ring) At(now time.Time) *Ring {
	list := slices.Clone(r.now.Load().list)
	current := 0
	for i, k := range list {
		if !k.from.After(now) && (list[current].from.After(now) || k.from.After(list[current].from)) {
			current = i
		}
	}
	list[0], list[current] = list[current], list[0]
	return newRing(list)
}

// Rotate returns the ring with a new key beside the current one, which takes over
// at an instant. The error is ErrRotating.
func (r *Ring) Rotate(from time.Time) (*Ring, error) {
	list := slices.Clone(r.now.Load().list)
	if len(list) >= maxKeys {
		return nil, ErrRotating
	}
	next := 1
	for _, k := range list {
		if n, err := strconv.Atoi(strings.TrimPrefix(k.id, "k")); err == nil {
			next = max(next, n+1)
		}
	}
	return newRing(append(list, newKey("k"+strconv.Itoa(next), from.Truncate(time.Second)))), nil
}

// Without returns the ring without a key that has been replaced by the current
// one. Errors are ErrKey and ErrInUse.
func (r *Ring) Without(id string) (*Ring, error) {
	list := slices.Clone(r.now.Load().list)
	i := slices.IndexFunc(list, func(k key) bool { return k.id == id })
	if i < 0 {
		return nil, ErrKey
	}
	if i == 0 || list[i].from.After(list[0].from) {
		return nil, ErrInUse
	}
	return newRing(slices.Delete(list, i, i+1)), nil
}

// Replace puts another ring's keys in the place of those of r.
func (r *Ring) Replace(other *Ring) { r.now.Store(other.now.Load()) }

// Frozen returns the ring as it is, which no Replace changes: the same pointer for
// as long as the keys are the same.
func (r *Ring) Frozen() *Ring {
	if r == nil {
		return nil
	}
	return r.now.Load().frozen
}

// Current is the id of the key that new values are made with.
func (r *Ring) Current() string { return r.now.Load().list[0].id }

// Other is the id of the key beside the current one: the one it takes over from,
// or the one that will take over from it. It is empty but in a rotation.
func (r *Ring) Other() string {
	if list := r.now.Load().list; len(list) > 1 {
		return list[1].id
	}
	return ""
}

// From is when a key becomes or became the current one; the zero time if it always
// was or is not in the ring.
func (r *Ring) From(id string) time.Time {
	for _, k := range r.now.Load().list {
		if k.id == id {
			return k.from
		}
	}
	return time.Time{}
}

// Mark is what shows that a key is the one it was, and nothing else of it. The
// error is ErrKey.
func (r *Ring) Mark(id string) (mark [16]byte, err error) {
	sum, err := r.Sum(id, markUse)
	return [16]byte(sum[:16]), err
}

func (r *Ring) key(id string) (hidden, bool) {
	for _, k := range r.now.Load().list {
		if k.id == id {
			return k.key, true
		}
	}
	return nil, false
}

// String names the ids and no key.
func (r *Ring) String() string {
	text := "keys " + r.Current()
	if other := r.Other(); other != "" {
		text += "," + other
	}
	return text
}

// Format names the ids and no key, whatever the verb.
func (r *Ring) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue names the ids and no key.
func (r *Ring) LogValue() slog.Value { return slog.StringValue(r.String()) }
