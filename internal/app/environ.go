package app

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

const (
	envPrefix     = "COUNTERSIGN_"
	carrierPrefix = "CARRIER_"
)

// ReadEnviron reads the COUNTERSIGN_ variables of environ ("NAME=value") into c.
// Each may be given as NAME_FILE instead, the path of a file that holds the
// value. An unknown name is an error: a misspelt setting must not be passed over.
func (c *Config) ReadEnviron(environ []string) error {
	given := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		short, ours := strings.CutPrefix(name, envPrefix)
		if !ours {
			continue
		}
		setting, fromFile := strings.CutSuffix(short, "_FILE")
		// KEY_FILE is a setting of its own, and means what KEY would with _FILE.
		if fromFile && setting != "KEY" {
			text, err := os.ReadFile(value)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			short, value = setting, strings.TrimRight(string(text), "\r\n")
		}
		if _, twice := given[short]; twice {
			return fmt.Errorf("%s%s is given twice, as a value and as a file", envPrefix, short)
		}
		given[short] = value
	}
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := c.set(name, given[name]); err != nil {
			return fmt.Errorf("%s%s: %w", envPrefix, name, err)
		}
	}
	return nil
}

func (c *Config) set(name, value string) error {
	if rest, ok := strings.CutPrefix(name, carrierPrefix); ok {
		return c.setCarrier(rest, value)
	}
	texts := map[string]*string{
		"LISTEN": &c.Listen, "PUBLIC_URL": &c.PublicURL, "ENVIRONMENT": &c.Environment, "DATABASE": &c.Database,
		"PROFILE_ID": &c.ProfileID, "APP_NAME": &c.AppName, "TEMPLATE": &c.Template, "DOMAIN": &c.Domain, "PAGES_COLOR": &c.Pages.Color, "PAGES_LOGO": &c.Pages.Logo, "PAGES_AUTOFILL": &c.Pages.Autofill,
		"CODE_ALPHABET": &c.Code.Alphabet, "LOG_LEVEL": &c.Log.Level, "LOG_FORMAT": &c.Log.Format,
	}
	numbers := map[string]*int{
		"CODE_LENGTH": &c.Code.Length, "LIMITS_NUMBER_PER_HOUR": &c.Limits.NumberPerHour,
		"LIMITS_NUMBER_PER_DAY": &c.Limits.NumberPerDay, "LIMITS_NETWORK_PER_HOUR": &c.Limits.NetworkPerHour,
		"LIMITS_BACKLOG": &c.Limits.Backlog,
	}
	lists := map[string]*[]string{"COUNTRIES": &c.Countries, "RETURN_URLS": &c.ReturnURLs, "TRUSTED_PROXIES": &c.TrustedProxies, "WEBHOOK_DENY": &c.WebhookDeny}
	var err error
	switch {
	case texts[name] != nil:
		*texts[name] = value
	case numbers[name] != nil:
		if *numbers[name], err = strconv.Atoi(value); err != nil {
			return fmt.Errorf("%q is not a whole number", value)
		}
	case lists[name] != nil:
		*lists[name] = list(value)
	case name == "CODE_VALIDITY":
		c.Code.Validity = scalar(value)
	case name == "RETENTION":
		c.Retention = scalar(value)
	case name == "PRICE_PER_MESSAGE":
		c.Price = scalar(value)
	case name == "COUNTRY_CODE":
		c.CountryCode = scalar(value)
	case name == "KEY":
		c.Key, c.KeyFile = NewSecret(value), ""
	case name == "KEY_FILE":
		c.KeyFile, c.Key = value, Secret{}
	case name == "API_KEYS":
		c.APIKeys = nil
		for _, k := range list(value) {
			c.APIKeys = append(c.APIKeys, NewSecret(k))
		}
	default:
		return fmt.Errorf("there is no such setting; docs/configuration.md lists them")
	}
	return nil
}

