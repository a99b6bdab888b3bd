package route

import (
	"testing"
	"time"
)

func TestCountsAreReadAsPeopleSayThem(t *testing.T) {
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 10: "10th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 111: "111th"} {
		if got := ordinal(n); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
	for d, want := range map[time.Duration]string{time.Nanosecond: "1 s", 12 * time.Second: "12 s", 119*time.Second + 1: "2 min", 10 * time.Minute: "10 min", 601 * time.Second: "11 min"} {
		if got := span(d); got != want {
			t.Errorf("%s is %s", d, got)
		}
	}
	if count(1, "try", "tries") != "1 try" || count(2, "try", "tries") != "2 tries" {
		t.Error("1 try, 2 tries")
	}
}
