package app

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Config is every setting. It is read from a file (YAML, so JSON too), then the
// environment, then flags; what comes later wins. docs/configuration.md has each
// one with its default.
type Config struct {
	Listen      string `yaml:"listen"`
	PublicURL   string `yaml:"public_url"`
	Environment string `yaml:"environment"` // production, which is the default, or development

	Database string `yaml:"database"`
	KeyFile  string `yaml:"key_file"`
	Key      Secret `yaml:"key"`

	APIKeys    []Secret `yaml:"api_keys"`
	ProfileID  string   `yaml:"profile_id"`
	AppName    string   `yaml:"app_name"`
	Template   string   `yaml:"template"`
	Domain     string   `yaml:"domain"`      // of the page that codes are typed into
	ReturnURLs []string `yaml:"return_urls"` // that sessions of the configured profile may lead back to

	CountryCode scalar   `yaml:"country_code"`
	Countries   []string `yaml:"countries"`
	Price       scalar   `yaml:"price_per_message"` // US dollars; empty: not known
	Retention   scalar   `yaml:"retention"`         // a duration, also in days: 30d

	Code   CodeConfig   `yaml:"code"`
	Limits LimitsConfig `yaml:"limits"`

	Carriers []CarrierConfig `yaml:"carriers"`
	Routes   []RouteConfig   `yaml:"routes"`

	Pages PagesConfig `yaml:"pages"`

	TrustedProxies []string  `yaml:"trusted_proxies"`
	WebhookDeny    []string  `yaml:"webhook_deny"` // networks that webhooks must not lead to
	Log            LogConfig `yaml:"log"`

	Tutorial `yaml:",inline"`

	dev      bool     // the dev command: inbox, generous limits, templates from disk
	warnings []string // to be said at the start
}

// PagesConfig says what the pages look like.
type PagesConfig struct {
	Color string `yaml:"color"` // #rgb or #rrggbb
	Logo  string `yaml:"logo"`  // path of a picture
	// Autofill is on or off; empty: on. Texts of codes that are typed into the pages then
	// end with a line by which browsers fill them in.
	Autofill string `yaml:"autofill"`
}

// CodeConfig says what codes look like and how long they are good for.
type CodeConfig struct {
	Length   int    `yaml:"length"`
	Alphabet string `yaml:"alphabet"`
	Validity scalar `yaml:"validity"` // a duration: 10m
}

// defaultRetention is how long a verification is kept after its time is over.
const defaultRetention = "30d"

// LimitsConfig bounds messages; zero lifts a bound.
type LimitsConfig struct {
	NumberPerHour  int `yaml:"number_per_hour"`
	NumberPerDay   int `yaml:"number_per_day"`
	NetworkPerHour int `yaml:"network_per_hour"`
	Backlog        int `yaml:"backlog"`
}

// CarrierConfig is one carrier. Which fields count depends on its type.
type CarrierConfig struct {
	Name               string `yaml:"name"`
	Type               string `yaml:"type"`
	APIKey             Secret `yaml:"api_key"`
	From               scalar `yaml:"from"`
	MessagingProfileID string `yaml:"messaging_profile_id"`
	BaseURL            string `yaml:"base_url"`

	// Of every type.
	Receipts string            `yaml:"receipts"` // on or off; empty: where they can be verified
	Pace     scalar            `yaml:"pace"`     // messages a second; empty: no bound
	Burst    int               `yaml:"burst"`    // that may go at once
	Timeout  scalar            `yaml:"timeout"`  // a duration: of a whole attempt
	Prices   map[string]scalar `yaml:"prices"`   // US dollars by country

	// Of twilio alone.
	AccountSID          string `yaml:"account_sid"`
	AuthToken           Secret `yaml:"auth_token"`
	APIKeySID           string `yaml:"api_key_sid"`
	APIKeySecret        Secret `yaml:"api_key_secret"`
	MessagingServiceSID string `yaml:"messaging_service_sid"`

	// Of smtp alone.
	Host     string `yaml:"host"`
	Port     int    `yaml:"port"`
	Username string `yaml:"username"`
	Password Secret `yaml:"password"`
	TLS      string `yaml:"tls"`

	// Of telnyx alone.
	PublicKey          string `yaml:"public_key"`
	TeXMLApplicationID string `yaml:"texml_application_id"`

	// Of smpp alone, besides host, port, username, password and tls.
	SystemType   string `yaml:"system_type"`
	Bind         string `yaml:"bind"`
	ReceiptIDs   string `yaml:"receipt_ids"`
	Window       int    `yaml:"window"`
	EnquireEvery scalar `yaml:"enquire_every"`

	// Of webhook alone.
	URL     string            `yaml:"url"`
	Secret  Secret            `yaml:"secret"`
	Headers map[string]Secret `yaml:"headers"`
	Body    string            `yaml:"body"`

	// Of vonage alone.
	APISecret       Secret `yaml:"api_secret"`
	ApplicationID   string `yaml:"application_id"`
	PrivateKey      Secret `yaml:"private_key"`
	SignatureSecret Secret `yaml:"signature_secret"`

	// Of whatsapp alone.
	AccessToken   Secret   `yaml:"access_token"`
	PhoneNumberID scalar   `yaml:"phone_number_id"`
	Template      string   `yaml:"template"`
	Languages     []string `yaml:"languages"`
	AppSecret     Secret   `yaml:"app_secret"`
	VerifyToken   Secret   `yaml:"verify_token"`
	Version       string   `yaml:"version"`

	// Of simulator alone.
	Numbers []string       `yaml:"numbers"`
	Outages []OutageConfig `yaml:"outages"`
}

