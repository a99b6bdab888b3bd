package verify

import (
	"fmt"
	"slices"

	"countersign/internal/phone"
)

// reachable says which types of number a channel reaches. Whatever is not in the
// table is refused: premium and shared-cost numbers pay whoever receives, and a
// text to a landline is money for nothing.
var reachable = map[Channel][]phone.Type{
	SMS:       {phone.Mobile, phone.MobileOrFixed},
	WhatsApp:  {phone.Mobile, phone.MobileOrFixed},
	Flashcall: {phone.Mobile, phone.MobileOrFixed},
	Call:      {phone.Mobile, phone.MobileOrFixed, phone.Fixed},
}

// Reaches says whether a channel can bring a code to an address: a landline is called and
// not texted. Whether it may go there is another matter, which Start decides.
func Reaches(ch Channel, to Address) bool {
	number, phones := to.Number()
	if !phones {
		_, mail := to.Mailbox()
		return mail && ch == Email
	}
	return slices.Contains(reachable[ch], number.Type())
}

// guard refuses addresses that no message may go to.
func guard(env *Env, p Profile, ch Channel, to Address) error {
	if !slices.Contains(env.Channels, ch) {
		return &Error{Kind: NoChannel, Err: fmt.Errorf("no carrier is configured for channel %q", ch)}
	}
	number, phones := to.Number()
	if phones == (ch == Email) {
		return &Error{Kind: NumberType, Field: FieldAddress, Err: fmt.Errorf("it is no address that channel %q reaches", ch)}
	}
	if !phones {
		return nil
	}
	if !Reaches(ch, to) {
		return &Error{Kind: NumberType, Field: FieldAddress, Err: fmt.Errorf("a %s number cannot be reached by %s", number.Type(), ch)}
	}
	// Satellite networks and other plans of no country are the dearest there are:
	// they are open to nobody.
	region := number.Region()
	if region == phone.NoCountry || len(p.Countries) > 0 && !slices.Contains(p.Countries, region) {
		return &Error{Kind: Country, Field: FieldAddress, Err: fmt.Errorf("country %s is not enabled", region)}
	}
	return nil
}
