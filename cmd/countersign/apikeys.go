package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"countersign/internal/app"
)

type keysCreateCmd struct {
	configured `embed:""`
	Name       string   `arg:"" help:"What the key is for, such as the application's name. Two live keys may have one name, so that one can take over from the other."`
	Tenant     string   `help:"Account that the key is of, by its sid (AC…) or name; the first one if left out." placeholder:"ACCOUNT"`
	Scope      []string `help:"What the key may do: read, verify or manage; may be given several times. All if left out." enum:"read,verify,manage" placeholder:"SCOPE"`
}

// Run makes the key and shows it, this once.
func (c *keysCreateCmd) Run(ctx context.Context, s streams) error {
	conf, err := c.load()
	if err != nil {
		return err
	}
	key, err := app.CreateKey(ctx, conf, c.Tenant, c.Name, c.Scope)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, struct {
			app.APIKey `json:",inline"`
			Key        string `json:"key"`
		}{key.APIKey, key.Text.Reveal()})
	}
	text := key.Text.Reveal()
	fmt.Fprintf(s.out, `API key     %s
Key sid     %s
Account     %s (%s)
May         %s

This is the only time that the key is shown. It opens both dialects:

  Telnyx    TELNYX_API_KEY=%s
  Twilio    account sid %s, auth token: the key
            or key sid %s, secret: the key
`, text, key.SID, key.AccountSID, key.AccountName, scopes(key.APIKey), text, key.AccountSID, key.SID)
	return nil
}

type keysListCmd struct {
	configured `embed:""`
	Tenant     string `help:"Account to list, by its sid (AC…) or name; all if left out." placeholder:"ACCOUNT"`
}

// Run prints the keys, never their texts.
func (c *keysListCmd) Run(ctx context.Context, s streams) error {
	conf, err := c.load()
	if err != nil {
		return err
	}
	keys, err := app.ListKeys(ctx, conf, c.Tenant)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, map[string][]app.APIKey{"keys": append([]app.APIKey{}, keys...)})
	}
	if len(keys) == 0 {
		fmt.Fprintln(s.out, "There are no API keys; «countersign keys create NAME» makes one.")
	} else {
		printKeys(s.out, keys)
	}
	if n := len(conf.APIKeys); n > 0 {
		fmt.Fprintf(s.out, "The configuration has %d more, in api_keys.\n", n)
	}
	return nil
}

type keysRevokeCmd struct {
	configured `embed:""`
	ID         string `arg:"" name:"id" help:"The key's sid (SK…), as «keys list» shows it."`
}

// Run ends the key.
func (c *keysRevokeCmd) Run(ctx context.Context, s streams) error {
	conf, err := c.load()
	if err != nil {
		return err
	}
	key, err := app.RevokeKey(ctx, conf, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, key)
	}
	fmt.Fprintf(s.out, "Revoked %s (%s). Every node refuses it within five seconds.\n", key.SID, key.Name)
	return nil
}

type accountsCmd struct {
	Create accountsCreateCmd `cmd:"" help:"Make an account: a tenant, who sees nothing of the others."`
	List   accountsListCmd   `cmd:"" help:"List the accounts."`
}

type accountsCreateCmd struct {
	configured `embed:""`
	Name       string `arg:"" help:"The tenant's name."`
}

// Run makes the account.
func (c *accountsCreateCmd) Run(ctx context.Context, s streams) error {
	conf, err := c.load()
	if err != nil {
		return err
	}
	a, err := app.CreateAccount(ctx, conf, c.Name)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, a)
	}
	fmt.Fprintf(s.out, "Account %s (%s). Make a key for it with «countersign keys create NAME --tenant %s».\n", a.SID, a.Name, a.SID)
	return nil
}

type accountsListCmd struct {
	configured `embed:""`
}

// Run prints the accounts.
func (c *accountsListCmd) Run(ctx context.Context, s streams) error {
	conf, err := c.load()
	if err != nil {
		return err
	}
	accounts, err := app.ListAccounts(ctx, conf)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, map[string][]app.Account{"accounts": accounts})
	}
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SID\tNAME\tCREATED")
	for _, a := range accounts {
		fmt.Fprintf(t, "%s\t%s\t%s\n", a.SID, a.Name, day(a.CreatedAt, "at the first start"))
	}
	_ = t.Flush() // a writer that fails has nobody to tell
	return nil
}

func printKeys(w io.Writer, keys []app.APIKey) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SID\tNAME\tACCOUNT\tMAY\tCREATED\tLAST USED\tREVOKED")
	for _, k := range keys {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.SID, k.Name, k.AccountName, scopes(k),
			day(k.CreatedAt, "-"), day(k.UsedAt, "never"), day(k.RevokedAt, "-"))
	}
	_ = t.Flush() // likewise
}

func scopes(k app.APIKey) string {
	if len(k.Scopes) == 0 {
		return "everything"
	}
	return strings.Join(k.Scopes, ", ")
}

func day(at time.Time, none string) string {
	if at.IsZero() {
		return none
	}
	return at.UTC().Format(time.RFC3339)
}
