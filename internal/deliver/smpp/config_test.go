package smpp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"countersign/internal/deliver/smpp"
)

func good() smpp.Config {
	return smpp.Config{Host: "smpp.example.com", SystemID: user, Password: password, From: from}
}

func TestWhatIsWrongWithAConfigurationIsSaid(t *testing.T) {
	for want, changes := range map[string][]func(*smpp.Config){
		"there is no host":               {func(c *smpp.Config) { c.Host = "" }},
		"the port is a field of its own": {func(c *smpp.Config) { c.Host = "smpp.example.com:2775" }, func(c *smpp.Config) { c.Host = "ssmpp://smpp.example.com" }},
		"port 70000 is not one":          {func(c *smpp.Config) { c.Port = 70000 }},
		"port -1 is not one":             {func(c *smpp.Config) { c.Port = -1 }},
		`tls "starttls" is not`:          {func(c *smpp.Config) { c.TLS = "starttls" }},
		"nothing to send from":           {func(c *smpp.Config) { c.From = "" }},
		"begins with +":                  {func(c *smpp.Config) { c.From = "15551234567" }},
		"there is no system_id":          {func(c *smpp.Config) { c.SystemID = "" }},
		"there is no password":           {func(c *smpp.Config) { c.Password = "" }},
		"the system_id is too long, or": {
			func(c *smpp.Config) { c.SystemID = password + "\x00" }, func(c *smpp.Config) { c.SystemID = "a b" }, func(c *smpp.Config) { c.SystemID = strings.Repeat("a", 65) },
		},
		"the password is too long, or": {
			func(c *smpp.Config) { c.Password += "\n" }, func(c *smpp.Config) { c.Password += "é" }, func(c *smpp.Config) { c.Password = strings.Repeat(password, 9) },
		},
		"system_type has more than 12":    {func(c *smpp.Config) { c.SystemType = "thirteen-long" }, func(c *smpp.Config) { c.SystemType = "a\x00" }},
		`bind "receiver" is not`:          {func(c *smpp.Config) { c.Bind = "receiver" }},
		`receipt_ids "hex" is not one of`: {func(c *smpp.Config) { c.ReceiptIDs = "hex" }},
		"window -1 is not one":            {func(c *smpp.Config) { c.Window = -1 }},
		"window 1001 is not one":          {func(c *smpp.Config) { c.Window = 1001 }},
		"the time-out is negative":        {func(c *smpp.Config) { c.Timeout = -1 }},
		"enquire_every is negative":       {func(c *smpp.Config) { c.EnquireEvery = -1 }},
	} {
		for _, change := range changes {
			c := good()
			change(&c)
			if _, err := smpp.New(c); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), password) {
				t.Errorf("%v, want %q", err, want)
			}
		}
	}
}

func TestConfigurationsThatWorkAreTaken(t *testing.T) {
	for _, change := range []func(*smpp.Config){
		func(*smpp.Config) {},
		func(c *smpp.Config) { c.Host, c.Port = "192.0.2.1", 1 },
		func(c *smpp.Config) { c.Host, c.From = "2001:db8::1", "12345" },
		func(c *smpp.Config) { c.TLS, c.From = smpp.None, "Acme Bank 1" },
		func(c *smpp.Config) { c.TLS, c.Bind, c.ReceiptIDs = smpp.Implicit, smpp.Transmitter, smpp.Hexadecimal },
		func(c *smpp.Config) {
			c.Window, c.SystemType, c.Password = 1000, "twelve-chars", strings.Repeat("p", 64)
		},
	} {
		c := good()
		change(&c)
		if _, err := smpp.New(c); err != nil {
			t.Errorf("%s: %v", c, err)
		}
	}
}

func TestThePortFollowsTheProtection(t *testing.T) {
	for security, want := range map[string]string{"": "port 3550, tls implicit", smpp.Implicit: "port 3550,", smpp.None: "port 2775, tls none"} {
		if got := (smpp.Config{TLS: security}).String(); !strings.Contains(got, want) {
			t.Errorf("%q: %s", security, got)
		}
	}
}

func TestNothingPrintsThePassword(t *testing.T) {
	c := good()
	sender, err := smpp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(map[string]any{"config": c, "sender": sender})
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "config", c, "sender", sender)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "config", c, "sender", sender)
	search(t, string(encoded)+logged.String())
	for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x", "%d"} {
		search(t, fmt.Sprintf(verb+verb+verb+verb, c, &c, sender, *sender))
	}
}

func TestACredentialLongerThanTheStandardHasItIsSaidAndTried(t *testing.T) {
	for password, want := range map[string]bool{"eight-ch": false, "nine-char": true} {
		var logged bytes.Buffer
		c := good()
		c.Password, c.Log = password, slog.New(slog.NewTextHandler(&logged, nil))
		if _, err := smpp.New(c); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(logged.String(), "password"); got != want || strings.Contains(logged.String(), password) {
			t.Errorf("%q: %s", password, logged.String())
		}
	}
}
