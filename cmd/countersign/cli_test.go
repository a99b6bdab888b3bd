package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cliRun runs a command that ends by itself.
func cliRun(t *testing.T, files map[string]string, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := command(t, args...)
	cmd.Env = append(cmd.Env, env...)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(cmd.Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the exit code says it
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

const carrier = "carriers: [{name: telnyx, type: telnyx, api_key: SECRET-CANARY, from: '+12015550100'}]\n"

func TestCommandsSayWhatIsWrongAndWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name string
		file string
		env  []string
		args []string
		code int
		want string
	}{
		{"a good configuration", "key_file: k\napi_keys: [0123456789012345678901234567]\n" + carrier, nil, []string{"config", "check", "c.yml"}, 0, "The configuration is good."},
		{"no API key", "key_file: k\n" + carrier, nil, []string{"config", "check", "c.yml"}, 0, "countersign keys create"},
		{"a key file that is not there", "key_file: nowhere\n" + carrier, nil, []string{"config", "check", "c.yml"}, 0, "nowhere does not exist here"},
		{"a key file that is none", "key_file: c.yml\n" + carrier, nil, []string{"config", "check", "c.yml"}, 1, "key_file c.yml: line 1"},
		{"a database URL that cannot be read", "key_file: k\ndatabase: 'postgres://u:SECRET-CANARY%zz@h/x'\n" + carrier, nil, []string{"config", "check", "c.yml"}, 1, "the database URL cannot be read"},
		{"a number to erase where nothing is", "key_file: k\n", nil, []string{"erase", "+12015550123", "--config", "c.yml"}, 1, "there is no database at"},
		{"no number to erase", "key_file: k\n", nil, []string{"erase", "hello", "--config", "c.yml"}, 1, "characters that no number has"},
		{"a key to rotate that is not there", "key_file: nowhere\n", nil, []string{"keys", "rotate", "--config", "c.yml"}, 1, "nowhere does not exist. If this is a new installation"},
		{"the same as JSON", `{"key_file":"k","carriers":[{"name":"telnyx","type":"telnyx","api_key":"x","from":"+12015550100"}]}`, nil, []string{"config", "check", "--config", "c.yml"}, 0, "good"},
		{"no key in production", carrier, nil, []string{"serve", "--config", "c.yml"}, 1, "countersign keys generate"},
		{"a key file that is not there", "key_file: gone\n" + carrier, nil, []string{"serve", "--config", "c.yml"}, 1, "bring it back from your copy"},
		{"no carrier", "key_file: k\n", nil, []string{"serve", "--config", "c.yml"}, 1, "carriers: none is configured"},
		{"an unknown key", "listne: x\n", nil, []string{"serve", "--config", "c.yml"}, 1, `unknown field "listne"`},
		{"an unknown key of a carrier", "carriers: [{name: a, type: telnyx, apikey: SECRET-CANARY}]\n", nil, []string{"serve", "--config", "c.yml"}, 1, `unknown field "apikey"`},
		{"a key given twice", "listen: a\nlisten: b\n", nil, []string{"serve", "--config", "c.yml"}, 1, "already defined"},
		{"an unknown variable", carrier, []string{"COUNTERSIGN_LISTNE=x"}, []string{"serve", "--config", "c.yml"}, 1, "COUNTERSIGN_LISTNE: there is no such setting"},
		{"a value and a file", carrier, []string{"COUNTERSIGN_LISTEN=x", "COUNTERSIGN_LISTEN_FILE=c.yml"}, []string{"serve", "--config", "c.yml"}, 1, "given twice"},
		{"the inbox in production", "key_file: k\ncarriers: [{name: i, type: inbox}]\n", nil, []string{"serve", "--config", "c.yml"}, 1, "shows every code"},
		{"the inbox on a public listener", "environment: development\nkey_file: k\nlisten: 0.0.0.0:3000\ncarriers: [{name: i, type: inbox}]\n", nil, []string{"serve", "--config", "c.yml"}, 1, "loopback alone"},
		{"dev on a public listener", "", nil, []string{"dev", "--listen", ":3000", "--data", "d"}, 1, "loopback alone"},
		{"a type of carrier that is none", "key_file: k\ncarriers: [{name: a, type: pigeon}]\n", nil, []string{"serve", "--config", "c.yml"}, 1, `"pigeon" is not one of inbox, simulator`},
		{"a route to nobody", "key_file: k\nroutes: [{channel: sms, carriers: [b]}]\n" + carrier, nil, []string{"serve", "--config", "c.yml"}, 1, `no carrier is called "b"`},
		{"a route of calls over a carrier of texts", "key_file: k\nroutes: [{channel: call, carriers: [telnyx]}]\n" + carrier, nil, []string{"config", "check", "c.yml"}, 1, `"telnyx" takes [sms] as it is set up, and not call`},
		{"a route of a channel that is none", "key_file: k\nroutes: [{channel: pigeon, carriers: [telnyx]}]\n" + carrier, nil, []string{"config", "check", "c.yml"}, 1, `"pigeon" is not a channel; it must be one of [sms call`},
		{"a price in cents", "key_file: k\nprice_per_message: 75\n" + carrier, nil, []string{"config", "check", "c.yml"}, 1, "price_per_message: not between"},
		{"a price with a comma", "key_file: k\nprice_per_message: '0,0075'\n" + carrier, nil, []string{"config", "check", "c.yml"}, 1, "price_per_message: not an amount in US dollars"},
		{"a price", "key_file: k\nprice_per_message: 0.0075\n" + carrier, nil, []string{"config", "check", "c.yml"}, 0, "The configuration is good."},
		{"the help on keys", "", nil, []string{"keys", "--help"}, 0, "The encryption key, which protects the database"},
		{"the help on API keys", "", nil, []string{"keys", "--help"}, 0, "API keys, with which applications ask"},
		{"a short API key", "key_file: k\napi_keys: [short]\n" + carrier, nil, []string{"serve", "--config", "c.yml"}, 1, "at least 20 characters"},
		{"too long a validity", "key_file: k\ncode: {validity: 20m}\n" + carrier, nil, []string{"serve", "--config", "c.yml"}, 1, "code.validity"},
		{"a country that is none", "key_file: k\ncountry_code: Atlantis\n" + carrier, nil, []string{"serve", "--config", "c.yml"}, 1, "country_code"},
		{"a database of tomorrow", "key_file: k\ndatabase: mysql://x\n" + carrier, nil, []string{"serve", "--config", "c.yml"}, 1, "database: must be sqlite:PATH"},
		{"a carrier without a key, checked", "key_file: k\ncarriers: [{name: t, type: telnyx}]\n", nil, []string{"config", "check", "c.yml"}, 1, "carrier t:"},
		{"a secret that slipped a line", "key_file: k\ncode: {validity: SECRET-CANARY}\n" + carrier, nil, []string{"config", "check", "c.yml"}, 1, "not a duration"},
		{"a database in memory", "key_file: k\ndatabase: 'sqlite::memory:'\n" + carrier, nil, []string{"config", "check", "c.yml"}, 1, "sqlite:PATH"},
		{"a PostgreSQL that is not there", "key_file: k\nenvironment: development\ndatabase: postgres://u:SECRET-CANARY@127.0.0.1:1/x\n" + carrier, nil, []string{"serve", "--config", "c.yml"}, 1, "store: "},
		{"everyone is a proxy", "key_file: k\ntrusted_proxies: [0.0.0.0/0]\n" + carrier, nil, []string{"config", "check", "c.yml"}, 1, "trusts everyone"},
		{"webhooks to be kept from nowhere", "key_file: k\nwebhook_deny: [everywhere]\n" + carrier, nil, []string{"config", "check", "c.yml"}, 1, "webhook_deny: \"everywhere\" is neither"},
		{"a public listener without https", "key_file: k\nlisten: 0.0.0.0:3000\n" + carrier, nil, []string{"config", "check", "c.yml"}, 0, "in the clear"},
		{"a proxy that is not named", "key_file: k\npublic_url: https://v.example\n" + carrier, nil, []string{"config", "check", "c.yml"}, 0, "share one limit"},
		{"a template without a code", "key_file: k\ntemplate: hello\n" + carrier, nil, []string{"serve", "--config", "c.yml"}, 1, "{{code}}"},
		{"a weak code", "key_file: k\ncode: {length: 4}\n" + carrier, nil, []string{"config", "check", "c.yml"}, 0, "fewer than six digits"},
		{"the tutorial in production", `{"API_KEY":"SECRET-CANARY","FROM_NUMBER":"+12015550100","NODE_ENV":"production"}`, nil, []string{"serve", "--config", "c.yml"}, 1, "key_file"},
		{"the tutorial's placeholders in production", `{"API_KEY":"YOUR_API_KEY","FROM_NUMBER":"YOUR_TELNYX_NUMBER","NODE_ENV":"production"}`, nil, []string{"serve", "--config", "c.yml"}, 1, "replace the tutorial's placeholders"},
		{"a token too long", `{"API_KEY":"SECRET-CANARY","FROM_NUMBER":"+12015550100","TOKEN_LENGTH":64,"NODE_ENV":"development"}`, nil, []string{"config", "check", "c.yml"}, 1, "length 64 is not between 4 and 10"},
		{"the version", "", nil, []string{"version"}, 0, "countersign "},
		{"a command that is none", "", nil, []string{"sevre"}, 2, "sevre"},
		{"a flag that is none", "", nil, []string{"dev", "--liste", "x"}, 2, "--liste"},
		{"no command", "", nil, nil, 2, "expected one of"},
		{"help", "", nil, []string{"--help"}, 0, "Try it: no configuration"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := cliRun(t, map[string]string{"c.yml": tt.file}, tt.env, tt.args...)
			if code != tt.code || !strings.Contains(out+errs, tt.want) {
				t.Errorf("exit %d, want %d with %q\n%s%s", code, tt.code, tt.want, out, errs)
			}
			if strings.Contains(out+errs, "CANARY") || strings.Contains(errs, "goroutine ") {
				t.Errorf("it shows what it must not:\n%s%s", out, errs)
			}
		})
	}
}

func TestAKeyFileIsPrivateAndNeverOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "key")
	if code, _, errs := cliRun(t, nil, nil, "keys", "generate", path); code != 0 {
		t.Fatal(errs)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if code, _, errs := cliRun(t, nil, nil, "keys", "generate", path); code != 1 || !strings.Contains(errs, "exists") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Error("the key file was changed")
	}
}
