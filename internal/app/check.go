package app

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/internal/limit"
	"countersign/internal/phone"
	"countersign/internal/tenant"
	"countersign/internal/verify"
)

// settings are a Config that has been checked, in the types of the packages.
type settings struct {
	publicURL *url.URL
	database  database
	profile   verify.Profile
	region    string
	limits    verify.Limits
	price     tenant.Money // of one message; zero: not known
	proxies   []netip.Prefix
	denied    []netip.Prefix
}

// Check says what is wrong with c, and what is right but deserves a word. It reads
// the key file if there is one, asks no database, and makes nothing.
func (c *Config) Check() (warnings []string, err error) {
	if len(c.APIKeys) == 0 && !c.dev {
		c.warn("api_keys: none is here, so the API refuses every request until «countersign keys create NAME» has made one")
	}
	if _, err = c.check(); err == nil {
		_, err = databaseAt("database", c.Database)
	}
	if err != nil {
		return c.warnings, err
	}
	ring, err := c.readKeys()
	if ring == nil && err == nil && !c.development() {
		c.warn("key_file %s does not exist here; the service needs it", c.KeyFile)
	}
	return c.warnings, err
}

// check turns c into settings for a service, or says all that is wrong, a sentence
// each.
func (c *Config) check() (settings, error) {
	s, err := c.checkData()
	host, _, _ := net.SplitHostPort(c.Listen) // said already if it is wrong
	err = errors.Join(err, c.checkCarriers(), c.checkInbox(host))
	c.advise(host, s)
	return s, err
}

// checkData is check for those who look at what is stored and send nothing.
func (c *Config) checkData() (settings, error) {
	var s settings
	var errs []error
	wrong := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	_, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		wrong("listen", "%q is not host:port, such as 127.0.0.1:3000", c.Listen)
	}
	if !slices.Contains([]string{"", "production", "development"}, c.Environment) {
		wrong("environment", "%q is neither production nor development", c.Environment)
	}
	if s.database, err = parseDatabase(c.Database); err != nil {
		wrong("database", "%v", err)
	}
	if s.publicURL, err = c.publicURL(); err != nil {
		wrong("public_url", "%v", err)
	}
	if s.region, err = phone.Region(string(c.CountryCode)); err != nil {
		wrong("country_code", "%q is neither a country such as US nor a calling code such as +1", c.CountryCode)
	}
	if s.proxies, err = prefixes(c.TrustedProxies); err != nil {
		wrong("trusted_proxies", "%v", err)
	}
	if s.denied, err = networks(c.WebhookDeny); err != nil {
		wrong("webhook_deny", "%v", err)
	}
	if c.Price != "" {
		if s.price, err = price(string(c.Price)); err != nil {
			wrong("price_per_message", "%v", err)
		}
	}
	s.limits, err = c.Limits.check()
	if err != nil {
		wrong("limits", "%v", err)
	}
	s.profile, err = c.profile()
	if err != nil {
		errs = append(errs, err)
	}
	_, _, wrongLooks := c.Pages.looks()
	errs = append(errs, c.checkKeys(), c.Log.check(), wrongLooks)
	return s, errors.Join(errs...)
}

// advise says what is allowed and deserves a word.
func (c *Config) advise(host string, s settings) {
	https := s.publicURL != nil && s.publicURL.Scheme == "https"
	if !https && !loopbackName(host) {
		c.warn("listen: others can reach %s, and without an https public_url cookies and API keys may travel in the clear; put a TLS proxy before it", c.Listen)
	}
	if https && loopbackName(host) && len(s.proxies) == 0 {
		c.warn("trusted_proxies: none is named, so all visitors behind the proxy share one limit of %d messages an hour", c.Limits.NetworkPerHour)
	}
	if len(c.Countries) == 0 && !c.development() {
		c.warn("countries: codes go to every country; name those that you serve, such as [US, CA]")
	}
}

func (c *Config) publicURL() (*url.URL, error) {
	if c.PublicURL == "" {
		return nil, nil // known when the listener is
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("not an address such as https://verify.example.com")
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil {
		return nil, errors.New("must be scheme and host alone, such as https://verify.example.com")
	}
	return u, nil
}

func (c *Config) checkKeys() error {
	var errs []error
	if strings.HasPrefix(c.Database, "sqlite:") && c.development() && c.KeyFile == "" && c.Key.Reveal() == "" {
		c.KeyFile = strings.TrimSuffix(strings.TrimPrefix(c.Database, "sqlite:"), ".db") + ".key"
	}
	if c.KeyFile == "" && c.Key.Reveal() == "" {
		errs = append(errs, errors.New("key_file: a server needs a key file, to protect codes and numbers in the database. "+
			"Make one with «countersign keys generate PATH», keep a copy apart from the database, and set key_file (or COUNTERSIGN_KEY_FILE)"))
	}
	if c.KeyFile != "" && c.Key.Reveal() != "" {
		errs = append(errs, errors.New("key: set key or key_file, not both"))
	}
	for _, k := range c.APIKeys {
		if len(k.Reveal()) < 20 {
			errs = append(errs, errors.New("api_keys: each key must have at least 20 characters; make one with «openssl rand -hex 24»"))
			break
		}
	}
	return errors.Join(errs...)
}

func loopbackName(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func (l LimitsConfig) check() (verify.Limits, error) {
	for _, n := range []int{l.NumberPerHour, l.NumberPerDay, l.NetworkPerHour, l.Backlog} {
		if n < 0 {
			return verify.Limits{}, errors.New("must not be negative; 0 lifts a limit")
		}
	}
	return verify.Limits{
		Hour:    limit.Rule{Count: l.NumberPerHour, Per: time.Hour},
		Day:     limit.Rule{Count: l.NumberPerDay, Per: 24 * time.Hour},
		Network: limit.Rule{Count: l.NetworkPerHour, Per: time.Hour},
		Backlog: l.Backlog,
	}, nil
}

func (l LogConfig) check() error {
	var errs []error
	if _, err := l.level(); err != nil {
		errs = append(errs, fmt.Errorf("log.level: %q is not one of debug, info, warn, error", l.Level))
	}
	if !slices.Contains([]string{"", "text", "json"}, l.Format) {
		errs = append(errs, fmt.Errorf("log.format: %q is neither text nor json", l.Format))
	}
	return errors.Join(errs...)
}

// prefixes reads the proxies that are trusted.
func prefixes(texts []string) ([]netip.Prefix, error) {
	all, err := networks(texts)
	for i, p := range all {
		if p.Bits() == 0 {
			return nil, fmt.Errorf("%q trusts everyone: then each visitor chooses an address, and no limit by network holds", texts[i])
		}
	}
	return all, err
}

// networks reads addresses and networks.
func networks(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if addr, err2 := netip.ParseAddr(text); err != nil && err2 == nil {
			p, err = addr.Prefix(addr.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
