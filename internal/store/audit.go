package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/kyso-vn/kyso/internal/audit"
)

// audit writes events in the fact's own transaction.
func (t *tx) audit(events ...audit.Event) error {
	for _, e := range events {
		e.Object, e.ActorName = clip(e.Object), clip(e.ActorName)
		b, err := e.Canonical()
		if err != nil {
			return err
		}
		leaf := audit.LeafHash(b)
		_, err = t.exec(`INSERT INTO audit_events (at, actor, action, object, unit_id, outcome, event, leaf)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			micros(e.At), e.Actor, e.Action, e.Object, e.UnitID, e.Outcome, string(b), leaf[:])
		if err != nil {
			return fmt.Errorf("write audit event: %w", err)
		}
	}
	return nil
}

// maxName bounds, in bytes, what an event says of names that come from outside: an object
// that does not exist can have any, and PostgreSQL indexes no more than 2,700 bytes.
const maxName = 200

// clip returns s as text that can be stored, cut to maxName.
func clip(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
	if len(s) > maxName {
		s = strings.ToValidUTF8(s[:maxName], "") + "…"
	}
	return s
}

// RecordAudit writes events that belong to no other fact, such as refusals.
func (s *Store) RecordAudit(ctx context.Context, events ...audit.Event) error {
	return s.tx(ctx, func(t *tx) error { return t.audit(events...) })
}
