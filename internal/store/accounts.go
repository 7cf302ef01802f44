package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
)

var _ auth.Store = (*Store)(nil)

// InsertAccount implements auth.Store.
func (s *Store) InsertAccount(ctx context.Context, id string, a auth.NewAccount, passwordHash string, now time.Time, ev audit.Event) (personID string, err error) {
	err = s.tx(ctx, func(t *tx) error {
		personID, err = t.accountPerson(a.Person, now)
		if err != nil {
			return err
		}
		_, err = t.exec(`INSERT INTO accounts (id, login, person_id, display_name, password_hash, needs_totp, state, created_at)
			VALUES (?, ?, ?, ?, ?, ?, 'active', ?)`, id, a.Login, personID, a.DisplayName, passwordHash, flag(a.NeedsTOTP), micros(now))
		if unique(err) {
			return auth.ErrLoginTaken.Wrap(err)
		}
		if err != nil {
			return fmt.Errorf("insert account: %w", err)
		}
		if err := t.insertGrants(&id, nil, a.Grants, ev.Actor); err != nil {
			return err
		}
		return t.audit(ev)
	})
	return personID, err
}

// accountPerson returns the person with this identity, made when new.
func (t *tx) accountPerson(p auth.Person, now time.Time) (string, error) {
	hash := t.s.seal.hash("persons.identity", p.Identity)
	var id string
	err := t.get(&id, `SELECT id FROM persons WHERE identity_hash = ?`, hash)
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	profile, err := json.Marshal(map[string]string{"name": p.Name, "email": p.Email})
	if err != nil {
		return "", err
	}
	id = uuid.Must(uuid.NewV7()).String()
	_, err = t.exec(`INSERT INTO persons (id, identity_hash, identity_sealed, profile_sealed, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)`,
		id, hash, t.s.seal.seal("persons.identity", []byte(p.Identity)), t.s.seal.seal("persons.profile", profile), micros(now), micros(now))
	if err != nil {
		return "", fmt.Errorf("insert person: %w", err)
	}
	return id, nil
}

func (t *tx) insertGrants(accountID, clientID *string, grants []auth.Grant, by string) error {
	for _, g := range grants {
		_, err := t.exec(`INSERT INTO grants (id, account_id, client_id, role, unit_id, valid_from, valid_to, given_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			uuid.Must(uuid.NewV7()).String(), accountID, clientID, string(g.Role), g.UnitID, micros(g.From), micros(g.To), by)
		if err != nil {
			return fmt.Errorf("insert grant: %w", err)
		}
	}
	return nil
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

type accountRow struct {
	ID           string `db:"id"`
	Login        string `db:"login"`
	PersonID     string `db:"person_id"`
	DisplayName  string `db:"display_name"`
	PasswordHash string `db:"password_hash"`
	NeedsTOTP    int    `db:"needs_totp"`
	State        string `db:"state"`
	LockedUntil  int64  `db:"locked_until"`
}

func (r accountRow) account() auth.Account {
	return auth.Account{ID: r.ID, Login: r.Login, PersonID: r.PersonID, DisplayName: r.DisplayName, PasswordHash: r.PasswordHash,
		NeedsTOTP: r.NeedsTOTP == 1, Disabled: r.State != "active", LockedUntil: fromMicros(r.LockedUntil)}
}

const accountColumns = `a.id, a.login, a.person_id, a.display_name, a.password_hash, a.needs_totp, a.state, a.locked_until`

// AccountByLogin implements auth.Store.
func (s *Store) AccountByLogin(ctx context.Context, login string) (auth.Account, error) {
	var r accountRow
	err := s.get(ctx, &r, `SELECT `+accountColumns+` FROM accounts a WHERE a.login = ?`, login)
	if errors.Is(err, sql.ErrNoRows) {
		return auth.Account{}, auth.ErrLogin
	}
	return r.account(), err
}

// CountLoginTry implements auth.Store.
func (s *Store) CountLoginTry(ctx context.Context, accountID string, now time.Time, limit int, lock time.Duration) (ok bool, err error) {
	err = s.tx(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE accounts SET fails = CASE WHEN fails >= ? THEN 1 ELSE fails + 1 END,
			locked_until = CASE WHEN fails + 1 = ? THEN ? ELSE locked_until END WHERE id = ? AND locked_until <= ?`,
			limit, limit, micros(now.Add(lock)), accountID, micros(now))
		ok = n == 1
		return err
	})
	return ok, err
}

