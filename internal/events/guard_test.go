package events

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// Addresses that are not on the public internet, in every form that leads to them.
var hostile = []string{
	// IPv4: this machine, private, shared, link-local, metadata.
	"127.0.0.1", "127.0.0.2", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255",
	"192.168.0.1", "192.168.255.255", "100.64.0.1", "100.127.255.255", "100.100.100.200", "169.254.0.1", "169.254.169.254",
	"169.254.170.2", "192.0.0.1", "192.0.0.192", "168.63.129.16",
	// IPv4: documentation, benchmarks, relays, multicast, reserved, broadcast.
	"192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "198.19.255.255", "192.88.99.1", "192.31.196.1", "192.52.193.1",
	"192.175.48.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
	// IPv6: this machine, link-local, unique local, site-local, multicast, documentation, discard, SRv6.
	"::", "::1", "fe80::1", "febf::1", "fe80::1%lo", "fc00::1", "fd00::1", "fd00:ec2::254", "fd20:ce::254", "fec0::1", "ff02::1", "ff05::2", "ff0e::1",
	"2001:db8::1", "3fff::1", "100::1", "5f00::1", "4000::1", "8000::1", "2001:2::1", "2001:10::1", "2001:20::1", "2620:4f:8000::1",
	// IPv4-mapped and the older IPv4-compatible form.
	"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:192.168.1.1", "::ffff:100.64.0.1", "::ffff:0.0.0.0", "::ffff:224.0.0.1",
	"::127.0.0.1", "::10.0.0.1", "::ffff:0:127.0.0.1",
	// 6to4, NAT64, Teredo, ISATAP.
	"2002:7f00:1::1", "2002:a00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::1", "2002:808:808::1",
	"64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::192.168.1.1", "64:ff9b:1::10.0.0.1", "64:ff9b:1::8.8.8.8",
	"2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:0:7f00:1::80ff:fffe",
	"2a00:1450::5efe:10.0.0.1", "2a00:1450::200:5efe:127.0.0.1",
}

var friendly = []string{
	"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "169.253.255.255", "172.15.255.255", "172.32.0.1",
	"192.0.1.1", "192.167.255.255", "198.17.255.255", "198.20.0.1", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450:4001::8a",
	"2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
}

