package store

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/unit"
)

// certificateSlots spreads the writers of one counter over rows, so that transactions of one unit
// and day don't wait for each other. SQLite has one writer and needs one.
const certificateSlots = 16

// allUnits is the unit of counters of the whole city.
const allUnits = "*"

type countKey struct {
	day, unit, point, kind, regime, event string
}

type countChange struct {
	countKey
	n int64
}

// counts returns the change of one of c's counters; none for certificates that don't count.
func (r certificateRow) counts(at time.Time, event string, n int64) []countChange {
	if r.Counted == 0 {
		return nil
	}
	return []countChange{{countKey{string(unit.DayOf(at)), r.UnitID.String, r.PointID.String, r.Kind, r.Regime, event}, n}}
}

// count adds changes to the day's counters. Rows are taken in one order everywhere, so that
// transactions can't lock each other out.
func (t *tx) count(changes ...countChange) error {
	sums := map[countKey]int64{}
	for _, c := range changes {
		sums[c.countKey] += c.n
	}
	keys := make([]countKey, 0, len(sums))
	for k, n := range sums {
		if n != 0 {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	slices.SortFunc(keys, func(a, b countKey) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.unit, b.unit), cmp.Compare(a.point, b.point),
			cmp.Compare(a.kind, b.kind), cmp.Compare(a.regime, b.regime), cmp.Compare(a.event, b.event))
	})
	slot := 0
	if t.s.postgres {
		slot = rand.IntN(certificateSlots)
	}
	args := make([]any, 0, 8*len(keys))
	for _, k := range keys {
		args = append(args, k.day, k.unit, k.point, k.kind, k.regime, k.event, slot, sums[k])
	}
	const row = "(?, ?, ?, ?, ?, ?, ?, ?)"
	_, err := t.exec(`INSERT INTO counts_day (day, unit_id, point_id, subject_type, regime, event, slot, n)
		VALUES `+row+strings.Repeat(", "+row, len(keys)-1)+`
		ON CONFLICT (day, unit_id, point_id, subject_type, regime, event, slot) DO UPDATE SET n = counts_day.n + excluded.n`, args...)
	if err != nil {
		return fmt.Errorf("count: %w", err)
	}
	return nil
}

// othersOfPerson finds until when a person has good certificates beside one. The person is
// their subject, by which there is an index.
const othersOfPerson = `SELECT COALESCE(MAX(not_after), 0) FROM certificates WHERE subject_id = ? AND kind = ? AND counted = 1
	AND status = 'good' AND id <> ? AND (unit_id = ? OR ? = '*')`

// personCounts returns how the counts of persons with at least one good certificate change,
// in c's unit and in the whole city, when c goes from old to what it is now. The person's row
// is held.
func (t *tx) personCounts(old, c certificateRow, at time.Time) ([]countChange, error) {
	if !c.PersonID.Valid || c.Counted == 0 {
		return nil, nil
	}
	var out []countChange
	for _, unitID := range []string{c.UnitID.String, allUnits} {
		var others int64 // until when the person's other certificates are good
		err := t.get(&others, othersOfPerson, c.PersonID.String, c.Kind, c.ID, unitID, unitID)
		if err != nil {
			return nil, fmt.Errorf("read the person's certificates: %w", err)
		}
		before, after := others, others
		if old.Status == "good" {
			before = max(before, old.NotAfter)
		}
		if c.Status == "good" {
			after = max(after, c.NotAfter)
		}
		out = append(out, personMoves(countKey{unit: unitID, kind: c.Kind, regime: c.Regime}, before, after, at)...)
	}
	return out, nil
}

// personMoves turns "good until before" into "good until after", both in microseconds.
func personMoves(k countKey, before, after int64, at time.Time) []countChange {
	on := func(us int64, event string, n int64) countChange {
		k := k
		k.day, k.event = string(unit.DayOf(fromMicros(us))), event
		return countChange{k, n}
	}
	now := micros(at)
	was, is := before > now, after > now
	switch {
	case was && is:
		return []countChange{on(before, "person_expiry", -1), on(after, "person_expiry", 1)}
	case was:
		return []countChange{on(now, "person_lost", 1), on(before, "person_expiry", -1)}
	case is:
		return []countChange{on(now, "person_new", 1), on(after, "person_expiry", 1)}
	}
	return nil
}
