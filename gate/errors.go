package gate

import (
	"errors"
	"strconv"
)

// Why there is no proof. Finish may wrap them: use errors.Is.
var (
	// ErrCanceled says that the person gave up, or went back.
	ErrCanceled = errors.New("gate: the person canceled")
	// ErrState says that this browser did not begin this for this visit, or began it too
	// long ago: a link from elsewhere, an answer that was read before, or somebody else's proof.
	ErrState = errors.New("gate: this visit did not ask for this proof")
	// ErrProof says that what came is not a proof of this service for this profile and
	// session.
	ErrProof = errors.New("gate: the proof is not good")
	// ErrExpired says that the proof was good and its time is over, or that the person took
	// longer than a session lasts.
	ErrExpired = errors.New("gate: the time is over")
	// ErrUsed says that the proof was used before.
	ErrUsed = errors.New("gate: the proof was used before")
	// ErrAssurance says that e-mail is no second factor: see Config.AllowEmail.
	ErrAssurance = errors.New("gate: e-mail is no second factor")
	// ErrAddress says that nobody named the account's address: see Ask.AnyAddress.
	ErrAddress = errors.New("gate: neither a phone number nor an e-mail address was given")
)

// ServiceError says that the service refused, or did not answer.
type ServiceError struct {
	Status  int    // of the answer; 0 without one
	Code    string // the service's code of the refusal
	Detail  string // its words, for the log of whoever runs the application
	Pointer string // the field that is wrong, such as /phone_number
	cause   error
}

// Error says what happened, in words for a log.
func (e *ServiceError) Error() string {
	text := "gate: the service "
	if e.Status == 0 {
		text += "did not answer as it should"
	} else {
		text += "refused with " + strconv.Itoa(e.Status)
	}
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap is the error of the network, if there was one.
func (e *ServiceError) Unwrap() error { return e.cause }
