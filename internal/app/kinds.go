package app

import (
	"fmt"
	"time"

	"countersign/internal/deliver/inbox"
	"countersign/internal/deliver/simulator"
	"countersign/internal/deliver/smpp"
	"countersign/internal/deliver/smtp"
	"countersign/internal/deliver/telnyx"
	"countersign/internal/deliver/twilio"
	"countersign/internal/deliver/vonage"
	"countersign/internal/deliver/webhook"
	"countersign/internal/deliver/whatsapp"
	"countersign/internal/verify"
)

// How each kind of carrier is made of its configuration.

func openInbox(k CarrierConfig, deps *carrierDeps) (verify.Sender, error) {
	if deps.box == nil {
		deps.box = inbox.New(k.Name, deps.now)
	}
	return deps.box, nil
}

func openSMTP(k CarrierConfig, deps *carrierDeps) (verify.Sender, error) {
	return smtp.New(smtp.Config{
		Host: k.Host, Port: k.Port, Username: k.Username, Password: k.Password.Reveal(),
		From: string(k.From), TLS: k.TLS, Now: deps.now,
	})
}

func (k CarrierConfig) telnyx(receipts string) telnyx.Config {
	return telnyx.Config{
		APIKey: k.APIKey.Reveal(), From: string(k.From), MessagingProfileID: k.MessagingProfileID, BaseURL: k.BaseURL,
		TeXMLApplicationID: k.TeXMLApplicationID, PublicKey: k.PublicKey, ReceiptURL: receipts, Timeout: k.timeout(),
	}
}

func openTelnyx(k CarrierConfig, deps *carrierDeps) (verify.Sender, error) {
	return telnyx.New(k.telnyx(deps.receipts))
}

func (k CarrierConfig) twilio(receipts string) twilio.Config {
	return twilio.Config{
		AccountSID: k.AccountSID, AuthToken: k.AuthToken.Reveal(), APIKeySID: k.APIKeySID, APIKeySecret: k.APIKeySecret.Reveal(),
		From: string(k.From), MessagingServiceSID: k.MessagingServiceSID, BaseURL: k.BaseURL, ReceiptURL: receipts,
		Timeout: k.timeout(),
	}
}

func openTwilio(k CarrierConfig, deps *carrierDeps) (verify.Sender, error) {
	return twilio.New(k.twilio(deps.receipts))
}

func openWebhook(k CarrierConfig, deps *carrierDeps) (verify.Sender, error) {
	headers := map[string]string{}
	for name, value := range k.Headers {
		headers[name] = value.Reveal()
	}
	return webhook.New(webhook.Config{
		URL: k.URL, Secret: k.Secret.Reveal(), Body: k.Body, Headers: headers, ReceiptURL: deps.receipts, Now: deps.now,
		Timeout: k.timeout(),
	})
}

func openWhatsApp(k CarrierConfig, deps *carrierDeps) (verify.Sender, error) {
	return whatsapp.New(whatsapp.Config{
		AccessToken: k.AccessToken.Reveal(), PhoneNumberID: string(k.PhoneNumberID), Template: k.Template, Languages: k.Languages,
		ReceiptURL: deps.receipts, AppSecret: k.AppSecret.Reveal(), VerifyToken: k.VerifyToken.Reveal(),
		Version: k.Version, BaseURL: k.BaseURL, Timeout: k.timeout(),
	})
}

func openVonage(k CarrierConfig, deps *carrierDeps) (verify.Sender, error) {
	return vonage.New(vonage.Config{
		APIKey: k.APIKey.Reveal(), APISecret: k.APISecret.Reveal(), ApplicationID: k.ApplicationID, PrivateKey: k.PrivateKey.Reveal(),
		From: string(k.From), ReceiptURL: deps.receipts, SignatureSecret: k.SignatureSecret.Reveal(),
		BaseURL: k.BaseURL, Timeout: k.timeout(), Now: deps.now,
	})
}

func openSMPP(k CarrierConfig, deps *carrierDeps) (verify.Sender, error) {
	c := smpp.Config{
		Host: k.Host, Port: k.Port, SystemID: k.Username, Password: k.Password.Reveal(), SystemType: k.SystemType,
		From: string(k.From), TLS: k.TLS, Bind: k.Bind, ReceiptIDs: k.ReceiptIDs, Window: k.Window, Log: deps.log, Timeout: k.timeout(),
	}
	if k.Receipts != "off" {
		receive, name := deps.receive, k.Name
		c.Receipts = func(r verify.Receipt) { receive(name, r) }
	}
	var err error
	if c.EnquireEvery, err = duration(k.EnquireEvery); err != nil {
		return nil, fmt.Errorf("enquire_every: not a duration such as 30s")
	}
	return smpp.New(c)
}

// timeout is how long a whole attempt may take; 0 for the carrier's own choice. It has
// been checked.
func (k CarrierConfig) timeout() time.Duration {
	d, _ := duration(k.Timeout)
	return d
}

// OutageConfig is a time at which a simulator is out of order.
type OutageConfig struct {
	After scalar `yaml:"after"` // a duration since the start
	For   scalar `yaml:"for"`
	Like  string `yaml:"like"` // what it does meanwhile: docs/carriers/simulator.md
}

func openSimulator(k CarrierConfig, deps *carrierDeps) (verify.Sender, error) {
	receive, name := deps.receive, k.Name
	c := simulator.Config{
		Name: name, Production: deps.production, Numbers: k.Numbers, Now: deps.now, Log: deps.log,
		Receipts: func(r verify.Receipt) { receive(name, r) },
		// The inbox may be made after this one.
		Show: func(m verify.Message, arrived bool) {
			if deps.box != nil {
				deps.box.Show(name, m, arrived)
			}
		},
	}
	for i, o := range k.Outages {
		out := simulator.Outage{Like: o.Like}
		for _, d := range []struct {
			name string
			text scalar
			to   *time.Duration
		}{{"after", o.After, &out.After}, {"for", o.For, &out.For}} {
			var err error
			if *d.to, err = duration(d.text); err != nil {
				return nil, fmt.Errorf("outages[%d].%s: not a duration such as 30s", i, d.name)
			}
		}
		c.Outages = append(c.Outages, out)
	}
	return simulator.New(c)
}
