package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/internal/code"
	"countersign/internal/tenant"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheTutorialsFileIsUnderstoodAsItStands(t *testing.T) {
	const text = `{
    "API_KEY": "KEY0123",
    "FROM_NUMBER": "+15551234567",
    "NODE_ENV": "development",
    "COUNTRY_CODE": "+1",
    "TOKEN_LENGTH": 4
}`
	c := Default()
	if err := c.ReadFile(write(t, text)); err != nil {
		t.Fatal(err)
	}
	s, err := c.check()
	if err != nil {
		t.Fatal(err)
	}
	if s.profile.Code != (code.Spec{Alphabet: code.Hex, Length: 4}) || s.region != "US" || c.Listen != "127.0.0.1:3000" {
		t.Errorf("%+v %s %s", s.profile.Code, s.region, c.Listen)
	}
	if len(c.Carriers) != 1 || c.Carriers[0].APIKey.Reveal() != "KEY0123" || c.Carriers[0].From != "+15551234567" {
		t.Errorf("%+v", c.Carriers)
	}
	if c.KeyFile != "data/countersign.key" || !strings.Contains(strings.Join(c.warnings, "\n"), "easier to guess") {
		t.Errorf("key file %q, warnings %q", c.KeyFile, c.warnings)
	}
}

func TestTheTutorialsPlaceholdersLeadToTheInbox(t *testing.T) {
	c := Default()
	if err := c.ReadFile(write(t, `{"API_KEY":"YOUR_API_KEY","FROM_NUMBER":"YOUR_TELNYX_NUMBER","NODE_ENV":"development","COUNTRY_CODE":1}`)); err != nil {
		t.Fatal(err)
	}
	if s, err := c.check(); err != nil || s.region != "US" || c.Carriers[0].Type != "inbox" {
		t.Errorf("%v %v %+v", s.region, err, c.Carriers)
	}
}

