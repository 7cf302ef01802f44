package report

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// Issuance is the report on certificates. In every row
//
//	Opening + Gained - Lost = Closing
//	Gained = New + Renewed + Reissued + Changed + Reinstated
//	Lost   = Suspended + (Revoked - RevokedSuspended) + Expired
//
// since a suspended certificate is not in force, and is not lost twice when it is revoked.
type Issuance struct {
	From  string `json:"from"`
	To    string `json:"to"`
	By    By     `json:"by,omitempty"`
	Rows  []Row  `json:"rows"`
	Total Row    `json:"total"`
}

// Row counts the certificates of one group or period.
type Row struct {
	// Key is the unit's, point's or kind's id, or the period as 2026-11-21, 2026-11, 2026-Q4.
	Key        string `json:"key"`
	Label      string `json:"label"`
	Opening    int64  `json:"opening"`
	New        int64  `json:"new"`        // cấp mới
	Renewed    int64  `json:"renewed"`    // gia hạn
	Reissued   int64  `json:"reissued"`   // cấp lại
	Changed    int64  `json:"changed"`    // thay đổi
	Suspended  int64  `json:"suspended"`  // tạm dừng
	Reinstated int64  `json:"reinstated"` // khôi phục
	Revoked    int64  `json:"revoked"`    // thu hồi
	// RevokedSuspended is the part of Revoked that was suspended before.
	RevokedSuspended int64            `json:"revoked_suspended"`
	RevokedBy        map[string]int64 `json:"revoked_by,omitempty"` // by reason
	Expired          int64            `json:"expired"`              // hết hạn
	Gained           int64            `json:"gained"`
	Lost             int64            `json:"lost"`
	Closing          int64            `json:"closing"` // còn hiệu lực
	// SuspendedAtEnd is how many are suspended at the end.
	SuspendedAtEnd int64 `json:"suspended_at_end"`
	Activated      int64 `json:"activated"`
	// Persons is how many have at least one certificate in force at the end. Points don't
	// count persons.
	Persons int64 `json:"persons"`
}

// Issuance reports on certificates from counters. A period that reaches into the future ends
// today.
func (s *Service) Issuance(ctx context.Context, q Query) (Issuance, error) {
	cq, err := s.prepare(ctx, q, ByUnit, ByPoint, ByKind, ByDay, ByMonth, ByQuarter)
	if err != nil {
		return Issuance{}, err
	}
	names, err := s.labels(ctx, cq.By)
	if err != nil {
		return Issuance{}, err
	}
	counts, err := s.Store.Counts(ctx, cq)
	if err != nil {
		return Issuance{}, err
	}
	out := Issuance{From: string(cq.From), To: string(cq.To), By: cq.By}
	out.Rows = rows(cq, counts, names)
	out.Total = total(counts)
	out.Total.Key, out.Total.Label = "total", "Tổng cộng"
	// A person with certificates of two units is one in the city.
	if cq.Scope.All && cq.UnitID == "" {
		city := cq
		city.City = true
		persons, err := s.Store.Counts(ctx, city)
		if err != nil {
			return Issuance{}, err
		}
		out.Total.Persons = total(persons).Persons
		if cq.By != ByUnit && cq.By != ByPoint {
			byKey := map[string]int64{}
			for _, r := range rows(city, persons, names) {
				byKey[r.Key] = r.Persons
			}
			for i := range out.Rows {
				out.Rows[i].Persons = byKey[out.Rows[i].Key]
			}
		}
	}
	return out, nil
}

// sums are the counters of one row: before it and in it.
type sums struct{ before, in map[string]int64 }

func newSums() *sums { return &sums{before: map[string]int64{}, in: map[string]int64{}} }

