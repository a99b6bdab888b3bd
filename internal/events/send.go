package events

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"countersign/internal/verify"
)

const (
	// attemptTime is what a receiver has for its answer, names and handshakes included:
	// https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks.
	attemptTime = 2 * time.Second
	maxAnswer   = 4 << 10
	maxHeader   = 16 << 10
)

// newClient makes the client that speaks to receivers: it goes through no proxy, which
// would dial unguarded, and follows no redirect, which could lead anywhere.
func newClient(dialer *net.Dialer, each int) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               nil,
			DialContext:         dialer.DialContext,
			MaxIdleConnsPerHost: each, MaxIdleConns: 64, IdleConnTimeout: 30 * time.Second,
			MaxResponseHeaderBytes: maxHeader, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

var errStatus = errors.New("the receiver answered with another status than 2xx")

// tell makes one attempt and returns what came of it.
func (d *Dispatcher) tell(j verify.EventJob, to target) verify.ReportEvent {
	report := verify.ReportEvent{Key: j.Event.Key, Of: to.of}
	ctx, cancel := context.WithTimeout(d.ctx, attemptTime)
	defer cancel()
	r, err := d.request(ctx, j, to)
	if err != nil {
		d.Log.Error("an event could not be made up", "event", j.Event.Key.ID().String(), "cause", err)
		report.PutOff = putOff // the receiver is not to lose an attempt for it
		return report
	}
	err = d.post(r)
	d.note(j, err)
	report.Done = err == nil
	return report
}

// request makes up what an attempt sends.
func (d *Dispatcher) request(ctx context.Context, j verify.EventJob, to target) (*http.Request, error) {
	now := d.Now()
	body, err := render(j, d.Keys, to.url, now)
	if err != nil {
		return nil, err
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	signature, err := d.Signer.Sign(ctx, stamp, body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.url, bytes.NewReader(body))
	if err != nil {
		return nil, errURL // the error of net/http holds the URL
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Countersign")
	r.Header.Set("Telnyx-Timestamp", stamp)
	r.Header.Set("Telnyx-Signature-Ed25519", signature)
	return r, nil
}

// post sends a request. Its errors hold no URL.
func (d *Dispatcher) post(r *http.Request) error {
	answer, err := d.client.Do(r)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	// What it says is of no use, but a connection can be used again that was read to its
	// end.
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer)
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("%w: %d", errStatus, answer.StatusCode)
	}
	return nil
}
