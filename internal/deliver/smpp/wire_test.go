package smpp_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"countersign/internal/deliver/smpp"
	"countersign/internal/verify"
)

// asked are the bind and the texts that a centre gets of m.
func asked(t *testing.T, c smpp.Config, m verify.Message, parts int) (bind unit, texts []unit) {
	t.Helper()
	got := make(chan unit, parts+1)
	c.Dial = piped(t, func(l line) {
		u, err := l.read()
		if err != nil {
			return
		}
		got <- u
		l.answer(u, 0, "centre\x00")
		l.serve(func(u unit) {
			got <- u
			l.answer(u, 0, "0a\x00")
		})
	})
	sender := carrier(t, c)
	if o, _ := send(t.Context(), t, sender, m); o != taken {
		t.Fatalf("%+v", o)
	}
	bind = <-got
	for range parts {
		texts = append(texts, <-got)
	}
	if len(got) != 0 {
		t.Errorf("%d more texts", len(got))
	}
	return bind, texts
}

// dump is a PDU as people read one.
func dump(u unit) string {
	return strings.ReplaceAll(hex.Dump(u.bytes()), "\n\n", "\n")
}

// The bytes are written by hand from SMPP v3.4, 4.1.5 and 4.4.1.
func TestABindAndATextAreAsTheStandardWritesThem(t *testing.T) {
	bind, texts := asked(t, smpp.Config{SystemType: "VMA", Receipts: newInbox().put}, func() verify.Message {
		m := saying(t, "{{code}} @{€")
		m.ValidFor = 10*time.Minute + 900*time.Millisecond
		return m
	}(), 1)
	wantBind := "00000028" + "00000009" + "00000000" + "00000001" +
		hex.EncodeToString([]byte("wombat\x00s3cret/w\x00VMA\x00")) + "34" + "00" + "00" + "00"
	if got := hex.EncodeToString(bind.bytes()); got != wantBind {
		t.Errorf("bind:\n%s\nwant %s", dump(bind), wantBind)
	}
	want := "00" + // service_type
		"0101" + hex.EncodeToString([]byte("15551234567\x00")) +
		"0101" + hex.EncodeToString([]byte("12025550147\x00")) +
		"00" + "00" + "00" + "00" + hex.EncodeToString([]byte("000000001000000R\x00")) +
		"01" + "00" + "00" + "00" + // registered_delivery, replace_if_present, data_coding, default message
		"0c" + hex.EncodeToString([]byte("731946 ")) + "00" + "1b28" + "1b65"
	if diff := cmp.Diff(want, hex.EncodeToString(texts[0].body)); diff != "" || texts[0].command != submit || texts[0].status != 0 {
		t.Errorf("submit_sm (-want +got):\n%s%s", diff, dump(texts[0]))
	}
}

// submitted is a submit_sm read with the standard in hand.
type submitted struct {
	FromTON, FromNPI byte
	From             string
	ToTON, ToNPI     byte
	To               string
	Class, Protocol  byte
	Validity         string
	Registered       byte
	Coding           byte
	Text             string
}

func readSubmit(t *testing.T, body []byte) submitted {
	t.Helper()
	rest := body
	one := func() byte {
		b := rest[0]
		rest = rest[1:]
		return b
	}
	str := func() string {
		s, after, is := strings.Cut(string(rest), "\x00")
		if !is {
			t.Fatalf("no end in %q", rest)
		}
		rest = []byte(after)
		return s
	}
	var s submitted
	_ = str()
	s.FromTON, s.FromNPI, s.From = one(), one(), str()
	s.ToTON, s.ToNPI, s.To = one(), one(), str()
	s.Class, s.Protocol, _ = one(), one(), one()
	_ = str()
	s.Validity = str()
	s.Registered, _, s.Coding, _ = one(), one(), one(), one()
	n := int(one())
	if s.Text = string(rest); len(s.Text) != n {
		t.Errorf("sm_length %d, and %d bytes", n, len(s.Text))
	}
	return s
}

func TestTheSenderOfTheRouteComesBeforeTheConfigured(t *testing.T) {
	for sender, want := range map[string]submitted{
		"":            {FromTON: 1, FromNPI: 1, From: "15551234567"},
		"+4915112345": {FromTON: 1, FromNPI: 1, From: "4915112345"},
		"12345":       {FromTON: 3, FromNPI: 0, From: "12345"},
		"Acme Bank 1": {FromTON: 5, FromNPI: 0, From: "Acme Bank 1"},
	} {
		m := saying(t, "{{code}}")
		m.Sender = sender
		want.ToTON, want.ToNPI, want.To, want.Text = 1, 1, to, canaryCode
		_, texts := asked(t, smpp.Config{}, m, 1)
		if diff := cmp.Diff(want, readSubmit(t, texts[0].body)); diff != "" {
			t.Errorf("from %q (-want +got):\n%s", sender, diff)
		}
	}
}

