package twiliogo

import (
	"strings"
	"testing"
	"time"

	verify "github.com/twilio/twilio-go/rest/verify/v2"
)

func ptr[T any](v T) *T { return &v }

// newService makes a service of a test's own.
func newService(t *testing.T, api *verify.ApiService, name string) string {
	t.Helper()
	return *must(api.CreateService(new(verify.CreateServiceParams).SetFriendlyName(name)))(t).Sid
}

func none(letters string) string { return letters + strings.Repeat("0", 32) }

func TestServices(t *testing.T) {
	api := newAPI(t)
	one, two := newService(t, api, "Go one"), newService(t, api, "Go two")
	three := must(api.CreateServiceWithMetadata(new(verify.CreateServiceParams).SetFriendlyName("Go three").SetCodeLength(8)))(t).GetResource()
	if three.CodeLength != 8 || three.Links == nil {
		t.Errorf("got %+v", three)
	}
	f := family{api: api, name: "Service"}
	f.paged(t)
	f.fetched(t, *three.Sid, none("VA"), 20404)
	equal(t, "friendly_name", must(api.UpdateService(one, new(verify.UpdateServiceParams).SetFriendlyName("Go first")))(t).FriendlyName, "Go first")
	f.updated(t, *three.Sid, &verify.UpdateServiceParams{CodeLength: ptr(9)}, &verify.UpdateServiceParams{CodeLength: ptr(11)})
	_, err := api.CreateService(new(verify.CreateServiceParams).SetFriendlyName("Call 12345"))
	refused(t, err, 60200, 400)
	f.deleted(t, one, two)
}

func TestAttemptsAndTheirSummary(t *testing.T) {
	api := newAPI(t)
	service := newService(t, api, "Go attempts")
	var sid string
	to := []string{"+13035554010", "+13035554011", "+13035554012"}
	for _, to := range to {
		v := must(api.CreateVerification(service, begin(to, "sms")))(t)
		sid = (*v.SendCodeAttempts)[0].(map[string]any)["attempt_sid"].(string)
	}
	must(api.CreateVerificationCheck(service, guess(to[2], received(t, to[2]).Code)))(t)

	f := family{api: api, name: "VerificationAttempt", params: &verify.ListVerificationAttemptParams{VerifyServiceSid: &service}}
	f.paged(t)
	f.fetched(t, sid, none("VL"), 20404)
	attempt := must(api.FetchVerificationAttempt(sid))(t)
	equal(t, "conversion_status", attempt.ConversionStatus, "converted")
	equal(t, "channel", attempt.Channel, "sms")
	chosen := new(verify.ListVerificationAttemptParams).SetVerifyServiceSid(service).SetStatus("unconverted").SetCountry("US").SetChannel("sms").
		SetDateCreatedAfter(time.Now().Add(-time.Hour)).SetDateCreatedBefore(time.Now().Add(time.Hour))
	if found := must(api.ListVerificationAttempt(chosen))(t); len(found) != 2 {
		t.Errorf("got %d attempts, want 2", len(found))
	}
	if found := must(api.ListVerificationAttempt(new(verify.ListVerificationAttemptParams).SetChannelDataTo(to[1])))(t); len(found) != 1 {
		t.Errorf("got %d attempts to one number, want 1", len(found))
	}
	_, err := api.ListVerificationAttempt(new(verify.ListVerificationAttemptParams).SetChannel("pigeon"))
	refused(t, err, 60200, 400)

	all := must(api.FetchVerificationAttemptsSummary(new(verify.FetchVerificationAttemptsSummaryParams).SetVerifyServiceSid(service)))(t)
	if all.TotalAttempts != 3 || all.TotalConverted != 1 || all.TotalUnconverted != 2 {
		t.Errorf("got %+v", all)
	}
	some := must(api.FetchVerificationAttemptsSummaryWithMetadata(new(verify.FetchVerificationAttemptsSummaryParams).
		SetVerifyServiceSid(service).SetDestinationPrefix("+49")))(t).GetResource()
	if some.TotalAttempts != 0 {
		t.Errorf("got %+v", some)
	}
	_, err = api.FetchVerificationAttemptsSummary(new(verify.FetchVerificationAttemptsSummaryParams).SetChannel("pigeon"))
	refused(t, err, 60200, 400)
}

func TestTemplates(t *testing.T) {
	api := newAPI(t)
	family{api: api, name: "VerificationTemplate"}.paged(t)
	all := must(api.ListVerificationTemplate(nil))(t)
	named := must(api.ListVerificationTemplate(new(verify.ListVerificationTemplateParams).SetFriendlyName(*all[0].FriendlyName)))(t)
	if len(named) == 0 || len(named) == len(all) {
		t.Errorf("%d of %d templates have the name %q", len(named), len(all), *all[0].FriendlyName)
	}
}

