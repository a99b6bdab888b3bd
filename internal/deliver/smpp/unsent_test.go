package smpp_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"countersign/internal/verify"
)

// TestWhatIsSaidToBeUnsentNeverCame has a centre on a real socket break off at any
// point, and holds what each Send said against what the centre read.
func TestWhatIsSaidToBeUnsentNeverCame(t *testing.T) {
	var mu sync.Mutex
	came, answered := map[string]bool{}, map[string]bool{}
	random := rand.New(rand.NewPCG(1, 2))
	draw := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}
	address := centre(t, func(l line) {
		if !l.bind() {
			return
		}
		for left := 5 + draw(60); left > 0; left-- {
			u, is := l.next(submit)
			if !is {
				return
			}
			number := readSubmit(t, u.body).To
			skip := draw(10) == 0
			mu.Lock()
			came[number], answered[number] = true, !skip
			mu.Unlock()
			if !skip {
				l.answer(u, 0, "x\x00")
			}
		}
		switch draw(3) {
		case 0:
			l.reset()
		case 1:
			_, _ = l.Write([]byte("\x00\x00\x00\x10\x80\x00"))
		}
	})
	c := reaching(t, address)
	c.Window, c.Timeout, c.Receipts = 8, time.Second, newInbox().put
	sender := carrier(t, c)
	numbers := make(chan int)
	var senders sync.WaitGroup
	outcomes := map[outcome]int{}
	for range 16 {
		senders.Go(func() {
			for n := range numbers {
				number := fmt.Sprintf("1202555%04d", n)
				m := text(t)
				m.To = phoneOf("+" + number)
				got, _ := send(t.Context(), t, sender, m)
				mu.Lock()
				outcomes[got]++
				if got.taken && !answered[number] || !got.taken && !got.ambiguous && came[number] || !got.taken && got.class != verify.Temporary {
					t.Errorf("%+v, but came %t, answered %t", got, came[number], answered[number])
				}
				mu.Unlock()
			}
		})
	}
	for n := range 500 {
		numbers <- n
	}
	close(numbers)
	senders.Wait()
	if outcomes[taken] == 0 || outcomes[unknown] == 0 || outcomes[notSent] == 0 {
		t.Errorf("not every outcome was met: %v", outcomes)
	}
	t.Log(outcomes)
}
