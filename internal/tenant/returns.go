package tenant

import (
	"net/netip"
	"net/url"
	"path"
	"strings"

	"countersign/internal/verify"
)

// maxReturnURLs is far more than a profile's applications have.
const maxReturnURLs = 20

// ReturnURLs refuses addresses that a person must not be sent to from a page of ours.
// Sessions compare to the letter, so that what is refused here is what two programs
// could read in two ways. Refusals: Invalid (return_urls).
func ReturnURLs(all []string) error {
	if len(all) > maxReturnURLs {
		return invalid(verify.FieldReturnURLs, "must be at most %d", maxReturnURLs)
	}
	for i, text := range all {
		if reason := badReturnURL(text); reason != "" { // the address itself may hold a password
			return invalid(verify.FieldReturnURLs, "%s (number %d of the list)", reason, i+1)
		}
	}
	return nil
}

// badReturnURL says why an address will not do; "" if it will.
func badReturnURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case len(text) > MaxURL:
		return "must have at most 2000 bytes each"
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }):
		return "must be plain ASCII without spaces and backslashes; write other letters as the browser sends them"
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return "must be whole addresses, such as https://example.com/signed-in"
	case u.User != nil:
		return "must hold neither a user name nor a password"
	case strings.ContainsRune(text, '#'):
		return "must have no fragment (#)"
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return "must begin with https://; http:// will do for this machine alone (127.0.0.1, localhost)"
	case u.String() != text || u.Host != strings.ToLower(u.Host) || strings.HasSuffix(u.Hostname(), ".") || strings.HasSuffix(u.Host, ":"):
		return "must be written as a browser writes them: scheme and host in small letters, nothing escaped that need not be"
	case !plainHost(u.Hostname()):
		return "must have a host of letters, digits, dots and hyphens, or an address of numbers"
	case !plainPath(u.EscapedPath()):
		return "must have a path without //, /./, /../ and escaped slashes"
	}
	for _, name := range []string{"session_id", "state", "proof", "error"} {
		if u.Query().Has(name) {
			return "must not have a parameter " + name + ": it is added when the person comes back"
		}
	}
	return ""
}

// plainHost says whether a host is a name or a number and nothing else.
func plainHost(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Zone() == ""
	}
	return strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-._") == ""
}

// plainPath says whether servers agree on what a path means.
func plainPath(p string) bool {
	if p == "" || p == "/" {
		return true
	}
	low := strings.ToLower(p)
	for _, hidden := range []string{"%2f", "%5c", "%2e", "%00"} {
		if strings.Contains(low, hidden) {
			return false
		}
	}
	return path.Clean(p) == strings.TrimSuffix(p, "/")
}
