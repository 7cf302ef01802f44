package unit_test

import (
	"context"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/unit"
)

// inMemory takes an import; everything else panics.
type inMemory struct {
	unit.Store
	units []unit.Unit
}

func (m *inMemory) InsertUnits(_ context.Context, units []unit.Unit, s []unit.Succession, _ ...audit.Event) (int, error) {
	m.units = units
	return len(units) + len(s), nil
}
