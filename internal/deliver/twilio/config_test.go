package twilio_test

import (
	"strings"
	"testing"

	"countersign/internal/deliver/twilio"
	"countersign/internal/verify"
)

func TestAConfigurationThatCannotWorkIsRefusedInWords(t *testing.T) {
	for _, row := range []struct {
		spoil func(*twilio.Config)
		says  string
	}{
		{func(c *twilio.Config) { c.AccountSID = "" }, "no account_sid"},
		{func(c *twilio.Config) { c.AccountSID = token }, "account_sid is not AC"},
		{func(c *twilio.Config) { c.AccountSID += "0" }, "account_sid is not AC"},
		{func(c *twilio.Config) { c.AccountSID = keySID }, "account_sid is not AC"},
		{func(c *twilio.Config) { c.AccountSID = "AC/../../../0123456789abcdef01234" }, "account_sid is not AC"},
		{func(c *twilio.Config) { c.AuthToken = "" }, "no auth_token"},
		{func(c *twilio.Config) { c.AuthToken += "\n" }, "auth_token holds"},
		{func(c *twilio.Config) { c.AuthToken += "é" }, "auth_token holds"},
		{func(c *twilio.Config) { c.APIKeySID, c.APIKeySecret = keySID, token }, "not both"},
		{func(c *twilio.Config) { c.AuthToken, c.APIKeySID = "", keySID }, "no api_key_secret"},
		{func(c *twilio.Config) { c.AuthToken, c.APIKeySecret = "", token }, "no api_key_sid"},
		{func(c *twilio.Config) { c.AuthToken, c.APIKeySID, c.APIKeySecret = "", token, token }, "api_key_sid is not SK"},
		{func(c *twilio.Config) { c.AuthToken, c.APIKeySID, c.APIKeySecret = "", keySID, token+" " }, "api_key_secret holds"},
		{func(c *twilio.Config) { c.Timeout = -1 }, "negative"},
		{func(c *twilio.Config) { c.From = "" }, "nothing to send from"},
		{func(c *twilio.Config) { c.MessagingServiceSID = "Acme" }, "messaging_service_sid is not MG"},
		{func(c *twilio.Config) { c.From = "+1 555 123 4567" }, "E.164"},
		{func(c *twilio.Config) { c.From = "15551234567" }, "begins with +"},
		{func(c *twilio.Config) { c.From = "Twelve Chars" }, "at most 11"},
		{func(c *twilio.Config) { c.BaseURL = "api.twilio.com" }, "https://"},
		{func(c *twilio.Config) { c.BaseURL = "https://" + account + ":" + token + "@api.twilio.com" }, "user name"},
		{func(c *twilio.Config) { c.BaseURL = "https://api.twilio.com?" + token }, "?"},
		{func(c *twilio.Config) { c.BaseURL = "http://api.twilio.com" }, "in the clear"},
		{func(c *twilio.Config) {
			c.AuthToken, c.APIKeySID, c.APIKeySecret, c.ReceiptURL = "", keySID, token, receiptURL
		}, "no auth_token, without which"},
		{func(c *twilio.Config) { c.ReceiptURL = "/receipts/twilio" }, "public_url"},
		{func(c *twilio.Config) { c.ReceiptURL = receiptURL + "#" + token }, "more than host and path"},
	} {
		c := twilio.Config{AccountSID: account, AuthToken: token, From: from}
		row.spoil(&c)
		_, err := twilio.New(c)
		switch {
		case err == nil:
			t.Errorf("%s is taken, though %q", c, row.says)
		case !strings.Contains(err.Error(), row.says), strings.Contains(err.Error(), token):
			t.Errorf("want %q said and no credential: %v", row.says, err)
		}
	}
}

func TestConfigurationsThatWorkAreTaken(t *testing.T) {
	for _, c := range []twilio.Config{
		{AuthToken: token, From: from},
		{APIKeySID: keySID, APIKeySecret: token, From: from},
		{AuthToken: token, From: "12345"},
		{AuthToken: token, From: "Acme Bank 1"},
		{AuthToken: token, MessagingServiceSID: service},
		{AuthToken: token, From: from, MessagingServiceSID: service, BaseURL: "https://api.dublin.ie1.twilio.com/"},
		{AuthToken: token, From: from, BaseURL: "http://127.0.0.1:8080"},
		{AuthToken: token, From: from, ReceiptURL: receiptURL},
		{AuthToken: token, APIKeySID: keySID, APIKeySecret: token, From: from, ReceiptURL: receiptURL},
	} {
		c.AccountSID = account
		if _, err := twilio.New(c); err != nil {
			t.Errorf("%s, base %q: %v", c, c.BaseURL, err)
		}
	}
}

func TestCallsAreTakenIfThereIsANumber(t *testing.T) {
	for from, want := range map[string]int{from: 2, "Acme": 1, "12345": 1, "": 1} {
		if got := (twilio.Config{From: from}).Channels(); len(got) != want || got[0] != verify.SMS {
			t.Errorf("from %q: %v", from, got)
		}
	}
}

// The key lets us in, and the token stays what receipts are verified with.
func TestWithBothTheAPIKeyLetsUsIn(t *testing.T) {
	c := twilio.Config{AccountSID: account, AuthToken: "another", APIKeySID: keySID, APIKeySecret: token, From: from, ReceiptURL: receiptURL}
	if got := asked(t, c, text("4711")).Authorization; got != "Basic "+asKey {
		t.Errorf("authorized by %q", got)
	}
}
