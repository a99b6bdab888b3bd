package main

import (
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	tests := []struct {
		sorted []time.Duration
		p      float64
		want   time.Duration
	}{
		{nil, 50, 0},
		{hundred[:1], 50, 1},
		{hundred[:1], 99, 1},
		{hundred[:2], 50, 1},
		{hundred[:4], 95, 4},
		{hundred, 50, 50},
		{hundred, 95, 95},
		{hundred, 99, 99},
		{hundred, 0, 1},
		{hundred, 100, 100},
	}
	for _, test := range tests {
		if got := percentile(test.sorted, test.p); got != test.want {
			t.Errorf("percentile %v of %d: %d, want %d", test.p, len(test.sorted), got, test.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for want, values := range map[float64][]float64{
		0: nil, 3: {9, 3, 1}, 2.5: {4, 1, 3, 2}, 7: {7},
	} {
		if got := median(values); got != want {
			t.Errorf("median of %v: %v, want %v", values, got, want)
		}
	}
}

func TestParseCPUTime(t *testing.T) {
	got, err := parseCPUTime("42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20")
	if err != nil || got != 1750*time.Millisecond {
		t.Errorf("%v, %v; want 1.75s", got, err)
	}
	if _, err := parseCPUTime("42 (a) S 1"); err == nil {
		t.Error("no error for too few fields")
	}
}

func TestParseMachineTime(t *testing.T) {
	ran, total, err := parseMachineTime("cpu  100 20 30 400 50 6 7 8 90 0\ncpu0 1 2 3\n")
	if err != nil || ran != 1580*time.Millisecond || total != 6210*time.Millisecond {
		t.Errorf("%v of %v, %v; want 1.58s of 6.21s", ran, total, err)
	}
	if _, _, err := parseMachineTime("cpu0 1 2"); err == nil {
		t.Error("no error for another file")
	}
}

func TestMergeAndJudge(t *testing.T) {
	round := func(cycles, floor float64) []figure {
		return []figure{
			{Name: namePostFloor, Callers: pivot, PerSecond: floor, Done: 10, ServerCPU: 40},
			{Name: nameCycles, Database: nameSQLite, Callers: pivot, PerSecond: cycles, Done: 1, Errors: 1, ServerCPU: 200, DatabaseCPU: 100},
		}
	}
	var r report
	r.add([][]figure{{{Name: nameStarts, Database: nameSQLite, Callers: 1, P50: 1.5}, {Name: nameStarts, Database: namePostgres, Callers: 1, P50: 9}}})
	r.add([][]figure{round(100, 1000), round(300, 3000), round(900, 1000)})
	r.Databases = []*whole{{Name: nameSQLite, StartUps: []float64{50, 500, 60}, PeakMemory: 100, Ratios: []float64{0.1, 0.1, 0.9}}}
	r.judge()
	if got := r.Databases[0]; got.CPU != 5 || got.DatabaseCPU != 2.5 {
		t.Errorf("a cycle takes %v and %v of a request of the floor, want 5 and 2.5", got.CPU, got.DatabaseCPU)
	}
	if m := r.Figures[3]; m.PerSecond != 300 || m.Done != 3 || m.Errors != 3 || m.Rounds != 3 {
		t.Errorf("merged cycles: %+v", m)
	}
	want := []bool{false, false, true, true}
	for i, g := range r.Goals {
		if g.Reached != want[i] {
			t.Errorf("%s (%v, goal %s): reached %t", g.Name, g.Value, g.Target, g.Reached)
		}
	}
	if r.errors() != 3 {
		t.Errorf("%d errors, want 3", r.errors())
	}
}
