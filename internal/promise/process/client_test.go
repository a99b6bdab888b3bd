//go:build unix

package process

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"syscall"
	"time"
)

// call is one request, as an application means it: it is made again until it is
// answered.
type call struct {
	method, path string
	body         map[string]string
	key          string // Idempotency-Key; empty: none
	profile      bool   // the body names the profile
}

func startOf(number, key string) call {
	return call{http.MethodPost, "/v2/verifications/sms", map[string]string{"phone_number": number}, key, true}
}

func checkOf(id, code, key string) call {
	return call{http.MethodPost, "/v2/verifications/" + id + "/actions/verify", map[string]string{"code": code}, key, false}
}

func lookAt(id string) call { return call{method: http.MethodGet, path: "/v2/verifications/" + id} }

// answer is what came of a call.
type answer struct {
	status int
	node   *node
	cuts   int       // how often it was asked before and not answered: it may have been carried out
	asked  time.Time // when the request that was answered was made
	text   []byte
	data   struct {
		ID           string
		Status       string
		CreatedAt    string `json:"created_at"`
		ResponseCode string `json:"response_code"`
		Reason       string
	}
}

func (a answer) String() string { return fmt.Sprintf("%d %s (cut %d times)", a.status, a.text, a.cuts) }

// said is the response code of a check with its reason, or else the status.
func (a answer) said() string {
	switch {
	case a.status != http.StatusOK:
		return a.String()
	case a.data.Reason != "":
		return a.data.Reason
	}
	return a.data.ResponseCode
}

// figures are what clients met, for the line that a test prints.
type figures struct{ refused, cut, unavailable atomic.Int64 }

// client talks to the nodes of a cluster as an application behind a balancer does:
// who is refused, cut off before an answer, or told 503 goes to another node.
type client struct {
	*cluster
	http *http.Client
	met  *figures
}

func newClient(c *cluster, met *figures, fresh bool) *client {
	return &client{c, &http.Client{Transport: &http.Transport{DisableKeepAlives: fresh, MaxIdleConnsPerHost: 1}}, met}
}

// errHalf is what no application can ask again after: something was told, and not what.
var errHalf = errors.New("an answer was broken off in the middle")

// do asks until a node answers. The error is the context's, or that half an
// answer came.
func (c *client) do(ctx context.Context, q call) (answer, error) {
	var last *node
	cuts := 0
	for {
		n, err := c.another(ctx, last)
		if err != nil {
			return answer{}, fmt.Errorf("no node answers %s %s: %w", q.method, q.path, err)
		}
		a, err := c.ask(ctx, n, q)
		a.cuts = cuts
		switch {
		case errors.Is(err, errHalf) && !n.killed.Load():
			return a, err
		case errors.Is(err, syscall.ECONNREFUSED):
			c.met.refused.Add(1)
		case err != nil:
			c.met.cut.Add(1)
			cuts++
		case a.status == http.StatusServiceUnavailable:
			c.met.unavailable.Add(1)
			cuts++
		default:
			return a, nil
		}
		last = n
	}
}

// ask makes one request of one node.
func (c *client) ask(ctx context.Context, n *node, q call) (answer, error) {
	a := answer{node: n}
	req, err := request(ctx, n, q)
	if err != nil {
		return a, err
	}
	trace := &httptrace.ClientTrace{WroteRequest: func(info httptrace.WroteRequestInfo) {
		if info.Err == nil {
			c.watch.see(asked, n)
		}
	}, GotFirstResponseByte: func() { c.watch.see(answered, n) }}
	a.asked = time.Now().UTC()
	res, err := c.http.Do(req.WithContext(httptrace.WithClientTrace(ctx, trace)))
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	a.status = res.StatusCode
	if a.text, err = io.ReadAll(res.Body); err != nil {
		return a, fmt.Errorf("%w: %w", errHalf, err)
	}
	var envelope struct{ Data any }
	envelope.Data = &a.data
	if err := json.Unmarshal(a.text, &envelope); err != nil {
		return a, fmt.Errorf("%w: %w", errHalf, err)
	}
	return a, nil
}

func request(ctx context.Context, n *node, q call) (*http.Request, error) {
	var body io.Reader
	if q.body != nil {
		fields := map[string]string{}
		for k, v := range q.body {
			fields[k] = v
		}
		if q.profile {
			fields["verify_profile_id"] = n.profile
		}
		text, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, n.url+q.path, body)
	if err != nil {
		return nil, err
	}
	req.GetBody = nil // the standard client would make some requests again behind our back
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Content-Type", "application/json")
	if q.key != "" {
		req.Header.Set("Idempotency-Key", q.key)
	}
	return req, nil
}
