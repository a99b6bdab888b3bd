package app

import (
	"slices"
	"strings"
	"testing"

	"countersign/internal/verify"
)

func TestAChannelHasTheCarriersThatTakeIt(t *testing.T) {
	c := Config{Carriers: []CarrierConfig{{Name: "t", Type: "telnyx"}, {Name: "box", Type: "inbox"}}}
	got := routes(&c, map[string]verify.Sender{})
	for channel, want := range map[verify.Channel]string{
		verify.SMS: "t box", verify.Call: "box", verify.Email: "box", verify.WhatsApp: "box", verify.Flashcall: "box",
	} {
		var names []string
		for _, k := range got[channel] {
			names = append(names, k.Name)
		}
		if have := strings.Join(names, " "); have != want {
			t.Errorf("%s goes to %q, want %q", channel, have, want)
		}
	}
}

func TestARouteNamesAChannelAndCarriersThatTakeIt(t *testing.T) {
	for name, tt := range map[string]struct {
		route RouteConfig
		want  string // in the error; empty: none
	}{
		"sms by telnyx":    {RouteConfig{"sms", []string{"t"}}, ""},
		"e-mail by inbox":  {RouteConfig{"email", []string{"box"}}, ""},
		"e-mail by telnyx": {RouteConfig{"email", []string{"t"}}, `carrier "t" is of type telnyx, which takes [sms]`},
		"a pigeon":         {RouteConfig{"pigeon", []string{"box"}}, `"pigeon" is not a channel`},
		"nobody":           {RouteConfig{"sms", []string{"x"}}, `no carrier is called "x"`},
	} {
		c := Config{
			Carriers: []CarrierConfig{{Name: "t", Type: "telnyx", APIKey: NewSecret("KEY"), From: "+13035550000"}, {Name: "box", Type: "inbox"}}, Routes: []RouteConfig{tt.route},
		}
		err := c.checkCarriers()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	for _, kind := range carrierTypes() {
		if len(carries(kind)) == 0 || slices.Contains(carries(kind), "") {
			t.Errorf("carrier type %s takes nothing", kind)
		}
	}
}
