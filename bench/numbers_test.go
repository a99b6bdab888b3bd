package main

import (
	"testing"

	"countersign/internal/phone"
)

func TestNumbersAreValidMobiles(t *testing.T) {
	for i := range uint64(2_000) {
		// 39,461 has no factor in common with what numberAt divides by: areas,
		// exchanges and lines all vary.
		n := numberAt(i * 39_461)
		parsed, err := phone.ParseE164(string(n[:]))
		if err != nil {
			t.Fatalf("number %d, %s: %v", i, n, err)
		}
		if kind := parsed.Type(); kind != phone.Mobile && kind != phone.MobileOrFixed {
			t.Fatalf("number %d, %s, is a %s number", i, n, kind)
		}
	}
}

func TestNumbersDiffer(t *testing.T) {
	if a, b := uint64(stride), uint64(len(exchanges)*linesOfExchange); gcd(a, b) != 1 {
		t.Fatalf("stride %d and %d numbers an area share a factor: numbers would repeat", a, b)
	}
	var all numbers
	seen := map[number]bool{}
	for range 300_000 {
		n := all.next()
		if seen[n] {
			t.Fatalf("%s came twice", n)
		}
		seen[n] = true
	}
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