func TestTheEnvironmentComesOnTopOfTheFile(t *testing.T) {
	secretFile := write(t, "from-a-file\n")
	c := Default()
	if err := c.ReadFile(write(t, "listen: 127.0.0.1:1\napp_name: File\ncarriers: [{name: My-Carrier, type: telnyx, api_key: a, from: 12345}]\n")); err != nil {
		t.Fatal(err)
	}
	err := c.ReadEnviron([]string{
		"PATH=/bin", "COUNTERSIGN_LISTEN=127.0.0.1:2", "COUNTERSIGN_CARRIER_MY_CARRIER_API_KEY_FILE=" + secretFile,
		"COUNTERSIGN_CARRIER_TELNYX_FROM=+12015550100", "COUNTERSIGN_API_KEYS=aaa, bbb", "COUNTERSIGN_CODE_LENGTH=8",
		"COUNTERSIGN_CODE_VALIDITY=5m", "COUNTERSIGN_COUNTRIES=US,CA", "COUNTERSIGN_LIMITS_BACKLOG=7", "COUNTERSIGN_KEY_FILE=/k",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:2" || c.AppName != "File" || c.Code.Length != 8 || c.Code.Validity != "5m" || c.Limits.Backlog != 7 {
		t.Errorf("%+v", c)
	}
	if len(c.Carriers) != 2 || c.Carriers[0].APIKey.Reveal() != "from-a-file" || c.Carriers[0].From != "12345" || c.Carriers[1].Name != "telnyx" {
		t.Errorf("%+v", c.Carriers)
	}
	if len(c.APIKeys) != 2 || c.APIKeys[1].Reveal() != "bbb" || len(c.Countries) != 2 || c.KeyFile != "/k" {
		t.Errorf("%+v %v %s", c.APIKeys, c.Countries, c.KeyFile)
	}
}

func TestEverySettingOfTheEnvironmentCanBeSet(t *testing.T) {
	for name, value := range map[string]string{
		"LISTEN": "x", "PUBLIC_URL": "x", "ENVIRONMENT": "x", "DATABASE": "x", "KEY": "x", "KEY_FILE": "x", "PROFILE_ID": "x",
		"API_KEYS": "x", "APP_NAME": "x", "TEMPLATE": "x", "COUNTRY_CODE": "x", "COUNTRIES": "x", "CODE_LENGTH": "1",
		"CODE_ALPHABET": "x", "CODE_VALIDITY": "1s", "LIMITS_NUMBER_PER_HOUR": "1", "LIMITS_NUMBER_PER_DAY": "1",
		"LIMITS_NETWORK_PER_HOUR": "1", "LIMITS_BACKLOG": "1", "TRUSTED_PROXIES": "x", "WEBHOOK_DENY": "x", "LOG_LEVEL": "x", "LOG_FORMAT": "x",
	} {
		c := Default()
		if err := c.ReadEnviron([]string{"COUNTERSIGN_" + name + "=" + value}); err != nil {
			t.Error(err)
		}
		documented, err := os.ReadFile("../../docs/configuration.md")
		if err != nil || !strings.Contains(string(documented), "`COUNTERSIGN_"+name+"`") {
			t.Errorf("docs/configuration.md does not have COUNTERSIGN_%s (%v)", name, err)
		}
	}
}

func TestDevelopmentKeepsTheCarriersOfItsFileBeforeTheInbox(t *testing.T) {
	c := Development(t.TempDir())
	if err := c.ReadFile(write(t, "carriers: [{name: t, type: telnyx, api_key: a, from: '+12015550100'}]\n")); err != nil {
		t.Fatal(err)
	}
	c.AddInbox()
	c.AddInbox()
	if len(c.Carriers) != 2 || c.Carriers[0].Name != "t" || c.Carriers[1].Type != "inbox" {
		t.Errorf("%+v", c.Carriers)
	}
	if _, err := c.check(); err != nil {
		t.Error(err)
	}
}

func TestALoopbackListenerOfAnyFormMayHaveTheInbox(t *testing.T) {
	for listen, want := range map[string]bool{
		"127.0.0.1:3000": true, "[::1]:3000": true, "localhost:3000": true, "127.9.9.9:1": true,
		":3000": false, "0.0.0.0:3000": false, "[::]:3000": false, "192.168.1.1:3000": false, "example.com:3000": false,
	} {
		c := Development(t.TempDir())
		c.Listen = listen
		c.AddInbox()
		if _, err := c.check(); (err == nil) != want {
			t.Errorf("%s: %v", listen, err)
		}
	}
}

func TestOurOwnEnvironmentCountsForMoreThanTheTutorials(t *testing.T) {
	c := Default()
	if err := c.ReadFile(write(t, `{"environment":"production","API_KEY":"KEY","FROM_NUMBER":"+12015550100"}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.check(); err == nil || c.development() || c.KeyFile != "" {
		t.Errorf("%v, development %v, key file %q", err, c.development(), c.KeyFile)
	}
}

func FuzzReadFile(f *testing.F) {
	for _, s := range []string{"listen: x", "carriers: [{name: a}]", `{"API_KEY": 1}`, "a: &a [*a]", "- - -", "\x00", "key: SECRET-CANARY\nlisten: [}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := Default()
		err := c.ReadFile(write(t, text))
		if err == nil {
			_, err = c.check()
		}
		if err != nil && strings.Contains(err.Error(), "SECRET-CANARY") {
			t.Errorf("the error shows a secret: %v", err)
		}
	})
}

func TestAPriceIsReadAsItIsWritten(t *testing.T) {
	for text, want := range map[string]tenant.Money{
		"0.0075": 7500, "0.000001": 1, "1": tenant.Dollar, "2.5": 2*tenant.Dollar + tenant.Dollar/2, "10.000000": 10 * tenant.Dollar,
		"": 0, "0": 0, "0.0": 0, "-1": 0, "+1": 0, ".5": 0, "1.": 0, "1e-3": 0, "0,5": 0, "10.000001": 0, "0.0000001": 0, "1.2.3": 0,
		"$1": 0, "9999999": 0, " 1": 0, "٣": 0,
	} {
		got, err := price(text)
		if got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestAPriceNeedsNoQuotes(t *testing.T) {
	c := Default()
	if err := c.ReadFile(write(t, "environment: development\nprice_per_message: 0.0075\ncarriers: [{name: i, type: inbox}]\n")); err != nil {
		t.Fatal(err)
	}
	if s, err := c.check(); err != nil || s.price != 7500 {
		t.Errorf("%d, %v", s.price, err)
	}
	if err := c.ReadEnviron([]string{"COUNTERSIGN_PRICE_PER_MESSAGE=0.01"}); err != nil {
		t.Fatal(err)
	}
	if s, err := c.check(); err != nil || s.price != 10_000 {
		t.Errorf("%d, %v", s.price, err)
	}
}
