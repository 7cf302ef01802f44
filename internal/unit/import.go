package unit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"golang.org/x/text/unicode/norm"

	"github.com/kyso-vn/kyso/internal/auth"
)

// The reform of 2025: districts disappeared and communes were merged on this day.
const reform Day = "2025-07-01"

// began stands for the first day of what existed before the records begin.
const began Day = "2008-08-01"

const maxImport = 4 << 20

// Imported says what an import did.
type Imported struct {
	Units       int `json:"units"`
	Successions int `json:"successions"`
	// New counts the rows that were not there before.
	New int `json:"new"`
}

// file is the form of testdata/units/hanoi_units.json.
type file struct {
	City      entry `json:"city"`
	Districts []struct {
		entry
		Wards []entry `json:"wards"`
	} `json:"districts_until_2025_06_30"`
	Communes   []entry `json:"units_from_2025_07_01"`
	Succession []struct {
		Old string `json:"old"`
		New string `json:"new"`
	} `json:"succession"`
}

type entry struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

// Import reads the city's units, old and new, with who followed whom. It is safe to repeat:
// the same file changes nothing, a file that contradicts what is stored is refused whole.
func (s *Service) Import(ctx context.Context, r io.Reader) (Imported, error) {
	a, err := auth.Require(ctx, auth.UnitManage, auth.WholeCity)
	if err != nil {
		return Imported{}, err
	}
	// 1. Read, with a limit.
	text, err := io.ReadAll(io.LimitReader(r, maxImport+1))
	if err != nil {
		return Imported{}, fmt.Errorf("read units: %w", err)
	}
	units, successions, err := parse(text)
	if err != nil {
		return Imported{}, err
	}
	// 2. Add what is new, in one transaction.
	e := s.event(a, "unit.import", "unit:"+units[0].ID, "")
	e.Detail = map[string]string{"units": strconv.Itoa(len(units)), "successions": strconv.Itoa(len(successions))}
	n, err := s.Store.InsertUnits(ctx, units, successions, e)
	if err != nil {
		return Imported{}, err
	}
	return Imported{Units: len(units), Successions: len(successions), New: n}, nil
}

// parse turns the file into units, parents before children, and successions between them.
func parse(text []byte) ([]Unit, []Succession, error) {
	var f file
	if len(text) > maxImport {
		return nil, nil, ErrImport.Wrap(fmt.Errorf("over %d bytes", maxImport))
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, nil, ErrImport.Wrap(err)
	}
	p := importer{ids: map[string]bool{}}
	city := p.add(f.City, City, "", began, "")
	for _, d := range f.Districts {
		district := p.add(d.entry, District, city, began, reform)
		for _, w := range d.Wards {
			p.add(w, Commune, district, began, reform)
		}
	}
	for _, c := range f.Communes {
		p.add(c, Commune, city, reform, "")
	}
	if p.err != nil {
		return nil, nil, p.err
	}
	var successions []Succession
	for _, e := range f.Succession {
		pair := Succession{Old: id(e.Old, began), New: id(e.New, reform)}
		if !p.ids[pair.Old] || !p.ids[pair.New] {
			return nil, nil, ErrImport.Wrap(fmt.Errorf("succession of an unknown unit: %q, %q", e.Old, e.New))
		}
		successions = append(successions, pair)
	}
	return p.units, successions, nil
}

// id names a version; the same file always gives the same ids.
func id(code string, from Day) string { return code + "@" + string(from) }

type importer struct {
	units []Unit
	ids   map[string]bool
	err   error
}

func (p *importer) add(e entry, level Level, parent string, from, to Day) string {
	u := Unit{ID: id(e.Code, from), Code: e.Code, Name: norm.NFC.String(e.Name), From: from, To: to, Level: level, ParentID: parent}
	if err := checkUnit(u); err != nil && p.err == nil {
		p.err = ErrImport.Wrap(fmt.Errorf("%q: %w", e.Code, err))
	}
	if p.ids[u.ID] && p.err == nil {
		p.err = ErrImport.Wrap(fmt.Errorf("%q stands twice", e.Code))
	}
	p.ids[u.ID] = true
	p.units = append(p.units, u)
	return u.ID
}
