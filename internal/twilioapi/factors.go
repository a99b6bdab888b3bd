package twilioapi

import (
	"strconv"
	"strings"
)

// showFactors shows what a service says of factors. None is served: the settings are
// shown as they were given, and null where they were not.
func (s *service) showFactors(kept map[string]string) {
	text := func(name string) any {
		if v := kept[name]; v != "" {
			return v
		}
		return nil
	}
	number := func(name string) any {
		if n, err := strconv.Atoi(kept[name]); err == nil {
			return n
		}
		return nil
	}
	var origins any
	if v := kept["Passkeys.RelyingParty.Origins"]; v != "" {
		origins = strings.Split(v, ",")
	}
	s.Push = map[string]any{
		"include_date":       kept["Push.IncludeDate"] == "true",
		"apn_credential_sid": text("Push.ApnCredentialSid"), "fcm_credential_sid": text("Push.FcmCredentialSid"),
	}
	s.TOTP = map[string]any{
		"issuer": text("Totp.Issuer"), "time_step": number("Totp.TimeStep"),
		"code_length": number("Totp.CodeLength"), "skew": number("Totp.Skew"),
	}
	s.WhatsApp = map[string]any{"msg_service_sid": text("Whatsapp.MsgServiceSid"), "from": text("Whatsapp.From")}
	s.Passkeys = map[string]any{
		"relying_party": map[string]any{
			"id": text("Passkeys.RelyingParty.Id"), "name": text("Passkeys.RelyingParty.Name"), "origins": origins,
		},
		"authenticator_attachment": text("Passkeys.AuthenticatorAttachment"),
		"discoverable_credentials": text("Passkeys.DiscoverableCredentials"),
		"user_verification":        text("Passkeys.UserVerification"),
	}
}
