package pages

import (
	"net/http"

	"countersign/internal/phone"
	"countersign/internal/verify"
)

// english is the catalogue in English. A sentence about a mistake says what to do.
var english = catalogue{
	language:  "en",
	direction: "ltr",
	count:     inEnglish,
	labels: map[string]string{
		"in":          "in {span}",
		"soon":        "in a moment",
		"error":       "Error: {title}",
		"title":       "{title} – {app}",
		"problem":     "There is a problem",
		"step":        "Step {n} of 2",
		"inbox":       "See the development inbox",
		"development": "This is a development server.",

		"number.title":    "Verify your phone number",
		"number.lead":     "We will text you a code to check that this phone is yours.",
		"number.label":    "Mobile number",
		"number.national": "For example {example}. For a number from another country, begin with + and the country code.",
		"number.abroad":   "Begin with + and your country code, for example +44 7700 900123.",
		"number.send":     "Send code",
		"number.back":     "I already have a code",

		"code.title":   "Check your phone",
		"code.lead":    "We have texted a code of {code} to the number ending in {ending}.",
		"code.unsent":  "No message has reached the number ending in {ending}.",
		"code.change":  "Change the number",
		"code.label":   "Code",
		"code.valid":   "It works for another {span}.",
		"code.submit":  "Continue",
		"resend.title": "No message yet?",
		"resend.text":  "Text messages can take a minute or two. Any new message brings the same code.",
		"resend.send":  "Send the code again",
		"resend.wait":  "You can ask for another message in {span}.",
		"resend.ready": "You can ask for another message now.",
		"resend.none":  "No more messages can be sent for this code.",

		"ended.title":          "This code no longer works",
		"ended.expired":        "This code has expired",
		"ended.exhausted":      "That was the last try",
		"ended.used":           "This code has been used",
		"ended.gone":           "Let us begin again",
		"ended.lead.expired":   "Codes work only for a few minutes. We can text a new one to the number ending in {ending}.",
		"ended.lead.exhausted": "After too many wrong codes we need to start again. We can text a new code to the number ending in {ending}.",
		"ended.lead.canceled":  "It was cancelled. We can text a new code to the number ending in {ending}.",
		"ended.lead.used":      "A code works only once. We can text a new one to the number ending in {ending}.",
		"ended.lead.gone":      "We no longer know of this code. We can text a new one to the number ending in {ending}.",
		"ended.send":           "Get a new code",

		"done.title":   "Phone number verified",
		"done.lead":    "Thank you. The number ending in {ending} is yours.",
		"done.close":   "You can close this page.",
		"done.already": "Already verified",
		"done.again":   "Nothing more to do: the number ending in {ending} was verified before.",
		"done.another": "Verify another number",

		"problem.home": "Go to the first page",
	},
	sentences: map[saying]sentence{
		sayNumberEmpty:     {"Enter a phone number.", "phone", toneError},
		sayNumberCharacter: {"Enter a phone number with digits only, like +44 7700 900123.", "phone", toneError},
		sayNumberShort:     {"This number is too short. Check it and try again.", "phone", toneError},
		sayNumberLong:      {"This number is too long. Check it and try again.", "phone", toneError},
		sayNumberCountry:   {"Begin with + and your country code, like +44 7700 900123.", "phone", toneError},
		sayNumberUnknown:   {"This number does not exist. Check it and try again.", "phone", toneError},

		sayType(phone.Fixed):      {"This looks like a landline. Enter a mobile number that can receive text messages.", "phone", toneError},
		sayType(phone.Premium):    {"This is a premium-rate number. Enter a mobile number.", "phone", toneError},
		sayType(phone.SharedCost): {"This is a shared-cost number. Enter a mobile number.", "phone", toneError},
		sayType(phone.TollFree):   {"This is a freephone number. Enter a mobile number that can receive text messages.", "phone", toneError},
		sayType(phone.VoIP):       {"This looks like an internet phone number. Enter the number of a mobile phone.", "phone", toneError},

		sayCodeEmpty:     {"Enter the code from the message.", "code", toneError},
		sayCodeLength:    {"The code is {code} and you entered {typed}. Check the message and try again.", "code", toneError},
		sayCodeCharacter: {"The code is {code} and nothing else. Check the message and try again.", "code", toneError},

		sayOutcome(verify.OutcomeAccepted):  {"The code is right.", "", toneNotice},
		sayOutcome(verify.OutcomeWrong):     {"That code is not right. Check the newest message and try again. You have {guesses} left.", "code", toneError},
		sayOutcome(verify.OutcomeExhausted): {"That code is not right, and it was the last try. Get a new code.", "", toneError},
		sayOutcome(verify.OutcomeExpired):   {"This code has expired. Get a new code.", "", toneError},
		sayOutcome(verify.OutcomeUsed):      {"This code has been used. Get a new code.", "", toneError},
		sayOutcome(verify.OutcomeCanceled):  {"This code was cancelled. Get a new code.", "", toneError},
		sayOutcome(verify.OutcomeLocked):    {"There were too many wrong codes for this number. Use another number, or ask whoever sent you here for help.", "", toneError},

		sayField(verify.FieldAddress): {"Enter a phone number, like +44 7700 900123.", "phone", toneError},
		sayField(verify.FieldCode):    {"Enter the code from the message.", "code", toneError},
		sayKind(verify.Invalid):       {"Something in the form was not right. Check it and try again.", "", toneError},
		sayKind(verify.NotFound):      {"We no longer know of this code. Get a new one.", "", toneError},
		sayKind(verify.Settled):       {"This code no longer works. Get a new one.", "", toneError},
		sayKind(verify.Cooldown):      {"A message has just been sent. You can ask for another code {in}.", "", toneError},
		sayKind(verify.TooManySends):  {"All messages for this code have been sent. You can ask for a new code {in}.", "", toneError},
		// Whose share is used up, the number's or the network's, is nobody's business.
		sayKind(verify.TooManyStarts): {"Too many codes have been asked for. Try again {in}.", "", toneError},
		sayKind(verify.QuotaSpent):    {"Too many codes have been asked for. Try again {in}.", "", toneError},
		sayKind(verify.SpendLimit):    {"No more codes can be sent from here for now. Try again {in}, or ask whoever sent you here for help.", "", toneError},
		sayKind(verify.Locked):        {"There were too many wrong codes for this number. Use another number, or ask whoever sent you here for help.", "", toneError},
		sayKind(verify.NumberType):    {"This number cannot receive text messages. Enter a mobile number.", "phone", toneError},
		sayKind(verify.Country):       {"We cannot text numbers of this country. Enter a number of another country.", "phone", toneError},
		sayKind(verify.NoChannel):     {"Text messages cannot be sent from here yet. Ask whoever sent you here for help.", "", toneError},
		sayKind(verify.KeyReused):     {"This form was sent before with something else in it. Enter the code again.", "", toneError},
		sayKind(verify.Taken):         {"Something in the form was not right. Check it and try again.", "", toneError},
		sayKind(verify.Full):          {"Something in the form was not right. Check it and try again.", "", toneError},
		sayKind(verify.Forbidden):     {"This cannot be done from here. Ask whoever sent you here for help.", "", toneError},
		sayKind(verify.Busy):          {"Many people are asking for codes just now. Try again {in}.", "", toneError},
		sayKind(verify.Unavailable):   {"Something on our side did not work. Nothing was lost: try again {in}.", "", toneError},
		sayFault:                      {"Something on our side did not work. Nothing was lost: try again in a moment.", "", toneError},

		sayClass(verify.NotMobile): {"We could not text this number: it does not seem to be a mobile phone. Change the number.", "change", toneError},
		sayClass(verify.BadNumber): {"We could not text this number: it does not seem to be in use. Change the number.", "change", toneError},
		sayClass(verify.OptedOut):  {"We could not text this number: it has asked to get no messages from us. Change the number.", "change", toneError},
		sayClass(verify.RegionOff): {"We cannot text numbers of this country. Change the number.", "change", toneError},
		// The person can do nothing about the rest and learns no more than this.
		sayClass(verify.UnknownClass): {"We could not deliver the message. Ask for it again, or change the number.", "change", toneError},

		sayNoSession: {"We have lost track of your code, perhaps because an hour has passed. Enter your number again.", "", toneNotice},
		sayOtherTab:  {"You have asked for another code since that page was opened. Enter the newest code here.", "", toneNotice},
		saySentAgain: {"We have sent the code again.", "", toneNotice},
		saySentNew:   {"We have sent a new code. Older codes no longer work.", "", toneNotice},
		sayStillGood: {"The code we sent still works. You can ask for another message {in}.", "", toneNotice},
	},
	problems: map[int]problem{
		http.StatusBadRequest:            {"That did not work", "The form did not arrive as it should have. Go back, load the page again and fill it in once more."},
		http.StatusForbidden:             {"This came from another website", "For your safety, this form can only be sent from its own page. Open the page here and fill it in again."},
		http.StatusNotFound:              {"Page not found", "There is nothing at this address. If you typed it, check that it is right."},
		http.StatusMethodNotAllowed:      {"That cannot be done here", "This address answers another kind of request. Begin at the first page."},
		http.StatusRequestEntityTooLarge: {"That was too much", "The form holds more than a phone number or a code. Go back and enter only that."},
		http.StatusUnsupportedMediaType:  {"That did not work", "The form was sent in a way that we do not understand. Go back, load the page again and fill it in once more."},
		http.StatusInternalServerError:   {"Something on our side did not work", "Nothing was lost. Try again in a moment."},
		http.StatusServiceUnavailable:    {"Something on our side did not work", "Nothing was lost. Try again in a moment."},
	},
}
