package signer

import "errors"

// Codes that packages below signer share. They are part of the interface:
// users see them, so they never change. The codes of files that can't be read
// are in signer/pdf.
const (
	CodeBadLevel      = "bad_level"
	CodeFieldUnknown  = "field_unknown"   // no field of that name
	CodeFieldSigned   = "field_signed"    // the field holds a signature already
	CodeFieldNotSig   = "field_not_sig"   // the field is not a signature field
	CodeDocMDPForbids = "docmdp_forbids"  // a certification forbids the change
	CodeFieldLocked   = "field_locked"    // a FieldMDP lock covers the field
	CodeActiveContent = "active_content"  // scripts and the like, and policy refuses them
	CodeXFA           = "xfa"             // an XFA form
	CodeCMSTooLarge   = "cms_too_large"   // the signature outgrew the reserved room
	CodeInputChanged  = "input_changed"   // the file changed while it was being signed
	CodeSeedValue     = "seed_value"      // a seed value of the field can't be obeyed
	CodeTSAFailed     = "tsa_unavailable" // no time-stamp authority answered
)

// Coder is an error with a stable code for users and programs.
type Coder interface {
	error
	Code() string
}

// CodeOf returns the code of the outermost error in err's chain that has one,
// or "" when none has.
func CodeOf(err error) string {
	var c Coder
	if errors.As(err, &c) {
		return c.Code()
	}
	return ""
}

// Error is a Coder for packages that need no richer type. It matches, under
// errors.Is, any other Error of the same code.
type Error struct {
	ErrCode string
	Message string
	Err     error // the cause, or nil
}

// Error returns the message and, behind a colon, the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Code returns the stable code.
func (e *Error) Code() string { return e.ErrCode }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an Error of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.ErrCode == e.ErrCode
}
