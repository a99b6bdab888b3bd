// Package importtest holds the architecture as a test: which package of the
// house may import which. A package without a row fails, so that nobody adds a
// room without saying what it opens onto.
package importtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "countersign/"

// leaves are one noun each and import, if anything of ours, a smaller leaf.
var leaves = []string{"internal/phone", "internal/limit", "internal/secret", "internal/code", "internal/mailbox"}

// allowed names, for every package, what it may import of this module. A word
// ending in a slash stands for all below it.
var allowed = map[string][]string{
	"internal/limit":   nil,
	"internal/secret":  nil,
	"internal/mailbox": nil,
	"internal/numeral": nil,
	"internal/code":    {"internal/numeral"},
	"internal/phone":   {"internal/numeral"},
	"internal/message": {"internal/code"}, // a text is made round a code

	// The core knows the leaves and nothing outside.
	"internal/verify":            append([]string{"internal/message"}, leaves...),
	"internal/verify/storetest":  {"internal/verify", "internal/code", "internal/phone", "internal/limit"},
	"internal/verify/sendertest": {"internal/verify", "internal/code", "internal/phone", "internal/message"},

	// The other room of the core: what a tenant has set up.
	"internal/tenant":            append([]string{"internal/verify", "internal/message"}, leaves...),
	"internal/tenant/recordtest": {"internal/tenant", "internal/verify"},

	// Adapters know the core and leaves, and never each other.
	"internal/ledger":                    {"internal/verify"},
	"internal/store":                     {"internal/verify", "internal/tenant", "internal/code", "internal/limit"},
	"internal/deliver":                   {"internal/verify", "internal/secret", "internal/deliver/route"},
	"internal/deliver/inbox":             {"internal/verify", "internal/phone", "internal/mailbox"},
	"internal/deliver/simulator":         {"internal/verify", "internal/phone", "internal/mailbox"},
	"internal/deliver/smtp":              {"internal/verify", "internal/mailbox"},
	"internal/deliver/post":              {"internal/verify"},                   // what carriers that speak HTTP share
	"internal/deliver/receipt":           {"internal/verify"},                   // what carriers that post receipts share
	"internal/deliver/route":             {"internal/verify", "internal/phone"}, // which carrier, and when
	"internal/deliver/telnyx":            {"internal/verify", "internal/deliver/post", "internal/deliver/receipt"},
	"internal/deliver/twilio":            {"internal/verify", "internal/deliver/post", "internal/deliver/receipt"},
	"internal/deliver/whatsapp":          {"internal/verify", "internal/deliver/post", "internal/deliver/receipt"},
	"internal/deliver/vonage":            {"internal/verify", "internal/deliver/post", "internal/deliver/receipt"},
	"internal/deliver/webhook":           {"internal/verify", "internal/deliver/post", "internal/deliver/receipt"},
	"internal/deliver/smpp":              {"internal/verify", "internal/message", "internal/deliver/post"}, // post for what a sender may be
	"internal/deliver/telnyx/telnyxtest": nil,
	"internal/telnyxapi":                 {"internal/verify", "internal/tenant", "internal/message", "internal/phone", "internal/mailbox", "internal/secret", "internal/proof"},
	"internal/twilioapi":                 {"internal/verify", "internal/tenant", "internal/message", "internal/phone", "internal/mailbox", "internal/secret"},
	"internal/events":                    {"internal/verify", "internal/tenant", "internal/secret"},
	"internal/openapi":                   nil,
	"internal/pages":                     {"internal/verify", "internal/code", "internal/phone", "internal/secret", "internal/mailbox", "internal/message", "internal/tenant", "internal/brand", "internal/work"},
	"internal/proof":                     {"internal/verify", "internal/secret"},
	"internal/work":                      nil,
	"internal/brand":                     nil,

	// What every carrier that reads receipts must refuse.
	"internal/deliver/receipt/receipttest": {"internal/verify", "internal/deliver/receipt"},

	// Wiring knows everybody and is known by main alone.
	"internal/app": {
		"internal/verify", "internal/ledger", "internal/store", "internal/deliver/", "internal/telnyxapi", "internal/twilioapi", "internal/openapi", "internal/events", "internal/tenant", "internal/pages", "internal/proof", "internal/brand", "internal/work",
		"internal/code", "internal/phone", "internal/mailbox", "internal/limit", "internal/secret", "internal/message",
	},
	"cmd/countersign":        {"internal/app", "internal/secret"},
	"internal/importtest":    nil,
	"gate":                   nil, // for applications: it knows the service over HTTP alone
	"examples/clients":       nil, // to be copied
	"examples/go":            {"gate"},
	"bench":                  {"internal/store/pgtest"},
	"mutants":                nil,
	"internal/store/pgtest":  nil,
	"internal/store/faultfs": nil,

	// Tests alone, of the program from outside.
	"internal/promise/delivery": nil,
	"internal/promise/history":  nil,
	"internal/promise/process":  nil,
}

// forbidden keeps input and output out of the core and the leaves.
var forbidden = []string{"net", "net/http", "os", "database/sql", "os/exec", "syscall", "embed"}

// builtIn is the leaf that may embed: its words are files, for those who translate,
// and a part of the program, so that nothing is read when it runs.
const builtIn = "internal/message"

func TestEveryPackageImportsOnlyWhatItsRowAllows(t *testing.T) {
	found := map[string]bool{}
	for pkg, imports := range packages(t) {
		found[pkg] = true
		row, ok := allowed[pkg]
		if !ok {
			t.Errorf("%s has no row: say here what it may import, or put its code where it belongs", pkg)
			continue
		}
		for _, i := range imports {
			if ours, ok := strings.CutPrefix(i, module); ok && !permits(row, ours) {
				t.Errorf("%s imports %s, which its row does not allow", pkg, ours)
			}
		}
		core := pkg == "internal/verify" || pkg == "internal/message" || pkg == "internal/numeral" || slices.Contains(leaves, pkg)
		for _, i := range imports {
			if core && slices.Contains(forbidden, i) && (i != "embed" || pkg != builtIn) {
				t.Errorf("%s imports %s: the core and the leaves do no input or output", pkg, i)
			}
		}
	}
	for pkg := range allowed {
		if !found[pkg] {
			t.Errorf("%s has a row and does not exist", pkg)
		}
	}
}

func permits(row []string, pkg string) bool {
	return slices.ContainsFunc(row, func(r string) bool {
		return r == pkg || strings.HasSuffix(r, "/") && (strings.HasPrefix(pkg, r) || pkg == strings.TrimSuffix(r, "/"))
	})
}

// packages maps each package of this module to the imports of its files that are
// not tests.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	eachFile(t, func(path string, file *ast.File) {
		pkg := filepath.ToSlash(filepath.Dir(path))
		if strings.HasSuffix(path, "_test.go") {
			if pkg == "internal/importtest" {
				out[pkg] = append(out[pkg], "")
			}
			return
		}
		out[pkg] = append(out[pkg], "") // also a package of tests alone exists
		for _, i := range file.Imports {
			out[pkg] = append(out[pkg], strings.Trim(i.Path.Value, `"`))
		}
	})
	return out
}

// eachFile parses every Go file of this module, paths being relative to its root.
func eachFile(t *testing.T, f func(path string, file *ast.File)) {
	t.Helper()
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." {
			if _, err := fs.Stat(root, path+"/go.mod"); err == nil || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir // another module, or none of ours
			}
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err == nil {
			f(path, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
