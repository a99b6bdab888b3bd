package twiliogo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"
	"testing"

	verify "github.com/twilio/twilio-go/rest/verify/v2"
)

// family is the methods that the package has for one resource. They are alike, and
// named alike, so what is the same for all is asserted here once, by their names.
type family struct {
	api    *verify.ApiService
	name   string
	under  []string // the sids of what the resource belongs to
	params any      // of its list; nil chooses all
}

// verbs of a family, by the assertion that calls them.
var verbs = map[string][]string{
	"paged":   {"Page", "List", "Stream"},
	"fetched": {"Fetch"},
	"updated": {"Update"},
	"deleted": {"Delete"},
}

// call calls a method with the sids of what is above, and more.
func (f family) call(t *testing.T, method string, more ...any) []reflect.Value {
	t.Helper()
	m := reflect.ValueOf(f.api).MethodByName(method)
	if !m.IsValid() {
		t.Fatalf("the package has no method %s", method)
	}
	var in []reflect.Value
	for _, sid := range f.under {
		in = append(in, reflect.ValueOf(sid))
	}
	for _, arg := range more {
		in = append(in, reflect.ValueOf(arg))
	}
	return m.Call(in)
}

// failed is the error that a method returned.
func failed(out []reflect.Value) error {
	err, _ := out[len(out)-1].Interface().(error)
	return err
}

// ok calls a method that must not fail.
func (f family) ok(t *testing.T, method string, more ...any) reflect.Value {
	t.Helper()
	out := f.call(t, method, more...)
	if err := failed(out); err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return out[0]
}

// list makes parameters of a list, a page having two.
func (f family) list(t *testing.T) reflect.Value {
	t.Helper()
	m := reflect.ValueOf(f.api).MethodByName("List" + f.name)
	params := reflect.New(m.Type().In(len(f.under)).Elem())
	if f.params != nil {
		params.Elem().Set(reflect.ValueOf(f.params).Elem())
	}
	params.MethodByName("SetPageSize").Call([]reflect.Value{reflect.ValueOf(2)})
	return params
}

// status is that of an answer with its metadata.
func status(answer reflect.Value) int {
	return int(answer.MethodByName("GetStatusCode").Call(nil)[0].Int())
}

// streamed is how many came down a channel.
func streamed(records reflect.Value) (n int) {
	for {
		if _, more := records.Recv(); !more {
			return n
		}
		n++
	}
}

// paged asserts that a list of more than one page is whole by every method.
func (f family) paged(t *testing.T) {
	t.Helper()
	all := f.ok(t, "List"+f.name, f.list(t).Interface()).Len()
	if all < 3 {
		t.Fatalf("%s: %d are no two pages", f.name, all)
	}
	told := f.ok(t, "List"+f.name+"WithMetadata", f.list(t).Interface())
	if n := told.MethodByName("GetResource").Call(nil)[0].Len(); n != all || status(told) != 200 {
		t.Errorf("%s: got %d, status %d, want %d", f.name, n, status(told), all)
	}
	out := f.call(t, "Stream"+f.name, f.list(t).Interface())
	if n := streamed(out[0]); n != all {
		t.Errorf("%s: %d were streamed, want %d", f.name, n, all)
	}
	out = f.call(t, "Stream"+f.name+"WithMetadata", f.list(t).Interface())
	if n := streamed(out[0].MethodByName("GetResource").Call(nil)[0]); n != all {
		t.Errorf("%s: %d were streamed with metadata, want %d", f.name, n, all)
	}
	limited := f.list(t)
	limited.MethodByName("SetLimit").Call([]reflect.Value{reflect.ValueOf(1)})
	if n := f.ok(t, "List"+f.name, limited.Interface()).Len(); n != 1 {
		t.Errorf("%s: got %d, want 1", f.name, n)
	}
	page := f.ok(t, "Page"+f.name, f.list(t).Interface(), "", "0")
	meta := page.Elem().FieldByName("Meta")
	if next := meta.FieldByName("NextPageUrl"); next.IsNil() || !strings.Contains(next.Elem().String(), "Page=1") {
		t.Errorf("%s: no next page in %+v", f.name, meta)
	}
	if got := status(f.ok(t, "Page"+f.name+"WithMetadata", f.list(t).Interface(), "", "0")); got != 200 {
		t.Errorf("%s: got status %d", f.name, got)
	}
}

