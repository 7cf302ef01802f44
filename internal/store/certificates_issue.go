package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/pki"
)

// liveOf finds an application's live row by the index certificates_once.
const liveOf = `application_id = ? AND state IN ('reserved', 'signing', 'issued')`

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
		live, ok, err := t.certificate(liveOf, a.ID)
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
		// 1. Hold what changes.
		a, c, err := t.signing(r.CertificateID)
		if err != nil {
			return err
		}
		old, replaced, err := t.toReplace(a, r.At)
		if err != nil {
			return err
		}
		// 2. The certificate takes the place of its draft.
		_, err = t.exec(`UPDATE certificate_bytes SET tbs_sealed = NULL, der_sealed = ? WHERE certificate_id = ?`, t.s.seal.seal(derColumn, r.DER), c.ID)
		if err != nil {
			return fmt.Errorf("store the certificate: %w", err)
		}
		if err := t.closeDraft(r.KeyName, r.TBSHash, "signed"); err != nil {
			return err
		}
		// 3. Its status, its application and whom it replaces, with everything that counts.
		err = t.book(func(b *book) error {
			if err := b.setStatus(&c, statusChange{to: issuance.Good, event: c.Event, at: r.At, actor: r.Actor}); err != nil {
				return err
			}
			if r.Active {
				if _, err := b.activated(c, r.At, r.Actor); err != nil {
					return err
				}
			}
			if err := b.settle(a, c, r.At); err != nil || !replaced {
				return err
			}
			return b.setStatus(&old, statusChange{to: issuance.Revoked, reason: pki.Superseded, at: r.At, actor: r.Actor})
		})
		if err != nil {
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

// signing holds a certificate that is being signed and its application; ErrState when it is
// signing no more.
func (t *tx) signing(certificateID string) (issuance.Application, certificateRow, error) {
	a, err := t.application(`id = (SELECT application_id FROM certificates WHERE id = ?)`, certificateID)
	if errors.Is(err, auth.ErrNotFound) {
		err = issuance.ErrState
	}
	if err != nil {
		return a, certificateRow{}, err
	}
	c, ok, err := t.certificate(`id = ? AND state = 'signing'`, certificateID)
	return a, c, errors.Join(err, ifNot(ok || err != nil, issuance.ErrState))
}

// toReplace holds the certificate that a's will take the place of. A renewal takes nobody's:
// the old certificate stays good until it expires.
func (t *tx) toReplace(a issuance.Application, at time.Time) (certificateRow, bool, error) {
	if a.Event != issuance.Reissue && a.Event != issuance.Change {
		return certificateRow{}, false, nil
	}
	return t.certificate(`id = ? AND status IN ('good', 'hold') AND not_after > ?`, a.Replaces, micros(at))
}

// settle closes the application of an issued certificate and keeps the claim for it.
func (t *tx) settle(a issuance.Application, c certificateRow, at time.Time) error {
	_, err := t.exec(`UPDATE applications SET state = 'issued', certificate_id = ?, updated_at = ? WHERE id = ?`, c.ID, micros(at), a.ID)
	if err != nil {
		return fmt.Errorf("close the application: %w", err)
	}
	if _, err := t.exec(`UPDATE claims SET until = ? WHERE application_id = ?`, c.NotAfter, a.ID); err != nil {
		return fmt.Errorf("keep the claim: %w", err)
	}
	return nil
}

// Abandon implements issuance.Store.
func (s *Store) Abandon(ctx context.Context, certificateID string, at time.Time, fail bool) error {
	return s.tx(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE certificates SET state = 'abandoned' WHERE id = ? AND state = 'reserved'`, certificateID)
		if err != nil || n == 0 {
			return err
		}
		_, err = t.exec(`UPDATE applications SET updated_at = ?, state = CASE WHEN ? = 1 THEN 'failed' ELSE state END
			WHERE id = (SELECT application_id FROM certificates WHERE id = ?) AND state IN ('approved', 'failed')`, micros(at), flag(fail), certificateID)
		if err != nil {
			return fmt.Errorf("put off the application: %w", err)
		}
		return nil
	})
}

// Lose implements issuance.Store.
func (s *Store) Lose(ctx context.Context, certificateID string, at time.Time, actor string, e audit.Event) (bool, error) {
	done := false
	err := s.tx(ctx, func(t *tx) error {
		a, c, err := t.signing(certificateID)
		if errors.Is(err, issuance.ErrState) {
			return nil
		}
		if err != nil {
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
		err = t.book(func(b *book) error {
			return b.setStatus(&c, statusChange{to: issuance.Revoked, reason: pki.Unspecified, event: "lost", at: at, actor: actor})
		})
		if err != nil {
			return err
		}
		_, err = t.exec(`UPDATE applications SET state = 'failed', updated_at = ? WHERE id = ? AND state IN ('approved', 'failed')`,
			micros(at), a.ID)
		if err != nil {
			return fmt.Errorf("fail the application: %w", err)
		}
		done = true
		return t.audit(e)
	})
	return done && err == nil, err
}

// stuck has the list of states of the index certificates_stuck word by word: SQLite takes a
// partial index only then.
const stuck = `WHERE state IN ('reserved', 'signing') AND state = 'signing' AND signing_at < ? ORDER BY n LIMIT ?`

// Stuck implements issuance.Store.
func (s *Store) Stuck(ctx context.Context, before time.Time, limit int) ([]issuance.Certificate, error) {
	return s.certificatesWhere(ctx, stuck, micros(before), limit)
}

// RecordActivated implements issuance.Store.
func (s *Store) RecordActivated(ctx context.Context, certificateID string, at time.Time, actor string, e audit.Event) error {
	return s.tx(ctx, func(t *tx) error {
		c, ok, err := t.certificate(`id = ? AND state = 'issued'`, certificateID)
		if err != nil || !ok {
			return errors.Join(err, ifNot(ok, issuance.ErrState))
		}
		first := false
		err = t.book(func(b *book) error {
			first, err = b.activated(c, at, actor)
			return err
		})
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
func (b *book) activated(c certificateRow, at time.Time, actor string) (first bool, err error) {
	n, err := b.exec(`UPDATE certificates SET activated_at = ? WHERE id = ? AND activated_at = 0`, micros(at), c.ID)
	if err != nil || n == 0 {
		return false, err
	}
	if err := b.ledger(c, "activate", 0, at, actor); err != nil {
		return false, err
	}
	b.counts = append(b.counts, c.counts(at, "activate", 1)...)
	return true, nil
}
