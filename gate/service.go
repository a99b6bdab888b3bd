package gate

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
)

// Bounds of a call to the service.
const (
	callTimeout = 10 * time.Second
	maxAnswer   = 64 << 10
)

// service is Countersign, as an application calls it.
type service struct {
	base, key string
	client    *http.Client
}

// newClient has a transport of its own, and follows no redirect: the API key goes to
// the address that was configured and nowhere else.
func newClient() *http.Client {
	return &http.Client{
		Timeout: callTimeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: callTimeout, ResponseHeaderTimeout: callTimeout,
			MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxAnswer,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type sessionRequest struct {
	Profile     string   `json:"verify_profile_id"`
	Channels    []string `json:"channels,omitempty"`
	PhoneNumber string   `json:"phone_number,omitempty"`
	Email       string   `json:"email,omitempty"`
	ReturnURL   string   `json:"return_url"`
	State       string   `json:"state"`
	Locale      string   `json:"locale,omitempty"`
	Purpose     string   `json:"purpose,omitempty"`
	Share       bool     `json:"share_address,omitzero"`
}

type session struct {
	ID  string `json:"id"`
	URL string `json:"url"`
}

// open makes a session.
func (s service) open(ctx context.Context, req sessionRequest) (session, error) {
	var out struct {
		Data session `json:"data"`
	}
	err := s.post(ctx, "/v2/verification_sessions", req, &out)
	return out.Data, err
}

// redeem hands a proof in that is known to be good. The error is ErrUsed if the service
// had it before.
func (s service) redeem(ctx context.Context, id, proof string) error {
	var out struct {
		Data struct {
			ID string `json:"jti"`
		} `json:"data"`
	}
	body := struct {
		Proof string `json:"proof"`
	}{proof}
	err := s.post(ctx, "/v2/verification_sessions/"+url.PathEscape(id)+"/redeem", body, &out)
	if refused, ok := errors.AsType[*ServiceError](err); ok && refused.Status == http.StatusUnprocessableEntity {
		return ErrUsed
	}
	if err == nil && out.Data.ID != id {
		return &ServiceError{Detail: "it redeemed another proof"}
	}
	return err
}

// keys fetches the keys that proofs are signed with.
func (s service) keys(ctx context.Context) ([]signingKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/.well-known/jwks.json", nil)
	if err != nil {
		return nil, err
	}
	body, err := s.do(req)
	if err != nil {
		return nil, err
	}
	keys, err := signingKeys(body)
	if err != nil || len(keys) == 0 {
		return nil, &ServiceError{Detail: "it shows no key for proofs", cause: err}
	}
	return keys, nil
}

func (s service) post(ctx context.Context, path string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	req.Header.Set("Content-Type", "application/json")
	body, err := s.do(req)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, out); err != nil {
		return &ServiceError{Detail: "its answer cannot be read", cause: err}
	}
	return nil
}

// do is the body of an answer of 200, or a ServiceError.
func (s service) do(req *http.Request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(req.Context(), callTimeout) // for a client without one
	defer cancel()
	req = req.WithContext(ctx)
	req.Header.Set("Accept", "application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return nil, &ServiceError{cause: err}
	}
	defer func() { _ = res.Body.Close() }() // what matters of it was read
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, &ServiceError{cause: err}
	}
	if len(body) > maxAnswer {
		return nil, &ServiceError{Detail: "its answer is too long"}
	}
	if res.StatusCode != http.StatusOK {
		return nil, refusal(res, body)
	}
	return body, nil
}

// refusal reads the error envelope; what is not one is not shown.
func refusal(res *http.Response, body []byte) *ServiceError {
	out := &ServiceError{Status: res.StatusCode}
	var envelope struct {
		Errors []struct {
			Code   string `json:"code"`
			Detail string `json:"detail"`
			Source struct {
				Pointer string `json:"pointer"`
			} `json:"source"`
		} `json:"errors"`
	}
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if media == "application/json" && json.Unmarshal(body, &envelope) == nil && len(envelope.Errors) > 0 {
		e := envelope.Errors[0]
		out.Code, out.Detail, out.Pointer = e.Code, e.Detail, e.Source.Pointer
	}
	return out
}
