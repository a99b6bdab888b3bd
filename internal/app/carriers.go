package app

import (
	"fmt"
	"time"

	"countersign/internal/deliver"
	"countersign/internal/deliver/inbox"
	"countersign/internal/deliver/telnyx"
	"countersign/internal/verify"
)

// carrierTypes is the one list of carriers.
func carrierTypes() []string { return []string{"inbox", "telnyx"} }

// carries says which channels a type of carrier takes.
func carries(carrierType string) []verify.Channel {
	if carrierType == "inbox" {
		return verify.Channels()
	}
	return []verify.Channel{verify.SMS}
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
		case "telnyx":
			s, err := telnyx.New(telnyx.Config{
				APIKey: k.APIKey.Reveal(), From: string(k.From), MessagingProfileID: k.MessagingProfileID, BaseURL: k.BaseURL,
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
		for _, channel := range carries(k.Type) {
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
