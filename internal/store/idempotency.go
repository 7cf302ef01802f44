package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// BeginRequest implements server.IdempotencyStore.
func (s *Store) BeginRequest(ctx context.Context, caller, route, key string, bodyHash []byte, now time.Time, stale time.Duration) (state string, answer []byte, err error) {
	// Bodies hold PINs and identity numbers, which a plain hash would let a thief of the
	// database guess.
	bodyHash = s.seal.hash("idempotency.body", string(bodyHash))
	err = s.tx(ctx, func(t *tx) error {
		n, err := t.exec(`INSERT INTO idempotency (caller, route, key, body_hash, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			caller, route, key, bodyHash, micros(now))
		if err != nil {
			return fmt.Errorf("claim request: %w", err)
		}
		if n == 1 {
			state = "mine"
			return nil
		}
		var r struct {
			BodyHash  []byte `db:"body_hash"`
			Answer    []byte `db:"answer_sealed"`
			CreatedAt int64  `db:"created_at"`
		}
		err = t.get(&r, `SELECT body_hash, answer_sealed, created_at FROM idempotency WHERE caller = ? AND route = ? AND key = ?`+t.lock(), caller, route, key)
		if errors.Is(err, sql.ErrNoRows) { // forgotten since the INSERT
			state = "busy"
			return nil
		}
		if err != nil {
			return fmt.Errorf("read request: %w", err)
		}
		switch {
		case !bytes.Equal(r.BodyHash, bodyHash):
			state = "other"
		case r.Answer != nil:
			state = "done"
			answer, err = s.seal.open("idempotency.answer", r.Answer)
			return err
		case now.Sub(fromMicros(r.CreatedAt)) > stale:
			state = "mine"
			_, err = t.exec(`UPDATE idempotency SET created_at = ? WHERE caller = ? AND route = ? AND key = ?`, micros(now), caller, route, key)
			return err
		default:
			state = "busy"
		}
		return nil
	})
	return state, answer, err
}

// EndRequest implements server.IdempotencyStore.
func (s *Store) EndRequest(ctx context.Context, caller, route, key string, answer []byte) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE idempotency SET answer_sealed = ? WHERE caller = ? AND route = ? AND key = ?`,
			s.seal.seal("idempotency.answer", answer), caller, route, key)
		return err
	})
}

// ForgetRequest implements server.IdempotencyStore.
func (s *Store) ForgetRequest(ctx context.Context, caller, route, key string) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`DELETE FROM idempotency WHERE caller = ? AND route = ? AND key = ? AND answer_sealed IS NULL`, caller, route, key)
		return err
	})
}
