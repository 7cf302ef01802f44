// Package report counts: issuance and documents by unit, point, kind and period, the ledger,
// and the comparison of the counters with what they count. It reads counters, never lists.
package report

import (
	"context"
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/unit"
)

// Service makes reports. Its methods may be called at once by many goroutines.
type Service struct {
	Store Store
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Store is where the counters are.
type Store interface {
	// Counts sums the counters of certificates up to q.To. Counters of persons of the whole
	// city are in it when q.City is set, and then nothing else.
	Counts(ctx context.Context, q CountQuery) ([]Count, error)
	// CountsOfDocuments sums the counters of documents within q.From and q.To.
	CountsOfDocuments(ctx context.Context, q CountQuery) ([]Count, error)
	// LedgerLines returns events of certificates, newest first.
	LedgerLines(ctx context.Context, q LedgerQuery) ([]Line, error)
	// Recount returns the counters as they are and as the certificates say they should be.
	Recount(ctx context.Context, today unit.Day) (have, want map[CountKey]int64, err error)
	// Units and Points name what is counted.
	Units(ctx context.Context) ([]unit.Unit, error)
	Points(ctx context.Context, unitID string) ([]unit.Point, error)
	RecordAudit(ctx context.Context, events ...audit.Event) error
}

// By says what the rows of a report are.
type By string

// The rows. The zero value makes no rows, only the total.
const (
	ByUnit    By = "unit"
	ByPoint   By = "point"
	ByKind    By = "kind"
	ByDay     By = "day"
	ByMonth   By = "month"
	ByQuarter By = "quarter"
)

// Query asks for a report.
type Query struct {
	// From and To are the first and the last day, in the city's time.
	From, To unit.Day
	By       By
	// UnitID narrows the report to one unit; "" takes all that the actor may see.
	UnitID string
	// Kind narrows it to one kind of subject, as "citizen".
	Kind string
}

// CountQuery is a Query as the store answers it.
type CountQuery struct {
	From, To unit.Day
	By       By
	UnitID   string
	Kind     string
	Scope    auth.Scope
	City     bool
}

// Count is a sum of counters.
type Count struct {
	// Group is the unit, point or kind, "" where rows are periods.
	Group string
	// Period is "" for everything before From; else the day (ByDay), the month as 2026-11
	// (ByMonth, ByQuarter), or "in".
	Period string
	Event  string
	N      int64
}

// CountKey names one counter.
type CountKey struct {
	Day     unit.Day `json:"day"`
	UnitID  string   `json:"unit_id"`
	PointID string   `json:"point_id,omitempty"`
	Kind    string   `json:"kind"`
	Regime  string   `json:"regime"`
	Event   string   `json:"event"`
}

// Refusals.
var (
	ErrPeriod = errs.New(errs.Invalid, "period_invalid",
		"Kỳ báo cáo không hợp lệ: ngày đầu phải trước ngày cuối và không quá 10 năm.", "Not a period: the first day comes before the last, within 10 years.").On("from")
	ErrBy = errs.New(errs.Invalid, "by_invalid",
		"Không nhóm được theo mục này.", "The report can't be grouped by this.").On("by")
	ErrCursor = errs.New(errs.Invalid, "cursor_invalid",
		"Con trỏ trang không hợp lệ.", "Not a cursor of this list.").On("cursor")
)

func (s *Service) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// prepare checks permission and query. What lies in the future is left out: nothing has been
// counted there, but for expiries to come.
func (s *Service) prepare(ctx context.Context, q Query, allowed ...By) (CountQuery, error) {
	_, scope, err := auth.RequireAny(ctx, auth.ReportRead)
	if err != nil {
		return CountQuery{}, err
	}
	if q.UnitID != "" {
		if _, err := auth.Require(ctx, auth.ReportRead, q.UnitID); err != nil {
			return CountQuery{}, err
		}
	}
	for _, day := range []unit.Day{q.From, q.To} {
		if _, err := unit.ParseDay(string(day)); err != nil {
			return CountQuery{}, err
		}
	}
	if q.From > q.To || q.From.Start().AddDate(10, 0, 0).Before(q.To.Start()) {
		return CountQuery{}, ErrPeriod
	}
	known := q.By == ""
	for _, by := range allowed {
		known = known || by == q.By
	}
	if !known {
		return CountQuery{}, ErrBy
	}
	q.To = min(q.To, unit.DayOf(s.now()))
	return CountQuery{From: q.From, To: q.To, By: q.By, UnitID: q.UnitID, Kind: q.Kind, Scope: scope}, nil
}

// periods returns the periods from q.From to q.To as the rows of q.By have them, so that
// those in which nothing happened have rows too.
func periods(q CountQuery) []string {
	var list []string
	for d := q.From; d <= q.To; d = d.Next() {
		p := periodOf(string(d), q.By)
		if len(list) == 0 || list[len(list)-1] != p {
			list = append(list, p)
		}
	}
	return list
}

// periodOf turns a day or a month into the period of by.
func periodOf(s string, by By) string {
	switch by {
	case ByDay:
		return s
	case ByMonth:
		return s[:7]
	case ByQuarter:
		month := int(s[5]-'0')*10 + int(s[6]-'0')
		return s[:5] + "Q" + string(rune('1'+(month-1)/3))
	}
	return "in"
}

// label writes a period as people do: 21/11/2026, 11/2026, Quý IV/2026.
func label(period string, by By) string {
	switch by {
	case ByDay:
		return unit.Day(period).Text()
	case ByMonth:
		return period[5:] + "/" + period[:4]
	case ByQuarter:
		return "Quý " + [...]string{"I", "II", "III", "IV"}[period[6]-'1'] + "/" + period[:4]
	}
	return period
}

// KindLabel names a kind of subject.
func KindLabel(kind string) string {
	switch kind {
	case "citizen":
		return "Công dân"
	case "officer":
		return "Cán bộ, công chức"
	case "organisation":
		return "Cơ quan, tổ chức"
	}
	return kind
}

// labels names the groups of a report.
func (s *Service) labels(ctx context.Context, by By) (map[string]string, error) {
	names := map[string]string{}
	switch by {
	case ByUnit:
		units, err := s.Store.Units(ctx)
		if err != nil {
			return nil, err
		}
		for _, u := range units {
			names[u.ID] = u.Name
			if u.To != "" {
				names[u.ID] += " (đến " + unit.DayOf(u.To.Start().AddDate(0, 0, -1)).Text() + ")"
			}
		}
	case ByPoint:
		points, err := s.Store.Points(ctx, "")
		if err != nil {
			return nil, err
		}
		names[""] = "Không qua điểm phục vụ"
		for _, p := range points {
			names[p.ID] = p.Name
		}
	case ByKind:
		for _, k := range []string{"citizen", "officer", "organisation"} {
			names[k] = KindLabel(k)
		}
	}
	return names, nil
}
