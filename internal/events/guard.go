package events

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
)

// guard keeps receivers out of the inner network. Names prove nothing, since whoever
// owns one may have it lead anywhere, and elsewhere at each question. So the address is
// checked at the last moment, when the socket is made and nothing is sent yet.
type guard struct {
	loopback bool // this machine is allowed, and no TLS
	deny     []netip.Prefix
}

// Errors of this package's guard. None holds a URL.
var (
	errURL   = errors.New("the webhook's URL must be https://host/… with port 443 or one above 1023, without user name and password")
	errInner = errors.New("the webhook leads to an address that is not on the public internet")
)

const maxURL = 2048

// parse refuses URLs that nobody should be told anything at.
func (g guard) parse(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || len(raw) > maxURL || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return nil, errURL
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !g.loopback) {
		return nil, errURL
	}
	// The well-known ports below 1024 are those of services that a request could be
	// taken for a command of: mail, for one.
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n != 443 && n < 1024 && (!g.loopback || n != 80) {
			return nil, errURL
		}
	}
	u.Host = strings.ToLower(u.Host)
	return u, nil
}

// dialer dials what the guard lets pass.
func (g guard) dialer(r *net.Resolver) *net.Dialer {
	return &net.Dialer{Timeout: attemptTime, Resolver: r, Control: g.control}
}

// control is called with the address that is about to be dialled.
func (g guard) control(network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return errInner
	}
	return g.check(to.Addr())
}

// check refuses addresses that are not on the public internet, in whatever form they
// come. What is not known to be public is not.
func (g guard) check(a netip.Addr) error {
	if a.Zone() != "" {
		return fmt.Errorf("%w: it is of one link", errInner)
	}
	plain := unwrap(a)
	for _, p := range g.deny {
		if p.Contains(a) || p.Contains(plain) {
			return fmt.Errorf("%w: the operator denies it", errInner)
		}
	}
	if plain.IsLoopback() && g.loopback {
		return nil
	}
	if plain.Is6() && !public6.Contains(plain) {
		return errInner
	}
	for _, p := range inner {
		if p.Contains(plain) {
			return errInner
		}
	}
	if plain.Is6() && isatap(plain) {
		return errInner
	}
	return nil
}

// nat64 is the prefix under which a translator reaches IPv4: RFC 6052, 2.1.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// unwrap returns the IPv4 address that a packet to an IPv6 one ends at, where that is
// how networks that are right in everything else reach IPv4. Other embeddings (6to4,
// Teredo, …) are for tunnels that nobody needs: they are refused as they are.
func unwrap(a netip.Addr) netip.Addr {
	if a = a.Unmap(); nat64.Contains(a) {
		b := a.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

// isatap says whether the address is of a tunnel to the IPv4 address in its last four
// bytes: RFC 5214, 6.1.
func isatap(a netip.Addr) bool {
	b := a.As16()
	id := binary.BigEndian.Uint32(b[8:12])
	return id == 0x00005efe || id == 0x02005efe
}

// public6 is all that IPv6 has given out so far.
var public6 = netip.MustParsePrefix("2000::/3")

// inner are the networks that are not the public internet: the IANA special-purpose
// registries for IPv4 and, within public6, for IPv6, and what clouds keep behind an
// address that looks public.
var inner = prefixes(
	"0.0.0.0/8",        // this network: RFC 791
	"10.0.0.0/8",       // private: RFC 1918
	"100.64.0.0/10",    // shared, of carrier-grade NAT: RFC 6598; 100.100.100.200 is metadata at Alibaba
	"127.0.0.0/8",      // loopback: RFC 1122
	"169.254.0.0/16",   // link-local: RFC 3927; 169.254.169.254 is metadata nearly everywhere
	"172.16.0.0/12",    // private: RFC 1918
	"192.0.0.0/24",     // IETF protocols: RFC 6890; 192.0.0.192 is metadata at Oracle
	"192.0.2.0/24",     // documentation: RFC 5737
	"192.31.196.0/24",  // AS112: RFC 7535
	"192.52.193.0/24",  // AMT: RFC 7450
	"192.88.99.0/24",   // 6to4 relays: RFC 7526
	"192.168.0.0/16",   // private: RFC 1918
	"192.175.48.0/24",  // AS112: RFC 7534
	"198.18.0.0/15",    // benchmarks: RFC 2544
	"198.51.100.0/24",  // documentation: RFC 5737
	"203.0.113.0/24",   // documentation: RFC 5737
	"224.0.0.0/4",      // multicast: RFC 5771
	"240.0.0.0/4",      // reserved, and broadcast: RFC 1112, RFC 919
	"168.63.129.16/32", // what Azure answers its machines at

	"2001::/23",         // IETF protocols, Teredo, benchmarks, ORCHID: RFC 2928, RFC 4380
	"2001:db8::/32",     // documentation: RFC 3849
	"2002::/16",         // 6to4: RFC 3056
	"2620:4f:8000::/48", // AS112: RFC 7534
	"3fff::/20",         // documentation: RFC 9637
)

func prefixes(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, t := range texts {
		out = append(out, netip.MustParsePrefix(t))
	}
	return out
}
