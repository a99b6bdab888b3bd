package post

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// newTransport makes connections that nobody else uses. Time is bounded by each
// Send's context.
func newTransport() *http.Transport {
	dialer := &net.Dialer{KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		DialContext:       dialer.DialContext,
		ForceAttemptHTTP2: true,
		// The default of 2 would dial anew for nearly every message of a burst.
		MaxIdleConnsPerHost: 128,
		// Shorter than servers usually wait: a connection that the far side closes
		// as we write leaves us not knowing whether the message was taken.
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: maxAnswer,
		// Without it, messages would go on into a dead HTTP/2 connection.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
	}
}

// letter is the body of a request that knows whether any of it was ever read.
// A carrier cannot have taken a message that nobody took from us; this holds for
// every http.RoundTripper, where httptrace speaks for some only.
type letter struct {
	text  []byte
	state atomic.Int32
}

const (
	untouched int32 = iota
	opened
	sealed
)

// open returns a reader of the whole text, as http.Request.GetBody does.
func (l *letter) open() (io.ReadCloser, error) {
	return io.NopCloser(&letterReader{l, bytes.NewReader(l.text)}), nil
}

// seal says whether nothing was read, and sees to it that nothing will be: a
// transport may still be writing when a round trip has already been given up.
func (l *letter) seal() bool { return l.state.CompareAndSwap(untouched, sealed) }

type letterReader struct {
	letter *letter
	rest   *bytes.Reader
}

var errSealed = errors.New("post: the request was given up")

func (r *letterReader) Read(p []byte) (int, error) {
	if !r.letter.state.CompareAndSwap(untouched, opened) && r.letter.state.Load() == sealed {
		return 0, errSealed
	}
	return r.rest.Read(p)
}

var errBroken = errors.New("the connection broke or made no sense")

// reason keeps of a transport's error what is known to be made on our side. Other
// texts may quote the far side, and that may quote us.
func reason(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return ended
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
	case errors.Is(err, http.ErrSchemeMismatch):
		return http.ErrSchemeMismatch
	case errors.As(err, &record):
		return errors.New("the far side does not speak TLS")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case errors.As(err, &late) && late.Timeout():
		return os.ErrDeadlineExceeded
	}
	return errBroken
}
