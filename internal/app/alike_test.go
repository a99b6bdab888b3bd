package app_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/app"
	"countersign/internal/store/pgtest"
)

var alike = flag.Int("alike", 40, "how many known and as many unknown numbers are compared")

// TestAKnownAndAnUnknownNumberAreAnsweredAlike asks for a code for numbers that were
// verified before and for as many that never were, in turn, over the API and on the pages,
// and compares the answers to the byte. How well the time tells the two apart it prints,
// with -v, and does not judge: that is no matter of one run.
func TestAKnownAndAnUnknownNumberAreAnsweredAlike(t *testing.T) {
	for name, database := range map[string]func() string{
		"SQLite": func() string { return "" }, "PostgreSQL": func() string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, url := t.TempDir(), database()
			f := &flow{t: t, ids: map[string]string{}, numbers: map[string]string{}, dialect: dialects["telnyx"]}
			stop := f.serve(alikeConfig(dir, url, "inbox"), app.Options{})
			number := func(i int) string { return fmt.Sprintf("+1%d555%04d", 201+i/8000, 1000+i%8000) }
			for i := range 2 * *alike {
				if i%2 == 0 {
					continue
				}
				f.verified(number(i))
			}
			stop()
			f.Started = serveApart(t, dir, url)
			for way, ask := range map[string]func(string) (string, time.Duration){"the API": f.asked, "the pages": f.typed} {
				first := 0 // of the numbers of this way: each is asked for once
				if way == "the pages" {
					first = *alike
				}
				var took [2][]time.Duration
				var answers [2]string
				for _, i := range rand.Perm(*alike) {
					answer, d := ask(number(first + i))
					took[i%2] = append(took[i%2], d)
					if answers[i%2] == "" {
						answers[i%2] = answer
					}
					if answer != answers[i%2] || answers[1-i%2] != "" && answers[0] != answers[1] {
						t.Fatalf("%s: known:\n%s\nunknown:\n%s\nnow:\n%s", way, answers[1], answers[0], answer)
					}
				}
				t.Logf("%s: the area under the curve is %.3f, and a known number takes %s longer at the median, over %d and %d requests", way,
					area(took[0], took[1]), median(took[1])-median(took[0]), len(took[0]), len(took[1]))
			}
		})
	}
}

// alikeConfig is a service whose messages go to a carrier of a type.
func alikeConfig(dir, database, carrier string) app.Config {
	c := flowConfigIn(dir, database)
	c.Limits.NetworkPerHour = 0
	c.Carriers = []app.CarrierConfig{{Name: carrier, Type: carrier}}
	return c
}

// apart is the variable in which a process like this one finds the folder and the
// database of the service that it is to be.
const apart = "COUNTERSIGN_TEST_SERVE"

// serveApart runs a service in a process of its own, a day later, until the test ends: what
// is measured of it is not what the test itself does meanwhile. Its carrier is the
// simulator, since the inbox looks at the database for its pictures while callers wait.
func serveApart(t *testing.T, dir, database string) (where app.Started) {
	t.Helper()
	cmd := exec.Command(os.Args[0]) // ends when its input does
	cmd.Stderr = os.Stderr          // of what keeps it from starting
	cmd.Env = append(os.Environ(), apart+"="+dir+" "+database)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	if err := json.NewDecoder(out).Decode(&where); err != nil {
		t.Fatalf("%v: the process did not say where it is", err)
	}
	return where
}

// serveUntilLeft is such a process, until nobody holds its standard input.
func serveUntilLeft(where string) error {
	dir, database, _ := strings.Cut(where, " ")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	later := func() time.Time { return time.Now().Add(25 * time.Hour) }
	a, err := app.Open(ctx, alikeConfig(dir, database, "simulator"), app.Options{Now: later})
	if err != nil {
		return err
	}
	l, err := a.Listen(ctx)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if err := json.NewEncoder(os.Stdout).Encode(a.Describe(l)); err != nil {
		return err
	}
	return a.Serve(ctx, l)
}

// verified takes a number through a verification.
func (f *flow) verified(number string) {
	f.t.Helper()
	if err := f.step("start " + number + " as " + number); err != nil {
		f.t.Fatal(err)
	}
	if err := f.step("check " + number + " right: accepted"); err != nil {
		f.t.Fatal(err)
	}
}

var byChance = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|countersign=[A-Za-z0-9_-]+|\d{4}-\d\d-\d\dT[0-9:.]+`)

// shape is an answer without what differs by chance or is the number itself.
func (f *flow) shape(res *http.Response, number string) string {
	f.t.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	_ = res.Body.Close()
	res.Header.Del("Date")
	res.Header.Del("X-Request-Id")
	head, err := json.Marshal(slices.Sorted(maps.Keys(res.Header)))
	if err != nil {
		f.t.Fatal(err)
	}
	return byChance.ReplaceAllString(fmt.Sprintln(res.Status, string(head), res.Header.Get("Content-Length"), strings.ReplaceAll(string(body), number, "NUMBER")), "…")
}

// asked asks the API for a code.
func (f *flow) asked(number string) (string, time.Duration) {
	f.t.Helper()
	body := `{"phone_number":"` + number + `","verify_profile_id":"` + f.ProfileID + `"}`
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.URL+"/v2/verifications/sms", strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+f.APIKey)
	req.Header.Set("Content-Type", "application/json")
	begun := time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	took := time.Since(begun)
	return f.shape(res, number), took
}

// typed types a number into the page.
func (f *flow) typed(number string) (string, time.Duration) {
	f.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	begun := time.Now()
	res, err := client.PostForm(f.URL+"/request", url.Values{"phone": {number}})
	if err != nil {
		f.t.Fatal(err)
	}
	took := time.Since(begun)
	text := f.shape(res, number)
	if res, err = client.Get(f.URL + "/verify"); err != nil {
		f.t.Fatal(err)
	}
	ending := `<bdi dir="ltr">` + number[len(number)-2:] + `</bdi>`
	return text + strings.ReplaceAll(f.shape(res, number), ending, "ENDING"), took
}

// area is how often a request of the second kind takes longer than one of the first: a
// half if nobody can tell them apart.
func area(a, b []time.Duration) float64 {
	wins := 0.
	for _, x := range a {
		for _, y := range b {
			switch {
			case y > x:
				wins++
			case y == x:
				wins += .5
			}
		}
	}
	return wins / float64(len(a)*len(b))
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
