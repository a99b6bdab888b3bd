package smpp

import (
	"hash/maphash"
	"strconv"
	"strings"
	"sync"

	"countersign/internal/verify"
)

// tracks remembers which names a centre gave to what was sent lately, so that a
// receipt finds its message.
//
// Two traps make it necessary. Centres write a name in hexadecimal in their answer and
// in decimal in the receipt, or the other way round (SMPP v3.4, appendix B, has ten
// decimal digits where 5.2.23 has any string). And a text of several parts has a name
// for each part, and is delivered only when all are.
type tracks struct {
	form string // of Config.ReceiptIDs
	none bool   // no receipts are asked for: nothing need be remembered
	seed maphash.Seed

	mu     sync.Mutex
	parts  map[string]*part // by each key of its name
	recent []*sent          // a ring: what is overwritten is forgotten
	next   int
	early  [maxEarly]word // a ring of what came before its message had a name
	newest int
	other  bool // a receipt was found in another form than the answer's
}

const (
	maxRecent = 1 << 16
	maxEarly  = 64
)

// sent is a message of which the centre has taken at least one part.
type sent struct {
	id        string // verify.Message.ID
	parts     int
	number    uint64 // hash of the end of the number: it is to be compared only
	carrierID string // under which receipts are reported
	taken     int
	delivered int
	keys      []string
}

type part struct {
	of        *sent
	delivered bool
}

func newTracks(form string, receipts bool) *tracks {
	return &tracks{form: form, none: !receipts, seed: maphash.MakeSeed(), parts: map[string]*part{}}
}

func (t *tracks) begin(c composed) *sent {
	return &sent{id: c.id, parts: len(c.bodies), number: t.hash(c.to)}
}

// hash is of a number's last eight digits: centres write the beginning in many ways.
func (t *tracks) hash(number string) uint64 {
	return maphash.String(t.seed, number[max(0, len(number)-8):])
}

// take notes the centre's name for the next part of m. The receipt that it returns is
// of one that came before the name did.
func (t *tracks) take(m *sent, id string) *verify.Receipt {
	t.mu.Lock()
	defer t.mu.Unlock()
	m.taken++
	id = t.canonical(id, true)
	if m.taken == 1 {
		m.carrierID = id
		if m.parts > 1 && id != "" {
			// Another process, which does not know of the other parts, must not take the
			// receipt of the first one for that of the whole.
			m.carrierID += "+" + strconv.Itoa(m.parts-1)
		}
	}
	if t.none || id == "" {
		return nil
	}
	if m.keys == nil {
		t.remember(m)
	}
	p := &part{of: m}
	for _, k := range t.keys(id) {
		t.parts[k] = p
		m.keys = append(m.keys, k)
	}
	for _, w := range t.early {
		if w.state != "" && t.find(w) == p {
			return t.move(p, w)
		}
	}
	return nil
}

// nameOf is the centre's name for a message, as receipts are reported under it.
func (t *tracks) nameOf(m *sent) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return m.carrierID
}

// late is what an answer says that comes when nobody waits for it any more: it settles
// a message whose outcome was unknown, unless parts of it were never handed over.
func (t *tracks) late(m *sent, p pdu) *verify.Receipt {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case p.taken() && m.taken == m.parts:
		return &verify.Receipt{Message: m.id, CarrierID: m.carrierID, State: verify.Sent}
	case !p.taken() && m.parts == 1:
		return &verify.Receipt{Message: m.id, State: verify.Failed, Class: p.status.class()}
	}
	return nil
}

func (t *tracks) remember(m *sent) {
	if len(t.recent) < maxRecent {
		t.recent = append(t.recent, m)
		return
	}
	t.forget(t.recent[t.next])
	t.recent[t.next] = m
	t.next = (t.next + 1) % maxRecent
}

func (t *tracks) forget(m *sent) {
	for _, k := range m.keys {
		if p := t.parts[k]; p != nil && p.of == m {
			delete(t.parts, k)
		}
	}
	m.keys = nil
}

