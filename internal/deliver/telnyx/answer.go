package telnyx

import (
	"encoding/json"

	"countersign/internal/deliver/post"
)

// answer is what is understood of Telnyx's answer. It holds nothing that the far
// side could have chosen freely, but for id.
type answer struct {
	id     string
	failed bool // accepted by the API and given up at once
	codes  []post.Code
}

// read lets json skip what has another type than expected, and go on.
func read(from post.Answer) answer {
	type fault struct {
		Code post.Code `json:"code"`
	}
	var in struct {
		Data struct {
			ID string `json:"id"`
			To []struct {
				Status string `json:"status"`
			} `json:"to"`
			Errors []fault `json:"errors"`
		} `json:"data"`
		Errors []fault `json:"errors"`
	}
	_ = json.Unmarshal(from.Body, &in)
	var a answer
	faults := in.Errors
	if from.Taken() {
		a.id = post.PlainID(in.Data.ID)
		faults = in.Data.Errors
		if len(in.Data.To) > 0 {
			status := in.Data.To[0].Status
			a.failed = status == "sending_failed" || status == "delivery_failed"
		}
	}
	for _, f := range faults {
		if f.Code != "" {
			a.codes = append(a.codes, f.Code)
		}
	}
	return a
}
