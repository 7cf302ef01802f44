package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
)

// How long what has ended is still kept: answers, so that a resend finds them; SADs, so that
// a late one is told why it is refused.
const (
	keepAnswers = 48 * time.Hour
	keepSADs    = 24 * time.Hour
)

// Tidy forgets what has ended at now: the sealed keys of SADs that were never used, which the
// SAD in a kept answer would open, then the rows of SADs, sessions, access tokens and answers.
// Each is a transaction of its own.
func (s *Store) Tidy(ctx context.Context, now time.Time) error {
	var failures []error
	for _, q := range []struct {
		what, query string
		before      time.Time
	}{
		{"sealed keys", `UPDATE agent_sads SET sealed_kek = NULL WHERE expires_at < ? AND sealed_kek IS NOT NULL`, now},
		{"SADs", `DELETE FROM agent_sads WHERE expires_at < ?`, now.Add(-keepSADs)},
		{"access tokens", `DELETE FROM access_tokens WHERE expires_at < ?`, now},
		{"idle sessions", `DELETE FROM sessions WHERE seen_at < ?`, now.Add(-auth.SessionIdle)},
		{"old sessions", `DELETE FROM sessions WHERE created_at < ?`, now.Add(-auth.SessionMax)},
		{"answers", `DELETE FROM idempotency WHERE created_at < ?`, now.Add(-keepAnswers)},
	} {
		err := s.tx(ctx, func(t *tx) error {
			_, err := t.exec(q.query, micros(q.before))
			return err
		})
		if err != nil {
			failures = append(failures, fmt.Errorf("forget %s: %w", q.what, err))
		}
	}
	return errors.Join(failures...)
}
