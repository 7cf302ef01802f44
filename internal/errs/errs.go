// Package errs gives an error a kind, a stable code and a text for people, so that the
// door (internal/server, the command line) can answer without knowing the service.
package errs

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of trouble an error is. The zero Kind is a fault of ours, answered
// with a 500 and no detail.
type Kind uint8

// The kinds, and the HTTP status that the server gives each.
const (
	Fault           Kind = iota // 500
	Invalid                     // 422, what was sent breaks a rule
	NotFound                    // 404, also for objects the actor may not know of
	Conflict                    // 409, the object is in another state
	Denied                      // 403
	Unauthenticated             // 401
	TooLarge                    // 413
	RateLimited                 // 429, RetryAfter is set
	Unavailable                 // 503, RetryAfter is set
)

// Error is a refusal that people and programs can act on.
type Error struct {
	Kind Kind
	// Code is stable, lower case with underscores, and part of the contract.
	Code string
	// VI and EN say what is wrong and what to do; they never hold a secret, an identity
	// number or another unit's data.
	VI, EN string
	// Field is the JSON or form field that is wrong; empty when it is not one field.
	Field string
	// RetryAfter is how long to wait before the same request may succeed.
	RetryAfter time.Duration
	// Err is the cause, for the log only.
	Err error
}

// New makes an Error. Services keep them as package variables and return copies by With,
// so that errors.Is works by Code.
func New(kind Kind, code, vi, en string) *Error {
	return &Error{Kind: kind, Code: code, VI: vi, EN: en}
}

// Error returns the code, the English text and the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.EN, e.Err)
	}
	return e.Code + ": " + e.EN
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an Error with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Wrap returns a copy of e with the cause err.
func (e *Error) Wrap(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// On returns a copy of e about one field.
func (e *Error) On(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// Format returns a copy of e whose texts are format strings; each is filled with the same
// args, given once.
func (e *Error) Format(args ...any) *Error {
	c := *e
	c.VI = fmt.Sprintf(e.VI, args...)
	c.EN = fmt.Sprintf(e.EN, args...)
	return &c
}

// Reason returns a copy of e whose texts have one %s each, filled in its own language.
func (e *Error) Reason(vi, en string) *Error {
	c := *e
	c.VI = fmt.Sprintf(e.VI, vi)
	c.EN = fmt.Sprintf(e.EN, en)
	return &c
}

// After returns a copy of e that may be tried again after d.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Text returns the message in lang, "vi" or "en".
func (e *Error) Text(lang string) string {
	if lang == "en" {
		return e.EN
	}
	return e.VI
}

// KindOf returns the kind of err, Fault when it has none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Fault
}
