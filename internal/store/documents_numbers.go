package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/kyso-vn/kyso/internal/routing"
)

// numberHash is by what a number is found; none of its parts has a line break.
func (s *Store) numberHash(n routing.Number) []byte {
	return s.seal.hash("issued_numbers.number", strings.Join([]string{n.UnitID, n.Year, n.Notation, n.Number}, "\n"))
}

// NumberTaken implements routing.Store.
func (s *Store) NumberTaken(ctx context.Context, n routing.Number) (bool, error) {
	var count int
	err := s.get(ctx, &count, `SELECT COUNT(*) FROM issued_numbers WHERE number_hash = ?`, s.numberHash(n))
	if err != nil {
		return false, fmt.Errorf("look for a number: %w", err)
	}
	return count > 0, nil
}

// giveNumber gives a document its number. One that waits at the row of another transaction
// learns here whether that one took it.
func (t *tx) giveNumber(documentID string, n routing.Number) error {
	if n == (routing.Number{}) {
		return nil
	}
	_, err := t.exec(`INSERT INTO issued_numbers (number_hash, document_id) VALUES (?, ?)`, t.s.numberHash(n), documentID)
	if unique(err) {
		return routing.ErrNumberTaken.Wrap(err)
	}
	if err != nil {
		return fmt.Errorf("give a number: %w", err)
	}
	return nil
}
