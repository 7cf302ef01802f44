package cms

import (
	"errors"
	"fmt"
)

// Code names one way in which a SignedData value can be wrong. Codes are stable
// and may be shown to users and compared with [errors.Is]:
//
//	if errors.Is(err, cms.ErrDigestMismatch) { ... }
type Code string

// Codes of what [Parse], [SignedData.Verify] and the builder refuse.
const (
	ErrMalformed       Code = "cms_malformed"         // not the DER of a SignedData
	ErrTrailingData    Code = "cms_trailing_data"     // bytes behind the ContentInfo
	ErrTooLarge        Code = "cms_too_large"         // above one of Limits
	ErrTooDeep         Code = "cms_too_deep"          // nesting above Limits.Depth
	ErrNotSignedData   Code = "cms_not_signed_data"   // a ContentInfo of another type
	ErrSignerCount     Code = "cms_signer_count"      // not exactly one SignerInfo
	ErrContentType     Code = "cms_content_type"      // content type missing, double or not the expected one
	ErrContent         Code = "cms_content"           // eContent where detached was expected, or the reverse
	ErrNoSignedAttrs   Code = "cms_no_signed_attrs"   // signed attributes are absent
	ErrAttribute       Code = "cms_attribute"         // an attribute is double, empty or unreadable
	ErrMessageDigest   Code = "cms_message_digest"    // the message-digest attribute is absent or double
	ErrDigestMismatch  Code = "cms_digest_mismatch"   // message-digest is not the digest of the content
	ErrNoCertificate   Code = "cms_no_certificate"    // the signer's certificate is not at hand
	ErrNoSigningCert   Code = "cms_no_signing_cert"   // no ESS signing-certificate attribute
	ErrSigningCert     Code = "cms_signing_cert"      // ESS signing-certificate names another certificate
	ErrAlgorithm       Code = "cms_algorithm"         // an algorithm we do not know
	ErrAlgorithmMix    Code = "cms_algorithm_mix"     // algorithms that contradict each other
	ErrWeakHash        Code = "cms_weak_hash"         // SHA-1 or worse
	ErrWeakKey         Code = "cms_weak_key"          // RSA below 2048 bits, a curve below P-256
	ErrSignature       Code = "cms_signature"         // the signature value does not verify
	ErrInvalidArgument Code = "cms_invalid_argument"  // the caller's fault
	ErrTooManyCerts    Code = "cms_too_many_certs"    // above Limits.Certificates
	ErrPSSParameters   Code = "cms_pss_parameters"    // RSASSA-PSS parameters we refuse
	ErrAlgorithmAttr   Code = "cms_algorithm_protect" // CMSAlgorithmProtection (RFC 6211) says otherwise
)

// Error returns the code itself, so that a Code works as a sentinel error.
func (c Code) Error() string { return string(c) }

// Error is the error type of this package: a stable Code, what exactly was
// wrong, and the cause where there is one.
type Error struct {
	Code   Code
	Detail string
	Err    error // may be nil
}

// Error joins code, detail and cause. It never contains content or keys.
func (e *Error) Error() string {
	s := "cms: " + e.Detail + " (" + string(e.Code) + ")"
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

// CodeOf returns the code of err, or "" if err has none.
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