// fetched asserts that one is there and another is not.
func (f family) fetched(t *testing.T, sid, missing string, code int) {
	t.Helper()
	f.ok(t, "Fetch"+f.name, sid)
	if got := status(f.ok(t, "Fetch"+f.name+"WithMetadata", sid)); got != 200 {
		t.Errorf("%s: got status %d", f.name, got)
	}
	refused(t, failed(f.call(t, "Fetch"+f.name, missing)), code, 404)
}

// updated asserts that a change is kept and a bad one is not.
func (f family) updated(t *testing.T, sid string, change, bad any) {
	t.Helper()
	f.ok(t, "Update"+f.name, sid, change)
	if got := status(f.ok(t, "Update"+f.name+"WithMetadata", sid, change)); got != 200 {
		t.Errorf("%s: got status %d", f.name, got)
	}
	before := f.ok(t, "Fetch"+f.name, sid).Interface()
	refused(t, failed(f.call(t, "Update"+f.name, sid, bad)), 60200, 400)
	if after := f.ok(t, "Fetch"+f.name, sid).Interface(); !reflect.DeepEqual(before, after) {
		t.Errorf("%s: a refused update changed %+v to %+v", f.name, before, after)
	}
}

// deleted asserts that two are gone afterwards, each by another method.
func (f family) deleted(t *testing.T, first, second string) {
	t.Helper()
	if err := failed(f.call(t, "Delete"+f.name, first)); err != nil {
		t.Fatal(err)
	}
	if got := status(f.ok(t, "Delete"+f.name+"WithMetadata", second)); got != 204 {
		t.Errorf("%s: got status %d", f.name, got)
	}
	refused(t, failed(f.call(t, "Fetch"+f.name, first)), 20404, 404)
	refused(t, failed(f.call(t, "Delete"+f.name, second)), 20404, 404)
}

// elsewhere are the resources that this server does not have, and what is no resource.
var elsewhere = []string{"Entity", "Factor", "Challenge", "AccessToken", "Form", "Notification", "Passkey", "RequestHandler"}

func TestEveryMethodOfThePackageIsCalled(t *testing.T) {
	called := calls(t)
	api := reflect.TypeFor[*verify.ApiService]()
	methods := 0
	for i := range api.NumMethod() {
		name := api.Method(i).Name
		if slices.ContainsFunc(elsewhere, func(e string) bool { return strings.Contains(name, e) }) {
			continue
		}
		methods++
		if !called[name] {
			t.Errorf("no test calls %s", name)
		}
	}
	if methods < 60 {
		t.Errorf("only %d methods were found", methods)
	}
}

// calls reads from these tests which methods they call: by name, as in api.X(…), and
// by family, as in f.paged(t), where f is a family{name: "…"} of the same function.
func calls(t *testing.T) map[string]bool {
	t.Helper()
	called := map[string]bool{}
	for _, path := range []string{"verifications_test.go", "resources_test.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			names, asserted := map[string]bool{}, map[string]bool{}
			ast.Inspect(d, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					called[n.Sel.Name], asserted[n.Sel.Name] = true, true
				case *ast.KeyValueExpr:
					key, isKey := n.Key.(*ast.Ident)
					value, isText := n.Value.(*ast.BasicLit)
					if isKey && isText && key.Name == "name" {
						names[strings.Trim(value.Value, `"`)] = true
					}
				}
				return true
			})
			for name := range names {
				for assertion, verbs := range verbs {
					for _, verb := range verbs {
						called[verb+name] = called[verb+name] || asserted[assertion]
						called[verb+name+"WithMetadata"] = called[verb+name+"WithMetadata"] || asserted[assertion]
					}
				}
			}
		}
	}
	return called
}
