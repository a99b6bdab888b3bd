package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/go-json-experiment/json"

	"countersign/internal/app"
)

type templateCmd struct {
	Lint templateLintCmd `cmd:"" help:"Say what text messages cost: their alphabet, how many messages each takes with the longest values, and the price."`
}

type templateLintCmd struct {
	JSON     bool   `name:"json" help:"Print everything as one JSON line."`
	Template string `help:"A template of your own, such as \"{{code}} is your {{app_name}} code.\" Otherwise that of the configuration, or else every text that is shipped." placeholder:"TEXT"`
	Messages int    `help:"How many messages your own template may take (${default})." default:"1" placeholder:"N"`
	Locale   string `help:"The shipped texts of this language alone." placeholder:"LOCALE"`
	AppName  string `help:"The app's name; otherwise that of the configuration, or else the longest that there can be." placeholder:"NAME"`
	Domain   string `help:"Host of the page that codes are typed into: texts then end with the line by which browsers fill the code in." placeholder:"HOST"`
	Config   string `help:"Configuration file (YAML or JSON), for template, app_name and price_per_message." type:"existingfile" placeholder:"FILE"`
}

// errTooMany is why lint fails after it has said which texts are meant.
var errTooMany = errors.New("at least one text takes more messages than it may: shorten it, leave out the characters that force UCS-2, " +
	"or allow it with --messages")

// Help says what is counted.
func (c *templateLintCmd) Help() string {
	return "Texts are counted with a code of 10 characters and the longest app name, amount and payee (32, 60 and 60 characters) of the GSM alphabet. " +
		"It ends with 1 if a text takes more messages than it may: one, or what is declared for the texts that are shipped. " +
		"It neither sends anything nor asks the database."
}

// Run prints what the texts are and fails if one is too long.
func (c *templateLintCmd) Run(_ context.Context, s streams) error {
	conf, err := (&serveCmd{Config: c.Config}).load()
	if err != nil {
		return err
	}
	texts, ok, err := app.LintTemplates(conf, app.LintOptions{
		Template: c.Template, Locale: c.Locale, AppName: c.AppName, Domain: c.Domain, Allowed: c.Messages,
	})
	if err != nil {
		return err
	}
	if err := c.print(s, texts); err != nil {
		return err
	}
	if !ok {
		return errTooMany
	}
	return nil
}

func (c *templateLintCmd) print(s streams, texts []app.TemplateLint) error {
	if c.JSON {
		line, err := json.Marshal(struct {
			Texts []app.TemplateLint `json:"texts"`
		}{texts})
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s\n", line)
		return nil
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LOCALE\tTEXT\tALPHABET\tMESSAGES\tPRICE\tANDROID APP\tFORCED BY")
	for _, t := range texts {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", dash(t.Locale), t.Text, t.Encoding, messages(t), priced(t),
			map[bool]string{true: "yes", false: "too long"}[t.Retrievable], forcing(t.Forcing))
	}
	return w.Flush()
}

func messages(t app.TemplateLint) string {
	switch {
	case t.Segments > t.Declared:
		return fmt.Sprintf("%d, and may take %d", t.Segments, t.Declared)
	case t.Declared > 1:
		return fmt.Sprintf("%d (of %d)", t.Segments, t.Declared)
	}
	return fmt.Sprint(t.Segments)
}

func priced(t app.TemplateLint) string {
	if t.Price == "" {
		return "-"
	}
	return "$" + t.Price
}

// forcing names the first characters and counts the others: a text in Greek has them all.
func forcing(characters []string) string {
	const shown = 8
	var named []string
	for _, c := range characters[:min(shown, len(characters))] {
		named = append(named, visible(c))
	}
	if rest := len(characters) - shown; rest > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(named, " "), rest)
	}
	return dash(strings.Join(named, " "))
}

// visible is a character as it can be seen alone: spaces that cannot be broken and
// the like, which are put in by accident, have their number.
func visible(character string) string {
	r := []rune(character)[0]
	switch {
	case unicode.Is(unicode.M, r):
		return "◌" + character
	case !unicode.IsPrint(r):
		return fmt.Sprintf("U+%04X", r)
	}
	return character
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
