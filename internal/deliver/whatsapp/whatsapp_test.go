package whatsapp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/code"
	"countersign/internal/deliver/whatsapp"
	"countersign/internal/phone"
	"countersign/internal/verify"
	"countersign/internal/verify/sendertest"
)

const (
	token      = "EAAquokka0123"
	number     = "106540352242922"
	secret     = "wombat-secret-of-the-app"
	handshake  = "numbat-token-of-the-handshake"
	messageID  = "0198c0de-0000-7000-8000-000000000001-1"
	wamid      = "wamid.HBgLMTY0NjcwNDM1OTUVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA=="
	storedID   = "wamid-a93f15ffee8f128950dea901b82b1412"
	receiptURL = "https://otp.example.com/receipts/whatsapp"
)

func config() whatsapp.Config {
	return whatsapp.Config{
		AccessToken: token, PhoneNumberID: number, Template: "login_code", Languages: []string{"en_US", "de", "pt_BR"},
		ReceiptURL: receiptURL, AppSecret: secret, VerifyToken: handshake,
	}
}

func carrier(t testing.TB, c whatsapp.Config) *whatsapp.Carrier {
	t.Helper()
	k, err := whatsapp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func message(digits string) verify.Message {
	c, err := code.Custom(digits)
	if err != nil {
		panic(err)
	}
	return verify.Message{ID: messageID, Channel: verify.WhatsApp, To: verify.Phone(phone.Trusted("+12025550147")), Code: c, Locale: "de"}
}

func TestItIsASender(t *testing.T) {
	sendertest.Run(t, sendertest.Harness{
		New: func(t *testing.T, server string, timeout time.Duration) verify.Sender {
			c := config()
			c.BaseURL, c.Timeout = server, timeout
			return carrier(t, c)
		},
		Take: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"messaging_product":"whatsapp","messages":[{"id":%q}]}`, wamid)
		},
		CarrierID: storedID,
		Channel:   verify.WhatsApp,
		Secrets:   []string{token, "Bearer " + token, secret, handshake},
	})
}

func TestACodeIsATemplateWithItTwice(t *testing.T) {
	var path, authorization string
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		path, authorization = r.URL.Path, r.Header.Get("Authorization")
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	c := config()
	c.BaseURL = server.URL
	if _, err := carrier(t, c).Send(t.Context(), message("4711")); err != nil {
		t.Fatal(err)
	}
	if path != "/v23.0/"+number+"/messages" || authorization != "Bearer "+token {
		t.Errorf("posted to %s as %q", path, authorization)
	}
	const want = `{"messaging_product":"whatsapp","recipient_type":"individual","to":"12025550147","type":"template",` +
		`"template":{"name":"login_code","language":{"code":"de"},"components":[` +
		`{"type":"body","parameters":[{"type":"text","text":"4711"}]},` +
		`{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"4711"}]}]},` +
		`"biz_opaque_callback_data":"` + messageID + `"}`
	if d := cmp.Diff(want, string(body)); d != "" {
		t.Error(d)
	}
}

func TestTheLanguageIsTheTemplatesOwn(t *testing.T) {
	var said string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var in struct {
			Template struct{ Language struct{ Code string } }
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		said = in.Template.Language.Code
	}))
	defer server.Close()
	c := config()
	c.BaseURL = server.URL
	k := carrier(t, c)
	for locale, want := range map[string]string{
		"de": "de", "pt-BR": "pt_BR", "pt": "pt_BR", "en": "en_US", "en-GB": "en_US", "fr": "en_US", "": "en_US", "de-AT": "de",
	} {
		m := message("4711")
		m.Locale = locale
		if _, err := k.Send(t.Context(), m); err != nil || said != want {
			t.Errorf("%q goes as %q, want %q (%v)", locale, said, want, err)
		}
	}
}

func TestEachCodeHasItsClass(t *testing.T) {
	for code, want := range map[string]verify.Class{
		"131026": verify.BadNumber, "131050": verify.OptedOut, "131049": verify.Filtered, "131016": verify.Temporary,
		"131056": verify.Throttled, "130497": verify.RegionOff, "132001": verify.SenderUnready, "131042": verify.NoMoney,
		"190": verify.Credentials, "999999": verify.UnknownClass,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"error":{"message":"(#%s) to 12025550147","type":"OAuthException","code":%s,"fbtrace_id":"x"}}`, code, code)
		}))
		c := config()
		c.BaseURL = server.URL
		_, err := carrier(t, c).Send(t.Context(), message("4711"))
		refusal, ok := errors.AsType[*verify.SendError](err)
		if !ok || refusal.Class != want || refusal.Ambiguous || strings.Contains(err.Error(), "2025550147") {
			t.Errorf("%s: %v, want %s", code, err, want)
		}
		server.Close()
	}
}

func TestOnlyCodesThatATemplateTakesAreSent(t *testing.T) {
	c := config()
	c.BaseURL = "http://127.0.0.1:1"
	text := message("4711")
	text.Channel = verify.SMS
	if _, err := carrier(t, c).Send(t.Context(), text); err == nil || !strings.Contains(err.Error(), "takes WhatsApp only") {
		t.Errorf("a text: %v", err)
	}
}

func TestAConfigurationSaysWhatIsMissing(t *testing.T) {
	for want, spoil := range map[string]func(*whatsapp.Config){
		"there is no access_token":   func(c *whatsapp.Config) { c.AccessToken = "" },
		"access_token holds a space": func(c *whatsapp.Config) { c.AccessToken = "a b" },
		"phone_number_id is not":     func(c *whatsapp.Config) { c.PhoneNumberID = "+12015550100" },
		"template is not the name":   func(c *whatsapp.Config) { c.Template = "Login code" },
		"there are no languages":     func(c *whatsapp.Config) { c.Languages = nil },
		`languages: "en-US" is not`:  func(c *whatsapp.Config) { c.Languages = []string{"en-US"} },
		`version: "23" is not one`:   func(c *whatsapp.Config) { c.Version = "23" },
		"the time-out is negative":   func(c *whatsapp.Config) { c.Timeout = -1 },
		"there is no app_secret":     func(c *whatsapp.Config) { c.AppSecret = "" },
		"verify_token is not 16":     func(c *whatsapp.Config) { c.VerifyToken = "short" },
		"the receipt URL holds more": func(c *whatsapp.Config) { c.ReceiptURL += "?x=1" },
		"the base URL is plain http": func(c *whatsapp.Config) { c.BaseURL = "http://graph.example.com" },
	} {
		c := config()
		spoil(&c)
		_, err := whatsapp.New(c)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), token) || strings.Contains(err.Error(), secret) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	c := config()
	c.ReceiptURL, c.AppSecret, c.VerifyToken = "", "", ""
	carrier(t, c)
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v", config(), config(), config()), fmt.Sprintf("%v %+v %#v", *carrier(t, config()), carrier(t, config()), carrier(t, config()))} {
		for _, hidden := range []string{token, secret, handshake} {
			if strings.Contains(shown, hidden) {
				t.Errorf("%s is shown: %s", hidden, shown)
			}
		}
	}
}