// LogConfig says how much is logged (debug, info, warn, error) and as what (text, json).
type LogConfig struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// scalar is a text that may be written without quotes even where it looks like a
// number: country_code: 1.
type scalar string

// UnmarshalYAML takes any single value as it is written.
func (s *scalar) UnmarshalYAML(raw []byte) error {
	var text string
	if err := yaml.Unmarshal(raw, &text); err == nil {
		*s = scalar(text)
		return nil
	}
	*s = scalar(strings.Trim(strings.TrimSpace(string(raw)), `"'`))
	return nil
}

// Default is the configuration before anything is read.
func Default() Config {
	return Config{
		Listen: "127.0.0.1:3000", Database: "sqlite:data/countersign.db",
		Retention: defaultRetention,
		Code:      CodeConfig{Length: 6, Alphabet: "digits", Validity: "10m"},
		Limits:    LimitsConfig{NumberPerHour: 10, NumberPerDay: 30, NetworkPerHour: 60, Backlog: 50_000},
		Log:       LogConfig{Level: "info"},
	}
}

// Development is the configuration of the dev command: everything in one folder,
// an inbox instead of a carrier, and limits that an application's tests do not
// meet. Guesses are limited as ever.
func Development(data string) Config {
	c := Default()
	c.Environment, c.dev = "development", true
	c.KeepIn(data)
	c.Limits = LimitsConfig{NumberPerHour: 1000, NumberPerDay: 10_000, NetworkPerHour: 10_000, Backlog: 50_000}
	return c
}

// KeepIn keeps the database and its key in a folder.
func (c *Config) KeepIn(folder string) {
	c.Database, c.KeyFile, c.Key = "sqlite:"+folder+"/countersign.db", folder+"/countersign.key", Secret{}
}

func (c *Config) development() bool { return c.Environment == "development" }

// AddInbox adds the development inbox behind the carriers that the file names, if
// it does not name one itself.
func (c *Config) AddInbox() {
	if !slices.ContainsFunc(c.Carriers, func(k CarrierConfig) bool { return k.Type == "inbox" }) {
		c.Carriers = append(c.Carriers, CarrierConfig{Name: "inbox", Type: "inbox"})
	}
}

// String says the limits in words.
func (l LimitsConfig) String() string {
	return fmt.Sprintf("%d messages an hour and %d a day to a number, %d an hour for a network",
		l.NumberPerHour, l.NumberPerDay, l.NetworkPerHour)
}

// ReadFile reads a configuration file into c. Unknown and repeated keys are
// errors. The error names the place and never shows the file's content, which
// may be a secret.
func (c *Config) ReadFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("the configuration cannot be read: %w", err)
	}
	if len(strings.TrimSpace(string(text))) == 0 {
		return nil
	}
	if err := yaml.UnmarshalWithOptions(text, c, yaml.Strict()); err != nil {
		return fmt.Errorf("%s: %s", path, yamlReason(err))
	}
	return c.applyTutorial()
}

// yamlReason is the parser's reason without the lines of the file that it quotes.
func yamlReason(err error) string {
	text := yaml.FormatError(err, false, false)
	return strings.TrimSpace(text)
}

func (c *Config) warn(format string, args ...any) {
	c.warnings = append(c.warnings, fmt.Sprintf(format, args...))
}
