package smtp

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"

	"countersign/internal/verify"
)

// reply is the server's word that made the fault, or nil if it gave none.
func (f *fault) reply() *textproto.Error {
	reply, _ := errors.AsType[*textproto.Error](f.err)
	return reply
}

// refusal sorts the fault. A connection that is lost is ambiguous at one place
// alone: when the end of the letter was sent and its reply did not come.
func (f *fault) refusal(ctx context.Context, m verify.Message) *verify.SendError {
	reply := f.reply()
	if reply == nil {
		class := verify.Temporary
		if errors.Is(f.err, errNoLogin) {
			class = verify.Credentials
		}
		return &verify.SendError{
			Class:     class,
			Ambiguous: f.at == ending,
			Err:       fmt.Errorf("smtp: no answer to %s: %w", f.at, reason(ctx, f.err)),
		}
	}
	enhanced := status(reply.Msg)
	e := &verify.SendError{Class: classOf(f.at, reply.Code, enhanced)}
	if reply.Code < 400 || reply.Code > 599 {
		// No such reply exists here: at the end of a letter it may mean anything.
		e.Class, e.Ambiguous = verify.UnknownClass, f.at == ending
	}
	e.Err = errors.New("smtp: answered " + shown(m, strconv.Itoa(reply.Code), enhanced) + " to " + string(f.at))
	return e
}

// classOf sorts a reply. An enhanced code (RFC 3463) outranks the basic one, which
// means something else at each stage and on each server.
func classOf(at stage, code int, enhanced string) verify.Class {
	switch {
	case code/100 == 4:
		if enhanced == "4.7.28" { // too much mail of one sender (Gmail; IANA registry)
			return verify.Throttled
		}
		return verify.Temporary
	case at == loggingIn, code == 530, code == 534, code == 535, code == 538:
		return verify.Credentials // RFC 4954, 6
	}
	if class, ok := byStatus[enhanced]; ok {
		return class
	}
	if strings.HasPrefix(enhanced, "5.7.") {
		return verify.Filtered // security or policy: blocklists, content, DMARC
	}
	return byCode(at, code)
}

// byStatus holds the permanent codes of RFC 3463, 3.2 and 3.3, and of RFC 7505
// that speak of one of the two addresses.
var byStatus = map[string]verify.Class{
	"5.1.0":  verify.BadNumber,
	"5.1.1":  verify.BadNumber,
	"5.1.2":  verify.BadNumber,
	"5.1.3":  verify.BadNumber,
	"5.1.6":  verify.BadNumber, // moved, and nobody says where to
	"5.1.10": verify.BadNumber, // its domain says that it takes no mail
	"5.2.1":  verify.BadNumber, // disabled

	"5.1.7":  verify.SenderUnready,
	"5.1.8":  verify.SenderUnready,
	"5.7.27": verify.SenderUnready, // the sender's domain says that it takes no mail
}

// byCode goes by the stage: what RCPT refuses is the address, what MAIL refuses is
// ours, and what the end of a letter refuses is the letter.
func byCode(at stage, code int) verify.Class {
	named := code == 501 || code == 550 || code == 551 || code == 553 || code == 556
	switch {
	case at == asking && named:
		return verify.BadNumber
	case at == naming && named:
		return verify.SenderUnready
	case at == asking && code == 554, at == ending && (code == 550 || code == 552 || code == 554):
		return verify.Filtered
	case at == ending && (code == 551 || code == 553):
		return verify.BadNumber
	}
	return verify.UnknownClass
}

var statusShape = regexp.MustCompile(`^[45]\.[0-9]\.[0-9]{1,2}\b`)

// status finds the enhanced code at the head of a reply.
func status(text string) string { return statusShape.FindString(text) }

// shown writes the two codes, and leaves the enhanced one out if its digits stand
// in what was sent: then it may be an echo.
func shown(m verify.Message, code, enhanced string) string {
	digits := strings.ReplaceAll(enhanced, ".", "")
	if enhanced == "" || strings.Contains(m.Text.Reveal(), digits) || strings.Contains(m.To.Text(), digits) {
		return code
	}
	return code + " " + enhanced
}
