package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/signing"
)

// InsertBatch implements routing.Store.
func (s *Store) InsertBatch(ctx context.Context, b routing.Batch, ev audit.Event) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO sign_batches (id, account_id, person_id, actor_name, act, credential_id, certificate_id, state, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, b.ID, b.AccountID, b.PersonID, b.ActorName, string(b.Act), b.CredentialID, b.CertificateID, b.State, micros(b.CreatedAt))
		if err != nil {
			return fmt.Errorf("insert batch: %w", err)
		}
		for _, sg := range b.Signings {
			state, err := json.Marshal(sg.Prepared)
			if err != nil {
				return fmt.Errorf("encode a prepared signature: %w", err)
			}
			_, err = t.exec(`INSERT INTO signings (id, batch_id, n, document_id, step, attachment, revision, state, hash, document_digest, prepared_sealed, created_at)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, sg.ID, sg.BatchID, sg.N, sg.DocumentID, sg.Step, sg.Attachment, sg.Revision, sg.State, sg.Hash, sg.Digest,
				s.seal.seal("signings.prepared", state), micros(sg.CreatedAt))
			if err != nil {
				return fmt.Errorf("insert signing: %w", err)
			}
		}
		return t.audit(ev)
	})
}

type batchRow struct {
	ID            string `db:"id"`
	AccountID     string `db:"account_id"`
	PersonID      string `db:"person_id"`
	ActorName     string `db:"actor_name"`
	Act           string `db:"act"`
	CredentialID  string `db:"credential_id"`
	CertificateID string `db:"certificate_id"`
	State         string `db:"state"`
	CreatedAt     int64  `db:"created_at"`
	ReleasedAt    int64  `db:"released_at"`
}

const batchColumns = `b.id, b.account_id, b.person_id, b.actor_name, b.act, b.credential_id, b.certificate_id, b.state, b.created_at, b.released_at`

type signingRow struct {
	ID         string `db:"id"`
	BatchID    string `db:"batch_id"`
	N          int    `db:"n"`
	DocumentID string `db:"document_id"`
	Step       int    `db:"step"`
	Attachment int    `db:"attachment"`
	Revision   int    `db:"revision"`
	State      string `db:"state"`
	Hash       []byte `db:"hash"`
	Digest     []byte `db:"document_digest"`
	Prepared   []byte `db:"prepared_sealed"`
	Signature  []byte `db:"signature"`
	CreatedAt  int64  `db:"created_at"`
	PersonID   string `db:"person_id"`
	AccountID  string `db:"account_id"`
	ActorName  string `db:"actor_name"`
}

const signingQuery = `SELECT g.id, g.batch_id, g.n, g.document_id, g.step, g.attachment, g.revision, g.state, g.hash, g.document_digest, g.prepared_sealed, g.signature,
	g.created_at, b.person_id, b.account_id, b.actor_name FROM signings g JOIN sign_batches b ON b.id = g.batch_id WHERE `

func (s *Store) signingRecord(r signingRow) (routing.SigningRecord, error) {
	sg := routing.SigningRecord{ID: r.ID, BatchID: r.BatchID, N: r.N, DocumentID: r.DocumentID, Step: r.Step, Attachment: r.Attachment, Revision: r.Revision, State: r.State,
		Hash: r.Hash, Digest: r.Digest, Value: r.Signature, CreatedAt: fromMicros(r.CreatedAt), PersonID: r.PersonID, AccountID: r.AccountID, ActorName: r.ActorName}
	if r.Prepared == nil {
		return sg, nil
	}
	return sg, s.openJSON("signings.prepared", r.Prepared, &sg.Prepared)
}

// Batch implements routing.Store.
func (s *Store) Batch(ctx context.Context, id string) (routing.Batch, error) {
	return s.batch(ctx, `b.id = ?`, id)
}

// BatchBySAD implements routing.Store.
func (s *Store) BatchBySAD(ctx context.Context, sadHash []byte) (routing.Batch, error) {
	return s.batch(ctx, `b.sad_hash = ?`, sadHash)
}

func (s *Store) batch(ctx context.Context, cond string, arg any) (b routing.Batch, err error) {
	err = s.snapshot(ctx, func(t *tx) error {
		var r batchRow
		err := t.get(&r, `SELECT `+batchColumns+` FROM sign_batches b WHERE `+cond, arg)
		if errors.Is(err, sql.ErrNoRows) {
			return routing.ErrBatchUnknown
		}
		if err != nil {
			return fmt.Errorf("read batch: %w", err)
		}
		b = routing.Batch{ID: r.ID, AccountID: r.AccountID, PersonID: r.PersonID, ActorName: r.ActorName, Act: routing.Act(r.Act),
			CredentialID: r.CredentialID, CertificateID: r.CertificateID, State: r.State, CreatedAt: fromMicros(r.CreatedAt), ReleasedAt: fromMicros(r.ReleasedAt)}
		var rows []signingRow
		if err := t.sel(&rows, signingQuery+`g.batch_id = ? ORDER BY g.n`, r.ID); err != nil {
			return fmt.Errorf("read signings: %w", err)
		}
		for _, r := range rows {
			sg, err := s.signingRecord(r)
			if err != nil {
				return err
			}
			b.Signings = append(b.Signings, sg)
		}
		return nil
	})
	return b, err
}

// Signing implements routing.Store.
func (s *Store) Signing(ctx context.Context, id string) (routing.SigningRecord, error) {
	var r signingRow
	err := s.get(ctx, &r, signingQuery+`g.id = ?`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return routing.SigningRecord{}, routing.ErrNotFound
	}
	if err != nil {
		return routing.SigningRecord{}, fmt.Errorf("read signing: %w", err)
	}
	return s.signingRecord(r)
}

// BindSAD implements routing.Store.
func (s *Store) BindSAD(ctx context.Context, batchID string, sadHash []byte) error {
	return s.tx(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE sign_batches SET sad_hash = ? WHERE id = ? AND state = 'prepared'`, sadHash, batchID)
		if err == nil && n == 0 {
			return routing.ErrBatchUsed
		}
		return err
	})
}

