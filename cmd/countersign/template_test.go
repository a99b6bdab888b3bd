package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

func TestTextsAreLookedAtBeforeTheyAreSent(t *testing.T) {
	const file = "app_name: Acme\nprice_per_message: 0.0075\n"
	for _, tt := range []struct {
		name string
		file string
		args []string
		code int
		want string // an expression
	}{
		{"one language", file, []string{"--locale", "de-AT"}, 0, `(?s)^LOCALE +TEXT[^\n]*\nde +plain +GSM-7 +1 +\$0\.0075 +yes +-\nde +branded +GSM-7 +1 .*\nde +payment +GSM-7 +2 \(of 2\) +\$0\.015 +too long +-\n$`},
		{"every language", file, nil, 0, `(?s)\naf +plain.*\nzh-TW +payment +UCS-2`},
		{"no price", "app_name: Acme\n", []string{"--locale", "de"}, 0, `de +plain +GSM-7 +1 +- +yes`},
		{"a language that is none", file, []string{"--locale", "xx"}, 1, `--locale: there are no words in "xx"; there are af, ar,`},
		{"a template", file, []string{"--template", "Your code: {{code}}"}, 0, `\n- +own +GSM-7 +1 +\$0\.0075`},
		{"a template without a code", file, []string{"--template", "hello"}, 1, `template: .*does not hold {{code}}`},
		{"a template of the file", file + "template: 'File: {{code}} ó'\n", nil, 0, `\n- +own +UCS-2 +1 +\$0\.0075 +yes +ó\n`},
		{"a language although the file has a template", file + "template: 'File: {{code}}'\n", []string{"--locale", "fr"}, 0, `\nfr +branded`},
		{"a template that is too long", file, []string{"--template", strings.Repeat("a", 60) + "{{code}} ó\u00a0"}, 1, `(?s)own +UCS-2 +2, and may take 1 +\$0\.015 +yes +ó U\+00A0\n.*countersign: at least one text takes more`},
		{"a template that may be long", file, []string{"--messages", "2", "--template", strings.Repeat("a", 60) + "{{code}} ó"}, 0, `own +UCS-2 +2 \(of 2\)`},
		{"a name that forces UCS-2", file, []string{"--locale", "de", "--app-name", strings.Repeat("Ł", 32)}, 1, `de +branded +UCS-2 +2, and may take 1 .* Ł\n`},
		{"the name of the file", "app_name: Łódź\n", []string{"--locale", "de"}, 0, `de +branded +UCS-2 +1 .* Ł ó ź\n`},
		{"a page", file, []string{"--locale", "cs", "--domain", "login.example.com"}, 0, `cs +branded +UCS-2 +1 \(of 2\)`},
		{"a page with its scheme", file, []string{"--domain", "https://example.com"}, 1, `--domain: .*without https://`},
		{"a price in cents", "price_per_message: 75\n", nil, 1, `price_per_message: not between`},
		{"the help", "", []string{"--help"}, 0, `(?s)longest app name,.*--messages`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"template", "lint"}, tt.args...)
			if tt.file != "" {
				args = append(args, "--config", "c.yml")
			}
			code, out, errs := cliRun(t, map[string]string{"c.yml": tt.file}, nil, args...)
			if code != tt.code || !regexp.MustCompile(tt.want).MatchString(out+errs) {
				t.Errorf("exit %d, want %d with %s\n%s%s", code, tt.code, tt.want, out, errs)
			}
		})
	}
}

func TestWhatIsSaidOfTextsCanBeReadByAProgram(t *testing.T) {
	code, out, errs := cliRun(t, map[string]string{"c.yml": "price_per_message: 0.01\n"}, nil, "template", "lint", "--json", "--locale", "pl", "--config", "c.yml")
	var got struct {
		Texts []struct {
			Locale, Text, Encoding, Price, Template string
			Forcing                                 []string
			Segments, Declared                      int
			Retrievable                             bool
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || strings.Count(out, "\n") != 1 {
		t.Fatalf("exit %d, %v\n%s%s", code, err, out, errs)
	}
	last := got.Texts[len(got.Texts)-1]
	if len(got.Texts) != 4 || last.Locale != "pl" || last.Text != "payment" || last.Encoding != "UCS-2" || last.Segments != 3 || last.Declared != 3 ||
		last.Price != "0.03" || !strings.Contains(last.Template, "{{payee}}") || len(last.Forcing) == 0 || last.Retrievable {
		t.Errorf("%+v", got)
	}
	if code, out, _ := cliRun(t, nil, nil, "template", "lint", "--json", "--template", strings.Repeat("a", 200)+"{{code}}"); code != 1 || !strings.HasPrefix(out, `{"texts":[{"text":"own"`) {
		t.Errorf("too long: exit %d, %s", code, out)
	}
}