// setCarrier sets a field of a carrier, NAME_FIELD, and adds the carrier if the
// file has none of that name and the name is a type.
func (c *Config) setCarrier(rest, value string) error {
	var none CarrierConfig
	for _, field := range none.fields() {
		name, ok := strings.CutSuffix(rest, "_"+field)
		if !ok {
			continue
		}
		k, err := c.carrier(strings.ToLower(name))
		if err != nil {
			return err
		}
		return k.set(field, value)
	}
	all := none.fields()
	slices.Sort(all)
	return fmt.Errorf("a carrier has %s, as in %s%sTELNYX_API_KEY", strings.Join(all, ", "), envPrefix, carrierPrefix)
}

// texts, secrets and whole are the fields of carriers that a variable can set.
func (k *CarrierConfig) texts() map[string]*string {
	return map[string]*string{
		"FROM": (*string)(&k.From), "MESSAGING_PROFILE_ID": &k.MessagingProfileID, "BASE_URL": &k.BaseURL,
		"ACCOUNT_SID": &k.AccountSID, "API_KEY_SID": &k.APIKeySID, "MESSAGING_SERVICE_SID": &k.MessagingServiceSID,
		"HOST": &k.Host, "USERNAME": &k.Username, "TLS": &k.TLS, "RECEIPTS": &k.Receipts, "PACE": (*string)(&k.Pace),
		"PUBLIC_KEY": &k.PublicKey, "TEXML_APPLICATION_ID": &k.TeXMLApplicationID, "SYSTEM_TYPE": &k.SystemType, "URL": &k.URL,
		"PHONE_NUMBER_ID": (*string)(&k.PhoneNumberID), "APPLICATION_ID": &k.ApplicationID,
	}
}

func (k *CarrierConfig) secrets() map[string]*Secret {
	return map[string]*Secret{
		"API_KEY": &k.APIKey, "AUTH_TOKEN": &k.AuthToken, "API_KEY_SECRET": &k.APIKeySecret, "PASSWORD": &k.Password, "SECRET": &k.Secret,
		"API_SECRET": &k.APISecret, "PRIVATE_KEY": &k.PrivateKey, "SIGNATURE_SECRET": &k.SignatureSecret,
		"ACCESS_TOKEN": &k.AccessToken, "APP_SECRET": &k.AppSecret, "VERIFY_TOKEN": &k.VerifyToken,
	}
}

func (k *CarrierConfig) whole() map[string]*int {
	return map[string]*int{"PORT": &k.Port, "WINDOW": &k.Window, "BURST": &k.Burst}
}

// fields are the names of all of them, the longest first: some end like others.
func (k *CarrierConfig) fields() []string {
	names := slices.Concat(slices.Collect(maps.Keys(k.texts())), slices.Collect(maps.Keys(k.secrets())), slices.Collect(maps.Keys(k.whole())))
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return names
}

func (k *CarrierConfig) set(field, value string) (err error) {
	if to := k.texts()[field]; to != nil {
		*to = value
	}
	if to := k.secrets()[field]; to != nil {
		*to = NewSecret(value)
	}
	if to := k.whole()[field]; to != nil {
		if *to, err = strconv.Atoi(value); err != nil {
			return fmt.Errorf("%q is not a whole number", value)
		}
	}
	return nil
}

func (c *Config) carrier(name string) (*CarrierConfig, error) {
	for i := range c.Carriers {
		known := strings.ToLower(strings.NewReplacer("-", "_", " ", "_", ".", "_").Replace(c.Carriers[i].Name))
		if known == name {
			return &c.Carriers[i], nil
		}
	}
	if !slices.Contains(carrierTypes(), name) {
		return nil, fmt.Errorf("no carrier is called %q", name)
	}
	c.Carriers = append(c.Carriers, CarrierConfig{Name: name, Type: name})
	return &c.Carriers[len(c.Carriers)-1], nil
}

func list(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
