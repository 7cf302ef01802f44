package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed migrations
var migrations embed.FS

// Migrate brings the schema up to date; it is forward only. Of processes that start together
// one does it and the others wait.
func (s *Store) Migrate(ctx context.Context) (err error) {
	unlock, err := s.lockMigrations(ctx)
	if err != nil {
		return fmt.Errorf("wait for a migration: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	dir, dialect := "migrations/sqlite", database.DialectSQLite3
	if s.postgres {
		dir, dialect = "migrations/postgres", database.DialectPostgres
	}
	sub, err := fs.Sub(migrations, dir)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, s.w.DB, sub)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return s.migrateJobs(ctx)
}

// migrationLock is the number of our advisory lock on PostgreSQL.
const migrationLock = 0x6b79736f // "kyso"

// lockMigrations waits until no other process migrates: by an advisory lock of a connection,
// or on SQLite by a lock of the database's folder.
func (s *Store) lockMigrations(ctx context.Context) (unlock func() error, err error) {
	if s.postgres {
		c, err := s.w.Conn(ctx)
		if err != nil {
			return nil, err
		}
		if _, err := c.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
			return nil, errors.Join(err, c.Close())
		}
		return func() error {
			_, err := c.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock)
			return errors.Join(err, c.Close())
		}, nil
	}
	f, err := os.Open(s.dir)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f.Close, nil // which unlocks
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(err, f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
