package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
)

func TestNoKeyIsLeftUnderASADThatHasExpired(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		ctx, now := t.Context(), time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
		late, good := []byte("late"), []byte("good")
		for hash, expires := range map[string]time.Time{"late": now.Add(-time.Second), "good": now.Add(time.Second)} {
			err := s.InsertSAD(ctx, agent.StoredSAD{Hash: []byte(hash), CredentialID: "c", SubjectID: "p", Binding: []byte{1}, Count: 1, SealedKEK: []byte{2}, ExpiresAt: expires})
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := s.BeginRequest(ctx, "c", "POST /a", "k", []byte("h"), now.Add(-47*time.Hour), time.Minute); err != nil {
			t.Fatal(err)
		}
		if err := s.Tidy(ctx, now); err != nil {
			t.Fatal(err)
		}
		if a, err := s.SAD(ctx, late); err != nil || a.SealedKEK != nil {
			t.Errorf("expired: %v %v", a.SealedKEK, err)
		}
		if a, err := s.SAD(ctx, good); err != nil || a.SealedKEK == nil {
			t.Errorf("not expired: %v %v", a.SealedKEK, err)
		}
		if state, _, err := s.BeginRequest(ctx, "c", "POST /a", "k", []byte("other"), now, time.Minute); err != nil || state != "other" {
			t.Errorf("an answer of yesterday was forgotten: %s %v", state, err)
		}
		if err := s.Tidy(ctx, now.Add(72*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SAD(ctx, late); !errors.Is(err, agent.ErrSADUnknown) {
			t.Errorf("three days later: %v", err)
		}
	})
}
