package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
)

// work makes the requests. It is shared by all callers of all phases.
type work struct {
	sink    *sink
	numbers numbers
	begun   atomic.Int64 // verifications that the server accepted: as many texts must come
	stock   stock
}

// purchase is a verification in the hands of one caller.
type purchase struct {
	verification []byte
	code         code
	guesses      int
}

// stock holds verifications that were started beforehand, to be guessed at.
type stock struct {
	all   []purchase
	taken atomic.Int64
}

// guessesEach is how many guesses the rules allow. The last is the right one.
const guessesEach = 5

const startPath = "/v2/verifications/sms"

// returnURL is where the sessions of the bench would lead.
const returnURL = "https://app.example.com/back"

var (
	fieldID           = `"id"`
	fieldResponseCode = `"response_code"`
	accepted          = []byte("accepted")
	rejected          = []byte("rejected")
)

// start begins a verification of a fresh number and looks no further.
func (w *work) start(c *caller) error {
	_, err := w.startNumber(c, w.numbers.next())
	return err
}

// startNumber returns the new verification's id, valid until the next request.
func (w *work) startNumber(c *caller, n number) ([]byte, error) {
	status, answer, err := c.postNumber(startPath, n)
	switch {
	case err != nil:
		return nil, fmt.Errorf("start: %w", err)
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		return nil, fmt.Errorf("%w: start: status %d: %s", errRefused, status, clip(answer))
	case status/100 != 2:
		return nil, fmt.Errorf("start: status %d: %s", status, clip(answer))
	}
	id := field(answer, fieldID)
	if len(id) == 0 {
		return nil, fmt.Errorf("start: no id in %s", clip(answer))
	}
	w.begun.Add(1)
	return id, nil
}

// postNumber sends the body of a start.
func (c *caller) postNumber(path string, n number) (int, []byte, error) {
	c.path = append(c.path[:0], path...)
	c.body = append(c.body[:0], `{"phone_number":"`...)
	c.body = append(c.body, n[:]...)
	c.body = append(c.body, `","verify_profile_id":"`+profileID+`"}`...)
	return c.client.post(c.path, c.body)
}

// startAndReceive begins a verification and waits for its text.
func (w *work) startAndReceive(c *caller) (purchase, error) {
	n := w.numbers.next()
	w.sink.expect(n, c.texts)
	answer, err := w.startNumber(c, n)
	if err != nil {
		w.sink.forget(n)
		return purchase{}, err
	}
	id := bytes.Clone(answer)
	select {
	case text := <-c.texts:
		if text.length == 0 {
			return purchase{}, errors.New("a text came without a code")
		}
		return purchase{verification: id, code: text}, nil
	case <-c.giveUp:
		w.sink.forget(n)
		return purchase{}, fmt.Errorf("the text to a number ending in %s did not come", n[10:])
	}
}

// cycle is what a person goes through: start, receive, type the code, be told yes.
func (w *work) cycle(c *caller) error {
	p, err := w.startAndReceive(c)
	if err != nil {
		return err
	}
	return w.check(c, p.verification, p.code.text(), accepted)
}

// check types a code and holds the answer against what it must be.
func (w *work) check(c *caller, id, code, want []byte) error {
	c.path = append(c.path[:0], "/v2/verifications/"...)
	c.path = append(c.path, id...)
	c.path = append(c.path, "/actions/verify"...)
	c.body = append(c.body[:0], `{"code":"`...)
	c.body = append(c.body, code...)
	c.body = append(c.body, `"}`...)
	status, answer, err := c.client.post(c.path, c.body)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if status != http.StatusOK || !bytes.Equal(field(answer, fieldResponseCode), want) {
		return fmt.Errorf("check: status %d, wanted %s: %s", status, want, clip(answer))
	}
	return nil
}

// guess is one check of a verification of the stock: four wrong ones, each of
// which must be rejected, and then the right one, which must be accepted.
func (w *work) guess(c *caller) error {
	p := &c.guessing
	if p.guesses == 0 {
		i := w.stock.taken.Add(1) - 1
		if i >= int64(len(w.stock.all)) {
			return errSoldOut
		}
		*p = w.stock.all[i]
	}
	p.guesses++
	if p.guesses == guessesEach {
		p.guesses = 0
		return w.check(c, p.verification, p.code.text(), accepted)
	}
	wrong := p.code
	last := &wrong.digits[wrong.length-1]
	*last = '0' + (*last-'0'+byte(p.guesses))%10
	return w.check(c, p.verification, wrong.text(), rejected)
}

// floor asks one of the floors what a start asks of the service.
func (w *work) floor(path string) step {
	return func(c *caller) error {
		status, answer, err := c.postNumber(path, w.numbers.next())
		if err != nil {
			return err
		}
		if status != http.StatusOK || len(field(answer, fieldID)) == 0 {
			return fmt.Errorf("floor %s: status %d: %s", path, status, clip(answer))
		}
		return nil
	}
}

// page asks for the first page, as a browser does that has been nowhere yet.
func (w *work) page(c *caller) error { return c.shows("/", "/request") }

// sessionPage asks for the page of a session, of which each caller has one.
func (w *work) sessionPage(c *caller) error {
	if c.link == "" {
		c.body = append(c.body[:0], `{"verify_profile_id":"`+profileID+`","return_url":"`+returnURL+`","phone_number":"+447400123456"}`...)
		status, answer, err := c.client.post([]byte("/v2/verification_sessions"), c.body)
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("session: status %d, %w: %s", status, err, clip(answer))
		}
		_, c.link, _ = strings.Cut(string(field(answer, `"url"`)), "/s/")
	}
	return c.shows("/s/"+c.link, c.link+"/request")
}

// shows asks for a page and looks for the form in it.
func (c *caller) shows(path, action string) error {
	status, answer, err := c.client.get(path)
	if err != nil {
		return err
	}
	if status != http.StatusOK || !bytes.Contains(answer, []byte(`action="`)) || !bytes.Contains(answer, []byte(action)) {
		return fmt.Errorf("page %s: status %d: %s", path, status, clip(answer))
	}
	return nil
}

// clip shortens an answer for an error message.
func clip(answer []byte) []byte { return bytes.TrimSpace(answer[:min(len(answer), 300)]) }
