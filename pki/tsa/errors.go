package tsa

import (
	"errors"
	"fmt"
)

// Code names one way in which a time-stamp can fail. Codes are stable, may be
// shown to users, and work with [errors.Is].
type Code string

// Codes of what the client, the server and the verifier refuse.
const (
	ErrMalformed   Code = "tsa_malformed"   // not the DER of a request, response or token
	ErrTooLarge    Code = "tsa_too_large"   // above a size limit
	ErrImprint     Code = "tsa_imprint"     // the token stamps something else
	ErrNonce       Code = "tsa_nonce"       // the nonce did not come back
	ErrPolicy      Code = "tsa_policy"      // another policy than the one asked for
	ErrUsage       Code = "tsa_usage"       // EKU is not critical and only timeStamping, or key usage forbids
	ErrGenTime     Code = "tsa_gen_time"    // genTime outside its certificate, or too far from our clock
	ErrExtension   Code = "tsa_extension"   // a critical extension we do not know
	ErrSignature   Code = "tsa_signature"   // the CMS around the TSTInfo does not verify; the cause has a cms.Code
	ErrUntrusted   Code = "tsa_untrusted"   // the caller's check refused the certificate
	ErrRejected    Code = "tsa_rejected"    // the authority said no: see Error.Failure
	ErrTransport   Code = "tsa_transport"   // no answer
	ErrHTTP        Code = "tsa_http"        // an HTTP answer that is not a time-stamp reply
	ErrNoURL       Code = "tsa_no_url"      // no authority is configured
	ErrUnavailable Code = "tsa_unavailable" // our own clock or key can't be used now
	ErrArgument    Code = "tsa_argument"    // the caller's fault
	ErrCertificate Code = "tsa_certificate" // a certificate that may not sign time-stamps
)

// Error returns the code itself, so that a Code works as a sentinel error.
func (c Code) Error() string { return string(c) }

// Error is the error type of this package.
type Error struct {
	Code    Code
	Detail  string
	URL     string  // of the authority asked, without user information; may be ""
	Failure Failure // of a rejection; "" when none was given
	Err     error   // may be nil
}

// Error joins the parts.
func (e *Error) Error() string {
	s := "tsa: " + e.Detail + " (" + string(e.Code) + ")"
	if e.Failure != "" {
		s += ", " + string(e.Failure)
	}
	if e.URL != "" {
		s = e.URL + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the code and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Err}
}

// CodeOf returns the code of the first *Error in err, or "".
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

func fail(c Code, format string, args ...any) error {
	return &Error{Code: c, Detail: fmt.Sprintf(format, args...)}
}

func failErr(c Code, err error, format string, args ...any) error {
	return &Error{Code: c, Detail: fmt.Sprintf(format, args...), Err: err}
}

// Failure is a PKIFailureInfo by its name in RFC 3161, Section 2.4.2.
type Failure string

// The failures of RFC 3161.
const (
	BadAlg              Failure = "badAlg"
	BadRequest          Failure = "badRequest"
	BadDataFormat       Failure = "badDataFormat"
	TimeNotAvailable    Failure = "timeNotAvailable"
	UnacceptedPolicy    Failure = "unacceptedPolicy"
	UnacceptedExtension Failure = "unacceptedExtension"
	AddInfoNotAvailable Failure = "addInfoNotAvailable"
	SystemFailure       Failure = "systemFailure"
)

// bit is the number of the failure in the BIT STRING.
func (f Failure) bit() int {
	switch f {
	case BadAlg:
		return 0
	case BadRequest:
		return 2
	case BadDataFormat:
		return 5
	case TimeNotAvailable:
		return 14
	case UnacceptedPolicy:
		return 15
	case UnacceptedExtension:
		return 16
	case AddInfoNotAvailable:
		return 17
	}
	return 25
}

// failureOf returns the first known failure in a BIT STRING, "" if none.
func failureOf(set func(bit int) bool) Failure {
	for _, f := range []Failure{BadAlg, BadRequest, BadDataFormat, TimeNotAvailable, UnacceptedPolicy,
		UnacceptedExtension, AddInfoNotAvailable, SystemFailure} {
		if set(f.bit()) {
			return f
		}
	}
	return ""
}