// InsertSession implements auth.Store.
func (s *Store) InsertSession(ctx context.Context, tokenHash []byte, accountID string, full bool, now time.Time, ev audit.Event) error {
	state := "password"
	if full {
		state = "full"
	}
	return s.tx(ctx, func(t *tx) error {
		if _, err := t.exec(`UPDATE accounts SET fails = 0, locked_until = 0 WHERE id = ?`, accountID); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO sessions (token_hash, account_id, state, created_at, seen_at) VALUES (?, ?, ?, ?, ?)`,
			tokenHash, accountID, state, micros(now), micros(now))
		if err != nil {
			return fmt.Errorf("insert session: %w", err)
		}
		return t.audit(ev)
	})
}

// Session implements auth.Store.
func (s *Store) Session(ctx context.Context, tokenHash []byte) (auth.Session, error) {
	var r struct {
		accountRow
		SessionState string `db:"session_state"`
		CreatedAt    int64  `db:"created_at"`
		SeenAt       int64  `db:"seen_at"`
		StepUpAt     int64  `db:"step_up_at"`
	}
	err := s.get(ctx, &r, `SELECT `+accountColumns+`, s.state AS session_state, s.created_at, s.seen_at, s.step_up_at
		FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.token_hash = ?`, tokenHash)
	if errors.Is(err, sql.ErrNoRows) {
		return auth.Session{}, auth.ErrUnauthenticated
	}
	if err != nil {
		return auth.Session{}, err
	}
	grants, err := s.grants(ctx, "account_id", r.ID)
	return auth.Session{Account: r.account(), Grants: grants, FullyIn: r.SessionState == "full",
		CreatedAt: fromMicros(r.CreatedAt), SeenAt: fromMicros(r.SeenAt), StepUpAt: fromMicros(r.StepUpAt)}, err
}

func (s *Store) grants(ctx context.Context, column, id string) ([]auth.Grant, error) {
	var rows []struct {
		Role   string `db:"role"`
		UnitID string `db:"unit_id"`
		From   int64  `db:"valid_from"`
		To     int64  `db:"valid_to"`
	}
	if err := s.sel(ctx, &rows, `SELECT role, unit_id, valid_from, valid_to FROM grants WHERE `+column+` = ?`, id); err != nil {
		return nil, fmt.Errorf("read grants: %w", err)
	}
	out := make([]auth.Grant, len(rows))
	for i, r := range rows {
		out[i] = auth.Grant{Role: auth.Role(r.Role), UnitID: r.UnitID, From: fromMicros(r.From), To: fromMicros(r.To)}
	}
	return out, nil
}

// TouchSession implements auth.Store.
func (s *Store) TouchSession(ctx context.Context, tokenHash []byte, now time.Time) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE sessions SET seen_at = ? WHERE token_hash = ? AND seen_at < ?`, micros(now), tokenHash, micros(now))
		return err
	})
}

// ReplaceSession implements auth.Store.
func (s *Store) ReplaceSession(ctx context.Context, oldHash, newHash []byte, now time.Time, ev audit.Event) error {
	return s.tx(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE sessions SET token_hash = ?, state = 'full', seen_at = ?, step_up_at = ? WHERE token_hash = ?`,
			newHash, micros(now), micros(now), oldHash)
		if err != nil {
			return fmt.Errorf("replace session: %w", err)
		}
		if n == 0 {
			return auth.ErrUnauthenticated
		}
		return t.audit(ev)
	})
}

// EndSession implements auth.Store.
func (s *Store) EndSession(ctx context.Context, tokenHash []byte, ev audit.Event) error {
	return s.tx(ctx, func(t *tx) error {
		if _, err := t.exec(`DELETE FROM sessions WHERE token_hash = ?`, tokenHash); err != nil {
			return err
		}
		return t.audit(ev)
	})
}
