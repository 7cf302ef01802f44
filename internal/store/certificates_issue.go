package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/pki"
)

// Reserve implements issuance.Store. One live row for each application rests on
// certificates_once, one use of a serial on UNIQUE (ca, serial).
func (s *Store) Reserve(ctx context.Context, r issuance.Reservation) (issuance.Certificate, bool, error) {
	var out certificateRow
	fresh := false
	err := s.tx(ctx, func(t *tx) error {
		a, err := t.application(`id = ?`, r.ApplicationID)
		if err != nil {
			return err
		}
		live, ok, err := t.certificate(`application_id = ? AND state IN ('reserved', 'signing', 'issued')`, a.ID)
		if err != nil {
			return err
		}
		if ok && live.State == "reserved" && live.ReservedAt < micros(r.Before) {
			if _, err := t.exec(`UPDATE certificates SET state = 'abandoned' WHERE id = ?`, live.ID); err != nil {
				return err
			}
			ok = false
		}
		if ok {
			out = live
			return nil
		}
		if a.State != issuance.Approved && a.State != issuance.Failed {
			return issuance.ErrState
		}
		out = certificateRow{ID: r.ID, ApplicationID: orNull(a.ID), CA: r.CA, Serial: r.Serial.String(), Shard: r.Shard, State: "reserved",
			Event: string(a.Event), Kind: string(a.Kind), Regime: string(r.Regime), Profile: r.Profile, UnitID: orNull(a.UnitID), PointID: orNull(a.PointID),
			SubjectID: a.SubjectID, PersonID: orNull(a.PersonID), Name: a.Name, NameFolded: foldName(a.Name), Counted: flag(!a.Test), ReservedAt: micros(r.At)}
		if _, err := t.NamedExecContext(t.ctx, insertCertificate, out); err != nil {
			return fmt.Errorf("insert certificate: %w", err)
		}
		fresh = true
		return nil
	})
	if unique(err) { // the application's row is locked: only the serial can clash
		return issuance.Certificate{}, false, issuance.ErrSerialTaken.Wrap(err)
	}
	return out.certificate(), fresh, err
}

// RecordDraft implements issuance.Store.
func (s *Store) RecordDraft(ctx context.Context, r issuance.DraftRecord) error {
	err := s.tx(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE certificates SET state = 'signing', signing_at = ?, credential_id = ?, not_before = ?, not_after = ?, tbs_hash = ?, spki_hash = ?
			WHERE id = ? AND state = 'reserved'`,
			micros(r.At), r.CredentialID, micros(r.NotBefore), micros(r.NotAfter), r.TBSHash[:], r.SPKIHash[:], r.CertificateID)
		if err != nil {
			return fmt.Errorf("move to signing: %w", err)
		}
		if n == 0 {
			return issuance.ErrState
		}
		_, err = t.exec(`INSERT INTO certificate_bytes (certificate_id, tbs_sealed) VALUES (?, ?)`,
			r.CertificateID, t.s.seal.seal("certificate_bytes.tbs", r.TBS))
		if err != nil {
			return fmt.Errorf("store the draft: %w", err)
		}
		return t.recordTBS(r.KeyName, r.TBSHash, r.At)
	})
	if unique(err) {
		return issuance.ErrKeyUsed.Wrap(err)
	}
	return err
}

// RecordIssued implements issuance.Store: certificate, status, counts, CRL, ledger, claim,
// application, notice with its job, audit.
func (s *Store) RecordIssued(ctx context.Context, r issuance.IssuedRecord) error {
	return s.tx(ctx, func(t *tx) error {
		// 1. The certificate takes the place of its draft.
		c, ok, err := t.certificate(`id = ? AND state = 'signing'`, r.CertificateID)
		if err != nil {
			return err
		}
		if !ok {
			return issuance.ErrState
		}
		_, err = t.exec(`UPDATE certificate_bytes SET tbs_sealed = NULL, der_sealed = ? WHERE certificate_id = ?`, t.s.seal.seal(derColumn, r.DER), c.ID)
		if err != nil {
			return fmt.Errorf("store the certificate: %w", err)
		}
		if err := t.closeDraft(r.KeyName, r.TBSHash, "signed"); err != nil {
			return err
		}
		// 2. Its status, with everything that counts.
		err = t.setStatus(&c, statusChange{to: issuance.Good, event: c.Event, at: r.At, actor: r.Actor})
		if err != nil {
			return err
		}
		if r.Active {
			if _, err := t.activated(c, r.At, r.Actor); err != nil {
				return err
			}
		}
		// 3. Its application, and who it replaces.
		if err := t.settle(c, r.At, r.Actor); err != nil {
			return err
		}
		// 4. What comes next.
		if r.Notice != nil {
			if err := t.insertNotice(*r.Notice, r.At); err != nil {
				return err
			}
		}
		return t.audit(r.Event)
	})
}

// settle closes the application of an issued certificate.
func (t *tx) settle(c certificateRow, at time.Time, actor string) error {
	a, err := t.application(`id = ?`, c.ApplicationID.String)
	if err != nil {
		return err
	}
	_, err = t.exec(`UPDATE applications SET state = 'issued', certificate_id = ?, updated_at = ? WHERE id = ?`, c.ID, micros(at), a.ID)
	if err != nil {
		return fmt.Errorf("close the application: %w", err)
	}
	if _, err := t.exec(`UPDATE claims SET until = ? WHERE application_id = ?`, c.NotAfter, a.ID); err != nil {
		return fmt.Errorf("keep the claim: %w", err)
	}
	if a.Event != issuance.Reissue && a.Event != issuance.Change {
		return nil
	}
	old, ok, err := t.certificate(`id = ? AND status IN ('good', 'hold')`, a.Replaces)
	if err != nil || !ok {
		return err
	}
	return t.setStatus(&old, statusChange{to: issuance.Revoked, reason: pki.Superseded, at: at, actor: actor})
}

// Abandon implements issuance.Store.
func (s *Store) Abandon(ctx context.Context, certificateID string) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE certificates SET state = 'abandoned' WHERE id = ? AND state = 'reserved'`, certificateID)
		return err
	})
}

