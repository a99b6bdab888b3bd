//go:build unix

package process

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	_ "countersign/internal/app" // what is proved: see dependOnProgram
	"countersign/internal/store/pgtest"
)

// The long forms: make soak passes larger numbers.
var (
	kills  = flag.Int("kills", 7, "how often a node on PostgreSQL is killed under load; a server on SQLite is twice as often")
	rounds = flag.Int("rounds", 2, "how often every node is restarted under load")
	seed   = flag.Uint64("seed", 1, "which numbers the moments of the kills are drawn with")
)

// program is the path of the real program.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "countersign-proof-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "countersign")
	// Built as it is released, also where the tests watch for races: the processes are
	// started and killed for minutes, and cmd/countersign has its own tests for that.
	build := exec.Command("go", "build", "-buildvcs=false", "-o", program, "countersign/cmd/countersign")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "the program cannot be built: %v\n%s", err, out)
		return 1
	}
	return pgtest.Main(m)
}

// dependOnProgram lets the go command know what the outcome depends on, or it would
// show one from before a change: package app is imported, and the files of main,
// which nobody can import, are opened while a test runs.
func dependOnProgram(t testing.TB) {
	t.Helper()
	const dir = "../../../cmd/countersign"
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, err := os.ReadFile(filepath.Join(dir, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
}
