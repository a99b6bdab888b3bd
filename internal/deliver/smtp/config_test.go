package smtp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"countersign/internal/deliver/smtp"
)

func TestWhatIsWrongWithAConfigurationIsSaid(t *testing.T) {
	good := smtp.Config{Host: "smtp.example.com", From: from, Username: user, Password: password}
	for want, change := range map[string]func(*smtp.Config){
		"there is no host":                    func(c *smtp.Config) { c.Host = "" },
		"the port is a field of its own":      func(c *smtp.Config) { c.Host = "smtp.example.com:587" },
		"not a name or an address alone":      func(c *smtp.Config) { c.Host = "smtp://smtp.example.com" },
		"port 70000 is not one":               func(c *smtp.Config) { c.Port = 70000 },
		"port -1 is not one":                  func(c *smtp.Config) { c.Port = -1 },
		`tls "tls" is not one of`:             func(c *smtp.Config) { c.TLS = "tls" },
		"only a host on loopback":             func(c *smtp.Config) { c.TLS = smtp.None },
		"a password and no username":          func(c *smtp.Config) { c.Username = "" },
		"a username and no password":          func(c *smtp.Config) { c.Password = "" },
		"the time-out is negative":            func(c *smtp.Config) { c.Timeout = -1 },
		"nothing to send from":                func(c *smtp.Config) { c.From = "" },
		"from is not an e-mail address alone": func(c *smtp.Config) { c.From = "Acme <codes@example.com>" },
	} {
		c := good
		change(&c)
		if _, err := smtp.New(c); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), password) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, host := range []string{"smtp.example.com", "192.0.2.1", "2001:db8::1"} {
		c := good
		c.Host = host
		if _, err := smtp.New(c); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		if _, err := smtp.New(smtp.Config{Host: host, From: from, TLS: smtp.None}); err != nil {
			t.Errorf("in the clear to %s: %v", host, err)
		}
	}
}

func TestThePortFollowsTheProtection(t *testing.T) {
	for security, want := range map[string]string{"": "port 587, starttls", smtp.Implicit: "port 465, implicit", smtp.None: "port 25, none"} {
		if got := (smtp.Config{Host: "localhost", TLS: security}).String(); !strings.Contains(got, want) {
			t.Errorf("%q: %s", security, got)
		}
	}
}

func TestNothingPrintsThePassword(t *testing.T) {
	config := smtp.Config{Host: "localhost", From: from, Username: user, Password: password}
	sender := carrier(t, "127.0.0.1:1", config)
	encoded, err := json.Marshal(map[string]any{"config": config, "sender": sender})
	if err != nil {
		t.Fatal(err)
	}
	out := string(encoded) + config.LogValue().String()
	for _, v := range []any{config, &config, []smtp.Config{config}, sender, *sender, struct{ s *smtp.Carrier }{sender}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x", "%d"} {
			out += fmt.Sprintf(verb, v)
		}
	}
	if strings.Contains(out, password) || strings.Contains(out, fmt.Sprintf("%x", password)) {
		t.Error(out)
	}
}
