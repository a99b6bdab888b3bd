package gate

import (
	"sync"
	"time"
)

// maxSeen bounds the memory: so many proofs in five minutes are hundreds of sign-ins a
// second, each of which somebody has paid a message for.
const maxSeen = 1 << 17

// seen remembers proofs until they are no longer good.
type seen struct {
	mu    sync.Mutex
	until map[string]time.Time
	sweep time.Time // when to look next for what can be forgotten
	most  int       // of them; zero: maxSeen
}

// add notes a proof. The error is ErrUsed if it is there already. Where there is no room
// the proof is refused: forgetting one would let that one be used again.
func (s *seen) add(id string, until, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := s.most
	if most == 0 {
		most = maxSeen
	}
	if s.until == nil {
		s.until = map[string]time.Time{}
	}
	if !now.Before(s.sweep) {
		for id, until := range s.until {
			if !now.Before(until) {
				delete(s.until, id)
			}
		}
		s.sweep = now.Add(time.Minute)
	}
	if end, ok := s.until[id]; ok && now.Before(end) {
		return ErrUsed
	}
	if len(s.until) >= most {
		return &ServiceError{Detail: "more proofs in a few minutes than can be remembered: set Config.Redeem"}
	}
	s.until[id] = until
	return nil
}
