package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/internal/deliver/inbox"
	"countersign/internal/deliver/receipt"
	"countersign/internal/verify"
)

// carrierKind is a type of carrier: the channels that it takes as it is set up, and how
// it is made.
type carrierKind struct {
	channels func(CarrierConfig) []verify.Channel
	open     func(CarrierConfig, *carrierDeps) (verify.Sender, error)
}

// carrierDeps are what carriers need besides their configuration.
type carrierDeps struct {
	now func() time.Time
	log *slog.Logger
	// receive takes in receipts of carriers that do not post them.
	receive func(carrier string, r verify.Receipt)
	// receipts is the address that a carrier posts its receipts to; empty for none.
	receipts   string
	production bool
	box        *inbox.Inbox // made when the first carrier wants it
}

// fixed are channels that do not depend on how a carrier is set up.
func fixedChannels(list ...verify.Channel) func(CarrierConfig) []verify.Channel {
	return func(CarrierConfig) []verify.Channel { return list }
}

// carrierKinds is the one list of carriers.
func carrierKinds() map[string]carrierKind {
	return map[string]carrierKind{
		"inbox":     {fixedChannels(verify.Channels()...), openInbox},
		"simulator": {fixedChannels(verify.Channels()...), openSimulator},
		"smpp":      {fixedChannels(verify.SMS), openSMPP},
		"smtp":      {fixedChannels(verify.Email), openSMTP},
		"telnyx":    {func(k CarrierConfig) []verify.Channel { return k.telnyx("").Channels() }, openTelnyx},
		"twilio":    {func(k CarrierConfig) []verify.Channel { return k.twilio("").Channels() }, openTwilio},
		"vonage":    {fixedChannels(verify.SMS), openVonage},
		"webhook":   {fixedChannels(verify.Channels()...), openWebhook},
		"whatsapp":  {fixedChannels(verify.WhatsApp), openWhatsApp},
	}
}

// carrierTypes are the names of the kinds, in order.
func carrierTypes() []string { return slices.Sorted(maps.Keys(carrierKinds())) }

// channels says which channels a carrier takes as it is set up; none if its type is none.
func (k CarrierConfig) channels() []verify.Channel {
	if kind, ok := carrierKinds()[k.Type]; ok {
		return kind.channels(k)
	}
	return nil
}

// carriers are the open ones, by name.
type carriers struct {
	senders   map[string]verify.Sender
	receivers map[string]receipt.Receiver
	closers   []closer
	box       *inbox.Inbox // nil if there is none
}

// closer is a carrier that lives between two messages.
type closer interface {
	Close(ctx context.Context) error
}

// openCarriers makes the configured carriers. An error names the carrier and what to
// mend. Nothing is sent, and nobody is spoken to, before Send.
func (c *Config) openCarriers(deps carrierDeps) (carriers, error) {
	out := carriers{senders: map[string]verify.Sender{}, receivers: map[string]receipt.Receiver{}}
	kinds := carrierKinds()
	for _, k := range c.Carriers {
		kind, ok := kinds[k.Type]
		if !ok {
			continue // said elsewhere
		}
		var err error
		if deps.receipts, err = c.receiptURL(k); err != nil {
			return out, fmt.Errorf("carrier %s: %w", k.Name, err)
		}
		s, err := kind.open(k, &deps)
		if err != nil {
			return out, fmt.Errorf("carrier %s: %w", k.Name, err)
		}
		out.senders[k.Name] = s
		if r, ok := s.(receipt.Receiver); ok && deps.receipts != "" {
			out.receivers[k.Name] = r
		}
		if l, ok := s.(closer); ok {
			out.closers = append(out.closers, l)
		}
	}
	out.box = deps.box
	return out, nil
}

// starter is a carrier that opens its session before the first message, so that it hears
// receipts of those before.
type starter interface {
	Start(ctx context.Context)
}

// start has the carriers that live begin to.
func (c carriers) start(ctx context.Context) {
	for _, s := range c.senders {
		if l, ok := s.(starter); ok {
			l.Start(ctx)
		}
	}
}

// close ends the carriers that live.
func (c carriers) close(ctx context.Context) error {
	var errs []error
	for _, l := range c.closers {
		errs = append(errs, l.Close(ctx))
	}
	return errors.Join(errs...)
}

func (c *Config) checkCarriers() error {
	var errs []error
	if len(c.Carriers) == 0 {
		errs = append(errs, errors.New("carriers: none is configured, so no code could be sent. Add one, such as "+
			"{name: telnyx, type: telnyx, api_key: …, from: \"+1…\"}, or use «countersign dev»"))
	}
	if _, err := c.openCarriers(carrierDeps{production: !c.development()}); err != nil {
		errs = append(errs, err)
	}
	var names []string
	for i, k := range c.Carriers {
		switch {
		case k.Name == "":
			errs = append(errs, fmt.Errorf("carriers[%d].name: missing", i))
		case slices.Contains(names, k.Name):
			errs = append(errs, fmt.Errorf("carriers[%d].name: %q is used twice", i, k.Name))
		case strings.Trim(k.Name, carrierName) != "":
			errs = append(errs, fmt.Errorf("carriers[%d].name: %q may have letters, digits, - _ and . only: receipts are posted to its name", i, k.Name))
		}
		names = append(names, k.Name)
		if !slices.Contains(carrierTypes(), k.Type) {
			errs = append(errs, fmt.Errorf("carriers[%d].type: %q is not one of %s", i, k.Type, strings.Join(carrierTypes(), ", ")))
		}
		if d, err := duration(k.Timeout); err != nil || d < 0 || d > maxTimeout {
			errs = append(errs, fmt.Errorf("carriers[%d].timeout: not a duration of at most %s, such as 10s", i, maxTimeout))
		}
		if err := k.checkPrices(); err != nil {
			errs = append(errs, fmt.Errorf("carriers[%d].prices: %w", i, err))
		}
	}
	_, tableErr := c.table()
	_, paceErr := c.pace()
	return errors.Join(append(errs, tableErr, paceErr)...)
}

// maxTimeout of an attempt: a person waits for it.
const maxTimeout = time.Minute

// carrierName are the characters of a carrier's name.
const carrierName = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

// checkInbox keeps the development inbox, which shows codes to whoever asks, off
// every listener that others can reach.
func (c *Config) checkInbox(host string) error {
	inbox := slices.ContainsFunc(c.Carriers, func(k CarrierConfig) bool { return k.Type == "inbox" })
	if !inbox {
		return nil
	}
	if !c.development() {
		return errors.New("carriers: the inbox shows every code to whoever opens its page; it is for environment: development")
	}
	if addr, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !addr.IsLoopback()) {
		return fmt.Errorf("listen: with the development inbox the server listens on loopback alone (127.0.0.1:3000, [::1]:3000), not on %q: "+
			"whoever reaches it could read every code", c.Listen)
	}
	if c.PublicURL != "" {
		if u, err := url.Parse(c.PublicURL); err == nil && !loopbackName(u.Hostname()) {
			return errors.New("public_url: with the development inbox it must be a loopback address")
		}
	}
	return nil
}
