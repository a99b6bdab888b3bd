package telnyx_test

import (
	"slices"
	"strings"
	"testing"

	"countersign/internal/deliver/telnyx"
	"countersign/internal/verify"
)

func TestAConfigurationThatCannotWorkIsRefusedInWords(t *testing.T) {
	const secret = "KEYquokka"
	good := telnyx.Config{APIKey: secret, From: from}
	for _, row := range []struct {
		spoil func(*telnyx.Config)
		says  string
	}{
		{func(c *telnyx.Config) { c.APIKey = "" }, "no API key"},
		{func(c *telnyx.Config) { c.APIKey = secret + "\n" }, "API key holds"},
		{func(c *telnyx.Config) { c.APIKey = secret + " x" }, "API key holds"},
		{func(c *telnyx.Config) { c.APIKey = secret + "é" }, "API key holds"},
		{func(c *telnyx.Config) { c.From = "" }, "nothing to send from"},
		{func(c *telnyx.Config) { c.Timeout = -1 }, "negative"},
		{func(c *telnyx.Config) { c.From = "+0123456789" }, "E.164"},
		{func(c *telnyx.Config) { c.From = "+1234567890123456" }, "E.164"},
		{func(c *telnyx.Config) { c.From = "+1 555 123 4567" }, "E.164"},
		{func(c *telnyx.Config) { c.From = "+" }, "E.164"},
		{func(c *telnyx.Config) { c.From = "15551234567" }, "begins with +"},
		{func(c *telnyx.Config) { c.From = "12" }, "short code"},
		{func(c *telnyx.Config) { c.From, c.MessagingProfileID = "Twelve Chars", "p" }, "at most 11"},
		{func(c *telnyx.Config) { c.From, c.MessagingProfileID = "Acme!", "p" }, "letters, digits"},
		{func(c *telnyx.Config) { c.From, c.MessagingProfileID = "  ", "p" }, "letters, digits"},
		{func(c *telnyx.Config) { c.From = "Acme" }, "messaging profile"},
		{func(c *telnyx.Config) { c.BaseURL = "api.telnyx.com/v2" }, "https://"},
		{func(c *telnyx.Config) { c.BaseURL = "ftp://api.telnyx.com" }, "https://"},
		{func(c *telnyx.Config) { c.BaseURL = "https:///v2" }, "https://"},
		{func(c *telnyx.Config) { c.BaseURL = "https://api telnyx/" }, "cannot be read"},
		{func(c *telnyx.Config) { c.BaseURL = "https://me:" + secret + "@api.telnyx.com" }, "user name"},
		{func(c *telnyx.Config) { c.BaseURL = "https://api.telnyx.com/v2?key=" + secret }, "?"},
		{func(c *telnyx.Config) { c.BaseURL = "https://api.telnyx.com/v2?" }, "?"},
		{func(c *telnyx.Config) { c.BaseURL = "https://api.telnyx.com/v2#a" }, "#"},
		{func(c *telnyx.Config) { c.BaseURL = "http://api.telnyx.com/v2" }, "in the clear"},
		{func(c *telnyx.Config) { c.BaseURL = "http://10.0.0.1/v2" }, "in the clear"},
		{func(c *telnyx.Config) { c.BaseURL = "http://localhost.example/v2" }, "in the clear"},
		{func(c *telnyx.Config) { c.BaseURL = "http://127.0.0.1.example/v2" }, "in the clear"},
		{func(c *telnyx.Config) { c.ReceiptURL = receiptURL }, "no public_key"},
		{func(c *telnyx.Config) { c.ReceiptURL, c.PublicKey = receiptURL, "AAAA" }, "not 32 bytes"},
		{func(c *telnyx.Config) { c.ReceiptURL, c.PublicKey = receiptURL, publicKey(telnyxes)+"\n" }, "not 32 bytes"},
		{func(c *telnyx.Config) { c.ReceiptURL, c.PublicKey = receiptURL, "-----BEGIN PUBLIC KEY-----" }, "not 32 bytes"},
		{func(c *telnyx.Config) { c.ReceiptURL, c.PublicKey = "otp.example/receipts", publicKey(telnyxes) }, "public_url"},
		{func(c *telnyx.Config) { c.ReceiptURL, c.PublicKey = receiptURL+"?a=b", publicKey(telnyxes) }, "more than host and path"},
		{func(c *telnyx.Config) { c.TeXMLApplicationID = "a/b" }, "texml_application_id is not an id"},
		{func(c *telnyx.Config) { c.TeXMLApplicationID, c.From = application, "12345" }, "no number to call from"},
		{func(c *telnyx.Config) { c.TeXMLApplicationID, c.From, c.MessagingProfileID = application, "", "p" }, "no number to call from"},
	} {
		c := good
		row.spoil(&c)
		_, err := telnyx.New(c)
		switch {
		case err == nil:
			t.Errorf("%s, base %q is taken", c, c.BaseURL)
		case !strings.Contains(err.Error(), row.says), strings.Contains(err.Error(), secret):
			t.Errorf("want %q said and no key: %v", row.says, err)
		}
	}
}

func TestConfigurationsThatWorkAreTaken(t *testing.T) {
	for _, c := range []telnyx.Config{
		{From: from},
		{From: "12345"},
		{From: "123"},
		{MessagingProfileID: "p"},
		{From: "Acme Bank 1", MessagingProfileID: "p"},
		{From: from, MessagingProfileID: "p", BaseURL: "https://api.telnyx.com/v2/"},
		{From: from, BaseURL: "https://proxy.example:8443/telnyx/v2"},
		{From: from, BaseURL: "http://localhost:8080/v2"},
		{From: from, BaseURL: "http://127.9.9.9/v2"},
		{From: from, BaseURL: "http://[::1]:8080/v2"},
		{From: from, TeXMLApplicationID: application},
		{From: from, ReceiptURL: receiptURL, PublicKey: publicKey(telnyxes)},
		{From: from, ReceiptURL: "http://127.0.0.1:3000/receipts/telnyx", PublicKey: publicKey(telnyxes)},
	} {
		c.APIKey = key
		if _, err := telnyx.New(c); err != nil {
			t.Errorf("%s, base %q: %v", c, c.BaseURL, err)
		}
	}
}

func TestCallsAreTakenIfThereIsAnApplicationForThem(t *testing.T) {
	if got := (telnyx.Config{}).Channels(); !slices.Equal(got, []verify.Channel{verify.SMS}) {
		t.Errorf("without: %v", got)
	}
	if got := (telnyx.Config{TeXMLApplicationID: application}).Channels(); !slices.Equal(got, []verify.Channel{verify.SMS, verify.Call}) {
		t.Errorf("with: %v", got)
	}
}
