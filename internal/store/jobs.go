package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/kyso-vn/kyso/internal/job"
)

var _ job.Pulse = (*Store)(nil)

// Enqueuer puts a job into a transaction; river's client does.
type Enqueuer interface {
	Enqueue(ctx context.Context, tx *sql.Tx, args job.Args) error
}

// UseJobs sets where jobs go. It must be called before the first fact that asks for one.
func (s *Store) UseJobs(e Enqueuer) { s.jobs = e }

// enqueue adds jobs to the transaction.
func (t *tx) enqueue(args ...job.Args) error {
	for _, a := range args {
		if t.s.jobs == nil {
			return fmt.Errorf("enqueue %s: the store has no job client", a.Kind())
		}
		if err := t.s.jobs.Enqueue(t.ctx, t.Tx.Tx, a); err != nil {
			return fmt.Errorf("enqueue %s: %w", a.Kind(), err)
		}
	}
	return nil
}

// JobDriver returns River's driver for this database.
func (s *Store) JobDriver() riverdriver.Driver[*sql.Tx] {
	if s.postgres {
		return riverdatabasesql.New(s.w.DB)
	}
	return riversqlite.New(s.w.DB)
}

func (s *Store) migrateJobs(ctx context.Context) error {
	m, err := rivermigrate.New(s.JobDriver(), nil)
	if err != nil {
		return fmt.Errorf("job migrations: %w", err)
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate jobs: %w", err)
	}
	return nil
}

// Beat implements job.Pulse.
func (s *Store) Beat(ctx context.Context, client string) (map[string]int64, error) {
	beats := make(map[string]int64)
	err := s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO job_clients (id, beats) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET beats = job_clients.beats + 1`, client)
		if err != nil {
			return fmt.Errorf("count a beat: %w", err)
		}
		var rows []struct {
			ID    string `db:"id"`
			Beats int64  `db:"beats"`
		}
		if err := t.sel(&rows, `SELECT id, beats FROM job_clients`); err != nil {
			return fmt.Errorf("read beats: %w", err)
		}
		for _, r := range rows {
			beats[r.ID] = r.Beats
		}
		return nil
	})
	return beats, err
}

// Forget implements job.Pulse.
func (s *Store) Forget(ctx context.Context, client string) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`DELETE FROM job_clients WHERE id = ?`, client)
		return err
	})
}
