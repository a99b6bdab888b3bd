package proof

import (
	"net/http"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
)

// Path is where the public keys are served, where RFC 8615 has such things.
const Path = "/.well-known/jwks.json"

// ServeHTTP answers GET with the public halves as a JSON Web Key Set (RFC 7517). Anybody
// may read them, and keep them for five minutes: a key that takes over is in the set from
// the moment on that it is in the ring.
func (s *Signer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	set, err := s.Public()
	var body []byte
	if err == nil {
		body, err = json.Marshal(set)
	}
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/jwk-set+json")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body) // the caller may be gone: nobody to tell
}

// Public returns the public halves, the one that signs first. The error is of package
// secret.
func (s *Signer) Public() (jose.JSONWebKeySet, error) {
	keys := s.Keys.Frozen()
	var set jose.JSONWebKeySet
	for _, ring := range [...]string{keys.Current(), keys.Other()} {
		if ring == "" {
			continue
		}
		key, id, err := private(keys, ring)
		if err != nil {
			return set, err
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: id, Algorithm: string(jose.EdDSA), Use: "sig"})
	}
	return set, nil
}
