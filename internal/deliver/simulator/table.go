package simulator

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"countersign/internal/verify"
)

// Behaviour is one way in which a carrier treats a message.
type Behaviour struct {
	Number string // the last two digits of a magic number
	Name   string // the local part of a magic mailbox; also what an outage is like
	Does   string // what happens, in words for the docs

	wait     time.Duration     // before the call returns
	refusal  *verify.SendError // what the call returns; nil if the message is taken
	early    bool              // the first receipt comes before the call returns
	unnamed  bool              // receipts have the carrier's name for the message alone
	lost     bool              // the message reaches nobody, though it may have been taken
	receipts []planned         // in the order of their coming
}

// planned is a receipt to come.
type planned struct {
	after time.Duration // the call's return, or the receipt before it
	state verify.DeliveryState
	class verify.Class
	line  verify.Line
}

// How long things take. None is short enough to be lost in the noise of a machine,
// nor long enough to be waited for twice.
const (
	soon   = 100 * time.Millisecond // a receipt that comes at once
	later  = time.Second            // the receipt that follows another
	late   = 30 * time.Second       // a receipt that nobody has waited for
	slow   = 5 * time.Second        // a call that takes long
	silent = 2 * time.Second        // a call that gets no answer
)

// arrived is the receipt of a message that has arrived, after d.
func arrived(d time.Duration) planned {
	return planned{after: d, state: verify.Delivered, line: verify.Mobile}
}

// Behaviours is the one table of them all, by number. docs/carriers/simulator.md has
// the same, and a test holds the two together.
func Behaviours() []Behaviour {
	noAnswer := &verify.SendError{Class: verify.Temporary, Ambiguous: true}
	out := []Behaviour{
		{Number: "10", Name: "delivered", Does: "taken; a receipt at once says that it has arrived", receipts: []planned{arrived(soon)}},
		{Number: "11", Name: "late", Does: "taken; the receipt comes after 30 seconds, and so does the message", receipts: []planned{arrived(late)}},
		{Number: "12", Name: "twice", Does: "taken; the same receipt comes twice, a second apart", receipts: []planned{arrived(soon), arrived(later)}},
		{Number: "13", Name: "disordered", Does: "taken; the receipt that it is on its way comes a second after the one that it has arrived",
			receipts: []planned{arrived(soon), {after: later, state: verify.Sent}}},
		{Number: "14", Name: "early", Does: "taken; the receipt comes before the call returns", early: true, receipts: []planned{arrived(0)}},
		{Number: "15", Name: "silent", Does: "taken, and it arrives; no receipt ever comes"},
		{Number: "16", Name: "slow", Does: "taken, but the call takes 5 seconds; then a receipt at once", wait: slow, receipts: []planned{arrived(soon)}},
		{Number: "17", Name: "unanswered", Does: "the call ends after 2 seconds with its outcome unknown; the message arrives all the same, and a receipt says so",
			wait: silent, refusal: noAnswer, receipts: []planned{arrived(later)}},
		{Number: "18", Name: "unanswered-lost", Does: "the call ends after 2 seconds with its outcome unknown; nothing arrives and no receipt comes",
			wait: silent, refusal: noAnswer, lost: true},
		{Number: "19", Name: "unnamed", Does: "taken; the receipt has the carrier's name for the message and not ours", unnamed: true, receipts: []planned{arrived(soon)}},
		{Number: "20", Name: "contradicted", Does: "taken; a receipt says that it failed, and a second later one says that it has arrived",
			receipts: []planned{{after: soon, state: verify.Failed, class: verify.Temporary}, arrived(later)}},
		{Number: "21", Name: "voip", Does: "taken; the receipt says that it has arrived, and that the number is one of VoIP",
			receipts: []planned{{after: soon, state: verify.Delivered, line: verify.VoIP}}},
		{Number: "22", Name: "lost", Does: "taken; nothing arrives and no receipt comes", lost: true},
	}
	for i, class := range verify.Classes() {
		out = append(out, refused(i, class), failed(i, class))
	}
	slices.SortFunc(out, func(a, b Behaviour) int { return cmp.Compare(a.Number, b.Number) })
	return out
}

// refused is a message that the call refuses. The first number is 30.
func refused(i int, class verify.Class) Behaviour {
	e := &verify.SendError{Class: class}
	does := "refused: " + string(class)
	if class == verify.Throttled {
		e.Wait = silent
		does += ", to be tried again in 2 seconds"
	}
	return Behaviour{Number: two(30 + i), Name: "refused-" + slug(class), Does: does, refusal: e, lost: true}
}

// failed is a message that is taken, and of which a receipt says that it failed. The
// first number is 50.
func failed(i int, class verify.Class) Behaviour {
	p := planned{after: later, state: verify.Failed, class: class}
	if class == verify.NotMobile {
		p.line = verify.Landline
	}
	return Behaviour{
		Number: two(50 + i), Name: "failed-" + slug(class), Does: "taken; after a second a receipt says that it failed: " + string(class),
		lost: true, receipts: []planned{p},
	}
}

func two(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }

func slug(c verify.Class) string { return strings.ReplaceAll(string(c), " ", "-") }

// magic are the numbers that are nobody's and yet of a numbering plan: +1, any area
// code of a place, 555 01NN, which the North American plan (NANPA) keeps for fiction,
// and +46 70 174 06 NN, NN from 05, which Sweden's PTS keeps for books and films. The
// United Kingdom's (Ofcom: +44 7700 900NNN) are not known to libphonenumber, so the
// core refuses them before any carrier sees them.
var magic = regexp.MustCompile(`^(?:\+1[0-9]{3}55501|\+467017406)([0-9]{2})$`)

// reserved are the domains that are nobody's (RFC 2606, 2 and 3).
var reserved = regexp.MustCompile(`@(?:.+\.)?(?:example\.(?:com|net|org)|example|test)$`)

// of returns how a message to an address goes: as the table says for a magic number
// or mailbox, and delivered at once, which is the first row, for any other.
func of(table []Behaviour, to verify.Address) Behaviour {
	key := ""
	if m, ok := to.Mailbox(); ok && reserved.MatchString(m.Key()) {
		key, _, _ = strings.Cut(m.Key(), "@")
		key, _, _ = strings.Cut(key, "+")
	} else if n, ok := to.Number(); ok {
		if found := magic.FindStringSubmatch(n.E164()); found != nil {
			key = found[1]
		}
	}
	for _, b := range table {
		if key != "" && (key == b.Number && !isMail(to) || key == b.Name && isMail(to)) {
			return b
		}
	}
	return table[0]
}

func isMail(a verify.Address) bool {
	_, mail := a.Mailbox()
	return mail
}
