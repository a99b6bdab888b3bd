package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
)

// maxAnswers is how much a server may say in one conversation, handshake and all:
// the library would read a reply of endless lines into memory.
const maxAnswers = 256 << 10

var errTalkative = errors.New("the server says more than any mail server has to")

// bounded is a connection that gives out after so many bytes.
type bounded struct {
	net.Conn
	left int
}

// Read reads, within the bound.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTalkative
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

var errBroken = errors.New("the connection broke or made no sense")

// reason keeps of an error what is known to be made on our side. Other texts may
// quote the far side, and that may quote us.
func reason(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return ended
	}
	for _, ours := range []error{errNoTLS, errNoLogin, errTalkative} {
		if errors.Is(err, ours) {
			return ours
		}
	}
	var (
		operation   *net.OpError
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		late        net.Error
	)
	switch {
	case errors.As(err, &operation):
		return operation
	case errors.As(err, &name):
		return name
	case errors.As(err, &certificate):
		return certificate
	case errors.As(err, &record):
		return errors.New("the far side does not speak TLS")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case errors.As(err, &late) && late.Timeout():
		return os.ErrDeadlineExceeded
	}
	return errBroken
}
