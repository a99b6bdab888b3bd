package verify_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"countersign/internal/code"
	"countersign/internal/limit"
	"countersign/internal/message"
	"countersign/internal/phone"
	"countersign/internal/secret"
	"countersign/internal/verify"
)

// world runs commands on rows in memory, at an instant that the test moves. A
// Snapshot that is never written is a database of one process.
type world struct {
	*verify.Snapshot
	env  *verify.Env
	now  time.Time
	jobs []verify.Job
}

var (
	ada     = phone.Trusted("+447400123456")
	bob     = phone.Trusted("+447400654321")
	profile = verify.Profile{
		ID: verify.ID{15: 1}, Tenant: "t", Name: "default", Template: message.Plain,
		Code: code.Default, Validity: verify.MaxValidity,
	}
)

func newWorld() *world {
	return &world{
		Snapshot: verify.NewSnapshot(),
		now:      time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		env: &verify.Env{
			Keys: secret.Generate(), Random: rand.NewChaCha8([32]byte{1}), Node: "n1",
			Channels: []verify.Channel{verify.SMS, verify.Call},
		},
	}
}

func (w *world) pass(d time.Duration) { w.now = w.now.Add(d) }

func do[A any](w *world, cmd verify.Command[A]) (A, error) {
	var none A
	needs, err := cmd.Needs(w.env)
	if err != nil {
		return none, err
	}
	changes, answer, err := cmd.Decide(w.env, w.Rows(needs), w.now)
	if err != nil {
		return none, err
	}
	w.Apply(changes)
	w.jobs = append(w.jobs, changes.Jobs...)
	return answer, nil
}

func must[A any](t *testing.T, w *world, cmd verify.Command[A]) A {
	t.Helper()
	answer, err := do(w, cmd)
	if err != nil {
		t.Fatalf("%T: %v", cmd, err)
	}
	return answer
}

// refused demands a refusal of that kind and returns it.
func refused[A any](t *testing.T, w *world, cmd verify.Command[A], kind verify.Kind) *verify.Error {
	t.Helper()
	_, err := do(w, cmd)
	refusal, ok := errors.AsType[*verify.Error](err)
	if !ok || refusal.Kind != kind {
		t.Fatalf("%T: %v, want the refusal %s", cmd, err, kind)
	}
	return refusal
}

func start(to phone.Number) verify.Start {
	return verify.Start{Profile: profile, Channel: verify.SMS, Address: verify.Phone(to)}
}

func check(v verify.Verification, guess string) verify.Check {
	return verify.Check{Tenant: "t", Verification: v.ID, Guess: guess}
}

func (w *world) code(t *testing.T, v verify.Verification) string {
	t.Helper()
	c, err := v.Reveal(w.env.Keys)
	if err != nil {
		t.Fatal(err)
	}
	return c.Text()
}

// wrong is a guess that is not the code.
func (w *world) wrong(t *testing.T, v verify.Verification) string {
	t.Helper()
	if w.code(t, v) == "000000" {
		return "000001"
	}
	return "000000"
}

func outcome(t *testing.T, w *world, cmd verify.Check, want verify.Outcome) {
	t.Helper()
	if got := must(t, w, cmd).Outcome; got != want {
		t.Fatalf("the check found %q, want %q", got, want)
	}
}

func hourly(n int) limit.Rule { return limit.Rule{Count: n, Per: time.Hour} }
