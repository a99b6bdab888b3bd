package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"countersign/internal/verify"
)

func TestAChannelHasTheCarriersThatTakeIt(t *testing.T) {
	c := Config{Carriers: []CarrierConfig{
		{Name: "t", Type: "telnyx"}, {Name: "tw", Type: "twilio", From: "+12015550100"}, {Name: "mute", Type: "twilio", From: "Acme"},
		{Name: "m", Type: "smtp"}, {Name: "box", Type: "inbox"},
	}}
	table, err := c.table()
	if err != nil {
		t.Fatal(err)
	}
	for channel, want := range map[verify.Channel]string{
		verify.SMS: "t tw mute box", verify.Call: "tw box", verify.Email: "m box", verify.WhatsApp: "box", verify.Flashcall: "box",
	} {
		var names []string
		for _, k := range table.Match(channel, verify.Address{}).Rule.Carriers {
			names = append(names, k.Name)
		}
		if have := strings.Join(names, " "); have != want {
			t.Errorf("%s goes to %q, want %q", channel, have, want)
		}
	}
}

func TestARouteNamesAChannelAndCarriersThatTakeIt(t *testing.T) {
	for name, tt := range map[string]struct {
		route RouteConfig
		want  string // in the error; empty: none
	}{
		"sms by telnyx":    {RouteConfig{Channel: "sms", Carriers: []ChoiceConfig{{Name: "t"}}}, ""},
		"e-mail by inbox":  {RouteConfig{Channel: "email", Carriers: []ChoiceConfig{{Name: "box"}}}, ""},
		"e-mail by telnyx": {RouteConfig{Channel: "email", Carriers: []ChoiceConfig{{Name: "t"}}}, `"t" takes [sms] as it is set up, and not email`},
		"calls by telnyx":  {RouteConfig{Channel: "call", Carriers: []ChoiceConfig{{Name: "t"}}}, `takes [sms]`},
		"e-mail by smtp":   {RouteConfig{Channel: "email", Carriers: []ChoiceConfig{{Name: "m"}}}, ""},
		"sms by smtp":      {RouteConfig{Channel: "sms", Carriers: []ChoiceConfig{{Name: "m"}}}, `"m" takes [email] as it is set up, and not sms`},
		"a pigeon":         {RouteConfig{Channel: "pigeon", Carriers: []ChoiceConfig{{Name: "box"}}}, `"pigeon" is not a channel`},
		"nobody":           {RouteConfig{Channel: "sms", Carriers: []ChoiceConfig{{Name: "x"}}}, `no carrier is called "x"`},
	} {
		c := Config{
			Carriers: []CarrierConfig{
				{Name: "t", Type: "telnyx", APIKey: NewSecret("KEY"), From: "+13035550000"},
				{Name: "m", Type: "smtp", Host: "smtp.example.com", From: "codes@example.com"},
				{Name: "box", Type: "inbox"},
			},
			Routes: []RouteConfig{tt.route},
		}
		err := c.checkCarriers()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	for _, kind := range carrierTypes() {
		if list := (CarrierConfig{Type: kind, From: "+12015550100"}).channels(); len(list) == 0 || slices.Contains(list, "") {
			t.Errorf("carrier type %s takes nothing", kind)
		}
	}
}

func TestATwilioCarrierIsMadeOfItsFileAndTheEnvironment(t *testing.T) {
	const sid = "0123456789abcdef0123456789abcdef"
	file := "carriers: [{name: calls, type: twilio, account_sid: AC" + sid + ", from: '+12015550100'}]\n"
	for name, tt := range map[string]struct {
		environ []string
		want    string // in the error; empty: none
	}{
		"token":              {[]string{"AUTH_TOKEN=quokka"}, ""},
		"key":                {[]string{"API_KEY_SID=SK" + sid, "API_KEY_SECRET=quokka"}, ""},
		"service":            {[]string{"AUTH_TOKEN=quokka", "MESSAGING_SERVICE_SID=MG" + sid}, ""},
		"none":               {nil, "carrier calls: twilio: there is no auth_token"},
		"token that is none": {[]string{"AUTH_TOKEN=quo kka"}, "auth_token holds"},
		"two of them":        {[]string{"AUTH_TOKEN=quokka", "API_KEY_SECRET=quokka"}, "not both"},
		"another account":    {[]string{"AUTH_TOKEN=quokka", "ACCOUNT_SID=quokka"}, "account_sid is not AC"},
		"no such field":      {[]string{"TOKEN=quokka"}, "a carrier has ACCESS_TOKEN, ACCOUNT_SID, "},
	} {
		c := Default()
		err := c.ReadFile(write(t, file))
		var environ []string
		for _, e := range tt.environ {
			environ = append(environ, "COUNTERSIGN_CARRIER_CALLS_"+e)
		}
		if err == nil {
			err = c.ReadEnviron(environ)
		}
		if err == nil {
			err = c.checkCarriers()
		}
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if out := fmt.Sprintf("%v %+v %#v", err, c, c.Carriers); strings.Contains(out, "quokka") && !strings.Contains(tt.want, "account_sid") {
			t.Errorf("%s: a secret is shown: %s", name, out)
		}
	}
}

func TestAMailServersConfigIsReadFromFileAndEnvironment(t *testing.T) {
	c := Default()
	err := c.ReadFile(write(t, `carriers: [{name: post, type: smtp, host: mail.example.com, port: 2525, username: us, password: of-the-file, from: codes@example.com, tls: implicit}]`))
	if err != nil {
		t.Fatal(err)
	}
	err = c.ReadEnviron([]string{
		"COUNTERSIGN_CARRIER_POST_PASSWORD_FILE=" + write(t, "of-a-secret\n"), "COUNTERSIGN_CARRIER_POST_TLS=starttls",
		"COUNTERSIGN_CARRIER_SMTP_HOST=localhost", "COUNTERSIGN_CARRIER_SMTP_PORT=1025", "COUNTERSIGN_CARRIER_SMTP_USERNAME=me",
		"COUNTERSIGN_CARRIER_SMTP_PASSWORD=mine", "COUNTERSIGN_CARRIER_SMTP_FROM=a@b.example",
	})
	if err != nil {
		t.Fatal(err)
	}
	post, added := c.Carriers[0], c.Carriers[1]
	if post.Host != "mail.example.com" || post.Port != 2525 || post.Username != "us" || post.Password.Reveal() != "of-a-secret" || post.TLS != "starttls" {
		t.Errorf("%+v", post)
	}
	if added.Type != "smtp" || added.Host != "localhost" || added.Port != 1025 || added.Username != "me" || added.Password.Reveal() != "mine" || added.From != "a@b.example" {
		t.Errorf("%+v", added)
	}
	if err := c.checkCarriers(); err != nil {
		t.Error(err)
	}
	if err := c.ReadEnviron([]string{"COUNTERSIGN_CARRIER_SMTP_PORT=smtp"}); err == nil || !strings.Contains(err.Error(), "not a whole number") {
		t.Error(err)
	}
}

func TestACarriersConfigIsRefusedWithWhatToMend(t *testing.T) {
	c := Config{Carriers: []CarrierConfig{{Name: "post", Type: "smtp", Host: "mail.example.com", From: "a@b.example", TLS: "none"}}}
	if err := c.checkCarriers(); err == nil || !strings.Contains(err.Error(), "carrier post: smtp: tls is none") {
		t.Error(err)
	}
}
