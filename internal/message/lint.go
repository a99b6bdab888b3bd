package message

import (
	"slices"
	"strings"
	"time"

	"countersign/internal/code"
)

// Kind is a text message that is shipped in every locale.
type Kind string

// The kinds. Own is an operator's.
const (
	KindPlain   Kind = "plain"   // the code
	KindBranded Kind = "branded" // the code and the app's name
	KindWarned  Kind = "warned"  // branded, and that nobody will ask for the code
	KindPayment Kind = "payment" // a payment and the code
	KindOwn     Kind = "own"
)

// declared is how many text messages a shipped text may take at most with the longest
// values, by how it is written. What is not here is one. A test holds it.
var declared = map[Kind]map[string]int{
	KindWarned:  {UCS2: 2},
	KindPayment: {GSM7: 2, UCS2: 3},
}

// declaredPage is the same for texts with the line for a page, of a host of 20
// characters.
var declaredPage = map[Kind]map[string]int{
	KindPlain:   {UCS2: 2},
	KindBranded: {UCS2: 2},
	KindWarned:  {UCS2: 3},
	KindPayment: {GSM7: 2, UCS2: 4},
}

// Options are what Lint is to suppose.
type Options struct {
	AppName string // the longest if empty
	Domain  string // none if empty
}

// Lint is what is to be known of a text message before it is sent. It holds no code.
type Lint struct {
	Locale   string // empty for an operator's own template
	Kind     Kind
	Template string
	Encoding string // GSM7 or UCS2
	// Forcing are the characters for which UCS2 is needed, each once.
	Forcing  []string
	Segments int // with the longest values
	Declared int // how many it may take
	// Retrievable says whether Android's SMS Retriever finds an app's hash in it.
	Retrievable bool
}

// Whole says whether the text takes no more messages than it may.
func (l Lint) Whole() bool { return l.Segments <= l.Declared }

// LintShipped looks at every text message of a locale of Locales.
func LintShipped(locale string, o Options) []Lint {
	table := declared
	if o.Domain != "" {
		table = declaredPage
	}
	var out []Lint
	for _, s := range []struct {
		kind     Kind
		template string
	}{
		{KindPlain, Default(locale, false)},
		{KindBranded, Default(locale, true)},
		{KindWarned, Warned(Default(locale, true), locale)},
		{KindPayment, Payment(locale)},
	} {
		l := lint(s.template, o)
		l.Locale, l.Kind, l.Declared = locale, s.kind, max(1, table[s.kind][l.Encoding])
		if s.kind == KindBranded {
			l.Declared = max(l.Declared, vocabulary()[locale].SMSSegments)
		}
		out = append(out, l)
	}
	return out
}

// LintTemplate looks at an operator's template, which may take allowed messages. The
// error is Check's.
func LintTemplate(template string, allowed int, o Options) (Lint, error) {
	if err := Check(template); err != nil {
		return Lint{}, err
	}
	l := lint(template, o)
	l.Kind, l.Declared = KindOwn, max(1, allowed)
	return l, nil
}

// The longest values that the core lets into a text, all of GSM-7: other letters are
// the app's own choice, which Options name, or the payer's.
func longest(o Options) Values {
	c, err := code.Custom(strings.Repeat("W", code.MaxLength))
	if err != nil {
		panic("message: " + err.Error()) // the longest code is a code
	}
	v := Values{
		Code: c, AppName: o.AppName, Validity: 10 * time.Minute, Domain: o.Domain,
		Amount: strings.Repeat("W", maxPayment), Payee: strings.Repeat("W", maxPayment),
	}
	if v.AppName == "" {
		v.AppName = strings.Repeat("W", maxName)
	}
	return v
}

func lint(template string, o Options) Lint {
	v := longest(o)
	text := Render(template, v).Reveal()
	l := Lint{Template: template, Forcing: beyondGSM(text)}
	l.Encoding, l.Segments = Segments(text)
	v.AppHash = strings.Repeat("W", 11)
	l.Retrievable = len(Render(template, v).Reveal()) <= retrieverBytes
	return l
}

func beyondGSM(text string) []string {
	var out []string
	for _, r := range text {
		if s := string(r); !strings.ContainsRune(gsmBasic+gsmExtended, r) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
