package store_test

import (
	"bytes"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
)

func TestABodyWithAPINIsNotKeptAsAHashThatCanBeGuessed(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		hash := sha256.Sum256([]byte(`{"old_pin":"28461937","new_pin":"58203174"}`))
		state, _, err := s.BeginRequest(t.Context(), "c", "POST /pin", "k", hash[:], time.Now(), time.Minute)
		if err != nil || state != "mine" {
			t.Fatalf("%q %v", state, err)
		}
		pool, _ := s.DB()
		var kept []byte
		if err := pool.QueryRowContext(t.Context(), "SELECT body_hash FROM idempotency").Scan(&kept); err != nil {
			t.Fatal(err)
		}
		if len(kept) != 32 || bytes.Equal(kept, hash[:]) {
			t.Fatalf("kept %x", kept)
		}
	})
}
