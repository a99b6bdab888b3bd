package e2e_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/code"
	"countersign/internal/deliver/smpp"
	words "countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/verify"
)

// smsc is a message centre of the npm package smpp: see smsc/server.mjs.
type smsc struct {
	port   int
	roots  *x509.CertPool
	orders io.Writer
	mu     sync.Mutex
	events []told
	more   chan struct{} // closed, and made anew, when there is another event
}

// told is what the centre says of itself.
type told struct {
	Event      string `json:"event"`
	Kind       string `json:"kind"`
	Right      bool   `json:"right"`
	SystemType string `json:"system_type"`
	Version    int    `json:"version"`
	Port       int    `json:"port"`
	Status     int    `json:"status"`
	Message    string `json:"message"`

	From       string   `json:"from"`
	FromTON    int      `json:"from_ton"`
	FromNPI    int      `json:"from_npi"`
	To         string   `json:"to"`
	ToTON      int      `json:"to_ton"`
	ToNPI      int      `json:"to_npi"`
	Coding     int      `json:"coding"`
	Class      int      `json:"class"`
	Registered int      `json:"registered"`
	Validity   int      `json:"validity"`
	UDH        []string `json:"udh"`
	Text       string   `json:"text"`
}

const (
	smscUser     = "wombat"
	smscPassword = "s3cret/w"
	smscCode     = "731946"
	smscNumber   = "12025550147"
)

func newSMSC(t *testing.T, encrypted bool) *smsc {
	t.Helper()
	if _, err := os.Stat("smsc/node_modules/smpp"); err != nil {
		t.Fatal("the smpp package is not installed; run make test, which does it (or npm ci in e2e/smsc)")
	}
	cmd := exec.Command("node", "server.mjs")
	cmd.Dir, cmd.Stderr = "smsc", testLog{t}
	cmd.Env = append(os.Environ(), "SMSC_SYSTEM_ID="+smscUser, "SMSC_PASSWORD="+smscPassword)
	s := &smsc{more: make(chan struct{})}
	if encrypted {
		cert, key := certificate(t)
		s.roots = x509.NewCertPool()
		s.roots.AppendCertsFromPEM([]byte(cert))
		cmd.Env = append(cmd.Env, "SMSC_CERT="+cert, "SMSC_KEY="+key)
	}
	orders, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.orders = orders
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		s.listen(t, out)
	}()
	t.Cleanup(func() {
		_ = orders.Close() // the centre ends for that
		<-read
		_ = cmd.Wait()
	})
	s.port = s.await(t, 0, "listening").Port
	return s
}

func (s *smsc) listen(t *testing.T, out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var e told
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Errorf("the centre says %q: %v", lines.Text(), err)
			continue
		}
		s.mu.Lock()
		s.events = append(s.events, e)
		close(s.more)
		s.more = make(chan struct{})
		s.mu.Unlock()
	}
}

// await returns the next event of a name, from the one of number from on.
func (s *smsc) await(t *testing.T, from int, name string) told {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		s.mu.Lock()
		events, more := s.events[from:], s.more
		s.mu.Unlock()
		if i := slices.IndexFunc(events, func(e told) bool { return e.Event == name }); i >= 0 {
			return events[i]
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("no %s within half a minute: %+v", name, events)
		}
	}
}

func (s *smsc) seen() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.events)
}

// submits are the texts that came from number from on.
func (s *smsc) submits(t *testing.T, from int) (texts []told) {
	t.Helper()
	s.order(t, `{}`) // whatever was told before its answer has been read then
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events[from:] {
		if e.Event == "submit" {
			texts = append(texts, e)
		}
	}
	return texts
}

// order tells the centre how to behave, and returns the number of its next event.
func (s *smsc) order(t *testing.T, behave string) int {
	t.Helper()
	from := s.seen()
	if _, err := fmt.Fprintln(s.orders, behave); err != nil {
		t.Fatal(err)
	}
	s.await(t, from, "ready")
	return from
}

// by makes a carrier to the centre, and where its receipts arrive.
func (s *smsc) by(t *testing.T, c smpp.Config) (*smpp.Carrier, chan verify.Receipt) {
	t.Helper()
	receipts := make(chan verify.Receipt, 99)
	c.Host, c.Port, c.SystemID = "127.0.0.1", s.port, smscUser
	if c.Password == "" {
		c.Password = smscPassword
	}
	c.From, c.Receipts, c.Roots, c.TLS = "+15551234567", func(r verify.Receipt) { receipts <- r }, s.roots, smpp.None
	if s.roots != nil {
		c.TLS = smpp.Implicit
	}
	carrier, err := smpp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := carrier.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return carrier, receipts
}

func textMessage(t *testing.T, template string) verify.Message {
	t.Helper()
	c, err := code.Custom(smscCode)
	if err != nil {
		t.Fatal(err)
	}
	return verify.Message{
		ID: "message-1", Channel: verify.SMS, To: verify.Phone(phone.Trusted("+" + smscNumber)), Code: c,
		Text: words.Render(template, words.Values{Code: c}), ValidFor: 10 * time.Minute,
	}
}

