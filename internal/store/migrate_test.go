package store_test

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/pg"
)

func TestReplicasThatStartTogetherMigrateOnce(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "kyso.db") },
		"postgres": func(t *testing.T) string { return pg.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := store.Options{DSN: dsn(t), DataKey: make([]byte, 32), IndexKey: make([]byte, 32)}
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					s, err := store.Open(t.Context(), o)
					if err != nil {
						t.Error(err)
						return
					}
					defer s.Close()
					if err := s.Migrate(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		})
	}
}
