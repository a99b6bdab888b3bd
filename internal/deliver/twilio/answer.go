package twilio

import (
	"encoding/json"

	"countersign/internal/deliver/post"
)

// answer is what is understood of Twilio's answer. It holds nothing that the far
// side could have chosen freely, but for id.
type answer struct {
	id     string
	failed bool // accepted by the API and given up at once
	code   post.Code
}

// read lets json skip what has another type than expected, and go on. A refusal
// has its number as code, a message or call that was made as error_code, which is
// null as long as nothing is wrong.
func read(from post.Answer) answer {
	var in struct {
		SID       string    `json:"sid"`
		Code      post.Code `json:"code"`
		ErrorCode post.Code `json:"error_code"`
		Status    string    `json:"status"` // of a refusal a number, and skipped
	}
	_ = json.Unmarshal(from.Body, &in)
	if !from.Taken() {
		return answer{code: in.Code}
	}
	switch in.Status {
	case "failed", "undelivered", "canceled":
		return answer{code: in.ErrorCode, failed: true}
	}
	return answer{id: post.PlainID(in.SID)}
}