// hear returns what a receipt says to the core; nothing while parts are missing. One
// of a message that is not known here may be of one sent before this process began, or
// by another, and is passed on under its name.
func (t *tracks) hear(w word) *verify.Receipt {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.find(w); p != nil {
		return t.move(p, w)
	}
	t.early[t.newest] = w
	t.newest = (t.newest + 1) % maxEarly
	id := t.canonical(w.written, false)
	if t.form == Auto && w.answered != "" || id == "" {
		id = t.canonical(w.answered, true)
	}
	return &verify.Receipt{CarrierID: id, State: w.state, Class: w.class}
}

// move takes a receipt of a part into its message.
func (t *tracks) move(p *part, w word) *verify.Receipt {
	m := p.of
	switch {
	case w.state == verify.Delivered && !p.delivered:
		p.delivered = true
		m.delivered++
	case w.state == verify.Failed && !p.delivered:
		m.delivered = -m.parts // never again all
	case m.parts > 1:
		return nil // what is on its way says nothing of the other parts
	}
	if w.state == verify.Delivered && m.delivered != m.parts {
		return nil
	}
	if w.state != verify.Sent {
		t.forget(m)
	}
	return &verify.Receipt{Message: m.id, CarrierID: m.carrierID, State: w.state, Class: w.class}
}

// found says, once, whether a receipt was found in another form than the answer's.
func (t *tracks) found() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.other
	t.other = false
	return found
}

// find looks a receipt's names up.
func (t *tracks) find(w word) *part {
	if t.form != Auto {
		for _, id := range []string{t.canonical(w.answered, true), t.canonical(w.written, false)} {
			if p := t.parts["="+id]; id != "" && p != nil {
				return p
			}
		}
		return nil
	}
	var exact *part
	for _, id := range []string{w.answered, w.written} {
		for i, k := range forms(id) {
			p := t.parts[k]
			switch {
			case p == nil:
			case t.about(w, p.of):
				t.other = t.other || i > 1
				return p
			case i == 0 && exact == nil:
				exact = p
			}
		}
	}
	// Numbers of another form are believed of the same telephone alone, since any
	// decimal number reads as a hexadecimal one. What is the same to the letter is
	// believed of any: some centres write other addresses into receipts.
	return exact
}

func (t *tracks) about(w word, m *sent) bool {
	return t.hash(w.numbers[0]) == m.number || t.hash(w.numbers[1]) == m.number
}

// keys are those under which a name is found.
func (t *tracks) keys(id string) []string {
	out := []string{"=" + id}
	if t.form != Auto {
		return out
	}
	if v, is := number(id, 16); is {
		out = append(out, "x"+strconv.FormatUint(v, 10))
	}
	if v, is := number(id, 10); is {
		out = append(out, "d"+strconv.FormatUint(v, 10))
	}
	return out
}

// forms are the keys under which a receipt's name may be found, the likelier first:
// to the letter, with other zeros or letters of another case, in decimal what the
// answer had in hexadecimal, and the reverse.
func forms(id string) []string {
	if id == "" {
		return nil
	}
	out := []string{"=" + id}
	hexadecimal, isHexadecimal := number(id, 16)
	if isHexadecimal {
		out = append(out, "x"+strconv.FormatUint(hexadecimal, 10))
	}
	if decimal, is := number(id, 10); is {
		out = append(out, "x"+strconv.FormatUint(decimal, 10))
	}
	if isHexadecimal {
		out = append(out, "d"+strconv.FormatUint(hexadecimal, 10))
	}
	return out
}

// canonical is a name as the core is told it: where the operator has said which forms
// the centre uses, the receipt's, without zeros and in small letters, so that nothing
// has to be remembered.
func (t *tracks) canonical(id string, answered bool) string {
	from, to := 10, 10
	switch t.form {
	case Decimal:
		if answered {
			from = 16
		}
	case Hexadecimal:
		to = 16
		if !answered {
			from = 16
		}
	default:
		return id
	}
	v, is := number(id, from)
	if !is {
		return id
	}
	return strconv.FormatUint(v, to)
}

// number reads digits and nothing else.
func number(id string, base int) (uint64, bool) {
	if strings.HasPrefix(id, "+") || strings.Contains(id, "_") {
		return 0, false
	}
	v, err := strconv.ParseUint(id, base, 64)
	return v, err == nil
}