// rows makes one row for each group, or for each period, whose openings follow one another.
func rows(q CountQuery, counts []Count, names map[string]string) []Row {
	switch q.By {
	case "":
		return []Row{}
	case ByDay, ByMonth, ByQuarter:
		return periodRows(q, counts)
	}
	groups := map[string]*sums{}
	for _, c := range counts {
		if q.By == ByPoint && strings.HasPrefix(c.Event, "person_") {
			continue // belongs to a unit
		}
		g := groups[c.Group]
		if g == nil {
			g = newSums()
			groups[c.Group] = g
		}
		if c.Period == "" {
			g.before[c.Event] += c.N
		} else {
			g.in[c.Event] += c.N
		}
	}
	list := make([]Row, 0, len(groups))
	for key, g := range groups {
		r := g.row()
		if r.empty() {
			continue
		}
		r.Key, r.Label = key, cmp.Or(names[key], key)
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Row) int { return cmp.Or(cmp.Compare(a.Label, b.Label), cmp.Compare(a.Key, b.Key)) })
	return list
}

func periodRows(q CountQuery, counts []Count) []Row {
	byPeriod := map[string]map[string]int64{}
	running := newSums()
	for _, c := range counts {
		if c.Period == "" {
			running.before[c.Event] += c.N
			continue
		}
		p := periodOf(c.Period, q.By)
		if byPeriod[p] == nil {
			byPeriod[p] = map[string]int64{}
		}
		byPeriod[p][c.Event] += c.N
	}
	var list []Row
	for _, p := range periods(q) {
		running.in = byPeriod[p]
		r := running.row()
		r.Key, r.Label = p, label(p, q.By)
		list = append(list, r)
		for event, n := range running.in {
			running.before[event] += n
		}
	}
	return list
}

func total(counts []Count) Row {
	all := newSums()
	for _, c := range counts {
		if c.Period == "" {
			all.before[c.Event] += c.N
		} else {
			all.in[c.Event] += c.N
		}
	}
	return all.row()
}

// row computes the columns from the counters.
func (s *sums) row() Row {
	r := Row{Opening: inForce(s.before), RevokedBy: map[string]int64{}}
	r.New, r.Renewed, r.Reissued, r.Changed = s.in["new"], s.in["renewal"], s.in["reissue"], s.in["change"]
	r.Suspended, r.Reinstated, r.Expired, r.Activated = s.in["hold"], s.in["reinstate"], s.in["expiry"], s.in["activate"]
	for event, n := range s.in {
		kind, reason, ok := strings.Cut(event, ".")
		if !ok || n == 0 {
			continue
		}
		r.Revoked += n
		r.RevokedBy[reason] += n
		if kind == "revoke_held" {
			r.RevokedSuspended += n
		}
	}
	r.Gained = r.New + r.Renewed + r.Reissued + r.Changed + r.Reinstated
	r.Lost = r.Suspended + r.Revoked - r.RevokedSuspended + r.Expired
	r.Closing = r.Opening + r.Gained - r.Lost
	r.SuspendedAtEnd = held(s.before) + held(s.in)
	r.Persons = persons(s.before) + persons(s.in)
	return r
}

func inForce(n map[string]int64) int64 {
	sum := n["new"] + n["renewal"] + n["reissue"] + n["change"] + n["reinstate"] - n["hold"] - n["expiry"]
	for event, k := range n {
		if strings.HasPrefix(event, "revoke.") {
			sum -= k
		}
	}
	return sum
}

func held(n map[string]int64) int64 {
	sum := n["hold"] - n["reinstate"]
	for event, k := range n {
		if strings.HasPrefix(event, "revoke_held.") {
			sum -= k
		}
	}
	return sum
}

func persons(n map[string]int64) int64 {
	return n["person_new"] - n["person_lost"] - n["person_expiry"]
}

func (r Row) empty() bool {
	return r.Opening == 0 && r.Gained == 0 && r.Lost == 0 && r.Revoked == 0 && r.Persons == 0 && r.SuspendedAtEnd == 0 && r.Activated == 0
}
