package vonage_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
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
	"countersign/internal/deliver/vonage"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/verify"
	"countersign/internal/verify/sendertest"
)

const (
	apiKey      = "abcd1234"
	apiSecret   = "quokka-secret"
	application = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
	signing     = "wombat-signature-secret"
	messageID   = "0198c0de-0000-7000-8000-000000000001-1"
	uuidOfTheir = "aaaaaaaa-bbbb-4ccc-8ddd-aaaaaaaaaaaa"
	receiptURL  = "https://otp.example.com/receipts/vonage"
)

func config() vonage.Config {
	return vonage.Config{
		APIKey: apiKey, APISecret: apiSecret, From: "+15551234567", ReceiptURL: receiptURL, SignatureSecret: signing, Now: clock,
	}
}

func clock() time.Time { return time.Unix(1_780_000_000, 0) }

func carrier(t testing.TB, c vonage.Config) *vonage.Carrier {
	t.Helper()
	k, err := vonage.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func text() verify.Message {
	c, err := code.Custom("4711")
	if err != nil {
		panic(err)
	}
	return verify.Message{
		ID: messageID, Channel: verify.SMS, To: verify.Phone(phone.Trusted("+12025550147")), Code: c,
		Text: message.Render(message.Plain, message.Values{Code: c}), ValidFor: 10 * time.Minute,
	}
}

func TestItIsASender(t *testing.T) {
	sendertest.Run(t, sendertest.Harness{
		New: func(t *testing.T, server string, timeout time.Duration) verify.Sender {
			c := config()
			c.BaseURL, c.Timeout = server, timeout
			return carrier(t, c)
		},
		Take: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			_, _ = fmt.Fprintf(w, `{"message_uuid":%q}`, uuidOfTheir)
		},
		CarrierID: uuidOfTheir,
		Secrets:   []string{apiSecret, apiKey + ":" + apiSecret, signing},
	})
}

// sent is what one message is as a request.
func sent(t *testing.T, c vonage.Config, m verify.Message) (path, authorization, body string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		path, authorization, body = r.URL.Path, r.Header.Get("Authorization"), string(raw)
	}))
	defer server.Close()
	c.BaseURL = server.URL
	if _, err := carrier(t, c).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return path, authorization, body
}

func TestATextIsPostedAsTheReferenceSays(t *testing.T) {
	path, authorization, body := sent(t, config(), text())
	if path != "/v1/messages" || authorization != "Basic "+base64.StdEncoding.EncodeToString([]byte(apiKey+":"+apiSecret)) {
		t.Errorf("posted to %s as %q", path, authorization)
	}
	const want = `{"message_type":"text","channel":"sms","to":"12025550147","from":"15551234567","text":"Your verification code is 4711.",` +
		`"client_ref":"` + messageID + `","ttl":600,"webhook_url":"` + receiptURL + `","webhook_version":"v1"}`
	if d := cmp.Diff(want, body); d != "" {
		t.Error(d)
	}
	c, m := config(), text()
	c.ReceiptURL, c.SignatureSecret = "", ""
	m.Sender, m.ValidFor = "Acme", time.Second
	if _, _, body = sent(t, c, m); strings.Contains(body, "webhook") || !strings.Contains(body, `"from":"Acme"`) || !strings.Contains(body, `"ttl":20`) {
		t.Errorf("%s", body)
	}
}

func TestAnApplicationSignsForItself(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for kind, der := range map[string][]byte{"RSA PRIVATE KEY": x509.MarshalPKCS1PrivateKey(key), "PRIVATE KEY": pkcs8} {
		c := config()
		c.APISecret, c.ApplicationID = "", application
		c.PrivateKey = string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
		_, authorization, _ := sent(t, c, text())
		parts := strings.Split(strings.TrimPrefix(authorization, "Bearer "), ".")
		if len(parts) != 3 {
			t.Fatalf("%s: %q", kind, authorization)
		}
		signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		var claims struct {
			ApplicationID string `json:"application_id"`
			Iat, Exp      int64
			Jti           string
		}
		raw, _ := base64.RawURLEncoding.DecodeString(parts[1])
		if err := json.Unmarshal(raw, &claims); err != nil || claims.ApplicationID != application || claims.Iat != clock().Unix() ||
			claims.Exp != claims.Iat+300 || claims.Jti == "" {
			t.Errorf("%s: %s %v", kind, raw, err)
		}
	}
}

func TestEachCodeHasItsClass(t *testing.T) {
	for code, want := range map[string]verify.Class{
		"1310": verify.NotMobile, "1170": verify.BadNumber, "1240": verify.OptedOut, "1210": verify.Filtered, "1180": verify.Temporary,
		"1000": verify.Throttled, "1120": verify.SenderUnready, "1060": verify.Credentials, "1070": verify.NoMoney, "1999": verify.UnknownClass,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = fmt.Fprintf(w, `{"type":"https://developer.vonage.com/api-errors/messages#%s","title":"x","detail":"to 12025550147"}`, code)
		}))
		c := config()
		c.BaseURL = server.URL
		_, err := carrier(t, c).Send(t.Context(), text())
		refusal, ok := errors.AsType[*verify.SendError](err)
		if !ok || refusal.Class != want || refusal.Ambiguous || strings.Contains(err.Error(), "2025550147") {
			t.Errorf("%s: %v, want %s", code, err, want)
		}
		server.Close()
	}
}

func TestAConfigurationSaysWhatIsMissing(t *testing.T) {
	for want, spoil := range map[string]func(*vonage.Config){
		"there is no api_key with":      func(c *vonage.Config) { c.APISecret = "" },
		"no api_key":                    func(c *vonage.Config) { c.APIKey = "" },
		"holds a space":                 func(c *vonage.Config) { c.APISecret = "a b" },
		"not both":                      func(c *vonage.Config) { c.PrivateKey = "x" },
		"application_id is not a UUID":  func(c *vonage.Config) { c.APISecret, c.ApplicationID = "", "x" },
		"private_key is not an RSA key": func(c *vonage.Config) { c.APISecret, c.ApplicationID = "", application },
		"nothing to send from":          func(c *vonage.Config) { c.From = "" },
		"there is no signature_secret":  func(c *vonage.Config) { c.SignatureSecret = "" },
		"the receipt URL holds more":    func(c *vonage.Config) { c.ReceiptURL += "?x=1" },
		"the time-out is negative":      func(c *vonage.Config) { c.Timeout = -1 },
		"the base URL is plain http":    func(c *vonage.Config) { c.BaseURL = "http://api.example.com" },
	} {
		c := config()
		spoil(&c)
		_, err := vonage.New(c)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), apiSecret) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v", config(), config(), config()), fmt.Sprintf("%v %+v %#v", *carrier(t, config()), carrier(t, config()), carrier(t, config()))} {
		for _, hidden := range []string{apiSecret, signing} {
			if strings.Contains(shown, hidden) {
				t.Errorf("%s is shown: %s", hidden, shown)
			}
		}
	}
	call := text()
	call.Channel = verify.Call
	if _, err := carrier(t, config()).Send(t.Context(), call); err == nil || !strings.Contains(err.Error(), "takes SMS only") {
		t.Errorf("a call: %v", err)
	}
}
