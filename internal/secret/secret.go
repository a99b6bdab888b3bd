// Package secret holds the keys that make a stolen database worthless: it
// derives one-time codes, hashes addresses and seals what must be read again.
//
// The one idea: a Ring is one 256-bit key with a short id, or two while one of them
// takes over from the other. The current key is used for whatever is new, and
// every row remembers the id of the key that made it. Each use has its own keys or its own label in the hash (HKDF, RFC 5869, for
// what is sealed; HMAC with the use and the length of every part for what is
// hashed or drawn), so that what one use gives away says nothing about another.
// The package knows nothing of files or environments, and nothing of its keys can
// be printed.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Use names what a key is used for.
type Use string

// The uses.
const (
	Code    Use = "code"    // codes are drawn from it
	Address Use = "address" // addresses are found by it
	Row     Use = "row"     // columns of the database are sealed with it
	Page    Use = "page"    // cookies of the pages are sealed with it
	API     Use = "api"     // the development API key is derived from it
	Link    Use = "link"    // links to the pages of a session are made with it
	Proof   Use = "proof"   // keys that sign proofs are derived from it
	Work    Use = "work"    // what a browser is to work on is made with it

	markUse Use = "mark"
)

// Errors of this package.
var (
	ErrFormat = errors.New("secret: a key ring has one or two lines of the form «id base64» or «id base64 from=INSTANT», each key 32 bytes")
	ErrKey    = errors.New("secret: no key of that id in the ring")
	ErrSealed = errors.New("secret: sealed value was changed, moved, or made with another key")
)

const keySize = 32

// Sum returns a keyed hash of parts, under a key for that use. Parts cannot be
// shifted into each other: each goes in with its length. The error is ErrKey.
func (r *Ring) Sum(id string, use Use, parts ...string) ([32]byte, error) {
	mac, err := r.mac(id, use, parts)
	if err != nil {
		return [32]byte{}, err
	}
	var out [32]byte
	mac.Sum(out[:0])
	return out, nil
}

// Stream returns uniform bytes without end that depend on the key, the use and
// the parts alone. The error is ErrKey.
func (r *Ring) Stream(id string, use Use, parts ...string) (io.Reader, error) {
	if _, ok := r.key(id); !ok {
		return nil, ErrKey
	}
	return &stream{ring: r, id: id, use: use, parts: append(parts, "")}, nil
}

type stream struct {
	ring  *Ring
	id    string
	use   Use
	parts []string
	block uint64
	rest  []byte
	sum   [32]byte
}

func (s *stream) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		s.parts[len(s.parts)-1] = string(binary.BigEndian.AppendUint64(nil, s.block))
		sum, err := s.ring.Sum(s.id, s.use, s.parts...)
		if err != nil {
			return 0, err
		}
		s.block++
		s.sum = sum
		s.rest = s.sum[:]
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (r *Ring) mac(id string, use Use, parts []string) (hash.Hash, error) {
	key, ok := r.key(id)
	if !ok {
		return nil, ErrKey
	}
	mac := hmac.New(sha256.New, key())
	write(mac, "countersign 1 "+string(use))
	for _, p := range parts {
		write(mac, p)
	}
	return mac, nil
}

func write(h hash.Hash, part string) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(part)))
	_, _ = h.Write(length[:])
	_, _ = io.WriteString(h, part)
}

// Seal encrypts plain with the current key (AES-256-GCM, random nonce, a derived
// key for each combination of use and place). It can be opened only with the same
// use and place, so a value moved to another row opens no more.
func (r *Ring) Seal(use Use, place string, plain []byte) ([]byte, error) {
	id := r.Current()
	aead, err := r.aead(id, use, place)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, 1+len(id)+aead.NonceSize()+len(plain)+aead.Overhead())
	out = append(append(out, byte(len(id))), id...)
	nonce := out[len(out) : len(out)+aead.NonceSize()]
	_, _ = rand.Read(nonce) // never fails, as above
	out = out[:len(out)+len(nonce)]
	return aead.Seal(out, nonce, plain, []byte(place)), nil
}

// Open undoes Seal. The error is ErrSealed, or ErrKey if the ring has lost the key.
func (r *Ring) Open(use Use, place string, sealed []byte) ([]byte, error) {
	id, rest, ok := sealedWith(sealed)
	if !ok {
		return nil, ErrSealed
	}
	aead, err := r.aead(id, use, place)
	if err != nil {
		return nil, err
	}
	if len(rest) < aead.NonceSize() {
		return nil, ErrSealed
	}
	plain, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], []byte(place))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func sealedWith(sealed []byte) (id string, rest []byte, ok bool) {
	if len(sealed) == 0 || len(sealed) < 1+int(sealed[0]) {
		return "", nil, false
	}
	n := 1 + int(sealed[0])
	return string(sealed[1:n]), sealed[n:], true
}

func (r *Ring) aead(id string, use Use, place string) (cipher.AEAD, error) {
	key, ok := r.key(id)
	if !ok {
		return nil, ErrKey
	}
	derived, err := hkdf.Expand(sha256.New, key(), "countersign 1 seal "+string(use)+"\x00"+place, keySize)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	return aead, nil
}
