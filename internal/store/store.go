// Package store keeps every fact in SQLite or PostgreSQL. It implements the store
// interfaces that the services declare: one business fact, one method, one transaction.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	"github.com/jmoiron/sqlx"
	"github.com/mattn/go-sqlite3"

	"github.com/kyso-vn/kyso/internal/errs"
)

// Store is open on one database. It is safe for use by many goroutines.
type Store struct {
	w, r     *sqlx.DB // writer and readers; the same pool on PostgreSQL
	postgres bool
	dir      string // of an SQLite database
	seal     *sealer
	jobs     Enqueuer
}

// Options says where the facts are and how personal data is protected.
type Options struct {
	// DSN is "sqlite:/path/kyso.db" or "postgres://…".
	DSN string
	// DataKey encrypts personal data (AES-256-GCM); IndexKey makes the keyed hashes by
	// which it is found. 32 bytes each, derived in the HSM.
	DataKey, IndexKey []byte
}

// Open connects, checks the durability settings and migrates nothing.
func Open(ctx context.Context, o Options) (*Store, error) {
	seal, err := newSealer(o.DataKey, o.IndexKey)
	if err != nil {
		return nil, err
	}
	s := &Store{seal: seal}
	switch {
	case strings.HasPrefix(o.DSN, "sqlite:"):
		err = s.openSQLite(ctx, strings.TrimPrefix(o.DSN, "sqlite:"))
	case strings.HasPrefix(o.DSN, "postgres://"), strings.HasPrefix(o.DSN, "postgresql://"):
		err = s.openPostgres(ctx, o.DSN)
	default:
		err = errors.New("a DSN begins with sqlite: or postgres://")
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return s, nil
}

func (s *Store) openSQLite(ctx context.Context, path string) error {
	if err := createPrivate(path); err != nil {
		return err
	}
	q := url.Values{"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_foreign_keys": {"on"}, "_busy_timeout": {"10000"}}
	q.Set("_stmt_cache_size", "128") // a connection; compiling the same SQL again took a fifth of an issuance
	q.Set("_txlock", "immediate")
	w, err := sqlx.ConnectContext(ctx, "sqlite3", "file:"+path+"?"+q.Encode())
	if err != nil {
		return err
	}
	w.SetMaxOpenConns(1) // one writer: SQLite would serialise them anyway, less fairly
	q.Set("_txlock", "deferred")
	q.Set("_query_only", "on")
	r, err := sqlx.ConnectContext(ctx, "sqlite3", "file:"+path+"?"+q.Encode())
	if err != nil {
		return errors.Join(err, w.Close())
	}
	r.SetMaxOpenConns(8)
	s.w, s.r, s.dir = w, r, filepath.Dir(path)
	return nil
}

// createPrivate makes an empty file at path when there is none: SQLite would make it, and its
// journals like it, readable for everybody. It is linked when closed already, since closing a
// file of an open database drops the process's locks on it (sqlite.org/howtocorrupt.html).
func createPrivate(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".kyso-db-*") // mode 0600
	if err != nil {
		return err
	}
	err = f.Close()
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	return errors.Join(err, os.Remove(f.Name()))
}

func (s *Store) openPostgres(ctx context.Context, dsn string) error {
	db, err := sqlx.ConnectContext(ctx, "pgx", dsn)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	s.w, s.r, s.postgres = db, db, true
	for _, setting := range []string{"fsync", "synchronous_commit"} {
		var v string
		if err := db.GetContext(ctx, &v, "SELECT current_setting($1)", setting); err != nil {
			return errors.Join(err, db.Close())
		}
		if v == "off" {
			return errors.Join(fmt.Errorf("PostgreSQL runs with %s=off: what is acknowledged could be lost", setting), db.Close())
		}
	}
	return nil
}

// Close closes the connections.
func (s *Store) Close() error {
	err := s.w.Close()
	if s.r != s.w {
		err = errors.Join(err, s.r.Close())
	}
	return err
}

// DB returns the writer's pool, for the job client, and whether it is PostgreSQL.
func (s *Store) DB() (db *sql.DB, postgres bool) { return s.w.DB, s.postgres }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.r.GetContext(ctx, &one, "SELECT 1")
}

// tx runs f in one transaction on the writer. f must use t only: on SQLite another write
// outside it would wait for itself.
func (s *Store) tx(ctx context.Context, f func(t *tx) error) error {
	x, err := s.w.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := f(&tx{Tx: x, s: s, ctx: ctx}); err != nil {
		return errors.Join(err, ignoreDone(x.Rollback()))
	}
	if err := x.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// tx is a transaction whose queries are written with ? on both databases.
type tx struct {
	*sqlx.Tx
	s   *Store
	ctx context.Context
}

// errText says that a text cannot be stored; PostgreSQL takes neither.
var errText = errs.New(errs.Invalid, "text_invalid",
	"Nội dung có ký tự không hợp lệ.", "A text has a NUL character or is not UTF-8.")

// storable reports whether the texts among args can be in the database at all. What cannot
// is found by no query, so that a strange id is one that does not exist, on both databases.
func storable(args []any) bool {
	for _, a := range args {
		if v := reflect.ValueOf(a); v.Kind() == reflect.String && (strings.ContainsRune(v.String(), 0) || !utf8.ValidString(v.String())) {
			return false
		}
	}
	return true
}

func (t *tx) exec(query string, args ...any) (rows int64, err error) {
	if !storable(args) {
		return 0, errText
	}
	r, err := t.ExecContext(t.ctx, t.Rebind(query), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (t *tx) get(dest any, query string, args ...any) error {
	if !storable(args) {
		return sql.ErrNoRows
	}
	return t.GetContext(t.ctx, dest, t.Rebind(query), args...)
}

func (t *tx) sel(dest any, query string, args ...any) error {
	if !storable(args) {
		return nil
	}
	return t.SelectContext(t.ctx, dest, t.Rebind(query), args...)
}

// lock is the suffix of a SELECT that holds the row until the transaction ends. SQLite has
// one writer, so a write transaction holds everything.
func (t *tx) lock() string {
	if t.s.postgres {
		return " FOR UPDATE"
	}
	return ""
}

func (s *Store) get(ctx context.Context, dest any, query string, args ...any) error {
	if !storable(args) {
		return sql.ErrNoRows
	}
	return s.r.GetContext(ctx, dest, s.r.Rebind(query), args...)
}

func (s *Store) sel(ctx context.Context, dest any, query string, args ...any) error {
	if !storable(args) {
		return nil
	}
	return s.r.SelectContext(ctx, dest, s.r.Rebind(query), args...)
}

// unique reports whether err is the violation of a UNIQUE constraint or primary key.
func unique(err error) bool {
	if e, ok := errors.AsType[sqlite3.Error](err); ok {
		return e.ExtendedCode == sqlite3.ErrConstraintUnique || e.ExtendedCode == sqlite3.ErrConstraintPrimaryKey
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == "23505"
	}
	return false
}

// Times are stored as microseconds since 1970 in UTC; zero is the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
