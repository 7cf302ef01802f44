// Package db opens real databases for tests: the store's contract suite and the services'
// tests run on SQLite and on PostgreSQL.
package db

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/kyso-vn/kyso/internal/job"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/pg"
)

// Each runs f as a parallel subtest on an empty, migrated database of each kind. Jobs can be
// enqueued but nobody works them.
func Each(t *testing.T, f func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, Postgres(t))
	})
}

// SQLite opens an empty, migrated SQLite database in a temporary folder.
func SQLite(t testing.TB) *store.Store {
	t.Helper()
	return open(t, "sqlite:"+filepath.Join(t.TempDir(), "kyso.db"))
}

// Postgres opens an empty, migrated database on the test cluster.
func Postgres(t testing.TB) *store.Store {
	t.Helper()
	return open(t, pg.New(t))
}

func open(t testing.TB, dsn string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{
		DSN: dsn, DataKey: bytes.Repeat([]byte{1}, 32), IndexKey: bytes.Repeat([]byte{2}, 32),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	jobs, err := job.NewClient(s.JobDriver(), nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.UseJobs(jobs)
	return s
}
