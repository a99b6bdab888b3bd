package pages

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign/internal/secret"
	"countersign/internal/verify"
	"countersign/internal/work"
)

// sum is what a browser is to work on before a network that has asked for much gets more.
type sum struct {
	Challenge string
	Bits      int
	In        string         // when to come back without the work
	Channel   verify.Channel // that was asked for
}

// workRange is how far ahead of its free half a network's share can be: half an hour of
// the hour that it is for.
const workRange = 30 * time.Minute

// sum makes what the browser works on for what it asked for last.
func (at *place) sum(r *http.Request, v visit, f flash) (*sum, error) {
	keys := at.p.Keys.Frozen()
	key, err := keys.Sum(keys.Current(), secret.Work)
	if err != nil {
		return nil, err
	}
	wait := time.Duration(f.Wait) * time.Second
	text := work.Challenge(key[:], at.bound(r, v, f), work.Difficulty(wait, workRange), at.p.Now())
	return &sum{text, work.Bits(text), at.words.in(wait), f.Channel}, nil
}

// bound is what the work is done for: this browser in this place, from this network, and
// what it typed, so that done once it is good for one address, which has limits of its own.
func (at *place) bound(r *http.Request, v visit, typed flash) string {
	return strings.Join([]string{at.base, v.Token, at.p.Network(r), typed.Text, typed.Country}, "\x00")
}

// worked says whether a form comes with work that was done for it, or why it does not
// count.
func (at *place) worked(r *http.Request, v visit, a ask, fields url.Values) (bool, *flash) {
	if fields.Get("nonce") == "" {
		return false, nil
	}
	keys := at.p.Keys.Frozen()
	for _, id := range [...]string{keys.Current(), keys.Other()} {
		key, err := keys.Sum(id, secret.Work)
		if id == "" || err != nil {
			continue
		}
		if work.Check(key[:], at.bound(r, v, typedIn(fields)), fields.Get("work"), fields.Get("nonce"), at.p.Now()) == nil {
			return true, nil
		}
	}
	f := typedIn(fields)
	f.Page, f.Say, f.Channel = "/", sayWorkAgain, a.channel
	return false, &f
}
