package keyring

import "github.com/kyso-vn/kyso/hsm"

const (
	codeWrongSecret hsm.Code = "key_secret_wrong"
	codeSecretKind  hsm.Code = "key_secret_kind"
	codeWeakPIN     hsm.Code = "pin_weak"
	codeMalformed   hsm.Code = "activation_code_malformed"
	codeRecord      hsm.Code = "key_record_invalid"
)

// Errors of this package, as *[hsm.Error]; those of the token pass through.
var (
	// ErrWrongSecret: the code, PIN or device share does not open the record,
	// or the record was changed. Which of these cannot be told.
	ErrWrongSecret error = &hsm.Error{Code: codeWrongSecret}
	// ErrSecretKind: a PIN for a record under a code, or the like.
	ErrSecretKind error = &hsm.Error{Code: codeSecretKind}
	// ErrWeakPIN: a PIN that CheckPIN refuses.
	ErrWeakPIN error = &hsm.Error{Code: codeWeakPIN}
	// ErrCodeMalformed: not an activation code at all, so no try was made.
	ErrCodeMalformed error = &hsm.Error{Code: codeMalformed}
	// ErrRecordInvalid: the stored record cannot be one of ours.
	ErrRecordInvalid error = &hsm.Error{Code: codeRecord}
)
