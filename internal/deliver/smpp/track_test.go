package smpp

import (
	"fmt"
	"testing"

	"countersign/internal/verify"
)

func TestMessagesOfLongAgoAreForgotten(t *testing.T) {
	tracks := newTracks(Auto, true)
	for i := range maxRecent + 100 {
		m := tracks.begin(composed{id: fmt.Sprint("ours", i), to: "12025550147", bodies: make([][]byte, 1)})
		tracks.take(m, fmt.Sprintf("%X", 0x10000000+i))
	}
	if n := len(tracks.parts); n > 3*maxRecent {
		t.Errorf("%d names are remembered", n)
	}
	for i, want := range map[int]string{0: "", 99: "", 100: "ours100", maxRecent + 99: fmt.Sprint("ours", maxRecent+99)} {
		got := tracks.hear(word{written: fmt.Sprintf("%X", 0x10000000+i), state: verify.Sent})
		if got == nil || got.Message != want {
			t.Errorf("of message %d: %+v, want %q", i, got, want)
		}
	}
}

func TestNothingIsRememberedWhereNoReceiptsCome(t *testing.T) {
	tracks := newTracks(Auto, false)
	m := tracks.begin(composed{id: "ours", bodies: make([][]byte, 1)})
	tracks.take(m, "theirs")
	if len(tracks.parts) != 0 || len(tracks.recent) != 0 || tracks.nameOf(m) != "theirs" {
		t.Errorf("%v, %v, %q", tracks.parts, tracks.recent, tracks.nameOf(m))
	}
}
