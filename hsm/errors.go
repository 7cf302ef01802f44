package hsm

import (
	"errors"
	"strings"
	"time"
)

// Code is a stable name of a refusal, shown to users and matched by programs.
type Code string

const (
	CodeModuleMissing    Code = "hsm_module_missing"    // the PKCS#11 library cannot be loaded
	CodeModuleFailed     Code = "hsm_module_failed"     // it loads, but does not start
	CodeTokenNotFound    Code = "hsm_token_not_found"   // no slot has a token of that label or serial
	CodeTokenAmbiguous   Code = "hsm_token_ambiguous"   // several have
	CodePINIncorrect     Code = "hsm_pin_incorrect"     // never retried
	CodePINLocked        Code = "hsm_pin_locked"        // never retried
	CodePINExpired       Code = "hsm_pin_expired"       // never retried
	CodePINMissing       Code = "hsm_pin_missing"       // no PIN, or its file cannot be used
	CodeUnavailable      Code = "hsm_unavailable"       // lost; RetryAfter says when to come back
	CodeKeyNotFound      Code = "hsm_key_not_found"     // no key of that label, ID and kind
	CodeKeyExists        Code = "hsm_key_exists"        // label or ID is taken
	CodeKeyAmbiguous     Code = "hsm_key_ambiguous"     // several keys match
	CodeKeyMismatch      Code = "hsm_key_mismatch"      // another key than the one meant, found by its public key
	CodeSessionLimit     Code = "hsm_session_limit"     // the token gives no session at all
	CodeMechanismMissing Code = "hsm_mechanism_missing" // the token lacks something this needs
	CodeUnsupported      Code = "hsm_unsupported"       // the caller asked for what no token does here
	CodeBlobInvalid      Code = "hsm_blob_invalid"      // a wrapped key that does not unwrap
	CodeURIInvalid       Code = "hsm_uri_invalid"       // not an RFC 7512 URI that we accept
	CodeClosed           Code = "hsm_closed"            // Token was closed
	CodeFailed           Code = "hsm_failed"            // anything else the token says
)

// Error is every error of hsm and hsm/p11. It never holds a PIN, a key or a blob.
type Error struct {
	Code       Code
	Op         string        // what we were doing: "sign", "open token"
	Subject    string        // to which thing: a label, a path
	RetryAfter time.Duration // with CodeUnavailable; else 0
	Err        error         // the cause, may be nil
}

// Error reads "sign root-2026: hsm_unavailable: cause".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Subject != "" {
		b.WriteString(" " + e.Subject)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(string(e.Code))
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Is matches any Error of the same Code, so errors.Is(err, hsm.ErrKeyNotFound) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CodeOf finds the stable code in a chain of errors, "" when there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// Sentinels for errors.Is. Compare with these, never with text.
var (
	ErrModuleMissing    error = &Error{Code: CodeModuleMissing}
	ErrTokenNotFound    error = &Error{Code: CodeTokenNotFound}
	ErrPINIncorrect     error = &Error{Code: CodePINIncorrect}
	ErrPINLocked        error = &Error{Code: CodePINLocked}
	ErrUnavailable      error = &Error{Code: CodeUnavailable}
	ErrKeyNotFound      error = &Error{Code: CodeKeyNotFound}
	ErrKeyExists        error = &Error{Code: CodeKeyExists}
	ErrKeyMismatch      error = &Error{Code: CodeKeyMismatch}
	ErrSessionLimit     error = &Error{Code: CodeSessionLimit}
	ErrMechanismMissing error = &Error{Code: CodeMechanismMissing}
	ErrUnsupported      error = &Error{Code: CodeUnsupported}
	ErrBlobInvalid      error = &Error{Code: CodeBlobInvalid}
	ErrURIInvalid       error = &Error{Code: CodeURIInvalid}
	ErrClosed           error = &Error{Code: CodeClosed}
)
