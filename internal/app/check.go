package app

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"countersign/internal/code"
	"countersign/internal/limit"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

// settings are a Config that has been checked, in the types of the packages.
type settings struct {
	publicURL *url.URL
	database  database
	profile   verify.Profile
	region    string
	limits    verify.Limits
	proxies   []netip.Prefix
}

// Check says what is wrong with c, and what is right but deserves a word. It reads
// the key file if there is one, asks no database, and makes nothing.
func (c *Config) Check() (warnings []string, err error) {
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
	s.limits, err = c.Limits.check()
	if err != nil {
		wrong("limits", "%v", err)
	}
	s.profile, err = c.profile()
	if err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, c.checkKeys(), c.Log.check())
	return s, errors.Join(errs...)
}

// advise says what is allowed and deserves a word.
func (c *Config) advise(host string, s settings) {
	https := s.publicURL != nil && s.publicURL.Scheme == "https"
	if len(c.APIKeys) == 0 && !c.dev {
		c.warn("no API key is configured, so the API refuses every request; set api_keys (or COUNTERSIGN_API_KEYS)")
	}
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

func (c *Config) profile() (verify.Profile, error) {
	p := verify.Profile{
		Tenant: tenant, Name: "default", AppName: c.AppName, Template: c.Template,
		Code: code.Spec{Alphabet: code.Alphabet(c.Code.Alphabet), Length: c.Code.Length},
	}
	var errs []error
	var err error
	// What was written is not shown: it may be a secret that slipped a line.
	if p.Validity, err = time.ParseDuration(string(c.Code.Validity)); err != nil {
		errs = append(errs, errors.New("code.validity: not a duration such as 10m"))
	} else if p.Validity < verify.MinValidity || p.Validity > verify.MaxValidity {
		errs = append(errs, fmt.Errorf("code.validity: %s is not between %s and %s", p.Validity, verify.MinValidity, verify.MaxValidity))
	}
	if p.Retention, err = days(string(c.Retention)); err != nil {
		errs = append(errs, errors.New("retention: not a duration such as 30d or 12h"))
	} else if p.Retention < verify.MinRetention || p.Retention > verify.MaxRetention {
		errs = append(errs, fmt.Errorf("retention: must be between %s and %d days", verify.MinRetention, int(verify.MaxRetention.Hours()/24)))
	}
	if err := p.Code.Check(); err != nil {
		errs = append(errs, err)
	} else if p.Code.Weak() {
		c.warn("codes of %s have %.1f bits, fewer than six digits: they are easier to guess", p.Code, p.Code.Bits())
	}
	if len(c.AppName) > 32 || strings.ContainsAny(c.AppName, "\r\n{}<>/\\") || strings.Contains(c.AppName, "://") {
		errs = append(errs, errors.New("app_name: at most 32 bytes of plain text, without line breaks, brackets or slashes"))
	}
	switch {
	case p.Template == "" && p.AppName == "":
		p.Template = message.Plain
	case p.Template == "":
		p.Template = message.Branded
	}
	if err := message.Check(p.Template); err != nil {
		errs = append(errs, fmt.Errorf("template: %w", err))
	}
	for _, text := range c.Countries {
		region, err := phone.Region(text)
		if err != nil || region != strings.ToUpper(strings.TrimSpace(text)) {
			errs = append(errs, fmt.Errorf("countries: %q is not a country's two letters, such as US", text))
			continue
		}
		p.Countries = append(p.Countries, region)
	}
	if c.ProfileID != "" {
		id, err := uuid.Parse(c.ProfileID)
		if err != nil {
			errs = append(errs, errors.New("profile_id: not a UUID"))
		}
		p.ID = id
	}
	return p, errors.Join(errs...)
}

// days reads a duration that may also be a whole number of days.
func days(text string) (time.Duration, error) {
	if number, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(number, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
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

func (c *Config) checkCarriers() error {
	var errs []error
	if len(c.Carriers) == 0 {
		errs = append(errs, errors.New("carriers: none is configured, so no code could be sent. Add one, such as "+
			"{name: telnyx, type: telnyx, api_key: …, from: \"+1…\"}, or use «countersign dev»"))
	}
	if _, _, err := openCarriers(c.Carriers, nil); err != nil {
		errs = append(errs, err)
	}
	var names []string
	for i, k := range c.Carriers {
		if k.Name == "" {
			errs = append(errs, fmt.Errorf("carriers[%d].name: missing", i))
		} else if slices.Contains(names, k.Name) {
			errs = append(errs, fmt.Errorf("carriers[%d].name: %q is used twice", i, k.Name))
		}
		names = append(names, k.Name)
		if !slices.Contains(carrierTypes(), k.Type) {
			errs = append(errs, fmt.Errorf("carriers[%d].type: %q is not one of %s", i, k.Type, strings.Join(carrierTypes(), ", ")))
		}
	}
	seen := map[string]bool{}
	for i, r := range c.Routes {
		if !slices.Contains(verify.Channels(), verify.Channel(r.Channel)) {
			errs = append(errs, fmt.Errorf("routes[%d].channel: %q is not a channel; it must be one of %v", i, r.Channel, verify.Channels()))
		}
		if seen[r.Channel] {
			errs = append(errs, fmt.Errorf("routes[%d].channel: %q has a route already", i, r.Channel))
		}
		seen[r.Channel] = true
		if len(r.Carriers) == 0 {
			errs = append(errs, fmt.Errorf("routes[%d].carriers: name at least one", i))
		}
		for _, name := range r.Carriers {
			at := slices.Index(names, name)
			if at < 0 {
				errs = append(errs, fmt.Errorf("routes[%d].carriers: no carrier is called %q", i, name))
			} else if kind := c.Carriers[at].Type; !slices.Contains(carries(kind), verify.Channel(r.Channel)) {
				errs = append(errs, fmt.Errorf("routes[%d].carriers: carrier %q is of type %s, which takes %v", i, name, kind, carries(kind)))
			}
		}
	}
	return errors.Join(errs...)
}

// checkInbox keeps the development inbox, which shows codes to whoever asks, off
// every listener that others can reach.
func (c *Config) checkInbox(host string) error {
	inbox := slices.ContainsFunc(c.Carriers, func(k CarrierConfig) bool { return k.Type == "inbox" })
	if !inbox {
		return nil
	}
	if !c.development() {
		return errors.New("carriers: the inbox shows every code to whoever opens its page; it is for environment: development")
	}
	if addr, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !addr.IsLoopback()) {
		return fmt.Errorf("listen: with the development inbox the server listens on loopback alone (127.0.0.1:3000, [::1]:3000), not on %q: "+
			"whoever reaches it could read every code", c.Listen)
	}
	if c.PublicURL != "" {
		if u, err := url.Parse(c.PublicURL); err == nil && !loopbackName(u.Hostname()) {
			return errors.New("public_url: with the development inbox it must be a loopback address")
		}
	}
	return nil
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

func prefixes(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if addr, err2 := netip.ParseAddr(text); err != nil && err2 == nil {
			p, err = addr.Prefix(addr.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", text)
		}
		if p.Bits() == 0 {
			return nil, fmt.Errorf("%q trusts everyone: then each visitor chooses an address, and no limit by network holds", text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
