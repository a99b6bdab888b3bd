package app

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/internal/deliver"
	"countersign/internal/deliver/inbox"
	"countersign/internal/deliver/smtp"
	"countersign/internal/deliver/telnyx"
	"countersign/internal/deliver/twilio"
	"countersign/internal/verify"
)

// carrierTypes is the one list of carriers.
func carrierTypes() []string { return []string{"inbox", "smtp", "telnyx", "twilio"} }

// carries says which channels a type of carrier takes.
func carries(carrierType string) []verify.Channel {
	switch carrierType {
	case "inbox":
		return verify.Channels()
	case "twilio":
		return []verify.Channel{verify.SMS, verify.Call}
	case "smtp":
		return []verify.Channel{verify.Email}
	}
	return []verify.Channel{verify.SMS}
}

// channels says which channels a carrier takes as it is set up. Twilio calls from a
// number alone: with none, whoever asks for a call shall be told so at once.
func (k CarrierConfig) channels() []verify.Channel {
	if k.Type == "twilio" && !strings.HasPrefix(string(k.From), "+") {
		return []verify.Channel{verify.SMS}
	}
	return carries(k.Type)
}

// openCarriers makes the configured carriers, by name, and the inbox if there is
// one. An error names the carrier and what to mend.
func openCarriers(configs []CarrierConfig, now func() time.Time) (map[string]verify.Sender, *inbox.Inbox, error) {
	senders := map[string]verify.Sender{}
	var box *inbox.Inbox
	for _, k := range configs {
		switch k.Type {
		case "inbox":
			if box == nil {
				box = inbox.New(k.Name, now)
			}
			senders[k.Name] = box
		case "smtp":
			s, err := smtp.New(smtp.Config{
				Host: k.Host, Port: k.Port, Username: k.Username, Password: k.Password.Reveal(),
				From: string(k.From), TLS: k.TLS, Now: now,
			})
			if err != nil {
				return nil, nil, fmt.Errorf("carrier %s: %w", k.Name, err)
			}
			senders[k.Name] = s
		case "telnyx":
			s, err := telnyx.New(telnyx.Config{
				APIKey: k.APIKey.Reveal(), From: string(k.From), MessagingProfileID: k.MessagingProfileID, BaseURL: k.BaseURL,
			})
			if err != nil {
				return nil, nil, fmt.Errorf("carrier %s: %w", k.Name, err)
			}
			senders[k.Name] = s
		case "twilio":
			s, err := twilio.New(twilio.Config{
				AccountSID: k.AccountSID, AuthToken: k.AuthToken.Reveal(), APIKeySID: k.APIKeySID, APIKeySecret: k.APIKeySecret.Reveal(),
				From: string(k.From), MessagingServiceSID: k.MessagingServiceSID, BaseURL: k.BaseURL,
			})
			if err != nil {
				return nil, nil, fmt.Errorf("carrier %s: %w", k.Name, err)
			}
			senders[k.Name] = s
		}
	}
	return senders, box, nil
}

// routes puts the carriers in the configured order; a channel without a route
// has every carrier that takes it, in the order of the file.
func routes(c *Config, senders map[string]verify.Sender) deliver.Routes {
	out := deliver.Routes{}
	for _, k := range c.Carriers {
		for _, channel := range k.channels() {
			out[channel] = append(out[channel], deliver.Carrier{Name: k.Name, Sender: senders[k.Name]})
		}
	}
	for _, r := range c.Routes {
		var order []deliver.Carrier
		for _, name := range r.Carriers {
			order = append(order, deliver.Carrier{Name: name, Sender: senders[name]})
		}
		out[verify.Channel(r.Channel)] = order
	}
	return out
}

func (c *Config) checkCarriers() error {
	var errs []error
	if len(c.Carriers) == 0 {
		errs = append(errs, errors.New("carriers: none is configured, so no code could be sent. Add one, such as "+
			"{name: telnyx, type: telnyx, api_key: …, from: \"+1…\"}, or use «countersign dev»"))
	}
	if _, _, err := openCarriers(c.Carriers, nil); err != nil {
		errs = append(errs, err)
	}
	var names []string
	for i, k := range c.Carriers {
		if k.Name == "" {
			errs = append(errs, fmt.Errorf("carriers[%d].name: missing", i))
		} else if slices.Contains(names, k.Name) {
			errs = append(errs, fmt.Errorf("carriers[%d].name: %q is used twice", i, k.Name))
		}
		names = append(names, k.Name)
		if !slices.Contains(carrierTypes(), k.Type) {
			errs = append(errs, fmt.Errorf("carriers[%d].type: %q is not one of %s", i, k.Type, strings.Join(carrierTypes(), ", ")))
		}
	}
	seen := map[string]bool{}
	for i, r := range c.Routes {
		if !slices.Contains(verify.Channels(), verify.Channel(r.Channel)) {
			errs = append(errs, fmt.Errorf("routes[%d].channel: %q is not a channel; it must be one of %v", i, r.Channel, verify.Channels()))
		}
		if seen[r.Channel] {
			errs = append(errs, fmt.Errorf("routes[%d].channel: %q has a route already", i, r.Channel))
		}
		seen[r.Channel] = true
		if len(r.Carriers) == 0 {
			errs = append(errs, fmt.Errorf("routes[%d].carriers: name at least one", i))
		}
		for _, name := range r.Carriers {
			at := slices.Index(names, name)
			if at < 0 {
				errs = append(errs, fmt.Errorf("routes[%d].carriers: no carrier is called %q", i, name))
			} else if k := c.Carriers[at]; !slices.Contains(k.channels(), verify.Channel(r.Channel)) {
				errs = append(errs, fmt.Errorf("routes[%d].carriers: carrier %q is of type %s, which takes %v", i, name, k.Type, k.channels()))
			}
		}
	}
	return errors.Join(errs...)
}

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
