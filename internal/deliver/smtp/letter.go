package smtp

import (
	"bytes"
	"errors"
	"strings"

	"github.com/wneessen/go-mail"

	"countersign/internal/verify"
)

var (
	errNoMailbox  = errors.New("smtp: the message is for no e-mail address")
	errNotWritten = errors.New("smtp: the letter cannot be written")
)

// write makes the whole letter, headers and text. It is made before anybody is
// dialled, so that nothing of ours can fail in the middle of a conversation.
func (s *settings) write(m verify.Message) ([]byte, error) {
	letter := mail.NewMsg(mail.WithCharset(mail.CharsetUTF8), mail.WithEncoding(mail.EncodingQP), mail.WithNoDefaultUserAgent())
	if err := errors.Join(letter.From(s.from), letter.To(m.To.Text())); err != nil {
		return nil, err
	}
	letter.Subject(oneLine(m.Subject))
	letter.SetMessageIDWithValue(s.messageID(m))
	if s.now != nil {
		letter.SetDateWithValue(s.now())
	}
	// So that no out-of-office note comes back (RFC 3834, 5).
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.SetBodyString(mail.TypeTextPlain, m.Text.Reveal())
	var out bytes.Buffer
	_, err := letter.WriteTo(&out)
	return out.Bytes(), err
}

// messageID is the same over all attempts at a message, and another for each
// resend: a mail program that meets one id twice shows one letter.
func (s *settings) messageID(m verify.Message) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(atoms, r) {
			return r
		}
		return '.'
	}, m.ID) + "@" + s.domain
}

const atoms = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"

// oneLine keeps a subject from beginning another header.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}
