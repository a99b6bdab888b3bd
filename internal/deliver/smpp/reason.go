package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
)

// silence is that an answer did not come.
type silence struct {
	to  string
	why error
}

// Error says what was asked and why there is no answer.
func (s *silence) Error() string { return "no answer to " + s.to + ": " + s.why.Error() }

// Unwrap returns why there is none.
func (s *silence) Unwrap() error { return s.why }

var errBroken = errors.New("the connection broke or made no sense")

// reason keeps of an error what is known to be made on our side. Other texts may
// quote the far side, and that may quote us.
func reason(err error) error {
	for _, ours := range []error{
		context.Canceled, context.DeadlineExceeded, errClosed, errUnbound, errSilent, errStuck, errAnswer, errForgot, errLength,
	} {
		if errors.Is(err, ours) {
			return ours
		}
	}
	var (
		answer      refused
		operation   *net.OpError
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		late        net.Error
	)
	switch {
	case errors.As(err, &answer):
		return answer
	case errors.As(err, &certificate):
		return certificate
	case errors.As(err, &record):
		return errors.New("the far side does not speak TLS")
	case errors.As(err, &operation):
		return operation
	case errors.As(err, &name):
		return name
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case errors.As(err, &late) && late.Timeout():
		return os.ErrDeadlineExceeded
	}
	return errBroken
}
