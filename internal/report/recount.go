package report

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/unit"
)

// Difference is a counter that does not say what the certificates say.
type Difference struct {
	CountKey
	Counted int64 `json:"counted"`
	Actual  int64 `json:"actual"`
}

// Recounted is the outcome of a recount.
type Recounted struct {
	Counters    int          `json:"counters"`
	Differences []Difference `json:"differences"`
}

// Recount compares every counter with the certificates. It raises an alarm in the audit log
// when they differ, and never repairs. The event "persons" stands for how many persons have a
// certificate in force at the end of today.
func (s *Service) Recount(ctx context.Context) (Recounted, error) {
	a, err := auth.Require(ctx, auth.ServiceRun, auth.WholeCity)
	if err != nil {
		return Recounted{}, err
	}
	now := s.now()
	have, want, err := s.Store.Recount(ctx, unit.DayOf(now))
	if err != nil {
		return Recounted{}, err
	}
	out := Recounted{Counters: len(want), Differences: []Difference{}}
	for k, n := range want {
		if have[k] != n {
			out.Differences = append(out.Differences, Difference{k, have[k], n})
		}
	}
	for k, n := range have {
		if _, ok := want[k]; !ok && n != 0 {
			out.Differences = append(out.Differences, Difference{k, n, 0})
		}
	}
	slices.SortFunc(out.Differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.UnitID, b.UnitID), cmp.Compare(a.Event, b.Event), cmp.Compare(a.Kind, b.Kind))
	})
	e := audit.Event{At: now, Actor: a.ID(), ActorName: a.Name, RequestID: a.RequestID, Action: "counts.recount", Object: "counts:all",
		Outcome: audit.OutcomeDone, Detail: map[string]string{"counters": strconv.Itoa(len(want)), "differences": strconv.Itoa(len(out.Differences))}}
	if len(out.Differences) > 0 {
		e.Outcome, e.Code = audit.OutcomeFailed, "counts_differ"
	}
	return out, s.Store.RecordAudit(ctx, e)
}
