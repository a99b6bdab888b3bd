package route

import (
	"fmt"
	"strconv"
	"time"
)

// count is "1 try", "2 tries".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// span is a wait in words, rounded up: "12 s", "2 min".
func span(d time.Duration) string {
	seconds := (d + time.Second - 1) / time.Second
	if seconds < 120 {
		return fmt.Sprintf("%d s", seconds)
	}
	return fmt.Sprintf("%d min", (seconds+59)/60)
}

// ordinal is "1st", "2nd", "11th".
func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

// to is " to GB", or nothing where there is no country.
func to(country string) string {
	if country == "" {
		return ""
	}
	return " to " + country
}

// shown is how much of a prefix is shown. No telephone number is so short.
const shown = 6

// words says by what the rule at index i fits, without a whole number.
func (f fit) words(i int) string {
	out := fmt.Sprintf("routes[%d]", i)
	switch {
	case len(f.prefix) > shown+1:
		out += ", for numbers that begin with " + f.prefix[:shown+1] + "…"
	case f.prefix != "":
		out += ", for numbers that begin with " + f.prefix
	}
	switch {
	case f.country != "" && f.prefix != "":
		out += " in " + f.country
	case f.country != "":
		out += ", for numbers of " + f.country
	}
	return out
}

// name is the rule in few words.
func (m Match) name() string {
	if m.Index < 0 {
		return fmt.Sprintf("the carriers for %s", m.Rule.Channel)
	}
	return fmt.Sprintf("routes[%d]", m.Index)
}
