package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
)

// Submit implements issuance.Store. Uniqueness rests on applications.op_key and claims.claim.
func (s *Store) Submit(ctx context.Context, sub issuance.Submission) (issuance.Application, bool, error) {
	var out issuance.Application
	fresh := false
	err := s.tx(ctx, func(t *tx) error {
		// 1. The same operation again?
		a := sub.Application
		found, isDraft, err := t.submitted(a)
		if err != nil || found != nil {
			if found != nil {
				out = *found
			}
			return err
		}
		// 2. Person and application.
		if sub.Person != nil {
			if a.PersonID, err = t.upsertPerson(*sub.Person, a.RequestedAt); err != nil {
				return err
			}
			a.SubjectID = a.PersonID
		}
		a.Claim = issuance.ClaimOf(a.Kind, a.SubjectID, a.UnitID)
		query := insertApplication
		if isDraft {
			query = updateDraft
		}
		if _, err := t.putApplication(query, a); err != nil {
			return err
		}
		// 3. The right to hold one, and the day's quota.
		if err := t.takeClaim(a); err != nil {
			return err
		}
		if err := t.takeQuota(a.UnitID, sub.Day, sub.Quota); err != nil {
			return err
		}
		fresh = true
		if err := t.audit(sub.Events...); err != nil {
			return err
		}
		out, err = t.application(`id = ?`, a.ID)
		return err
	})
	if unique(err) && sub.Application.OpKey != "" {
		// Another copy of the request committed first.
		out, err = s.applicationWhere(ctx, `op_key = ?`, sub.Application.OpKey)
		return out, false, err
	}
	return out, fresh && err == nil, err
}

// submitted finds what an earlier copy of the operation made, or the draft that a is.
func (t *tx) submitted(a issuance.Application) (found *issuance.Application, isDraft bool, err error) {
	old, err := t.application(`id = ?`, a.ID)
	if errors.Is(err, auth.ErrNotFound) && a.OpKey != "" {
		old, err = t.application(`op_key = ?`, a.OpKey)
	}
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case old.State == issuance.Draft && old.ID == a.ID:
		return nil, true, nil
	case old.State == issuance.Cancelled:
		return nil, false, issuance.ErrState
	}
	return &old, false, nil
}

// takeClaim makes a's application the only holder of its claim. A claim whose certificate
// has expired is free; the claim of a certificate that is being replaced passes on.
func (t *tx) takeClaim(a issuance.Application) error {
	var n int64
	var err error
	if a.Replaces == "" {
		n, err = t.exec(`INSERT INTO claims (claim, application_id, until) VALUES (?, ?, 0)
			ON CONFLICT (claim) DO UPDATE SET application_id = excluded.application_id, until = 0
			WHERE claims.until <> 0 AND claims.until < ?`, a.Claim, a.ID, micros(a.RequestedAt))
	} else {
		n, err = t.exec(`UPDATE claims SET application_id = ?, until = 0
			WHERE claim = ? AND until <> 0 AND application_id = (SELECT application_id FROM certificates WHERE id = ?)`, a.ID, a.Claim, a.Replaces)
	}
	if err != nil {
		return fmt.Errorf("take the claim: %w", err)
	}
	if n == 1 {
		return nil
	}
	return t.claimed(a)
}

// claimed says who holds the claim.
func (t *tx) claimed(a issuance.Application) error {
	var r struct {
		Until       int64 `db:"until"`
		RequestedAt int64 `db:"requested_at"`
		IssuedAt    int64 `db:"issued_at"`
	}
	err := t.get(&r, `SELECT cl.until, ap.requested_at, COALESCE(c.issued_at, 0) AS issued_at
		FROM claims cl JOIN applications ap ON ap.id = cl.application_id LEFT JOIN certificates c ON c.id = ap.certificate_id
		WHERE cl.claim = ?`, a.Claim)
	switch {
	case errors.Is(err, sql.ErrNoRows): // to be replaced, but revoked by now
		return issuance.ErrNotUsable
	case err != nil:
		return fmt.Errorf("read the claim: %w", err)
	case r.Until == 0:
		day := unit.DayOf(fromMicros(r.RequestedAt)).Text()
		return issuance.ErrApplicationOpen.Format(day)
	}
	day := unit.DayOf(fromMicros(r.IssuedAt)).Text()
	refusal := issuance.ErrAlreadyCertified
	if a.Kind != pki.Citizen {
		refusal = issuance.ErrSubscriberCertified
	}
	return refusal.Format(day)
}