func refusedText(t *testing.T, err error) *verify.SendError {
	t.Helper()
	e, is := errors.AsType[*verify.SendError](err)
	if !is {
		t.Fatalf("%v is no refusal", err)
	}
	for _, secret := range []string{smscCode, smscNumber, smscPassword} {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", e, e, e.Err), secret) {
			t.Errorf("%q is shown: %v", secret, e)
		}
	}
	return e
}

// TestAnIndependentMessageCentreUnderstandsTheSMPPCarrier has a centre that knows
// nothing of our code take texts, and fail in each way that it can.
func TestAnIndependentMessageCentreUnderstandsTheSMPPCarrier(t *testing.T) {
	for name, encrypted := range map[string]bool{"in the clear": false, "by TLS": true} {
		t.Run(name, func(t *testing.T) {
			s := newSMSC(t, encrypted)
			carrier, receipts := s.by(t, smpp.Config{SystemType: "VMA", EnquireEvery: 500 * time.Millisecond, Timeout: 2 * time.Second})
			carrier.Start(t.Context())
			if got := s.await(t, 0, "bind"); !got.Right || got.Kind != "transceiver" || got.SystemType != "VMA" || got.Version != 0x34 {
				t.Errorf("bound by %+v", got)
			}
			t.Run("texts", func(t *testing.T) { s.takesTexts(t, carrier) })
			t.Run("receipts", func(t *testing.T) { s.givesReceipts(t, carrier, receipts) })
			t.Run("refusals", func(t *testing.T) { s.refuses(t, carrier) })
			t.Run("enquiries", func(t *testing.T) {
				from := s.order(t, `{"enquire":true}`)
				if got := s.await(t, from, "answered"); got.Status != 0 {
					t.Errorf("%+v", got)
				}
				s.await(t, from, "enquired")
			})
			t.Run("ends", func(t *testing.T) { s.ends(t, carrier) })
			from := s.seen()
			if err := carrier.Close(t.Context()); err != nil {
				t.Error(err)
			}
			s.await(t, from, "unbind")
			s.await(t, from, "closed")
		})
	}
}

func (s *smsc) takesTexts(t *testing.T, carrier *smpp.Carrier) {
	usual := told{
		Event: "submit", From: "15551234567", FromTON: 1, FromNPI: 1, To: smscNumber, ToTON: 1, ToNPI: 1, Registered: 1,
	}
	for _, row := range []struct {
		template, sender string
		want             told
		parts            int
	}{
		{"Your code is {{code}}. [{}] ~^| €5 \\ é à Ω", "", usual, 1},
		{"{{code}}", "12345", told{From: "12345", FromTON: 3}, 1},
		{"{{code}}", "Acme Bank 1", told{From: "Acme Bank 1", FromTON: 5}, 1},
		{"Код {{code}} 😀", "", told{Coding: 8}, 1},
		{strings.Repeat("0123456789", 30) + "[{{code}}]", "", told{Class: 0x40}, 3},
		{strings.Repeat("жщ", 60) + "{{code}}", "", told{Class: 0x40, Coding: 8}, 2},
	} {
		want := usual
		want.Class, want.Coding = row.want.Class, row.want.Coding
		if row.sender != "" {
			want.From, want.FromTON, want.FromNPI = row.want.From, row.want.FromTON, 0
		}
		from := s.order(t, `{}`)
		m := textMessage(t, row.template)
		m.Sender = row.sender
		got, err := carrier.Send(t.Context(), m)
		if err != nil || got.CarrierID == "" || !got.Unnamed {
			t.Fatalf("%.20s: %+v, %v", row.template, got, err)
		}
		texts := s.submits(t, from)
		if len(texts) != row.parts {
			t.Fatalf("%.20s: %d parts, want %d", row.template, len(texts), row.parts)
		}
		whole := ""
		for i, text := range texts {
			whole += text.Text
			if text.Validity < 590 || text.Validity > 600 {
				t.Errorf("good for %d seconds", text.Validity)
			}
			if row.parts > 1 {
				if end := fmt.Sprintf("%02x%02x", row.parts, i+1); len(text.UDH) != 1 || !strings.HasPrefix(text.UDH[0], "0003") || !strings.HasSuffix(text.UDH[0], end) {
					t.Errorf("part %d has the header %v, want its end %s", i+1, text.UDH, end)
				}
			}
			text.Text, text.UDH, text.Validity = "", nil, 0
			if fmt.Sprintf("%+v", text) != fmt.Sprintf("%+v", want) {
				t.Errorf("got %+v\nwant %+v", text, want)
			}
		}
		if whole != m.Text.Reveal() {
			t.Errorf("read as %q, want %q", whole, m.Text.Reveal())
		}
	}
}

