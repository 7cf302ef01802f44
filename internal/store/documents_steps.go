package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/kyso-vn/kyso/internal/routing"
)

// countSlots spreads the writers of one day's counter over that many rows.
const countSlots = 8

// change writes what comes along with a fact: audit, counts, the notice, jobs.
func (t *tx) change(c routing.Change) error {
	if err := t.audit(c.Event); err != nil {
		return err
	}
	for _, n := range c.Counts {
		h := fnv.New32a()
		h.Write([]byte(c.Event.Object))
		_, err := t.exec(`INSERT INTO doc_counts_day (day, unit_id, event, slot, n) VALUES (?, ?, ?, ?, 1)
			ON CONFLICT (day, unit_id, event, slot) DO UPDATE SET n = doc_counts_day.n + 1`, n.Day, n.UnitID, n.Event, h.Sum32()%countSlots)
		if err != nil {
			return fmt.Errorf("count: %w", err)
		}
	}
	if err := t.notice(c.Notice); err != nil {
		return err
	}
	return t.enqueue(c.Jobs...)
}

// lockDocument reads a document's moving part and holds it until the transaction ends.
func (t *tx) lockDocument(id string) (documentRow, error) {
	var r documentRow
	err := t.get(&r, `SELECT `+documentColumns+` FROM documents d WHERE d.id = ?`+t.lock(), id)
	if errors.Is(err, sql.ErrNoRows) {
		return r, routing.ErrNotFound
	}
	if err != nil {
		return r, fmt.Errorf("lock document: %w", err)
	}
	return r, nil
}

// EndDocument implements routing.Store.
func (s *Store) EndDocument(ctx context.Context, e routing.Ending, c routing.Change) error {
	return s.tx(ctx, func(t *tx) error {
		r, err := t.lockDocument(e.DocumentID)
		if err != nil {
			return err
		}
		state := routing.State(r.State)
		if !slices.Contains(e.From, state) || (state == routing.Signed && r.Step == 0) {
			return routing.ErrState.Reason(state.VI(), string(state))
		}
		if e.Step != 0 && e.Step != r.Step {
			return routing.ErrPrepareAgain
		}
		var reason []byte
		if e.Reason != "" {
			reason = s.seal.seal("documents.reason", []byte(e.Reason))
		}
		_, err = t.exec(`UPDATE documents SET state = ?, step = 0, reason_sealed = ?, end_key = ?, updated_at = ? WHERE id = ?`,
			string(e.To), reason, e.EndKey, micros(c.At), e.DocumentID)
		if err != nil {
			return fmt.Errorf("end document: %w", err)
		}
		_, err = t.exec(`UPDATE document_steps SET state = 'void', acted_by = CASE WHEN n = ? THEN CAST(? AS TEXT) ELSE acted_by END,
			acted_at = CASE WHEN n = ? THEN ? ELSE acted_at END WHERE document_id = ? AND state IN ('waiting', 'coming')`,
			e.Step, null(e.PersonID), e.Step, micros(c.At), e.DocumentID)
		if err != nil {
			return fmt.Errorf("end steps: %w", err)
		}
		return t.change(c)
	})
}

// RecordStep implements routing.Store.
func (s *Store) RecordStep(ctx context.Context, d routing.FinishedStep, c routing.Change) (ok bool, err error) {
	meta, err := json.Marshal(d.Metadata)
	if err != nil {
		return false, err
	}
	err = s.tx(ctx, func(t *tx) error {
		if _, err := t.lockDocument(d.DocumentID); err != nil {
			return err
		}
		n, err := t.exec(`UPDATE signings SET state = 'finished', prepared_sealed = NULL, finished_at = ? WHERE id = ? AND state = 'released'`, micros(c.At), d.SigningID)
		if err != nil {
			return fmt.Errorf("finish signing: %w", err)
		}
		if ok = n == 1; !ok {
			return nil
		}
		if err := t.insertRevision(d.DocumentID, d.Revision); err != nil {
			return err
		}
		_, err = t.exec(`UPDATE document_steps SET state = 'done', acted_by = ?, acted_at = ? WHERE document_id = ? AND n = ?`,
			d.PersonID, micros(c.At), d.DocumentID, d.Step)
		if err != nil {
			return fmt.Errorf("finish step: %w", err)
		}
		if d.Next != 0 {
			if _, err := t.exec(`UPDATE document_steps SET state = 'waiting' WHERE document_id = ? AND n = ?`, d.DocumentID, d.Next); err != nil {
				return fmt.Errorf("next step: %w", err)
			}
		}
		_, err = t.exec(`UPDATE documents SET state = ?, step = ?, revision = ?, level = ?, timestamp_pending = ?, metadata_sealed = ?, updated_at = ? WHERE id = ?`,
			string(d.State), d.Next, d.Revision.N, d.Level, flag(d.TimestampPending), s.seal.seal("documents.metadata", meta), micros(c.At), d.DocumentID)
		if err != nil {
			return fmt.Errorf("move document: %w", err)
		}
		return t.change(c)
	})
	return ok && err == nil, err
}

// RecordRaised implements routing.Store.
func (s *Store) RecordRaised(ctx context.Context, documentID string, from int, rev routing.Revision, level string, c routing.Change) (ok bool, err error) {
	err = s.tx(ctx, func(t *tx) error {
		r, err := t.lockDocument(documentID)
		if err != nil {
			return err
		}
		if ok = r.Revision == from && r.State != string(routing.Signing); !ok {
			return nil
		}
		if err := t.insertRevision(documentID, rev); err != nil {
			return err
		}
		_, err = t.exec(`UPDATE documents SET revision = ?, level = ?, timestamp_pending = 0, updated_at = ? WHERE id = ?`, rev.N, level, micros(c.At), documentID)
		if err != nil {
			return fmt.Errorf("raise document: %w", err)
		}
		return t.change(c)
	})
	return ok && err == nil, err
}

// FailSigning implements routing.Store.
func (s *Store) FailSigning(ctx context.Context, signingID, code string, c routing.Change) error {
	return s.tx(ctx, func(t *tx) error {
		var documentID string
		if err := t.get(&documentID, `SELECT document_id FROM signings WHERE id = ?`, signingID); err != nil {
			return fmt.Errorf("read signing: %w", err)
		}
		if _, err := t.lockDocument(documentID); err != nil {
			return err
		}
		n, err := t.exec(`UPDATE signings SET state = 'failed', prepared_sealed = NULL WHERE id = ? AND state = 'released'`, signingID)
		if err != nil {
			return fmt.Errorf("fail signing: %w", err)
		}
		if n == 0 {
			return nil // somebody finished it
		}
		_, err = t.exec(`UPDATE signings SET state = 'failed', prepared_sealed = NULL WHERE document_id = ? AND attachment <> 0 AND state = 'released'`, documentID)
		if err != nil {
			return fmt.Errorf("fail the signings of attachments: %w", err)
		}
		_, err = t.exec(`UPDATE documents SET state = 'failed', step = 0, reason_code = ?, updated_at = ? WHERE id = ?`, code, micros(c.At), documentID)
		if err != nil {
			return fmt.Errorf("fail document: %w", err)
		}
		if _, err := t.exec(`UPDATE document_steps SET state = 'void' WHERE document_id = ? AND state <> 'done'`, documentID); err != nil {
			return fmt.Errorf("end steps: %w", err)
		}
		if _, err := t.exec(`DELETE FROM issued_numbers WHERE document_id = ?`, documentID); err != nil {
			return fmt.Errorf("free the number: %w", err)
		}
		return t.change(c)
	})
}
