// Package work is a step that costs a machine something and a person nothing: a browser
// finds a number whose hash with a challenge begins with zero bits, before a network that
// has asked for much gets more.
//
// The one idea is that nothing is stored. A challenge is text with a keyed hash over what
// it is bound to (a browser, an address, a network), so that only the service makes one
// and only who was given it can hand it in. It can be handed in more than once until it
// expires: for one address, whose own limit holds, so that a second time buys nothing.
//
// What it is worth: a second of a telephone's time for each code, which nobody notices,
// and for a machine that asks for thousands the price of as many seconds. It is no wall:
// limits are, and they stand elsewhere.
package work

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// The difficulty, in bits: 2^Least hashes on average, to 2^Most.
const (
	Least = 15
	Most  = 20
)

// Validity is how long a challenge is good: the slowest telephone is through sooner.
const Validity = 5 * time.Minute

// Errors of Check.
var (
	ErrForged  = errors.New("work: the challenge is not ours, or for something else")
	ErrExpired = errors.New("work: the challenge is too old")
	ErrLittle  = errors.New("work: the number is not one that takes work")
)

// Difficulty grows as a limit nears: spent of all is what has been used of its last part.
func Difficulty(spent, all time.Duration) int {
	if all <= 0 {
		return Least
	}
	return Least + int(max(0, min(spent, all))*(Most-Least)/all)
}

// Challenge makes one: text of one line that is safe in an attribute and a form. bound is
// what it is for, and key is secret.
func Challenge(key []byte, bound string, difficulty int, now time.Time) string {
	var head [9]byte
	head[0] = byte(min(max(difficulty, Least), Most))
	binary.BigEndian.PutUint64(head[1:], uint64(now.Add(Validity).UnixMilli()))
	return base64.RawURLEncoding.EncodeToString(append(head[:], stamp(key, head[:], bound)...))
}

// stampBytes are what of a keyed hash is enough.
const stampBytes = 16

func stamp(key, head []byte, bound string) []byte {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write(head)
	_, _ = mac.Write([]byte(bound))
	return mac.Sum(nil)[:stampBytes]
}

// Bits is the difficulty that a challenge has; 0 of one that is none.
func Bits(challenge string) int {
	raw, err := base64.RawURLEncoding.DecodeString(challenge)
	if err != nil || len(raw) != 9+stampBytes {
		return 0
	}
	return int(raw[0])
}

// maxNonce is far more digits than a browser finds.
const maxNonce = 16

// Check says whether a number, in decimal digits, is the work that a challenge asks for.
// The error is one of this package's.
func Check(key []byte, bound, challenge, nonce string, now time.Time) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if err != nil || len(raw) != 9+stampBytes || !hmac.Equal(raw[9:], stamp(key, raw[:9], bound)) {
		return ErrForged
	}
	if now.UnixMilli() >= int64(binary.BigEndian.Uint64(raw[1:9])) {
		return ErrExpired
	}
	if n, err := strconv.ParseUint(nonce, 10, 64); err != nil || len(nonce) > maxNonce || strconv.FormatUint(n, 10) != nonce {
		return ErrLittle
	}
	if zeros(sha256.Sum256([]byte(challenge+":"+nonce))) < int(raw[0]) {
		return ErrLittle
	}
	return nil
}

// zeros counts the bits before the first one.
func zeros(sum [sha256.Size]byte) int {
	n := 0
	for _, b := range sum {
		n += bits.LeadingZeros8(b)
		if b != 0 {
			break
		}
	}
	return n
}

// Do does the work, as a browser would. It is for tests and for clients without one.
func Do(challenge string) string {
	want := Bits(challenge)
	var text strings.Builder
	for n := uint64(0); ; n++ {
		text.Reset()
		_, _ = text.WriteString(challenge)
		_ = text.WriteByte(':')
		_, _ = text.WriteString(strconv.FormatUint(n, 10))
		if zeros(sha256.Sum256([]byte(text.String()))) >= want {
			return strconv.FormatUint(n, 10)
		}
	}
}
