package telnyx

import (
	"encoding/json"

	"countersign/internal/deliver/post"
	"countersign/internal/verify"
)

// answer is what is understood of Telnyx's answer. It holds nothing that the far
// side could have chosen freely, but for id.
type answer struct {
	id     string
	line   verify.Line
	failed bool // accepted by the API and given up at once
	codes  []post.Code
}

// fault is one of the errors that an answer or an event lists.
type fault struct {
	Code post.Code `json:"code"`
}

// addressee is how a message stands with one to whom it goes.
type addressee struct {
	Status   string `json:"status"`
	LineType string `json:"line_type"`
}

// line says what Telnyx calls the addressee's line. VoWiFi is a network of its own, which
// has the internet for its air.
func (a addressee) line() verify.Line {
	return map[string]verify.Line{
		"Wireless": verify.Mobile, "Pre-Paid Wireless": verify.Mobile, "Wireline": verify.Landline,
		"VoIP": verify.VoIP, "VoWiFi": verify.VoIP,
	}[a.LineType]
}

// read lets json skip what has another type than expected, and go on. A call is answered
// flat, and a message within data.
func read(from post.Answer) answer {
	var in struct {
		Data struct {
			ID     string      `json:"id"`
			To     []addressee `json:"to"`
			Errors []fault     `json:"errors"`
		} `json:"data"`
		CallSID string  `json:"call_sid"`
		Errors  []fault `json:"errors"`
	}
	_ = json.Unmarshal(from.Body, &in)
	var a answer
	faults := in.Errors
	if from.Taken() {
		a.id = post.PlainID(in.Data.ID)
		if a.id == "" {
			a.id = post.PlainID(in.CallSID)
		}
		faults = in.Data.Errors
		if len(in.Data.To) > 0 {
			status := in.Data.To[0].Status
			a.failed = status == "sending_failed" || status == "delivery_failed"
			a.line = in.Data.To[0].line()
		}
	}
	for _, f := range faults {
		if f.Code != "" {
			a.codes = append(a.codes, f.Code)
		}
	}
	return a
}