// ClaimBatch implements routing.Store.
func (s *Store) ClaimBatch(ctx context.Context, batchID string) (ok bool, err error) {
	err = s.tx(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE sign_batches SET state = 'signing' WHERE id = ? AND state = 'prepared'`, batchID)
		if err != nil {
			return fmt.Errorf("claim batch: %w", err)
		}
		if ok = n == 1; !ok {
			return nil
		}
		_, err = t.dueSignings(batchID)
		return err
	})
	return ok && err == nil, err
}

// dueSignings locks the documents of a batch, in one order for all, and returns their
// signings if every document still has the prepared revision and waits at the step.
func (t *tx) dueSignings(batchID string) ([]signingRow, error) {
	var rows []signingRow
	if err := t.sel(&rows, signingQuery+`g.batch_id = ? ORDER BY g.document_id, g.n`, batchID); err != nil {
		return nil, fmt.Errorf("read signings: %w", err)
	}
	for _, r := range rows {
		d, err := t.lockDocument(r.DocumentID)
		if err != nil {
			return nil, err
		}
		if d.State != string(routing.Waiting) && d.State != string(routing.Signed) {
			return nil, routing.ErrState.Reason(routing.State(d.State).VI(), d.State)
		}
		if d.Revision != r.Revision || d.Step != r.Step {
			return nil, routing.ErrPrepareAgain
		}
	}
	return rows, nil
}

// FailBatch implements routing.Store.
func (s *Store) FailBatch(ctx context.Context, batchID string) error {
	return s.tx(ctx, func(t *tx) error {
		if _, err := t.exec(`UPDATE sign_batches SET state = 'failed' WHERE id = ? AND state = 'signing'`, batchID); err != nil {
			return err
		}
		_, err := t.exec(`UPDATE signings SET state = 'failed', prepared_sealed = NULL WHERE batch_id = ? AND state = 'prepared'`, batchID)
		return err
	})
}

// Release implements routing.Store.
func (s *Store) Release(ctx context.Context, r routing.Release) error {
	return s.tx(ctx, func(t *tx) error {
		status, err := t.lockCertificateStatus(r.CertificateID)
		if err != nil {
			return err
		}
		if status != signing.StatusGood {
			return routing.ErrRevoked
		}
		n, err := t.exec(`UPDATE sign_batches SET state = 'released', released_at = ? WHERE id = ? AND state = 'signing'`, micros(r.At), r.BatchID)
		if err != nil {
			return fmt.Errorf("release batch: %w", err)
		}
		rows, err := t.dueSignings(r.BatchID)
		if err != nil {
			return err
		}
		if n != 1 || len(rows) != len(r.Values) || len(rows) != len(r.Numbers) {
			return routing.ErrBatchUsed
		}
		for _, sg := range rows {
			if err := t.releaseOne(sg, r); err != nil {
				return err
			}
			if err := t.giveNumber(sg.DocumentID, r.Numbers[sg.N-1]); err != nil {
				return err
			}
		}
		if err := t.audit(r.Event); err != nil {
			return err
		}
		return t.enqueue(r.Jobs...)
	})
}

func (t *tx) releaseOne(sg signingRow, r routing.Release) error {
	_, err := t.exec(`UPDATE signings SET state = 'released', signature = ? WHERE id = ? AND state = 'prepared'`, r.Values[sg.N-1], sg.ID)
	if unique(err) {
		return routing.ErrPrepareAgain.Wrap(err)
	}
	if err != nil {
		return fmt.Errorf("release signature: %w", err)
	}
	if sg.Attachment != 0 { // the document's own signature moves it
		return nil
	}
	n, err := t.exec(`UPDATE document_steps SET state = 'signing' WHERE document_id = ? AND n = ? AND state = 'waiting'`, sg.DocumentID, sg.Step)
	if err != nil {
		return fmt.Errorf("release step: %w", err)
	}
	if n != 1 {
		return routing.ErrPrepareAgain
	}
	_, err = t.exec(`UPDATE documents SET state = 'signing', updated_at = ? WHERE id = ?`, micros(r.At), sg.DocumentID)
	if err != nil {
		return fmt.Errorf("release document: %w", err)
	}
	return nil
}
