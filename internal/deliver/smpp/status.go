package smpp

import (
	"fmt"

	"countersign/internal/verify"
)

// status is a command_status (SMPP v3.4, 5.1.3).
type status uint32

const (
	ok              status = 0x00
	invalidLength   status = 0x02
	invalidCommand  status = 0x03
	notBound        status = 0x04
	receiverBusy    status = 0x64
	receiverRefuses status = 0x66
)

// statuses are the names of SMPP v3.4, 5.1.3, and what each says of a submit_sm. One
// that is about the request as we make it, and not about the number, leaves the
// message to another carrier.
var statuses = map[status]struct {
	name  string
	class verify.Class
}{
	0x01: {"ESME_RINVMSGLEN", verify.UnknownClass},
	0x02: {"ESME_RINVCMDLEN", verify.UnknownClass},
	0x03: {"ESME_RINVCMDID", verify.UnknownClass},
	0x04: {"ESME_RINVBNDSTS", verify.Temporary}, // the centre forgot our bind: we bind anew
	0x05: {"ESME_RALYBND", verify.Temporary},    // of a bind: our last session has not ended there
	0x06: {"ESME_RINVPRTFLG", verify.UnknownClass},
	0x07: {"ESME_RINVREGDLVFLG", verify.UnknownClass},
	0x08: {"ESME_RSYSERR", verify.Temporary},
	0x0a: {"ESME_RINVSRCADR", verify.SenderUnready},
	0x0b: {"ESME_RINVDSTADR", verify.BadNumber},
	0x0d: {"ESME_RBINDFAIL", verify.Credentials},
	0x0e: {"ESME_RINVPASWD", verify.Credentials},
	0x0f: {"ESME_RINVSYSID", verify.Credentials},
	0x14: {"ESME_RMSGQFUL", verify.Throttled},
	0x15: {"ESME_RINVSERTYP", verify.UnknownClass},
	0x43: {"ESME_RINVESMCLASS", verify.UnknownClass},
	0x45: {"ESME_RSUBMITFAIL", verify.UnknownClass},
	0x48: {"ESME_RINVSRCTON", verify.SenderUnready},
	0x49: {"ESME_RINVSRCNPI", verify.SenderUnready},
	0x50: {"ESME_RINVDSTTON", verify.UnknownClass},
	0x51: {"ESME_RINVDSTNPI", verify.UnknownClass},
	0x53: {"ESME_RINVSYSTYP", verify.Credentials},
	0x58: {"ESME_RTHROTTLED", verify.Throttled},
	0x61: {"ESME_RINVSCHED", verify.UnknownClass},
	0x62: {"ESME_RINVEXPIRY", verify.UnknownClass},
	0x63: {"ESME_RINVDFTMSGID", verify.UnknownClass},
	0x64: {"ESME_RX_T_APPN", verify.Temporary},
	0x65: {"ESME_RX_P_APPN", verify.UnknownClass},
	0x66: {"ESME_RX_R_APPN", verify.UnknownClass},
	0xc0: {"ESME_RINVOPTPARSTREAM", verify.UnknownClass},
	0xc1: {"ESME_ROPTPARNOTALLWD", verify.UnknownClass},
	0xc2: {"ESME_RINVPARLEN", verify.UnknownClass},
	0xc3: {"ESME_RMISSINGOPTPARAM", verify.UnknownClass},
	0xc4: {"ESME_RINVOPTPARAMVAL", verify.UnknownClass},
	0xfe: {"ESME_RDELIVERYFAILURE", verify.UnknownClass},
	0xff: {"ESME_RUNKNOWNERR", verify.UnknownClass},
}

// String names the status. A long number that is none of the standard's nor of the
// range that it leaves to vendors (0x400 to 0x4ff) is not shown: it could be an echo.
func (s status) String() string {
	if known, is := statuses[s]; is {
		return known.name
	}
	if s <= 0xfff {
		return fmt.Sprintf("status 0x%03x", uint32(s))
	}
	return "a status that is not shown"
}

// class is what the status says of a submit_sm.
func (s status) class() verify.Class {
	if known, is := statuses[s]; is {
		return known.class
	}
	return verify.UnknownClass
}

// bindClass is what the status of a bind says of messages that wait for it: that the
// credentials are refused, or else that the time is not now.
func (s status) bindClass() verify.Class {
	if s.class() == verify.Credentials {
		return verify.Credentials
	}
	return verify.Temporary
}

// refused is a centre's answer that is no success.
type refused struct {
	to     string
	status status
}

// Error says what was asked and what was answered.
func (r refused) Error() string { return "answered " + r.status.String() + " to " + r.to }
