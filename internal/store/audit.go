package store

import (
	"context"
	"fmt"

	"github.com/kyso-vn/kyso/internal/audit"
)

// audit writes events in the fact's own transaction.
func (t *tx) audit(events ...audit.Event) error {
	for _, e := range events {
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

// RecordAudit writes events that belong to no other fact, such as refusals.
func (s *Store) RecordAudit(ctx context.Context, events ...audit.Event) error {
	return s.tx(ctx, func(t *tx) error { return t.audit(events...) })
}
