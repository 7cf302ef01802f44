package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/kyso-vn/kyso/internal/agent"
)

// InsertKey implements agent.Store.
func (s *Store) InsertKey(ctx context.Context, k agent.StoredKey) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO agent_keys (credential_id, subject_id, unlock, spki, active, version, record, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			k.CredentialID, k.SubjectID, string(k.Unlock), k.SPKI, flag(k.Active), k.Version, k.Record, micros(k.CreatedAt))
		if err != nil {
			return fmt.Errorf("insert key: %w", err)
		}
		return nil
	})
}

// Key implements agent.Store.
func (s *Store) Key(ctx context.Context, credentialID string) (agent.StoredKey, error) {
	var r struct {
		CredentialID string `db:"credential_id"`
		SubjectID    string `db:"subject_id"`
		Unlock       string `db:"unlock"`
		SPKI         []byte `db:"spki"`
		Active       int    `db:"active"`
		Version      int    `db:"version"`
		Record       []byte `db:"record"`
		CreatedAt    int64  `db:"created_at"`
	}
	err := s.get(ctx, &r, `SELECT credential_id, subject_id, unlock, spki, active, version, record, created_at FROM agent_keys WHERE credential_id = ?`, credentialID)
	if errors.Is(err, sql.ErrNoRows) {
		return agent.StoredKey{}, agent.ErrNoCredential
	}
	if err != nil {
		return agent.StoredKey{}, fmt.Errorf("read key: %w", err)
	}
	return agent.StoredKey{CredentialID: r.CredentialID, SubjectID: r.SubjectID, Unlock: agent.Unlock(r.Unlock), SPKI: r.SPKI,
		Active: r.Active == 1, Version: r.Version, Record: r.Record, CreatedAt: fromMicros(r.CreatedAt)}, nil
}

// ReplaceKey implements agent.Store.
func (s *Store) ReplaceKey(ctx context.Context, k agent.StoredKey) error {
	return s.tx(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE agent_keys SET record = ?, active = ?, version = ? WHERE credential_id = ? AND version = ?`,
			k.Record, flag(k.Active), k.Version, k.CredentialID, k.Version-1)
		if err != nil {
			return fmt.Errorf("replace key: %w", err)
		}
		if n == 0 {
			return agent.ErrConflict
		}
		return nil
	})
}

// DeleteKey implements agent.Store.
func (s *Store) DeleteKey(ctx context.Context, credentialID string) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`DELETE FROM agent_keys WHERE credential_id = ?
			AND NOT EXISTS (SELECT 1 FROM certificates c WHERE c.credential_id = agent_keys.credential_id AND c.state <> 'abandoned')`, credentialID)
		return err
	})
}

type counterRow struct {
	Tries       int   `db:"tries"`
	Total       int64 `db:"tries_total"`
	LockedUntil int64 `db:"locked_until"`
}

func (r counterRow) counter() agent.PINCounter {
	return agent.PINCounter{Tries: r.Tries, Total: r.Total, LockedUntil: fromMicros(r.LockedUntil)}
}

const counterColumns = `SELECT tries, tries_total, locked_until FROM agent_keys WHERE credential_id = ?`

// CountTry implements agent.Store.
func (s *Store) CountTry(ctx context.Context, credentialID string, now time.Time, limit int, lock time.Duration) (c agent.PINCounter, ok bool, err error) {
	err = s.tx(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE agent_keys SET tries = CASE WHEN tries >= ? THEN 1 ELSE tries + 1 END, tries_total = tries_total + 1,
			locked_until = CASE WHEN tries + 1 = ? THEN ? ELSE locked_until END WHERE credential_id = ? AND locked_until <= ?`,
			limit, limit, micros(now.Add(lock)), credentialID, micros(now))
		if err != nil {
			return fmt.Errorf("count try: %w", err)
		}
		ok = n == 1
		var r counterRow
		err = t.get(&r, counterColumns, credentialID)
		if errors.Is(err, sql.ErrNoRows) {
			return agent.ErrNoCredential
		}
		c = r.counter()
		return err
	})
	return c, ok, err
}

// TakeBackTry implements agent.Store.
func (s *Store) TakeBackTry(ctx context.Context, credentialID string) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE agent_keys SET tries = tries - 1, locked_until = 0 WHERE credential_id = ? AND tries > 0`, credentialID)
		return err
	})
}

// ClearTries implements agent.Store.
func (s *Store) ClearTries(ctx context.Context, credentialID string) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE agent_keys SET tries = 0, locked_until = 0 WHERE credential_id = ?`, credentialID)
		return err
	})
}

