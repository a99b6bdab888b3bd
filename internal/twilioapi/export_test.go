package twilioapi

// Patterns are the patterns of all routes, for the tests that walk them.
func Patterns() []string {
	var out []string
	for _, r := range (&api{}).routes() {
		out = append(out, r.pattern)
	}
	return out
}

// ReadForm reads a form and every kind of parameter in it, for the fuzz test.
func ReadForm(text string) (map[string][]string, error) {
	f, err := parseForm(text)
	if err != nil {
		return nil, err
	}
	for name := range f.values {
		f.err = nil
		f.flag(name, false)
		f.whole(name, 0, 9, 0)
		f.sid(name, sidService)
		f.instant(name)
		f.object(name)
		f.friendlyName(name)
	}
	f.err = nil
	f.page()
	return f.values, nil
}
