package message

import "strings"

// Spoken is what is said in a call, in v.Locale or else in English: a greeting, the
// payment if there is one, the code, the code once more, and a good-bye. The
// characters of the code stand apart with commas, at which speech synthesis pauses,
// and letters are capitals, so that it says their names.
func Spoken(v Values) Text {
	w := wordsOf(v.Locale)
	spelled := strings.Join(strings.Split(strings.ToUpper(v.Code.Text()), ""), ", ")
	out := sentences(w.Greeting, w.payment(v), w.codeIs(v), spelled+".", w.Again, spelled+".", w.Goodbye)
	return Text{&out}
}

// Mail is an e-mail as plain text, in v.Locale or else in English, its lines ended
// by \n. The subject is one line and never holds the code, since lock screens, lists
// and the logs of mail servers show it.
func Mail(v Values) (subject string, body Text) {
	w := wordsOf(v.Locale)
	subject, secret := w.Subject, w.Secret
	if v.branded() {
		subject, secret = fill(w.SubjectBranded, v), fill(w.SecretBranded, v)
	}
	var b strings.Builder
	for _, paragraph := range []string{
		sentences(w.payment(v), w.codeIs(v)),
		v.Code.Text(),
		w.validity(v),
		sentences(w.Ignore, secret),
	} {
		if paragraph == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(paragraph)
	}
	b.WriteString("\n")
	out := b.String()
	return subject, Text{&out}
}

func (w words) codeIs(v Values) string {
	if v.branded() {
		return fill(w.CodeIsBranded, v)
	}
	return w.CodeIs
}

func (w words) payment(v Values) string {
	if !v.pays() {
		return ""
	}
	return fill(w.Payment, v)
}

func (w words) validity(v Values) string {
	switch {
	case v.Validity <= 0:
		return ""
	case v.minutes() == 1 && w.ValidityOne != "":
		return w.ValidityOne
	}
	return fill(w.Validity, v)
}