func TestRateLimitsAndTheirBuckets(t *testing.T) {
	api := newAPI(t)
	service := newService(t, api, "Go limited")
	limit := must(api.CreateRateLimit(service, new(verify.CreateRateLimitParams).SetUniqueName("ip").SetDescription("by address")))(t)
	_, err := api.CreateRateLimit(service, new(verify.CreateRateLimitParams).SetUniqueName("ip"))
	refused(t, err, 60208, 400)
	second := must(api.CreateRateLimitWithMetadata(service, new(verify.CreateRateLimitParams).SetUniqueName("session")))(t).GetResource()
	third := must(api.CreateRateLimit(service, new(verify.CreateRateLimitParams).SetUniqueName("tenant")))(t)
	limits := family{api: api, name: "RateLimit", under: []string{service}}
	limits.paged(t)
	limits.fetched(t, *limit.Sid, none("RK"), 20404)
	limits.updated(t, *limit.Sid, new(verify.UpdateRateLimitParams).SetDescription("by IP address"), new(verify.UpdateRateLimitParams).SetDescription(strings.Repeat("x", 300)))

	bucket := func(max, interval int) *verify.CreateBucketParams {
		return new(verify.CreateBucketParams).SetMax(max).SetInterval(interval)
	}
	minute := must(api.CreateBucket(service, *limit.Sid, bucket(1, 60)))(t)
	if minute.Max != 1 || minute.Interval != 60 {
		t.Errorf("got %+v", minute)
	}
	_, err = api.CreateBucket(service, *limit.Sid, bucket(9, 60))
	refused(t, err, 60211, 400)
	hour := must(api.CreateBucket(service, *limit.Sid, bucket(2, 3600)))(t)
	day := must(api.CreateBucketWithMetadata(service, *limit.Sid, bucket(3, 86400)))(t).GetResource()
	buckets := family{api: api, name: "Bucket", under: []string{service, *limit.Sid}}
	buckets.paged(t)
	buckets.fetched(t, *day.Sid, none("BL"), 20404)
	buckets.updated(t, *hour.Sid, new(verify.UpdateBucketParams).SetMax(7), new(verify.UpdateBucketParams).SetMax(0))

	spend := func(to string) error {
		_, err := api.CreateVerification(service, begin(to, "sms").SetRateLimits(map[string]string{"ip": "192.0.2.9"}))
		return err
	}
	if err := spend("+13035554020"); err != nil {
		t.Error(err)
	}
	refused(t, spend("+13035554021"), 60207, 429)
	buckets.deleted(t, *hour.Sid, *day.Sid)
	limits.deleted(t, *second.Sid, *third.Sid)
}

func TestMessagingConfigurations(t *testing.T) {
	api := newAPI(t)
	service := newService(t, api, "Go countries")
	sender := "MG" + strings.Repeat("1", 32)
	in := func(country string) *verify.CreateMessagingConfigurationParams {
		return new(verify.CreateMessagingConfigurationParams).SetCountry(country).SetMessagingServiceSid(sender)
	}
	equal(t, "country", must(api.CreateMessagingConfiguration(service, in("US")))(t).Country, "US")
	must(api.CreateMessagingConfigurationWithMetadata(service, in("FI")))(t)
	must(api.CreateMessagingConfiguration(service, in("all")))(t)
	_, err := api.CreateMessagingConfiguration(service, in("US"))
	refused(t, err, 60213, 400)
	f := family{api: api, name: "MessagingConfiguration", under: []string{service}}
	f.paged(t)
	f.fetched(t, "US", "SE", 20404)
	f.updated(t, "US", new(verify.UpdateMessagingConfigurationParams).SetMessagingServiceSid("MG"+strings.Repeat("2", 32)),
		new(verify.UpdateMessagingConfigurationParams).SetMessagingServiceSid("MG1"))
	f.deleted(t, "US", "FI")
}

func TestTheSafeList(t *testing.T) {
	api := newAPI(t)
	first, second := "+13035554030", "+13035554031"
	safe := must(api.CreateSafelist(new(verify.CreateSafelistParams).SetPhoneNumber(first)))(t)
	equal(t, "phone_number", safe.PhoneNumber, first)
	must(api.CreateSafelistWithMetadata(new(verify.CreateSafelistParams).SetPhoneNumber(second)))(t)
	_, err := api.CreateSafelist(new(verify.CreateSafelistParams).SetPhoneNumber("12345"))
	refused(t, err, 60200, 400)
	f := family{api: api, name: "Safelist"}
	f.fetched(t, first, "+13035554032", 20404)
	f.deleted(t, first, second)
}

func TestWebhooks(t *testing.T) {
	api := newAPI(t)
	service := newService(t, api, "Go hooks")
	hook := func(name, to string) *verify.CreateWebhookParams {
		return new(verify.CreateWebhookParams).SetFriendlyName(name).SetEventTypes([]string{"*"}).SetWebhookUrl(to)
	}
	first := must(api.CreateWebhook(service, hook("first", "https://example.com/1").SetVersion("v2")))(t)
	equal(t, "webhook_url", first.WebhookUrl, "https://example.com/1")
	second := must(api.CreateWebhookWithMetadata(service, hook("second", "https://example.com/2")))(t).GetResource()
	third := must(api.CreateWebhook(service, hook("third", "https://example.com/3")))(t)
	_, err := api.CreateWebhook(service, hook("bad", "ftp://example.com"))
	refused(t, err, 60200, 400)
	f := family{api: api, name: "Webhook", under: []string{service}}
	f.paged(t)
	f.fetched(t, *first.Sid, none("YW"), 20404)
	f.updated(t, *first.Sid, new(verify.UpdateWebhookParams).SetStatus("disabled"), new(verify.UpdateWebhookParams).SetStatus("asleep"))
	f.deleted(t, *second.Sid, *third.Sid)
}
