package pki

import (
	"errors"
	"strings"
)

// Code is a stable name of a refusal. It never changes once published, so
// that callers can translate it and partners can match it.
//
// A Code is itself an error and serves as the sentinel of its class:
//
//	errors.Is(err, pki.ErrSubjectTooLong)
type Code string

// Error returns the code itself.
func (c Code) Error() string { return string(c) }

// Refusals of this package.
const (
	// ErrSubjectEmpty: a subject or one of its values is empty.
	ErrSubjectEmpty Code = "subject_empty"
	// ErrSubjectTooLong: a value exceeds its upper bound (RFC 5280, Appendix A.1).
	ErrSubjectTooLong Code = "subject_too_long"
	// ErrSubjectCharacter: a control, bidirectional or invisible character,
	// a space at either end, or bytes that are not UTF-8.
	ErrSubjectCharacter Code = "subject_character"
	// ErrSubjectValue: a value does not have the form of its type.
	ErrSubjectValue Code = "subject_value"
	// ErrSubjectAttribute: an attribute type that is not known or not allowed.
	ErrSubjectAttribute Code = "subject_attribute"
	// ErrSubjectEncoding: a Name that is not the one DER encoding made here.
	ErrSubjectEncoding Code = "subject_encoding"
	// ErrSubjectNotNFC: text that is not in Unicode Normalization Form C.
	ErrSubjectNotNFC Code = "subject_not_nfc"
	// ErrSerial: a serial number that is not positive or longer than 20 octets.
	ErrSerial Code = "serial_invalid"
	// ErrReason: a revocation reason that does not exist or can't be used here.
	ErrReason Code = "reason_invalid"
	// ErrKeyType: a key of a kind that is not used in this PKI.
	ErrKeyType Code = "key_type"
	// ErrSignature: a signature that does not verify.
	ErrSignature Code = "signature_invalid"
	// ErrAddress: a base address or CA name that can't stand in a certificate.
	ErrAddress Code = "address_invalid"
)

// Error is a refusal with its place. errors.Is matches its Code, and Err
// when there is one. Its text never holds the refused value, which may be
// personal data.
type Error struct {
	Code Code
	// Field names the part refused, as "CN" or "notAfter". May be empty.
	Field string
	// Detail says in English what was expected. May be empty.
	Detail string
	// Err is the cause. May be nil.
	Err error
}

// Error returns "code: field: detail: cause", without the parts that are empty.
func (e *Error) Error() string {
	parts := []string{string(e.Code)}
	for _, s := range []string{e.Field, e.Detail} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the code and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Code}
	}
	return []error{e.Code, e.Err}
}

// CodeOf returns the code of the outermost *Error in err's chain, or "" when
// there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}
