package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/unit"
)

type unitRow struct {
	ID        string         `db:"id"`
	Code      string         `db:"code"`
	Name      string         `db:"name"`
	ValidFrom string         `db:"valid_from"`
	ValidTo   string         `db:"valid_to"`
	Level     string         `db:"level"`
	ParentID  sql.NullString `db:"parent_id"`
	Policy    string         `db:"policy"`
}

const unitColumns = `units.id, units.code, units.name, units.valid_from, units.valid_to, units.level, units.parent_id, units.policy`

func (r unitRow) unit() (unit.Unit, error) {
	u := unit.Unit{ID: r.ID, Code: r.Code, Name: r.Name, From: unit.Day(r.ValidFrom), To: unit.Day(r.ValidTo),
		Level: unit.Level(r.Level), ParentID: r.ParentID.String}
	if err := json.Unmarshal([]byte(r.Policy), &u.Policy); err != nil {
		return unit.Unit{}, fmt.Errorf("policy of unit %s: %w", r.ID, err)
	}
	return u, nil
}

func orNull(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

// InsertUnits implements unit.Store.
func (s *Store) InsertUnits(ctx context.Context, units []unit.Unit, successions []unit.Succession, events ...audit.Event) (int, error) {
	added := 0
	err := s.tx(ctx, func(t *tx) error {
		for _, u := range units {
			n, err := t.insertUnit(u, " ON CONFLICT DO NOTHING")
			if err != nil {
				return err
			}
			added += int(n)
			if n == 0 {
				if err := t.sameUnit(u); err != nil {
					return err
				}
			}
		}
		for _, x := range successions {
			n, err := t.exec(`INSERT INTO unit_successions (old_id, new_id) VALUES (?, ?) ON CONFLICT DO NOTHING`, x.Old, x.New)
			if err != nil {
				return fmt.Errorf("insert succession: %w", err)
			}
			added += int(n)
		}
		return t.audit(events...)
	})
	return added, err
}

// sameUnit refuses when what is stored differs from u in more than its policy.
func (t *tx) sameUnit(u unit.Unit) error {
	var r unitRow
	err := t.get(&r, `SELECT `+unitColumns+` FROM units WHERE code = ? AND valid_from = ?`, u.Code, string(u.From))
	if err != nil {
		return fmt.Errorf("read unit %s: %w", u.Code, err)
	}
	if r.ID != u.ID || r.Name != u.Name || r.ValidTo != string(u.To) || r.Level != string(u.Level) || r.ParentID.String != u.ParentID {
		return unit.ErrImportChanged.Format(u.Code)
	}
	return nil
}

func (t *tx) insertUnit(u unit.Unit, conflict string) (int64, error) {
	policy, err := json.Marshal(u.Policy)
	if err != nil {
		return 0, err
	}
	n, err := t.exec(`INSERT INTO units (id, code, valid_from, valid_to, name, level, parent_id, policy)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`+conflict,
		u.ID, u.Code, string(u.From), string(u.To), u.Name, string(u.Level), orNull(u.ParentID), string(policy))
	if err != nil {
		return 0, fmt.Errorf("insert unit %s: %w", u.Code, err)
	}
	return n, nil
}

// InsertUnit implements unit.Store.
func (s *Store) InsertUnit(ctx context.Context, u unit.Unit, events ...audit.Event) error {
	err := s.tx(ctx, func(t *tx) error {
		if _, err := t.insertUnit(u, ""); err != nil {
			return err
		}
		return t.audit(events...)
	})
	if unique(err) {
		return unit.ErrExists.Wrap(err)
	}
	return err
}

// SetUnitPolicy implements unit.Store.
func (s *Store) SetUnitPolicy(ctx context.Context, id string, p unit.Policy, events ...audit.Event) error {
	policy, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return s.tx(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE units SET policy = ? WHERE id = ?`, string(policy), id)
		if err != nil {
			return fmt.Errorf("set policy: %w", err)
		}
		if n == 0 {
			return unit.ErrUnknown
		}
		return t.audit(events...)
	})
}

// UnitByID implements unit.Store.
func (s *Store) UnitByID(ctx context.Context, id string) (unit.Unit, error) {
	return s.oneUnit(ctx, `WHERE id = ?`, id)
}

// UnitAt implements unit.Store.
func (s *Store) UnitAt(ctx context.Context, code string, day unit.Day) (unit.Unit, error) {
	return s.oneUnit(ctx, `WHERE code = ? AND valid_from <= ? AND (valid_to = '' OR valid_to > ?)
		ORDER BY valid_from DESC LIMIT 1`, code, string(day), string(day))
}

func (s *Store) oneUnit(ctx context.Context, where string, args ...any) (unit.Unit, error) {
	var r unitRow
	err := s.get(ctx, &r, `SELECT `+unitColumns+` FROM units `+where, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return unit.Unit{}, unit.ErrUnknown
	}
	if err != nil {
		return unit.Unit{}, fmt.Errorf("read unit: %w", err)
	}
	return r.unit()
}

// Units implements unit.Store.
func (s *Store) Units(ctx context.Context) ([]unit.Unit, error) {
	return s.manyUnits(ctx, `ORDER BY code, valid_from`)
}

// Successors implements unit.Store.
func (s *Store) Successors(ctx context.Context, id string) ([]unit.Unit, error) {
	return s.manyUnits(ctx, `JOIN unit_successions x ON x.new_id = units.id WHERE x.old_id = ? ORDER BY units.code`, id)
}

// Predecessors implements unit.Store.
func (s *Store) Predecessors(ctx context.Context, id string) ([]unit.Unit, error) {
	return s.manyUnits(ctx, `JOIN unit_successions x ON x.old_id = units.id WHERE x.new_id = ? ORDER BY units.code`, id)
}

func (s *Store) manyUnits(ctx context.Context, rest string, args ...any) ([]unit.Unit, error) {
	var rows []unitRow
	if err := s.sel(ctx, &rows, `SELECT `+unitColumns+` FROM units `+rest, args...); err != nil {
		return nil, fmt.Errorf("read units: %w", err)
	}
	units := make([]unit.Unit, 0, len(rows))
	for _, r := range rows {
		u, err := r.unit()
		if err != nil {
			return nil, err
		}
		units = append(units, u)
	}
	return units, nil
}