func TestTheGuardKnowsWhatIsPublic(t *testing.T) {
	if len(hostile) < 80 {
		t.Errorf("%d hostile addresses", len(hostile))
	}
	g := guard{}
	for _, a := range hostile {
		if err := g.check(netip.MustParseAddr(a)); !errors.Is(err, errInner) {
			t.Errorf("%s passes", a)
		}
	}
	for _, a := range friendly {
		if err := g.check(netip.MustParseAddr(a)); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	own := guard{deny: []netip.Prefix{netip.MustParsePrefix("8.8.8.0/24"), netip.MustParsePrefix("2a00:1450::/32")}}
	for _, a := range []string{"8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2a00:1450:4001::8a"} {
		if own.check(netip.MustParseAddr(a)) == nil {
			t.Errorf("%s passes, which the operator denies", a)
		}
	}
	development := guard{loopback: true}
	for _, a := range hostile {
		ip := netip.MustParseAddr(a)
		mine := ip.Unmap().IsLoopback() || a == "64:ff9b::127.0.0.1"
		if err := development.check(ip); (err == nil) != mine {
			t.Errorf("in development %s: %v", a, err)
		}
	}
}

func TestEachHostileURLIsRefused(t *testing.T) {
	for _, raw := range []string{
		"", "hook", "//a.example/", "https://", "https:///path", "https:a.example", "http://a.example/", "HTTP://a.example/", "ftp://a.example/",
		"file:///etc/passwd", "gopher://a.example/", "javascript:alert(1)", "unix:///run/docker.sock", "https://user@a.example/", "https://user:pass@a.example/",
		"https://a.example:22/", "https://a.example:25/", "https://a.example:80/", "https://a.example:0/", "https://a.example:65536/", "https://a.example:https/",
		"https://a.example:-1/", "https://[::1/", "https://a b.example/", "https://a.example\r\nHost: b/", "https://%00/", "https://a.example/" + strings.Repeat("a", maxURL),
	} {
		if u, err := (guard{}).parse(raw); err == nil {
			t.Errorf("%q passes as %s", raw, u)
		} else if len(raw) > 10 && strings.Contains(err.Error(), raw) {
			t.Errorf("the error shows %q", raw)
		}
	}
	for _, raw := range []string{"https://a.example", "https://A.Example/x?y=z", "https://a.example:443/", "https://a.example:8443/", "https://[2606:4700::1]/"} {
		if _, err := (guard{}).parse(raw); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
	}
	if _, err := (guard{loopback: true}).parse("http://127.0.0.1:80/"); err != nil {
		t.Errorf("in development: %v", err)
	}
}

// counter is a listener on this machine that counts who connects.
type counter struct {
	port  int
	count atomic.Int64
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{port: l.Addr().(*net.TCPAddr).Port}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.count.Add(1)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return c
}

// names answers every question for an address with those given, in turn: it is a
// name server of somebody who means harm.
func names4(t *testing.T, asked *atomic.Int64, addrs ...string) *net.Resolver {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		query := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(answerTo(query[:n], func() netip.Addr {
				return netip.MustParseAddr(addrs[int(asked.Add(1)-1)%len(addrs)])
			}), from)
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// answerTo answers a DNS question for A, and says that there is nothing else: RFC 1035, 4.1.
func answerTo(query []byte, next func() netip.Addr) []byte {
	end := 12
	for query[end] != 0 {
		end += 1 + int(query[end])
	}
	end += 5
	out := append([]byte{}, query[:end]...)
	binary.BigEndian.PutUint16(out[2:], 0x8180)
	clear(out[6:12])
	if binary.BigEndian.Uint16(query[end-4:]) != 1 {
		return out
	}
	binary.BigEndian.PutUint16(out[6:], 1)
	out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
	a := next().As4()
	return append(out, a[:]...)
}

// guarded makes a dispatcher whose dialer, once the guard has let an address pass,
// counts it and dials nothing: no test goes to the internet.
func guarded(t *testing.T, loopback bool, r *net.Resolver) (d *Dispatcher, passed *atomic.Int64) {
	t.Helper()
	w := newWorld()
	d = w.dispatcher("n1", urls{})
	passed = new(atomic.Int64)
	g := guard{loopback: loopback}
	dialer := g.dialer(r)
	inner := dialer.Control
	dialer.Control = func(network, address string, c syscall.RawConn) error {
		if err := inner(network, address, c); err != nil {
			return err
		}
		if to, err := netip.ParseAddrPort(address); err == nil && to.Addr().Unmap().IsLoopback() {
			return nil // so that the listener counts it
		}
		passed.Add(1)
		return errors.New("this test dials nobody")
	}
	d.client = newClient(dialer, 1)
	return d, passed
}

func post(t *testing.T, d *Dispatcher, url string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), attemptTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	return d.post(r)
}

func TestNoURLReachesThisMachine(t *testing.T) {
	c := newCounter(t)
	port := ":" + strconv.Itoa(c.port)
	var all []string
	for _, a := range hostile {
		host := strings.ReplaceAll(a, "%", "%25")
		if strings.Contains(a, ":") {
			host = "[" + host + "]"
		}
		all = append(all, "http://"+host+port+"/", "https://"+host+port+"/")
	}
	// Forms of 127.0.0.1 that some systems read as such, and names that lead there.
	for _, host := range []string{
		"localhost", "LOCALHOST", "localhost.", "inner.example", "127.0.0.1.example", "127.1", "127.0.1", "0", "0x7f.1", "0x7f000001", "2130706433",
		"017700000001", "0177.0.0.1", "127.0.0.1.", "①②⑦.⓪.⓪.①", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
	} {
		all = append(all, "http://"+host+port+"/", "https://"+host+port+"/")
	}
	var asked atomic.Int64
	d, passed := guarded(t, false, names4(t, &asked, "127.0.0.1"))
	for _, url := range all {
		if err := post(t, d, url); err == nil {
			t.Errorf("%s was told", url)
		}
	}
	if n := c.count.Load(); n != 0 || passed.Load() != 0 {
		t.Errorf("%d of %d URLs connected, %d would have", n, len(all), passed.Load())
	}
	if asked.Load() == 0 {
		t.Error("the name server was never asked: the test shows nothing")
	}
	// The listener does count: in development it is reached.
	d, _ = guarded(t, true, names4(t, &asked, "127.0.0.1"))
	for _, url := range []string{"http://127.0.0.1" + port + "/", "http://inner.example" + port + "/"} {
		_ = post(t, d, url)
	}
	if n := c.count.Load(); n < 2 {
		t.Errorf("%d connections in development: the listener does not count", n)
	}
}

func TestANameThatIsPublicAtFirstAndInnerThenIsHarmless(t *testing.T) {
	c := newCounter(t)
	var asked atomic.Int64
	d, passed := guarded(t, false, names4(t, &asked, "1.1.1.1", "127.0.0.1"))
	url := "https://rebind.example:" + strconv.Itoa(c.port) + "/"
	for range 6 {
		if err := post(t, d, url); err == nil {
			t.Error("somebody was told")
		}
	}
	if c.count.Load() != 0 || passed.Load() != 3 || asked.Load() != 6 {
		t.Errorf("%d connections; of %d answers %d passed, want 0; 6, 3", c.count.Load(), asked.Load(), passed.Load())
	}
}

func TestANameThatCannotBeFoundReachesNobody(t *testing.T) {
	d, passed := guarded(t, false, &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no name server")
	}})
	if err := post(t, d, "https://a.example/?token"); err == nil || passed.Load() != 0 || strings.Contains(err.Error(), "token") {
		t.Errorf("%v", err)
	}
}

func TestNoProxyIsAsked(t *testing.T) {
	// The environment is read once in a process, so a test cannot change it.
	transport, ok := newWorld().dispatcher("n1", urls{}).client.Transport.(*http.Transport)
	if !ok || transport.Proxy != nil {
		t.Error("a proxy dials where the guard does not see it")
	}
}
