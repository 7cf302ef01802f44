package store_test

import (
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
)

func TestMigratingTwiceChangesNothingAndAuditIsKept(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		if err := s.RecordAudit(t.Context(), audit.Event{At: time.Now(), Actor: "service:test", Action: "x.y", Object: "o:1", Outcome: audit.OutcomeDone}); err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.RecordAudit(t.Context(), audit.Event{At: time.Now(), Actor: "a", Action: "x", Object: "o", Outcome: "odd"}); err == nil {
			t.Fatal("an unknown outcome was stored")
		}
	})
}
