// Package audit is the record of what was done and what was refused.
package audit

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/kyso-vn/kyso/internal/errs"
)

// Event is one act. It is written in the transaction of the fact it tells of; a refusal is
// written in one of its own. It never holds a PIN, a key, an identity number or a document.
type Event struct {
	At        time.Time `json:"at"`
	Actor     string    `json:"actor"`      // auth.Actor.ID
	ActorName string    `json:"actor_name"` // login or client name
	RequestID string    `json:"request_id,omitempty"`
	// Action is a verb in dotted form: "certificate.issue", "document.seal".
	Action string `json:"action"`
	// Object is "kind:id" of what was acted on.
	Object string `json:"object"`
	UnitID string `json:"unit,omitempty"`
	// Outcome is OutcomeDone, OutcomeRefused or OutcomeFailed.
	Outcome string `json:"outcome"`
	// Code is the refusal's code.
	Code string `json:"code,omitempty"`
	// Detail holds hashes, serials, references, counts; keys are sorted when hashed.
	Detail map[string]string `json:"detail,omitempty"`
}

// Outcomes of an event.
const (
	OutcomeDone    = "done"
	OutcomeRefused = "refused"
	OutcomeFailed  = "failed"
)

// Refused returns the event of an attempt that err refused.
func (e Event) Refused(err error) Event {
	e.Outcome = OutcomeRefused
	if x, ok := errors.AsType[*errs.Error](err); ok {
		e.Code = x.Code
	} else {
		e.Outcome, e.Code = OutcomeFailed, "fault"
	}
	return e
}

// Canonical returns the bytes that are stored and hashed: JSON with the fields in their
// order above, the keys of Detail sorted, and the time in UTC to the microsecond.
func (e Event) Canonical() ([]byte, error) {
	e.At = e.At.UTC().Truncate(time.Microsecond)
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode audit event: %w", err)
	}
	return b, nil
}

// LeafHash returns the RFC 6962 leaf hash of canonical event bytes, SHA-256(0x00 ‖ event).
func LeafHash(canonical []byte) [32]byte {
	return sha256.Sum256(append([]byte{0}, canonical...))
}
