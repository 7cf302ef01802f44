package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/unit"
)

type pointRow struct {
	ID        string `db:"id"`
	UnitID    string `db:"unit_id"`
	Name      string `db:"name"`
	Address   string `db:"address"`
	ValidFrom string `db:"valid_from"`
	ValidTo   string `db:"valid_to"`
}

func (r pointRow) point() unit.Point {
	return unit.Point{ID: r.ID, UnitID: r.UnitID, Name: r.Name, Address: r.Address, From: unit.Day(r.ValidFrom), To: unit.Day(r.ValidTo)}
}

// InsertPoint implements unit.Store.
func (s *Store) InsertPoint(ctx context.Context, p unit.Point, events ...audit.Event) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO points (id, unit_id, name, address, valid_from, valid_to) VALUES (?, ?, ?, ?, ?, ?)`,
			p.ID, p.UnitID, p.Name, p.Address, string(p.From), string(p.To))
		if err != nil {
			return fmt.Errorf("insert point: %w", err)
		}
		return t.audit(events...)
	})
}

// InsertDesk implements unit.Store.
func (s *Store) InsertDesk(ctx context.Context, d unit.Desk, events ...audit.Event) error {
	return s.tx(ctx, func(t *tx) error {
		if _, err := t.exec(`INSERT INTO desks (id, point_id, name) VALUES (?, ?, ?)`, d.ID, d.PointID, d.Name); err != nil {
			return fmt.Errorf("insert desk: %w", err)
		}
		return t.audit(events...)
	})
}

// PointByID implements unit.Store.
func (s *Store) PointByID(ctx context.Context, id string) (unit.Point, error) {
	var r pointRow
	err := s.get(ctx, &r, `SELECT id, unit_id, name, address, valid_from, valid_to FROM points WHERE id = ?`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return unit.Point{}, unit.ErrUnknownPoint
	}
	if err != nil {
		return unit.Point{}, fmt.Errorf("read point: %w", err)
	}
	return r.point(), nil
}

// Points implements unit.Store.
func (s *Store) Points(ctx context.Context, unitID string) ([]unit.Point, error) {
	var rows []pointRow
	err := s.sel(ctx, &rows, `SELECT id, unit_id, name, address, valid_from, valid_to FROM points
		WHERE ? = '' OR unit_id = ? ORDER BY name, id`, unitID, unitID)
	if err != nil {
		return nil, fmt.Errorf("read points: %w", err)
	}
	points := make([]unit.Point, 0, len(rows))
	for _, r := range rows {
		points = append(points, r.point())
	}
	return points, nil
}

// Desks implements unit.Store.
func (s *Store) Desks(ctx context.Context, pointID string) ([]unit.Desk, error) {
	var rows []struct {
		ID      string `db:"id"`
		PointID string `db:"point_id"`
		Name    string `db:"name"`
	}
	if err := s.sel(ctx, &rows, `SELECT id, point_id, name FROM desks WHERE point_id = ? ORDER BY name`, pointID); err != nil {
		return nil, fmt.Errorf("read desks: %w", err)
	}
	desks := make([]unit.Desk, 0, len(rows))
	for _, r := range rows {
		desks = append(desks, unit.Desk(r))
	}
	return desks, nil
}
