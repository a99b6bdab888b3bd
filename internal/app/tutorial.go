package app

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Tutorial are the keys of the config.json that Telnyx's tutorial "Two Factor
// Authentication with Node" has its readers write. A server starts with that file
// as it is, and makes tokens as the tutorial makes them.
type Tutorial struct {
	APIKey      Secret `yaml:"API_KEY"`
	FromNumber  scalar `yaml:"FROM_NUMBER"`
	CountryCode scalar `yaml:"COUNTRY_CODE"`
	TokenLength scalar `yaml:"TOKEN_LENGTH"`
	NodeEnv     string `yaml:"NODE_ENV"`
}

// applyTutorial turns the tutorial's keys into settings.
func (c *Config) applyTutorial() error {
	t := c.Tutorial
	if t == (Tutorial{}) {
		return nil
	}
	environment, ok := map[string]string{"": "development", "test": "development", "development": "development", "production": "production"}[t.NodeEnv]
	if !ok {
		return fmt.Errorf("NODE_ENV: %q is neither development nor production", t.NodeEnv)
	}
	if c.Environment == "" { // our own key counts for more than the tutorial's
		c.Environment = environment
	}
	if t.CountryCode != "" {
		c.CountryCode = t.CountryCode
	}
	if t.TokenLength != "" {
		n, err := strconv.Atoi(string(t.TokenLength))
		if err != nil {
			return errors.New("TOKEN_LENGTH: not a whole number")
		}
		c.Code.Length, c.Code.Alphabet = n, "hex"
	}
	return c.tutorialCarrier()
}

// tutorialCarrier adds Telnyx; or, while the file still holds the tutorial's
// placeholders, the inbox, so that the flow can be tried before there is a key.
func (c *Config) tutorialCarrier() error {
	t := c.Tutorial
	placeholder := strings.HasPrefix(t.APIKey.Reveal(), "YOUR_") || strings.HasPrefix(string(t.FromNumber), "YOUR_")
	switch {
	case t.APIKey.Reveal() == "" && t.FromNumber == "":
	case placeholder && c.development():
		c.Carriers = append(c.Carriers, CarrierConfig{Name: "inbox", Type: "inbox"})
		c.warn("API_KEY or FROM_NUMBER is still the tutorial's placeholder: messages go to the development inbox")
	case placeholder:
		return errors.New("API_KEY, FROM_NUMBER: replace the tutorial's placeholders with your Telnyx key and number")
	default:
		c.Carriers = append(c.Carriers, CarrierConfig{Name: "telnyx", Type: "telnyx", APIKey: t.APIKey, From: t.FromNumber})
	}
	return nil
}
