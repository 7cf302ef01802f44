package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
)

// InsertClient implements auth.Store.
func (s *Store) InsertClient(ctx context.Context, c auth.Client, grants []auth.Grant, now time.Time, ev audit.Event) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO clients (id, name, secret_hash, callback_url, callback_sealed, state, created_at) VALUES (?, ?, ?, ?, ?, 'active', ?)`,
			c.ID, c.Name, c.SecretHash, c.CallbackURL, s.seal.seal("clients.callback", c.CallbackKey), micros(now))
		if err != nil {
			return fmt.Errorf("insert client: %w", err)
		}
		if err := t.insertGrants(nil, &c.ID, grants, ev.Actor); err != nil {
			return err
		}
		return t.audit(ev)
	})
}

type clientRow struct {
	ID             string `db:"id"`
	Name           string `db:"name"`
	SecretHash     []byte `db:"secret_hash"`
	CallbackURL    string `db:"callback_url"`
	CallbackSealed []byte `db:"callback_sealed"`
	State          string `db:"state"`
}

const clientColumns = `c.id, c.name, c.secret_hash, c.callback_url, c.callback_sealed, c.state`

func (s *Store) client(r clientRow) (auth.Client, error) {
	key, err := s.seal.open("clients.callback", r.CallbackSealed)
	return auth.Client{ID: r.ID, Name: r.Name, SecretHash: r.SecretHash, CallbackURL: r.CallbackURL, CallbackKey: key, Disabled: r.State != "active"}, err
}

// Client implements auth.Store.
func (s *Store) Client(ctx context.Context, id string) (auth.Client, error) {
	var r clientRow
	err := s.get(ctx, &r, `SELECT `+clientColumns+` FROM clients c WHERE c.id = ?`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return auth.Client{}, auth.ErrClient
	}
	if err != nil {
		return auth.Client{}, fmt.Errorf("read client: %w", err)
	}
	return s.client(r)
}

// InsertToken implements auth.Store.
func (s *Store) InsertToken(ctx context.Context, tokenHash []byte, clientID string, expires time.Time) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO access_tokens (token_hash, client_id, expires_at) VALUES (?, ?, ?)`, tokenHash, clientID, micros(expires))
		return err
	})
}

// Token implements auth.Store.
func (s *Store) Token(ctx context.Context, tokenHash []byte, now time.Time) (auth.Client, []auth.Grant, error) {
	var r clientRow
	err := s.get(ctx, &r, `SELECT `+clientColumns+` FROM access_tokens k JOIN clients c ON c.id = k.client_id
		WHERE k.token_hash = ? AND k.expires_at > ?`, tokenHash, micros(now))
	if errors.Is(err, sql.ErrNoRows) {
		return auth.Client{}, nil, auth.ErrUnauthenticated
	}
	if err != nil {
		return auth.Client{}, nil, fmt.Errorf("read token: %w", err)
	}
	c, err := s.client(r)
	if err != nil {
		return auth.Client{}, nil, err
	}
	grants, err := s.grants(ctx, "client_id", c.ID)
	return c, grants, err
}

// ClientsNamed returns the ids of the clients with a name.
func (s *Store) ClientsNamed(ctx context.Context, name string) ([]string, error) {
	var ids []string
	if err := s.sel(ctx, &ids, `SELECT id FROM clients WHERE name = ?`, name); err != nil {
		return nil, fmt.Errorf("read clients: %w", err)
	}
	return ids, nil
}
