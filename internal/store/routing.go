package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/routing"
)

// Picture implements routing.Store.
func (s *Store) Picture(ctx context.Context, ownerID, kind string) (routing.Picture, error) {
	var r struct {
		PNG      []byte `db:"png_sealed"`
		Diameter int64  `db:"diameter_um"`
	}
	err := s.get(ctx, &r, `SELECT png_sealed, diameter_um FROM pictures WHERE owner_id = ? AND kind = ?`, ownerID, kind)
	if errors.Is(err, sql.ErrNoRows) {
		return routing.Picture{}, routing.ErrPicture
	}
	if err != nil {
		return routing.Picture{}, fmt.Errorf("read picture: %w", err)
	}
	png, err := s.seal.open("pictures.png", r.PNG)
	return routing.Picture{OwnerID: ownerID, Kind: kind, PNG: png, DiameterMM: float64(r.Diameter) / 1000}, err
}

// PutPicture implements routing.Store.
func (s *Store) PutPicture(ctx context.Context, p routing.Picture, at time.Time, ev audit.Event) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO pictures (owner_id, kind, png_sealed, diameter_um, updated_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (owner_id, kind) DO UPDATE SET png_sealed = excluded.png_sealed, diameter_um = excluded.diameter_um, updated_at = excluded.updated_at`,
			p.OwnerID, p.Kind, s.seal.seal("pictures.png", p.PNG), int64(math.Round(p.DiameterMM*1000)), micros(at))
		if err != nil {
			return fmt.Errorf("store picture: %w", err)
		}
		return t.audit(ev)
	})
}
