package twiliogo

import (
	"strings"
	"testing"

	verify "github.com/twilio/twilio-go/rest/verify/v2"
)

// begin are the parameters of a start.
func begin(to, channel string) *verify.CreateVerificationParams {
	return new(verify.CreateVerificationParams).SetTo(to).SetChannel(channel)
}

func guess(to, code string) *verify.CreateVerificationCheckParams {
	return new(verify.CreateVerificationCheckParams).SetTo(to).SetCode(code)
}

func TestAVerificationIsStartedFetchedAndApprovedOnce(t *testing.T) {
	api, service, to := newAPI(t), setting(t, "COUNTERSIGN_SERVICE"), "+13035554001"
	v := must(api.CreateVerification(service, begin(to, "sms")))(t)
	equal(t, "service_sid", v.ServiceSid, service)
	equal(t, "account_sid", v.AccountSid, setting(t, "TWILIO_ACCOUNT_SID"))
	equal(t, "to", v.To, to)
	equal(t, "status", v.Status, "pending")
	if v.DateCreated == nil || v.SendCodeAttempts == nil || len(*v.SendCodeAttempts) != 1 {
		t.Errorf("got %+v, want a date and one message", v)
	}
	equal(t, "fetched sid", must(api.FetchVerification(service, *v.Sid))(t).Sid, *v.Sid)
	equal(t, "sid by number", must(api.FetchVerification(service, to))(t).Sid, *v.Sid)
	again := must(api.FetchVerificationWithMetadata(service, *v.Sid))(t)
	if again.GetStatusCode() != 200 {
		t.Errorf("got status %d", again.GetStatusCode())
	}

	right := received(t, to).Code
	no := must(api.CreateVerificationCheck(service, guess(to, wrong(right))))(t)
	equal(t, "status after a wrong code", no.Status, "pending")
	equal(t, "valid after a wrong code", no.Valid, false)
	yes := must(api.CreateVerificationCheck(service, new(verify.CreateVerificationCheckParams).SetVerificationSid(*v.Sid).SetCode(right)))(t)
	equal(t, "status after the right code", yes.Status, "approved")
	equal(t, "valid after the right code", yes.Valid, true)
	_, err := api.CreateVerificationCheckWithMetadata(service, guess(to, right))
	refused(t, err, 20404, 404)
	_, err = api.FetchVerification(service, *v.Sid)
	refused(t, err, 20404, 404)
}

func TestAnEMailAndACallReachTheInbox(t *testing.T) {
	api, service := newAPI(t), setting(t, "COUNTERSIGN_SERVICE")
	mail := "grace@example.com"
	must(api.CreateVerification(service, begin(mail, "email")))(t)
	letter := received(t, mail)
	if letter.Channel != "email" || letter.Subject == "" || !strings.Contains(letter.Text, letter.Code) {
		t.Errorf("got %+v", letter)
	}
	equal(t, "status of the e-mail", must(api.CreateVerificationCheck(service, guess(mail, letter.Code)))(t).Status, "approved")

	to := "+13035554002"
	must(api.CreateVerification(service, begin(to, "call").SetSendDigits("99").SetLocale("fr")))(t)
	call := received(t, to)
	spoken := strings.Join(strings.Split(call.Code, ""), ", ")
	if call.Channel != "call" || call.Keys != "99" || strings.Count(call.Text, spoken) != 2 {
		t.Errorf("got %+v, want %q twice", call, spoken)
	}
	equal(t, "status of the call", must(api.CreateVerificationCheck(service, guess(to, call.Code)))(t).Status, "approved")
}

func TestAVerificationIsUpdated(t *testing.T) {
	api, service := newAPI(t), setting(t, "COUNTERSIGN_SERVICE")
	v := must(api.CreateVerificationWithMetadata(service, begin("+13035554003", "whatsapp").SetTags(`{"plan":"gold"}`).SetRiskCheck("disable")))(t)
	if v.GetStatusCode() != 201 {
		t.Errorf("got status %d", v.GetStatusCode())
	}
	sid := *v.GetResource().Sid
	change := func(status string) *verify.UpdateVerificationParams {
		return new(verify.UpdateVerificationParams).SetStatus(status)
	}
	_, err := api.UpdateVerification(service, sid, change("pending"))
	refused(t, err, 60200, 400)
	equal(t, "status", must(api.UpdateVerification(service, sid, change("approved")))(t).Status, "approved")
	_, err = api.UpdateVerification(service, sid, change("canceled"))
	refused(t, err, 20404, 404)
	other := must(api.CreateVerification(service, begin("+13035554004", "auto")))(t)
	canceled := must(api.UpdateVerificationWithMetadata(service, *other.Sid, change("canceled")))(t).GetResource()
	equal(t, "status", canceled.Status, "canceled")
}

func TestRefusalsAreThePackagesOwnErrors(t *testing.T) {
	api, service := newAPI(t), setting(t, "COUNTERSIGN_SERVICE")
	for _, tt := range []struct {
		name         string
		params       *verify.CreateVerificationParams
		code, status int
	}{
		{"no +", begin("3035551234", "sms"), 60200, 400},
		{"a landline", begin("+442071838750", "sms"), 60205, 403},
		{"no such channel", begin("+13035554005", "pigeon"), 60200, 400},
		{"a channel that is not here", begin("+13035554005", "sna"), 60223, 400},
		{"an address without its channel", begin("a@example.com", "sms"), 60200, 400},
		{"no such template", begin("+13035554005", "sms").SetTemplateSid("HJ" + strings.Repeat("1", 32)), 60200, 400},
		{"tags that are none", begin("+13035554005", "sms").SetTags("gold"), 60200, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := api.CreateVerification(service, tt.params)
			refused(t, err, tt.code, tt.status)
		})
	}
	_, err := api.CreateVerification("VA"+strings.Repeat("0", 32), begin("+13035554005", "sms"))
	refused(t, err, 20404, 404)
	_, err = connect(t, setting(t, "TWILIO_ACCOUNT_SID"), "KEYwrong").VerifyV2.CreateVerification(service, begin("+13035554005", "sms"))
	refused(t, err, 20003, 401)
	_, err = api.CreateVerificationCheck(service, new(verify.CreateVerificationCheckParams).SetCode("123456"))
	refused(t, err, 60221, 400)
	_, err = api.CreateVerificationCheck(service, guess("+13035554006", "123456"))
	refused(t, err, 20404, 404)
	_, err = api.FetchEntity(service, "7c9e6679")
	refused(t, err, 20404, 404)
}

func TestFiveWrongCodesEndAVerification(t *testing.T) {
	api, service, to := newAPI(t), setting(t, "COUNTERSIGN_SERVICE"), "+13035554007"
	must(api.CreateVerification(service, begin(to, "sms")))(t)
	right := received(t, to).Code
	for range 4 {
		equal(t, "status", must(api.CreateVerificationCheck(service, guess(to, wrong(right))))(t).Status, "pending")
	}
	_, _ = api.CreateVerificationCheck(service, guess(to, wrong(right))) // the fifth; what it answers is the dialect's own test
	_, err := api.CreateVerificationCheck(service, guess(to, right))
	refused(t, err, 60202, 429)
}
