package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestATextMustBeFoundExactlyOnce(t *testing.T) {
	for _, tt := range []struct {
		text, find string
		ok         bool
	}{
		{"a b c", "b", true}, {"a c", "b", false}, {"b b", "b", false}, {"a", "", false},
	} {
		got, err := mutant{find: tt.find, with: "x"}.apply(tt.text)
		if (err == nil) != tt.ok || tt.ok && got != "a x c" {
			t.Errorf("%q in %q: %q, %v", tt.find, tt.text, got, err)
		}
	}
}

func TestEveryEditMustBeFound(t *testing.T) {
	m := mutant{find: "a", with: "x", and: []edit{{"b", "y"}}}
	if got, err := m.apply("a b"); err != nil || got != "x y" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := m.apply("a c"); err == nil {
		t.Error("a second edit that is not found is passed over")
	}
}

func TestEveryFaultOfTheListHasItsPlace(t *testing.T) {
	mutants := all()
	if err := findAll("..", mutants); err != nil {
		t.Error(err)
	}
	if len(mutants) < 45 {
		t.Errorf("%d mutants", len(mutants))
	}
	for _, m := range mutants {
		if m.kill == "" || m.find == m.with {
			t.Errorf("%s: no package, or no change", m.name)
		}
	}
}

func TestOnlyATestThatFailedKills(t *testing.T) {
	const ran = `{"Action":"run","Package":"p","Test":"TestA"}` + "\n"
	for _, tt := range []struct {
		name, out string
		success   bool
		killedBy  string
		problem   string
	}{
		{"all pass", ran + `{"Action":"pass","Package":"p","Test":"TestA"}`, true, "", ""},
		{"one fails", ran + `{"Action":"fail","Package":"p","Test":"TestA/b"}` + "\n" + `{"Action":"fail","Package":"p","Test":"TestA"}`, false, "TestA/b", ""},
		{"one hangs", ran + `{"Action":"output","Package":"p","Test":"TestA","Output":"panic: test timed out after 1m0s\n"}` + "\n" + `{"Action":"fail","Package":"p"}`, false, "TestA (time-out)", ""},
		{"a goroutine panics", ran + `{"Action":"output","Package":"p","Output":"panic: oh\n"}` + "\n" + `{"Action":"fail","Package":"p"}`, false, "TestA (panic)", ""},
		{"no test", `{"Action":"pass","Package":"p"}`, true, "", "no test ran"},
		{"no build", `{"Action":"build-output","ImportPath":"p","Output":"x.go:1: undefined: y"}` + "\n" + `{"Action":"build-fail","ImportPath":"p"}` + "\n" + `{"Action":"fail","Package":"p","FailedBuild":"p"}`, false, "", "does not compile: x.go:1: undefined: y"},
		{"one build of two fails", ran + `{"Action":"fail","Package":"q","Test":"TestA"}` + "\n" + `{"Action":"fail","Package":"p","FailedBuild":"p"}`, false, "", "does not compile"},
		{"a failure of nobody", ran + `{"Action":"fail","Package":"p"}`, false, "", "without a test"},
		{"rubbish", "not JSON\n", false, "", "no test ran"},
	} {
		got := judge([]byte(tt.out), "", tt.success)
		if got.killedBy != tt.killedBy || !strings.Contains(got.problem, tt.problem) || (got.problem == "") != (tt.problem == "") {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}

func TestTheTestsThatRunFirstAreThoseOfAllFaults(t *testing.T) {
	got := patternsOf([]mutant{{kill: "a", run: "X"}, {kill: "a b", run: "Y"}, {kill: "a", run: "X"}, {kill: "c", run: "Z"}, {kill: "c"}})
	if got["a"] != "X|Y" || got["b"] != "Y" || got["c"] != "" {
		t.Errorf("%q", got)
	}
}

// The three ends of a mutant, with the real tool on a module of one function.
func TestAMutantIsKilledSurvivesOrDoesNotCompile(t *testing.T) {
	root := t.TempDir()
	source := "package m\n\nfunc F() int { return 1 }\n\nfunc g() int { return 2 }\n"
	for name, text := range map[string]string{
		"go.mod": "module m\n\ngo 1.26\n", "m.go": source,
		"m_test.go": "package m\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) {\n\tif F() != 1 {\n\t\tt.Fail()\n\t}\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ find, with, want string }{
		{"return 1", "return 3", "TestF"},
		{"return 2", "return 3", "SURVIVED"},
		{"return 1", "return nothing", "ERROR does not compile"},
	} {
		r, err := run(t.Context(), root, t.TempDir(), mutant{file: "m.go", find: tt.find, with: tt.with, kill: "."})
		if err != nil || !strings.HasPrefix(r.verdict(), tt.want) {
			t.Errorf("%s: %s, %v", tt.with, r.verdict(), err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(root, "m.go")); err != nil || string(text) != source {
		t.Errorf("the working tree was changed: %s %v", text, err)
	}
}
