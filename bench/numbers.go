package main

import "sync/atomic"

// number is a telephone number in E.164 form, all of one length so that it can
// be the key of a map without being copied to the heap.
type number [12]byte

// areas are codes of the United States whose numbers may be mobiles.
var areas = []string{"201", "202", "203", "205", "206", "207", "208", "209", "210", "212"}

const (
	linesOfExchange = 10_000
	// stride shares no factor with the numbers of an area, so that walking in its
	// steps meets each number once, far from the one before, as life does: rows
	// then do not happen to come in the order of an index.
	stride = 7_654_321
)

// exchanges are the middle three digits that are given out: 200 to 999 without
// the services (N11) and the films (555).
var exchanges = func() (all []int) {
	for e := 200; e < 1000; e++ {
		if e%100 != 11 && e != 555 {
			all = append(all, e)
		}
	}
	return all
}()

// numbers gives out valid American mobile numbers, each once, in an order that is
// the same in every run. It is safe for concurrent use.
type numbers struct{ given atomic.Uint64 }

func (n *numbers) next() number { return numberAt(n.given.Add(1) - 1) }

// numberAt is the i-th number. They begin to repeat after 79 million.
func numberAt(i uint64) number {
	area := areas[i%uint64(len(areas))]
	perArea := uint64(len(exchanges) * linesOfExchange)
	at := i / uint64(len(areas)) % perArea * stride % perArea

	var n number
	copy(n[:], "+1")
	copy(n[2:], area)
	putDigits(n[5:8], exchanges[at/linesOfExchange])
	putDigits(n[8:12], int(at%linesOfExchange))
	return n
}

func putDigits(to []byte, value int) {
	for i := len(to) - 1; i >= 0; i-- {
		to[i] = byte('0' + value%10)
		value /= 10
	}
}
