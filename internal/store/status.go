package store

import (
	"context"
	"fmt"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
)

func foldName(s string) string { return unit.Fold(s) }

// statusChange is what setStatus is asked for.
type statusChange struct {
	to     issuance.Status
	reason pki.Reason
	// event is the ledger's word where the change alone does not tell: why a certificate was
	// issued, or that it was lost.
	event     string
	invalidAt time.Time
	at        time.Time
	actor     string
}

// book is one transaction's worth of changes of status. Counters are moved once, at its end
// and in one order, so that two books can't wait for each other. Rows are taken in the order
// application, certificate, person, CRL shard, claim, counters, for the same reason.
type book struct {
	*tx
	counts []countChange
}

// book runs f and then moves the counters.
func (t *tx) book(f func(b *book) error) error {
	b := &book{tx: t}
	if err := f(b); err != nil {
		return err
	}
	return t.count(b.counts...)
}

// SetStatus implements issuance.Store.
func (s *Store) SetStatus(ctx context.Context, ch issuance.StatusChange) (issuance.Certificate, error) {
	var c certificateRow
	err := s.tx(ctx, func(t *tx) error {
		var ok bool
		var err error
		c, ok, err = t.certificate(`id = ? AND state IN ('issued', 'lost')`, ch.CertificateID)
		if err != nil {
			return err
		}
		if !ok {
			return auth.ErrNotFound
		}
		err = t.book(func(b *book) error {
			return b.setStatus(&c, statusChange{to: ch.To, reason: ch.Reason, invalidAt: ch.InvalidAt, at: ch.At, actor: ch.Actor})
		})
		if err != nil {
			return err
		}
		return t.audit(ch.Event)
	})
	return c.certificate(), err
}

// setStatus is the only writer of a certificate's status. In the transaction of b it changes
// the status, makes the CRL shard dirty, writes the ledger's line and moves the counters, so
// that none of them can drift from the others. c is held by b and is brought up to date.
//
//	"" -> good                      issued
//	"" -> revoked                   lost: perhaps signed
//	good -> hold -> good            suspended, reinstated
//	good -> revoked, hold -> revoked   for good
func (b *book) setStatus(c *certificateRow, ch statusChange) error {
	from := issuance.Status(c.Status)
	now := micros(ch.at)
	// 1. May it?
	switch {
	case from == issuance.Revoked:
		return issuance.ErrRevoked
	case from != "" && c.NotAfter <= now:
		return issuance.ErrExpired
	case from == ch.to, ch.to == issuance.Hold && from != issuance.Good, ch.to == "":
		return issuance.ErrState
	}
	// 2. What happened, in the words of ledger and counters.
	event := ch.event
	if event == "" {
		event = map[issuance.Status]string{issuance.Hold: "hold", issuance.Good: "reinstate", issuance.Revoked: "revoke"}[ch.to]
		if from == issuance.Hold && ch.to == issuance.Revoked {
			event = "revoke_held"
		}
	}
	// A person's certificates are judged one after the other.
	if c.PersonID.Valid && c.Counted == 1 {
		if err := b.lockPerson(c.PersonID.String); err != nil {
			return err
		}
	}
	old := *c
	c.Status, c.State = string(ch.to), "issued"
	c.Reason, c.RevokedAt, c.InvalidAt = int(ch.reason), now, micros(ch.invalidAt)
	switch {
	case ch.to == issuance.Good:
		c.Reason, c.RevokedAt, c.InvalidAt = 0, 0, 0
	case event == "lost":
		c.State = "lost"
	case from == issuance.Hold:
		// A final revocation keeps the date of the hold that it follows (X.509, holds), or what
		// was signed meanwhile would be valid after all. Nothing ended later than that.
		c.RevokedAt = old.RevokedAt
		c.InvalidAt = min(c.InvalidAt, old.RevokedAt)
	}
	if from == "" && ch.to == issuance.Good {
		c.IssuedAt = now
	}
	n, err := b.exec(`UPDATE certificates SET state = ?, status = ?, reason = ?, revoked_at = ?, invalid_at = ?, issued_at = ?
		WHERE id = ? AND state = ? AND status = ?`,
		c.State, c.Status, c.Reason, c.RevokedAt, c.InvalidAt, c.IssuedAt, c.ID, old.State, old.Status)
	if err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	if n != 1 {
		return issuance.ErrState
	}
	return b.statusFollows(old, *c, event, ch)
}

// statusFollows is what changes with a status.
func (b *book) statusFollows(old, c certificateRow, event string, ch statusChange) error {
	// 1. The CRL: everything but a first good changes it.
	if old.Status != "" || ch.to != issuance.Good {
		n, err := b.exec(`UPDATE crl_shards SET changes = changes + 1 WHERE ca = ? AND shard = ?`, c.CA, c.Shard)
		if err != nil || n != 1 {
			return fmt.Errorf("mark the CRL of %s dirty (%d rows): %w", c.CA, n, err)
		}
	}
	// 2. The right to hold one, if this was the one.
	if ch.to == issuance.Revoked && event != "lost" && c.ApplicationID.Valid {
		a := issuance.Application{ID: c.ApplicationID.String}
		if err := b.get(&a.Replaces, `SELECT replaces FROM applications WHERE id = ?`, a.ID); err != nil {
			return fmt.Errorf("read the application: %w", err)
		}
		if err := b.releaseClaim(a); err != nil {
			return err
		}
	}
	// 3. Ledger and counters.
	if err := b.ledger(c, event, c.Reason, ch.at, ch.actor); err != nil {
		return err
	}
	if c.Counted == 0 || event == "lost" {
		return nil
	}
	name := event
	if ch.to == issuance.Revoked {
		name += "." + ch.reason.String()
	}
	counts := c.counts(ch.at, name, 1)
	switch good, was := c.Status == "good", old.Status == "good"; {
	case good && !was:
		counts = append(counts, c.counts(fromMicros(c.NotAfter), "expiry", 1)...)
	case was && !good:
		counts = append(counts, c.counts(fromMicros(c.NotAfter), "expiry", -1)...)
	}
	persons, err := b.personCounts(old, c, ch.at)
	if err != nil {
		return err
	}
	b.counts = append(append(b.counts, counts...), persons...)
	return nil
}

// ledger writes the line of one event; the PKI's own certificates are not in it.
func (t *tx) ledger(c certificateRow, event string, reason int, at time.Time, actor string) error {
	if !c.UnitID.Valid {
		return nil
	}
	_, err := t.exec(`INSERT INTO certificate_events (at, day, certificate_id, unit_id, event, reason, actor) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		micros(at), string(unit.DayOf(at)), c.ID, c.UnitID.String, event, reason, actor)
	if err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	return nil
}