func (s *smsc) givesReceipts(t *testing.T, carrier *smpp.Carrier, receipts chan verify.Receipt) {
	long := strings.Repeat("0123456789", 20) + "{{code}}"
	for _, row := range []struct {
		template, behave string
		want             []verify.Receipt
	}{
		{"{{code}}", `{"receipts":["DELIVRD"]}`, []verify.Receipt{{State: verify.Delivered}}},
		{"{{code}}", `{"receipts":["ACCEPTD","DELIVRD"]}`, []verify.Receipt{{State: verify.Sent}, {State: verify.Delivered}}},
		{"{{code}}", `{"receipts":["UNDELIV"]}`, []verify.Receipt{{State: verify.Failed, Class: verify.UnknownClass}}},
		{"{{code}}", `{"receipts":["EXPIRED"]}`, []verify.Receipt{{State: verify.Failed, Class: verify.Temporary}}},
		{"{{code}}", `{"receipts":["DELIVRD"],"decimal":true}`, []verify.Receipt{{State: verify.Delivered}}},
		{long, `{"receipts":["DELIVRD"],"decimal":true}`, []verify.Receipt{{State: verify.Delivered}}},
	} {
		from := s.order(t, row.behave)
		got, err := carrier.Send(t.Context(), textMessage(t, row.template))
		if err != nil {
			t.Fatal(err)
		}
		var came []verify.Receipt
		for range row.want {
			select {
			case r := <-receipts:
				came = append(came, r)
			case <-time.After(30 * time.Second):
				t.Fatalf("%s: no receipt", row.behave)
			}
		}
		// Receipts are handed on side by side: the core does not mind their order.
		slices.SortFunc(came, func(a, b verify.Receipt) int { return strings.Compare(string(b.State), string(a.State)) })
		for i, want := range row.want {
			want.Message, want.CarrierID = "message-1", got.CarrierID
			if came[i] != want {
				t.Errorf("%s: got %+v, want %+v", row.behave, came[i], want)
			}
		}
		if thanks := s.await(t, from, "thanked"); thanks.Status != 0 {
			t.Errorf("%s: %+v", row.behave, thanks)
		}
	}
}

func (s *smsc) refuses(t *testing.T, carrier *smpp.Carrier) {
	for status, want := range map[int]verify.Class{
		0x58: verify.Throttled, 0x14: verify.Throttled, 0x0b: verify.BadNumber, 0x0a: verify.SenderUnready, 0x08: verify.Temporary, 0x45: verify.UnknownClass,
	} {
		s.order(t, fmt.Sprintf(`{"status":%d}`, status))
		_, err := carrier.Send(t.Context(), textMessage(t, "{{code}}"))
		if e := refusedText(t, err); e.Class != want || e.Ambiguous {
			t.Errorf("%#x: %v", status, e)
		}
	}
}

// ends has sessions end, and sees that the next one takes texts.
func (s *smsc) ends(t *testing.T, carrier *smpp.Carrier) {
	for _, row := range []struct {
		behave string
		sends  bool // a text meets it
	}{{`{"hangUp":true}`, true}, {`{"silent":true}`, true}, {`{"takeLeave":true}`, false}, {`{"kill":true}`, false}} {
		from := s.order(t, row.behave)
		if row.sends {
			_, err := carrier.Send(t.Context(), textMessage(t, "{{code}}"))
			if e := refusedText(t, err); e.Class != verify.Temporary || !e.Ambiguous {
				t.Errorf("%s: %v", row.behave, e)
			}
		}
		if row.behave != `{"silent":true}` {
			s.await(t, from, "closed")
			s.await(t, from, "bind")
		}
		from = s.order(t, `{}`)
		if _, err := carrier.Send(t.Context(), textMessage(t, "{{code}}")); err != nil {
			t.Errorf("after %s: %v", row.behave, err)
		}
		if n := len(s.submits(t, from)); n != 1 {
			t.Errorf("after %s: %d texts", row.behave, n)
		}
	}
}

func TestAnIndependentMessageCentreRefusesAWrongPassword(t *testing.T) {
	s := newSMSC(t, false)
	carrier, _ := s.by(t, smpp.Config{Password: "s3cret/x"})
	_, err := carrier.Send(t.Context(), textMessage(t, "{{code}}"))
	if e := refusedText(t, err); e.Class != verify.Credentials || e.Ambiguous || strings.Contains(e.Error(), "s3cret") {
		t.Errorf("%v", e)
	}
}

func TestACentreOfAnotherCertificateIsNotTold(t *testing.T) {
	s := newSMSC(t, true)
	s.roots = x509.NewCertPool()
	carrier, _ := s.by(t, smpp.Config{})
	_, err := carrier.Send(t.Context(), textMessage(t, "{{code}}"))
	if e := refusedText(t, err); e.Class != verify.Temporary || e.Ambiguous || !strings.Contains(e.Error(), "certificate") {
		t.Errorf("%v", e)
	}
	if n := len(s.submits(t, 0)); n != 0 {
		t.Errorf("%d texts came", n)
	}
}

// certificate is one for 127.0.0.1, with its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes}))
}