// Lose implements issuance.Store.
func (s *Store) Lose(ctx context.Context, certificateID string, at time.Time, actor string, e audit.Event) (bool, error) {
	done := false
	err := s.tx(ctx, func(t *tx) error {
		c, ok, err := t.certificate(`id = ? AND state = 'signing'`, certificateID)
		if err != nil || !ok {
			return err
		}
		var hash []byte
		if err := t.get(&hash, `SELECT tbs_hash FROM certificates WHERE id = ?`, c.ID); err != nil {
			return fmt.Errorf("read the draft: %w", err)
		}
		var key string
		if err := t.get(&key, `SELECT key_name FROM cas WHERE name = ?`, c.CA); err != nil {
			return fmt.Errorf("read the CA: %w", err)
		}
		if err := t.closeDraft(key, [32]byte(hash), "void"); err != nil {
			return err
		}
		if err := t.setStatus(&c, statusChange{to: issuance.Revoked, reason: pki.Unspecified, event: "lost", at: at, actor: actor}); err != nil {
			return err
		}
		_, err = t.exec(`UPDATE applications SET state = 'failed', updated_at = ? WHERE id = ? AND state IN ('approved', 'failed')`,
			micros(at), c.ApplicationID.String)
		if err != nil {
			return fmt.Errorf("fail the application: %w", err)
		}
		done = true
		return t.audit(e)
	})
	return done && err == nil, err
}

// Stuck implements issuance.Store.
func (s *Store) Stuck(ctx context.Context, before time.Time, limit int) ([]issuance.Certificate, error) {
	return s.certificatesWhere(ctx, `WHERE state = 'signing' AND signing_at < ? ORDER BY n LIMIT ?`, micros(before), limit)
}

// RecordActivated implements issuance.Store.
func (s *Store) RecordActivated(ctx context.Context, certificateID string, at time.Time, actor string, e audit.Event) error {
	return s.tx(ctx, func(t *tx) error {
		c, ok, err := t.certificate(`id = ? AND state = 'issued'`, certificateID)
		if err != nil || !ok {
			return errors.Join(err, ifNot(ok, issuance.ErrState))
		}
		first, err := t.activated(c, at, actor)
		if err != nil || !first {
			return err
		}
		return t.audit(e)
	})
}

func ifNot(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}

// activated notes the first activation; first is false when there was one.
func (t *tx) activated(c certificateRow, at time.Time, actor string) (first bool, err error) {
	n, err := t.exec(`UPDATE certificates SET activated_at = ? WHERE id = ? AND activated_at = 0`, micros(at), c.ID)
	if err != nil || n == 0 {
		return false, err
	}
	if err := t.ledger(c, "activate", 0, at, actor); err != nil {
		return false, err
	}
	return true, t.count(c.counts(at, "activate", 1)...)
}