// PINCounter implements agent.Store.
func (s *Store) PINCounter(ctx context.Context, credentialID string) (agent.PINCounter, error) {
	var r counterRow
	err := s.get(ctx, &r, counterColumns, credentialID)
	if errors.Is(err, sql.ErrNoRows) {
		return agent.PINCounter{}, agent.ErrNoCredential
	}
	return r.counter(), err
}

// PutTOTP implements agent.Store.
func (s *Store) PutTOTP(ctx context.Context, subjectID string, sealed []byte) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO agent_totp (subject_id, sealed, last_step) VALUES (?, ?, 0)
			ON CONFLICT (subject_id) DO UPDATE SET sealed = excluded.sealed, last_step = 0`, subjectID, sealed)
		return err
	})
}

// TOTP implements agent.Store.
func (s *Store) TOTP(ctx context.Context, subjectID string) ([]byte, error) {
	var sealed []byte
	err := s.get(ctx, &sealed, `SELECT sealed FROM agent_totp WHERE subject_id = ?`, subjectID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, agent.ErrWrongOTP
	}
	return sealed, err
}

// CountOTPTry implements agent.Store.
func (s *Store) CountOTPTry(ctx context.Context, subjectID string, now time.Time, limit int, lock time.Duration) (ok bool, err error) {
	err = s.tx(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE agent_totp SET tries = CASE WHEN tries >= ? THEN 1 ELSE tries + 1 END,
			locked_until = CASE WHEN tries + 1 = ? THEN ? ELSE locked_until END WHERE subject_id = ? AND locked_until <= ?`,
			limit, limit, micros(now.Add(lock)), subjectID, micros(now))
		ok = n == 1
		return err
	})
	return ok, err
}

// ClearOTPTries implements agent.Store.
func (s *Store) ClearOTPTries(ctx context.Context, subjectID string) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE agent_totp SET tries = 0, locked_until = 0 WHERE subject_id = ?`, subjectID)
		return err
	})
}

// SpendTOTP implements agent.Store.
func (s *Store) SpendTOTP(ctx context.Context, subjectID string, step int64) (ok bool, err error) {
	err = s.tx(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE agent_totp SET last_step = ?, tries = 0, locked_until = 0 WHERE subject_id = ? AND last_step < ?`, step, subjectID, step)
		ok = n == 1
		return err
	})
	return ok, err
}

// InsertSAD implements agent.Store.
func (s *Store) InsertSAD(ctx context.Context, a agent.StoredSAD) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO agent_sads (hash, credential_id, subject_id, binding, count, sealed_kek, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			a.Hash, a.CredentialID, a.SubjectID, a.Binding, a.Count, a.SealedKEK, micros(a.ExpiresAt))
		if err != nil {
			return fmt.Errorf("insert SAD: %w", err)
		}
		return nil
	})
}

// SAD implements agent.Store.
func (s *Store) SAD(ctx context.Context, hash []byte) (agent.StoredSAD, error) {
	var r struct {
		CredentialID string `db:"credential_id"`
		SubjectID    string `db:"subject_id"`
		Binding      []byte `db:"binding"`
		Count        int    `db:"count"`
		SealedKEK    []byte `db:"sealed_kek"`
		ExpiresAt    int64  `db:"expires_at"`
		UsedAt       int64  `db:"used_at"`
	}
	err := s.get(ctx, &r, `SELECT credential_id, subject_id, binding, count, sealed_kek, expires_at, used_at FROM agent_sads WHERE hash = ?`, hash)
	if errors.Is(err, sql.ErrNoRows) {
		return agent.StoredSAD{}, agent.ErrSADUnknown
	}
	if err != nil {
		return agent.StoredSAD{}, fmt.Errorf("read SAD: %w", err)
	}
	return agent.StoredSAD{Hash: hash, CredentialID: r.CredentialID, SubjectID: r.SubjectID, Binding: r.Binding, Count: r.Count,
		SealedKEK: r.SealedKEK, ExpiresAt: fromMicros(r.ExpiresAt), UsedAt: fromMicros(r.UsedAt)}, nil
}

// SpendSAD implements agent.Store.
func (s *Store) SpendSAD(ctx context.Context, hash []byte, now time.Time) (ok bool, err error) {
	err = s.tx(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE agent_sads SET used_at = ?, sealed_kek = NULL WHERE hash = ? AND used_at = 0`, micros(now), hash)
		ok = n == 1
		return err
	})
	return ok, err
}
