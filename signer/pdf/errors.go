package pdf

import (
	"errors"
	"fmt"
)

// Code says in one stable word why a file was refused. Codes are shown to
// users and stored; they never change.
type Code string

// The reasons for which a file, or a part of it, is refused.
const (
	NotPDF             Code = "not_pdf"             // no %PDF header
	Damaged            Code = "damaged"             // not well formed, or not readable for certain
	Truncated          Code = "truncated"           // the end is missing
	XrefMissing        Code = "xref_missing"        // startxref leads to no cross-reference section
	Loop               Code = "loop"                // a chain or tree leads back into itself
	TooDeep            Code = "too_deep"            // nested deeper than we follow
	TooLarge           Code = "too_large"           // larger or more numerous than we take
	Bomb               Code = "bomb"                // decompresses to more than we take
	UnsupportedFilter  Code = "unsupported_filter"  // a stream filter that yields no bytes we use
	EncryptedPassword  Code = "encrypted_password"  // neither user nor owner password given fits
	PublicKeySecurity  Code = "public_key_security" // encrypted for certificates
	UnsupportedEncrypt Code = "unsupported_encryption"
	TypeMismatch       Code = "type_mismatch" // an object is not of the type its place requires
	ReadFailed         Code = "read_failed"   // the underlying reader failed
	InputChanged       Code = "input_changed" // the underlying bytes are not those first read
)

// Error is a typed refusal. It matches, under errors.Is, any Error of the same
// code, so errors.Is(err, &pdf.Error{Reason: pdf.Damaged}) asks for the reason.
type Error struct {
	Reason Code
	Detail string
	Offset int64 // in the file, or -1 when no place is to blame
	Err    error // the cause, or nil
}

// Error returns detail, place and cause.
func (e *Error) Error() string {
	s := "pdf: " + e.Detail
	if e.Offset >= 0 {
		s += fmt.Sprintf(" at byte %d", e.Offset)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Code returns the stable code.
func (e *Error) Code() string { return string(e.Reason) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an Error of the same reason.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Reason == e.Reason
}

// refuse makes an Error without a place.
func refuse(c Code, format string, args ...any) *Error {
	return &Error{Reason: c, Detail: fmt.Sprintf(format, args...), Offset: -1}
}

// refuseAt makes an Error with a place.
func refuseAt(c Code, off int64, format string, args ...any) *Error {
	return &Error{Reason: c, Detail: fmt.Sprintf(format, args...), Offset: off}
}

// reasonOf returns the Code inside err, or "".
func reasonOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}
