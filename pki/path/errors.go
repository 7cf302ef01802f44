package path

import (
	"crypto/x509"
	"errors"
	"fmt"
)

// Code names one way in which a path or its evidence can fail. Codes are
// stable, may be shown to users, and work with [errors.Is].
type Code string

// Codes of what [Validate], [Result.Check] and [Collect] refuse.
const (
	ErrNoAnchor         Code = "path_no_anchor"          // no way up to a trust anchor
	ErrSignature        Code = "path_signature"          // a signature is not by the issuer
	ErrExpired          Code = "path_expired"            // a certificate had ended
	ErrNotYetValid      Code = "path_not_yet_valid"      // a certificate had not begun
	ErrNotCA            Code = "path_not_ca"             // an issuer is no CA (basicConstraints)
	ErrLength           Code = "path_length"             // pathLenConstraint is exceeded
	ErrKeyUsage         Code = "path_key_usage"          // key usage forbids
	ErrExtKeyUsage      Code = "path_ext_key_usage"      // extended key usage forbids
	ErrNameConstraints  Code = "path_name_constraints"   // a name outside what the issuer may name
	ErrCritical         Code = "path_critical"           // a critical extension nobody here knows
	ErrWeakAlgorithm    Code = "path_weak_algorithm"     // below the algorithm policy
	ErrPolicy           Code = "path_policy"             // certificate policies do not come out
	ErrTooComplex       Code = "path_too_complex"        // too many ways up
	ErrRevoked          Code = "path_revoked"            // a certificate was revoked or on hold
	ErrUnknown          Code = "path_revocation_unknown" // a status could not be established
	ErrMalformed        Code = "path_malformed"          // unreadable evidence
	ErrEvidence         Code = "path_evidence"           // evidence that proves nothing here
	ErrFetch            Code = "path_fetch"              // evidence could not be fetched
	ErrEvidenceTooLarge Code = "path_evidence_too_large" // more bytes than may be embedded
	ErrArgument         Code = "path_argument"           // the caller's fault
)

// Error returns the code itself, so that a Code works as a sentinel error.
func (c Code) Error() string { return string(c) }

// Error is the error type of this package.
type Error struct {
	Code        Code
	Detail      string
	Certificate *x509.Certificate // the one at fault; may be nil
	Err         error             // may be nil
}

// Error joins the parts. Subjects hold personal data and are left out.
func (e *Error) Error() string {
	s := "path: " + e.Detail + " (" + string(e.Code) + ")"
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

func fail(c Code, cert *x509.Certificate, format string, args ...any) error {
	return &Error{Code: c, Detail: fmt.Sprintf(format, args...), Certificate: cert}
}

func failErr(c Code, err error, format string, args ...any) error {
	return &Error{Code: c, Detail: fmt.Sprintf(format, args...), Err: err}
}