func TestReceiptsAreAskedForOnlyWhereTheyCanCome(t *testing.T) {
	for _, row := range []struct {
		c       smpp.Config
		command uint32
		want    byte
	}{
		{smpp.Config{}, bindTransceiver, 0},
		{smpp.Config{Receipts: newInbox().put}, bindTransceiver, 1},
		{smpp.Config{Receipts: newInbox().put, Bind: smpp.Transmitter}, bindTransmitter, 0},
	} {
		bind, texts := asked(t, row.c, text(t), 1)
		if got := readSubmit(t, texts[0].body).Registered; bind.command != row.command || got != row.want {
			t.Errorf("bind %#x, registered_delivery %d, want %#x and %d", bind.command, got, row.command, row.want)
		}
	}
}

func TestAMessageSaysHowLongItIsGood(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "", -time.Second: "", time.Millisecond: "000000000001000R", 59 * time.Second: "000000000059000R",
		10 * time.Minute: "000000001000000R", 25*time.Hour + time.Minute + 2*time.Second: "000001010102000R", 5000 * time.Hour: "000030000000000R",
	} {
		m := text(t)
		m.ValidFor = d
		_, texts := asked(t, smpp.Config{}, m, 1)
		if got := readSubmit(t, texts[0].body).Validity; got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

func TestWhatGSM7LacksIsWrittenInUCS2(t *testing.T) {
	m := saying(t, "Код {{code}} 😀")
	_, texts := asked(t, smpp.Config{}, m, 1)
	got := readSubmit(t, texts[0].body)
	var units []uint16
	for i := 0; i < len(got.Text); i += 2 {
		units = append(units, uint16(got.Text[i])<<8|uint16(got.Text[i+1]))
	}
	if read := string(utf16.Decode(units)); got.Coding != 8 || got.Class != 0 || read != "Код 731946 😀" {
		t.Errorf("coding %d, class %#x: %q", got.Coding, got.Class, read)
	}
}

func TestALongTextGoesInPartsThatAHandsetCanJoin(t *testing.T) {
	for _, row := range []struct {
		template string
		coding   byte
		parts    int
	}{
		{strings.Repeat("a", 300) + "{{code}}", 0, 2}, {strings.Repeat("ж", 100) + "{{code}}", 8, 2}, {strings.Repeat("€", 152) + "{{code}}", 0, 3},
	} {
		_, texts := asked(t, smpp.Config{Receipts: newInbox().put}, saying(t, row.template), row.parts)
		first := readSubmit(t, texts[0].body)
		for i, u := range texts {
			got := readSubmit(t, u.body)
			head := []byte(got.Text[:6])
			if want := []byte{5, 0, 3, first.Text[3], byte(row.parts), byte(i + 1)}; string(head) != string(want) {
				t.Errorf("part %d begins with % x, want % x", i+1, head, want)
			}
			if got.Class != 0x40 || got.Coding != row.coding || got.Registered != 1 || len(got.Text) > 159 || row.coding == 8 && len(got.Text) > 140 {
				t.Errorf("part %d: %+v", i+1, got)
			}
			if got.Coding == 0 && got.Text[len(got.Text)-1] == 0x1b {
				t.Error("a character was split")
			}
		}
	}
}

func TestTwoLongTextsAreNotTakenForOne(t *testing.T) {
	references := make(chan byte, 4)
	sender := carrier(t, smpp.Config{Dial: piped(t, func(l line) {
		l.bind()
		l.serve(func(u unit) {
			references <- readSubmit(t, u.body).Text[3]
			l.answer(u, 0, "x\x00")
		})
	})})
	m := saying(t, strings.Repeat("a", 200)+"{{code}}")
	for range 2 {
		if o, _ := send(t.Context(), t, sender, m); o != taken {
			t.Fatalf("%+v", o)
		}
	}
	a, b, c, d := <-references, <-references, <-references, <-references
	if a != b || c != d || a == c {
		t.Errorf("references %d %d, %d %d", a, b, c, d)
	}
}

func TestWhatCannotBeATextIsRefusedUnsent(t *testing.T) {
	sender := carrier(t, smpp.Config{Dial: piped(t, func(l line) {
		t.Error("the centre was asked")
	})})
	for want, change := range map[verify.Class][]func(*verify.Message){
		verify.UnknownClass: {
			func(m *verify.Message) { m.Channel = verify.Call }, func(m *verify.Message) { m.Channel = "" },
			func(m *verify.Message) { *m = saying(t, strings.Repeat("ж", 700)+"{{code}}") },
		},
		verify.BadNumber:     {func(m *verify.Message) { m.To = verify.Address{} }},
		verify.SenderUnready: {func(m *verify.Message) { m.Sender = "Twelve Chars" }, func(m *verify.Message) { m.Sender = "a\x00b" }},
	} {
		for i, spoil := range change {
			m := text(t)
			spoil(&m)
			if o, _ := send(t.Context(), t, sender, m); o != (outcome{class: want}) {
				t.Errorf("%s, %d: %+v", want, i, o)
			}
		}
	}
}
