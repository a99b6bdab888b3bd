package simulator

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"countersign/internal/mailbox"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

// Config is what an operator says of a simulator. It holds no secret.
type Config struct {
	Name string // the carrier's, by which logs and names of messages tell several apart
	// Production takes no message but to one of Numbers, each +E.164 or an e-mail
	// address. In development Numbers means nothing.
	Production bool
	Numbers    []string
	Outages    []Outage

	// Receipts is told of each receipt, on a goroutine of the simulator's. It may block
	// for a short while. Nil: there are none.
	Receipts func(verify.Receipt)
	// Show is told of each message, and once more when it has arrived. It is for the
	// inbox of development alone, since a message holds a code.
	Show func(m verify.Message, arrived bool)

	Now func() time.Time // needed to send, not to be checked
	// After runs f on its own goroutine after d; time.AfterFunc if nil.
	After func(d time.Duration, f func())
	Log   *slog.Logger // none if nil
}

// Outage is a time in which every message has one and the same lot.
type Outage struct {
	After time.Duration // since the start
	For   time.Duration
	Like  string // the name of a Behaviour; "refused-temporary" if empty
}

// usual is what an outage is like that does not say.
const usual = "refused-temporary"

// String shows what a log may hold: no number.
func (c Config) String() string {
	return fmt.Sprintf("simulator %q, %d numbers, %d outages", c.Name, len(c.Numbers), len(c.Outages))
}

// check returns the numbers that production allows.
func (c Config) check() ([]verify.Address, error) {
	if c.Production && len(c.Numbers) == 0 {
		return nil, errors.New("numbers: a simulator sends nothing to anybody, so in production it takes only the numbers that are listed; " +
			"list them (numbers: [\"+12015550110\"]), or use it with environment: development")
	}
	var errs []error
	var listed []verify.Address
	for i, text := range c.Numbers {
		a, err := address(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("numbers[%d]: %w", i, err)) // what was written is not shown
			continue
		}
		listed = append(listed, a)
	}
	for i, o := range c.Outages {
		switch _, known := named(Behaviours(), o.like()); {
		case o.After < 0:
			errs = append(errs, fmt.Errorf("outages[%d].after: %s is before the start", i, o.After))
		case o.For <= 0:
			errs = append(errs, fmt.Errorf("outages[%d].for: must be more than zero, such as 1m", i))
		case !known:
			errs = append(errs, fmt.Errorf("outages[%d].like: %q is not one of %s", i, o.Like, strings.Join(names(), ", ")))
		}
	}
	return listed, errors.Join(errs...)
}

func (o Outage) like() string {
	if o.Like == "" {
		return usual
	}
	return o.Like
}

func address(text string) (verify.Address, error) {
	if strings.Contains(text, "@") {
		m, err := mailbox.Parse(text)
		if err != nil {
			return verify.Address{}, errors.New(strings.TrimPrefix(err.Error(), "mailbox: "))
		}
		return verify.Mail(m), nil
	}
	n, err := phone.Parse(text, "")
	if err != nil {
		return verify.Address{}, errors.New(strings.TrimPrefix(err.Error(), "phone: "))
	}
	return verify.Phone(n), nil
}

func named(table []Behaviour, name string) (Behaviour, bool) {
	i := slices.IndexFunc(table, func(b Behaviour) bool { return b.Name == name })
	if i < 0 {
		return Behaviour{}, false
	}
	return table[i], true
}

func names() []string {
	var out []string
	for _, b := range Behaviours() {
		out = append(out, b.Name)
	}
	return out
}
