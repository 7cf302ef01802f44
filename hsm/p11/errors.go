package p11

import (
	"context"
	"errors"

	"github.com/miekg/pkcs11"

	"github.com/kyso-vn/kyso/hsm"
)

// class says what helps after an error of the library.
type class int

const (
	classNone       class = iota // nothing: not an error, or one that no repeat will change
	classNewSession              // this session is spoilt: take another
	classLogin                   // handles are gone: log in and find keys again
	classReinit                  // the token is lost: C_Finalize, C_Initialize, alone
	classMaybe                   // three in a row are classReinit
	classStop                    // the PIN: never again without a person
	classCaller                  // the request is wrong
)

// classOf sorts what a call returned.
func classOf(err error) class {
	e, ok := errors.AsType[pkcs11.Error](err)
	if !ok {
		return classNone
	}
	switch e {
	case pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_OPERATION_ACTIVE,
		pkcs11.CKR_OPERATION_NOT_INITIALIZED:
		return classNewSession
	case pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_OBJECT_HANDLE_INVALID, pkcs11.CKR_KEY_HANDLE_INVALID,
		pkcs11.CKR_WRAPPING_KEY_HANDLE_INVALID, pkcs11.CKR_UNWRAPPING_KEY_HANDLE_INVALID:
		return classLogin
	case pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_TOKEN_NOT_PRESENT,
		pkcs11.CKR_TOKEN_NOT_RECOGNIZED, pkcs11.CKR_SLOT_ID_INVALID, pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED:
		return classReinit
	case pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_FUNCTION_FAILED:
		return classMaybe
	case pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_PIN_EXPIRED,
		pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE:
		return classStop
	case pkcs11.CKR_KEY_TYPE_INCONSISTENT, pkcs11.CKR_DATA_LEN_RANGE, pkcs11.CKR_MECHANISM_INVALID,
		pkcs11.CKR_MECHANISM_PARAM_INVALID, pkcs11.CKR_TEMPLATE_INCOMPLETE, pkcs11.CKR_TEMPLATE_INCONSISTENT,
		pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED:
		return classCaller
	}
	return classNone
}

// codeOf names a return value for the world.
func codeOf(err error) hsm.Code {
	e, ok := errors.AsType[pkcs11.Error](err)
	if !ok {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return hsm.CodeUnavailable
		}
		return hsm.CodeFailed
	}
	switch e {
	case pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE:
		return hsm.CodePINIncorrect
	case pkcs11.CKR_PIN_LOCKED:
		return hsm.CodePINLocked
	case pkcs11.CKR_PIN_EXPIRED:
		return hsm.CodePINExpired
	case pkcs11.CKR_SESSION_COUNT:
		return hsm.CodeSessionLimit
	case pkcs11.CKR_MECHANISM_INVALID:
		return hsm.CodeMechanismMissing
	}
	switch classOf(err) {
	case classNewSession, classLogin, classReinit:
		return hsm.CodeUnavailable
	}
	return hsm.CodeFailed
}

// fault wraps what the library or ctx said; an *hsm.Error stays as it is.
func fault(op, subject string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*hsm.Error](err); ok {
		return err
	}
	e := &hsm.Error{Code: codeOf(err), Op: op, Subject: subject, Err: err}
	if e.Code == hsm.CodeUnavailable {
		e.RetryAfter = firstPause
	}
	return e
}
