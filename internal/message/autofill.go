package message

import (
	"errors"
	"strings"
)

// retrieverBytes is the longest text in which Android's SMS Retriever looks for a hash
// (developers.google.com/identity/sms-retriever/verify).
const retrieverBytes = 140

// ErrHost is why a text is not a host.
var ErrHost = errors.New("message: not the name of a host such as login.example.com, without https://, port or path, and in its ASCII form")

// Host takes what an operator writes for Values.Domain: the host name of the page
// into which the code is typed, or a parent of it. It comes out in lower case. The
// error is ErrHost.
func Host(text string) (string, error) {
	host := strings.ToLower(strings.TrimSpace(text))
	if len(host) > 253 {
		return "", ErrHost
	}
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	if len(labels) < 2 && host != "localhost" || strings.Trim(last, "0123456789") == "" {
		return "", ErrHost // an address of IPv4 has no site that a page could belong to
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || strings.IndexFunc(l, beyondLDH) >= 0 {
			return "", ErrHost
		}
	}
	return host, nil
}

func beyondLDH(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }

// lastLine is what phones read of a text, with the line feed before it.
//
// For a page it is "@host #code": wicg.github.io/sms-one-time-codes, section 3, of
// which Apple's and Chrome's are readers. For an app of Android it is the hash. Where
// both are asked for, the hash follows the code: the format ignores what comes after
// it, and the SMS Retriever finds the hash where it always stood, at the end. Should
// the page alone make the text too long for the Retriever, it is left out, since who
// started the verification named the app and the page is only the profile's.
//
// What is neither a host nor a hash, however it came here, gets into no text.
func lastLine(text string, v Values) string {
	page, app := "", ""
	if host, err := Host(v.Domain); err == nil && v.Code.Text() != "" {
		page = "@" + host + " #" + v.Code.Text()
	}
	if retrievable(v.AppHash) {
		app = v.AppHash
	}
	fits := func(line string) bool { return len(text)+len(line) <= retrieverBytes }
	switch both := "\n" + page + " " + app; {
	case page == "" && app == "":
		return ""
	case app == "":
		return "\n" + page
	case page == "", fits("\n"+app) && !fits(both):
		return "\n" + app
	default:
		return both
	}
}

// retrievable says whether hash is 11 characters of Base64, as the SMS Retriever's are.
func retrievable(hash string) bool {
	return len(hash) == 11 && strings.IndexFunc(hash, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '+' && r != '/'
	}) < 0
}
