package importtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// What can still be read in one go. They are bounds; the aim is half of them.
const (
	maxFile       = 500
	maxFunction   = 80
	maxParameters = 5
)

// dictated is the one file whose functions are called by another program, SQLite,
// with the parameters that it has.
const dictated = "internal/store/faultfs/layer.go"

func TestFilesAndFunctionsCanBeReadInOneGo(t *testing.T) {
	eachFile(t, func(path string, _ *ast.File) {
		text, err := os.ReadFile("../../" + path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n > maxFile {
			t.Errorf("%s has %d lines, more than %d: it may be two topics", path, n, maxFile)
		}
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if fn.Name.Name == "init" && fn.Recv == nil {
				t.Errorf("%s has an init function: what it does belongs where main can see it", path)
			}
			if n := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line + 1; n > maxFunction {
				t.Errorf("%s: %s has %d lines, more than %d", path, fn.Name.Name, n, maxFunction)
			}
			if n := fn.Type.Params.NumFields(); n > maxParameters && path != dictated {
				t.Errorf("%s: %s has %d parameters, more than %d: use a struct", path, fn.Name.Name, n, maxParameters)
			}
		}
	})
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	documented := map[string]bool{}
	eachFile(t, func(path string, file *ast.File) {
		dir := path[:strings.LastIndex(path, "/")+1]
		if strings.HasSuffix(file.Name.Name, "_test") {
			return
		}
		documented[dir] = documented[dir] || file.Doc != nil && len(file.Doc.Text()) > 80
	})
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment that says what it gives and what it does not do", dir)
		}
	}
}
