package work_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"countersign/internal/work"
)

var (
	key = []byte("a key of thirty-two bytes or so.")
	now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func TestWorkIsTakenForWhatItWasDoneForUntilItExpires(t *testing.T) {
	c := work.Challenge(key, "ada from 192.0.2.0/24", work.Least, now)
	nonce := work.Do(c)
	for name, tt := range map[string]struct {
		key                     string
		bound, challenge, nonce string
		at                      time.Time
		want                    error
	}{
		"done":                   {string(key), "ada from 192.0.2.0/24", c, nonce, now, nil},
		"at the last moment":     {string(key), "ada from 192.0.2.0/24", c, nonce, now.Add(work.Validity - time.Millisecond), nil},
		"too late":               {string(key), "ada from 192.0.2.0/24", c, nonce, now.Add(work.Validity), work.ErrExpired},
		"for another address":    {string(key), "bob from 192.0.2.0/24", c, nonce, now, work.ErrForged},
		"under another key":      {"another", "ada from 192.0.2.0/24", c, nonce, now, work.ErrForged},
		"an easier one":          {string(key), "ada from 192.0.2.0/24", "AA" + c[2:], nonce, now, work.ErrForged},
		"none":                   {string(key), "ada from 192.0.2.0/24", "", nonce, now, work.ErrForged},
		"too long a challenge":   {string(key), "ada from 192.0.2.0/24", c + "AAAA", nonce, now, work.ErrForged},
		"no number":              {string(key), "ada from 192.0.2.0/24", c, "", now, work.ErrLittle},
		"another number":         {string(key), "ada from 192.0.2.0/24", c, nonce + "1", now, work.ErrLittle},
		"a number with zeros":    {string(key), "ada from 192.0.2.0/24", c, "0" + nonce, now, work.ErrLittle},
		"a negative number":      {string(key), "ada from 192.0.2.0/24", c, "-" + nonce, now, work.ErrLittle},
		"a number with a letter": {string(key), "ada from 192.0.2.0/24", c, nonce + "x", now, work.ErrLittle},
	} {
		if err := work.Check([]byte(tt.key), tt.bound, tt.challenge, tt.nonce, tt.at); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDifficultyGrowsAsALimitNears(t *testing.T) {
	last := 0
	for spent := time.Duration(0); spent <= time.Hour; spent += 5 * time.Minute {
		d := work.Difficulty(spent, time.Hour)
		if d < last || d < work.Least || d > work.Most {
			t.Errorf("%s: %d after %d", spent, d, last)
		}
		last = d
	}
	if last != work.Most || work.Difficulty(-1, time.Hour) != work.Least || work.Difficulty(2*time.Hour, time.Hour) != work.Most || work.Difficulty(1, 0) != work.Least {
		t.Errorf("it ends at %d", last)
	}
}

// TestTheBrowsersScriptDoesTheWork runs the script that the pages serve in Node.js, which
// the tests have anyway, and has what it finds checked.
func TestTheBrowsersScriptDoesTheWork(t *testing.T) {
	var challenges []string
	for i := range 25 {
		challenges = append(challenges, work.Challenge(key, strings.Repeat("x", i*13), work.Least, now))
	}
	const program = `
		const fs = require("node:fs");
		globalThis.document = { querySelector: () => null };
		const { found } = new Function(fs.readFileSync(process.argv[1], "utf8") + "; return { found };")();
		for (const c of process.argv[2].split(",")) {
			let n = 0;
			while (!found(c, n, ` + "15" + `)) n++;
			console.log(String(n));
		}`
	out, err := exec.CommandContext(t.Context(), "node", "-e", program, "../pages/assets/work.js", strings.Join(challenges, ",")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	nonces := strings.Fields(string(out))
	for i, c := range challenges {
		if err := work.Check(key, strings.Repeat("x", i*13), c, nonces[i], now); err != nil {
			t.Errorf("%s with %s: %v", c, nonces[i], err)
		}
	}
}

func FuzzCheckTakesOnlyOurs(f *testing.F) {
	c := work.Challenge(key, "bound", work.Least, now)
	f.Add(c, "1")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, challenge, nonce string) {
		if err := work.Check(key, "another", challenge, nonce, now); err == nil {
			t.Error("it was taken")
		}
		_ = work.Bits(challenge)
	})
}