// takeQuota counts an application against the unit's day; 0 is no bound.
func (t *tx) takeQuota(unitID string, day unit.Day, quota int) error {
	if quota <= 0 {
		return nil
	}
	n, err := t.exec(`INSERT INTO quotas (unit_id, day, used) VALUES (?, ?, 1)
		ON CONFLICT (unit_id, day) DO UPDATE SET used = quotas.used + 1 WHERE quotas.used < ?`, unitID, string(day), quota)
	if err != nil {
		return fmt.Errorf("count the quota: %w", err)
	}
	if n == 0 {
		return issuance.ErrQuota.Format(quota)
	}
	return nil
}

// Decide implements issuance.Store.
func (s *Store) Decide(ctx context.Context, d issuance.Decision) (issuance.Application, error) {
	var out issuance.Application
	err := s.tx(ctx, func(t *tx) error {
		a, err := t.application(`id = ?`, d.ApplicationID)
		if err != nil {
			return err
		}
		open := a.State == issuance.Submitted || d.To == issuance.Cancelled && a.State == issuance.Draft
		switch {
		case !open:
			return issuance.ErrState
		case d.To != issuance.Cancelled && (d.By == a.RequestedBy || d.Person != "" && d.Person == a.RequestedPerson):
			return issuance.ErrSamePerson
		}
		_, err = t.exec(`UPDATE applications SET state = ?, decided_by = ?, decided_person = ?, decided_at = ?, decision = ?, updated_at = ? WHERE id = ?`,
			string(d.To), d.By, d.Person, micros(d.At), d.Reason, micros(d.At), a.ID)
		if err != nil {
			return fmt.Errorf("write the decision: %w", err)
		}
		if d.To != issuance.Approved {
			if err := t.releaseClaim(a); err != nil {
				return err
			}
		}
		if err := t.audit(d.Event); err != nil {
			return err
		}
		out, err = t.application(`id = ?`, a.ID)
		return err
	})
	return out, err
}

// releaseClaim gives back what an application held: to the certificate that it would have
// replaced, if that is still good.
func (t *tx) releaseClaim(a issuance.Application) error {
	if a.Replaces != "" {
		n, err := t.exec(`UPDATE claims SET
			application_id = (SELECT application_id FROM certificates WHERE id = ?),
			until = (SELECT not_after FROM certificates WHERE id = ?)
			WHERE application_id = ? AND EXISTS (SELECT 1 FROM certificates WHERE id = ? AND status <> 'revoked')`,
			a.Replaces, a.Replaces, a.ID, a.Replaces)
		if err != nil || n == 1 {
			return err
		}
	}
	if _, err := t.exec(`DELETE FROM claims WHERE application_id = ?`, a.ID); err != nil {
		return fmt.Errorf("release the claim: %w", err)
	}
	return nil
}

// Notice implements issuance.Store.
func (s *Store) Notice(ctx context.Context, id string) (issuance.Notice, bool, error) {
	var r struct {
		Kind       string `db:"kind"`
		ToSealed   []byte `db:"to_sealed"`
		BodySealed []byte `db:"body_sealed"`
	}
	err := s.get(ctx, &r, `SELECT kind, to_sealed, body_sealed FROM notices WHERE id = ? AND sent_at = 0`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return issuance.Notice{}, false, nil
	}
	if err != nil {
		return issuance.Notice{}, false, fmt.Errorf("read notice: %w", err)
	}
	to, err := s.seal.open("notices.to", r.ToSealed)
	if err != nil {
		return issuance.Notice{}, false, err
	}
	body, err := s.seal.open("notices.body", r.BodySealed)
	if err != nil {
		return issuance.Notice{}, false, err
	}
	return issuance.Notice{ID: id, Kind: r.Kind, To: string(to), Body: string(body)}, true, nil
}

// NoticeSent implements issuance.Store.
func (s *Store) NoticeSent(ctx context.Context, id string, at time.Time) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE notices SET body_sealed = NULL, sent_at = ? WHERE id = ? AND sent_at = 0`, micros(at), id)
		return err
	})
}

func (t *tx) insertNotice(n issuance.Notice, at time.Time) error {
	_, err := t.exec(`INSERT INTO notices (id, kind, to_sealed, body_sealed, created_at) VALUES (?, ?, ?, ?, ?)`,
		n.ID, n.Kind, t.s.seal.seal("notices.to", []byte(n.To)), t.s.seal.seal("notices.body", []byte(n.Body)), micros(at))
	if err != nil {
		return fmt.Errorf("insert notice: %w", err)
	}
	return t.enqueue(issuance.SendNotice{NoticeID: n.ID})
}
