package receipttest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"countersign/internal/deliver/receipt"
	"countersign/internal/verify"
)

var now = time.Unix(1_780_000_000, 0)

// acme is a carrier that signs instant and body, and its receiver, with at most one fault.
type acme struct{ fault string }

const (
	looseBase64   = "takes Base64 in any form"
	firstOfTwo    = "reads the first of two headers"
	anyTime       = "takes what was signed long ago"
	noInstant     = "does not verify the instant"
	trimmed       = "trims the body"
	readsAddress  = "reads the message of the address"
	readsHeader   = "reads the message of a header"
	quotes        = "quotes the request"
	anyMissing    = "takes what is not signed at all"
	saysSomething = "says something besides its error"
)

func mac(stamp string, body []byte) []byte {
	m := hmac.New(sha256.New, []byte("key"))
	m.Write([]byte(stamp + "|"))
	m.Write(body)
	return m.Sum(nil)
}

func (a acme) Receive(p receipt.Posted) ([]verify.Receipt, error) {
	stamp, text := p.Header.Get("X-Timestamp"), p.Header.Get("X-Signature")
	_, one := receipt.One(p.Header, "X-Signature")
	_, only := receipt.One(p.Header, "X-Timestamp")
	body := p.Body
	if a.fault == trimmed {
		body = bytes.TrimSpace(body)
	}
	want, got := mac(stamp, body), []byte(nil)
	if a.fault == looseBase64 {
		got, _ = base64.StdEncoding.DecodeString(text)
	} else {
		got, _ = receipt.Base64(text)
	}
	good := hmac.Equal(want, got)
	if a.fault == noInstant {
		good = good || bytes.Equal(got, mac("1780000000", body))
	}
	good = good && (a.fault == firstOfTwo || one && only) || a.fault == anyMissing && text == ""
	if good && (a.fault == anyTime || a.fault == noInstant || a.fault == anyMissing || receipt.Fresh(stamp, p.Now)) {
		r := verify.Receipt{Message: string(body)}
		if a.fault == readsAddress {
			r.Message = p.URL
		} else if a.fault == readsHeader && p.Header.Get("X-Message") != "" {
			r.Message = p.Header.Get("X-Message")
		}
		return []verify.Receipt{r}, nil
	}
	switch a.fault {
	case quotes:
		return nil, fmt.Errorf("acme: %w: %s", receipt.ErrForged, p.Body)
	case saysSomething:
		return []verify.Receipt{{Message: "x"}}, receipt.ErrForged
	}
	return nil, receipt.ErrForged
}

func posted(body string) receipt.Posted {
	stamp := strconv.FormatInt(now.Unix(), 10)
	return receipt.Posted{Method: "POST", URL: "https://otp.example/receipts/acme?message=one", Body: []byte(body), Now: now, Header: http.Header{
		"X-Timestamp": {stamp}, "X-Signature": {base64.StdEncoding.EncodeToString(mac(stamp, []byte(body)))},
	}}
}

func harness(fault string) Harness {
	first, second := `{"state":"delivered","id":"0123456789"}`, `{"state":"failed","id":"0123456789","class":"opted out"}`
	old := posted(first)
	old.Now = now.Add(time.Hour)
	return Harness{
		Receiver: acme{fault},
		Valid: []Valid{
			{posted(first), []verify.Receipt{{Message: first}}},
			{posted(second), []verify.Receipt{{Message: second}}},
		},
		Signed: []string{"X-Timestamp", "X-Signature"}, Dated: true,
		Forgeries: map[string]receipt.Posted{"old": old},
	}
}

// counter counts what a testing.T would say.
type counter struct{ atomic.Int64 }

func (c *counter) Helper()               {}
func (c *counter) Errorf(string, ...any) { c.Add(1) }

func TestAProperReceiverPasses(t *testing.T) { Run(t, harness("")) }

func TestEachFaultOfAReceiverIsNoticed(t *testing.T) {
	for _, fault := range []string{
		looseBase64, firstOfTwo, anyTime, noInstant, trimmed, readsAddress, readsHeader, quotes, anyMissing, saysSomething,
	} {
		var c counter
		for _, part := range (&suite{Harness: harness(fault)}).parts() {
			part.run(&c)
		}
		if c.Load() == 0 {
			t.Errorf("one that %s passes", fault)
		}
	}
}

func TestASuiteThatTriesTooLittleFails(t *testing.T) {
	h := harness("")
	h.Signed = nil
	h.Valid = h.Valid[:1]
	h.Valid[0] = Valid{posted(`{}`), []verify.Receipt{{Message: `{}`}}}
	var c counter
	(&suite{Harness: h}).changed(&c)
	if c.Load() == 0 {
		t.Error("it passes")
	}
}
