package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/kyso-vn/kyso/internal/report"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
)

var _ report.Store = (*Store)(nil)

// group returns the columns by which a report groups, as SQL.
func group(q report.CountQuery) (key, period string) {
	key, period = "''", "'in'"
	switch q.By {
	case report.ByUnit:
		key = "unit_id"
	case report.ByPoint:
		key = "point_id"
	case report.ByKind:
		key = "subject_type"
	case report.ByDay:
		period = "day"
	case report.ByMonth, report.ByQuarter:
		period = "SUBSTR(day, 1, 7)"
	}
	return key, period
}

type countRow struct {
	Key    string `db:"k"`
	Period string `db:"p"`
	Event  string `db:"event"`
	N      int64  `db:"n"`
}

// Counts implements report.Store.
func (s *Store) Counts(ctx context.Context, q report.CountQuery) ([]report.Count, error) {
	key, period := group(q)
	var w where
	w.and("day <= ?", string(q.To))
	switch {
	case q.City:
		w.and("unit_id = ?", allUnits)
	case q.UnitID != "":
		w.and("unit_id = ?", q.UnitID)
	default:
		w.and("unit_id <> ?", allUnits)
		w.scope("unit_id", q.Scope)
	}
	if q.Kind != "" {
		w.and("subject_type = ?", q.Kind)
	}
	var rows []countRow
	err := s.sel(ctx, &rows, `SELECT `+key+` AS k, CASE WHEN day < ? THEN '' ELSE `+period+` END AS p, event, CAST(SUM(n) AS BIGINT) AS n
		FROM counts_day`+w.String()+` GROUP BY 1, 2, 3`, append([]any{string(q.From)}, w.args...)...)
	if err != nil {
		return nil, fmt.Errorf("read counts: %w", err)
	}
	return reportCounts(rows), nil
}

// CountsOfDocuments implements report.Store.
func (s *Store) CountsOfDocuments(ctx context.Context, q report.CountQuery) ([]report.Count, error) {
	key, period := group(q)
	var w where
	w.and("day >= ? AND day <= ?", string(q.From), string(q.To))
	if q.UnitID != "" {
		w.and("unit_id = ?", q.UnitID)
	}
	w.scope("unit_id", q.Scope)
	var rows []countRow
	err := s.sel(ctx, &rows, `SELECT `+key+` AS k, `+period+` AS p, event, CAST(SUM(n) AS BIGINT) AS n FROM doc_counts_day`+w.String()+` GROUP BY 1, 2, 3`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("read document counts: %w", err)
	}
	return reportCounts(rows), nil
}

func reportCounts(rows []countRow) []report.Count {
	list := make([]report.Count, len(rows))
	for i, r := range rows {
		list[i] = report.Count{Group: r.Key, Period: r.Period, Event: r.Event, N: r.N}
	}
	return list
}

// LedgerLines implements report.Store.
func (s *Store) LedgerLines(ctx context.Context, q report.LedgerQuery) ([]report.Line, error) {
	var w where
	w.scope("e.unit_id", q.Scope())
	if q.UnitID != "" {
		w.and("e.unit_id = ?", q.UnitID)
	}
	if q.From != "" {
		w.and("e.day >= ?", string(q.From))
	}
	if q.To != "" {
		w.and("e.day <= ?", string(q.To))
	}
	if q.Before() > 0 {
		w.and("e.n < ?", q.Before())
	}
	var rows []struct {
		N             int64  `db:"n"`
		At            int64  `db:"at"`
		Event         string `db:"event"`
		Reason        int    `db:"reason"`
		CertificateID string `db:"certificate_id"`
		Serial        string `db:"serial"`
		CA            string `db:"ca"`
		Name          string `db:"name"`
		Kind          string `db:"kind"`
		Regime        string `db:"regime"`
		UnitID        string `db:"unit_id"`
		PointID       string `db:"point_id"`
		Actor         string `db:"actor"`
		Counted       int    `db:"counted"`
	}
	err := s.sel(ctx, &rows, `SELECT e.n, e.at, e.event, e.reason, e.certificate_id, c.serial, c.ca, c.name, c.kind, c.regime, e.unit_id,
		COALESCE(c.point_id, '') AS point_id, e.actor, c.counted
		FROM certificate_events e JOIN certificates c ON c.id = e.certificate_id`+w.String()+` ORDER BY e.n DESC LIMIT ?`, append(w.args, q.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	lines := make([]report.Line, len(rows))
	for i, r := range rows {
		lines[i] = report.Line{Number: r.N, At: fromMicros(r.At), Event: r.Event, CertificateID: r.CertificateID, Serial: r.Serial, CA: r.CA, Name: r.Name,
			Kind: r.Kind, Regime: r.Regime, UnitID: r.UnitID, PointID: r.PointID, Actor: r.Actor, Test: r.Counted == 0}
		if r.Event == "hold" || r.Event == "revoke" || r.Event == "revoke_held" {
			lines[i].Reason = pki.Reason(r.Reason).String()
		}
	}
	return lines, nil
}

// dayOf is the day in the city of a column in microseconds, as SQL.
func (s *Store) dayOf(column string) string {
	if s.postgres {
		return `TO_CHAR(TO_TIMESTAMP(` + column + ` / 1000000 + 25200) AT TIME ZONE 'UTC', 'YYYY-MM-DD')`
	}
	return `STRFTIME('%Y-%m-%d', ` + column + ` / 1000000 + 25200, 'unixepoch')`
}

// Recount implements report.Store. What was issued, activated and will expire is counted from
// the certificates, what happened to them from the ledger, persons from the certificates.
func (s *Store) Recount(ctx context.Context, today unit.Day) (have, want map[report.CountKey]int64, err error) {
	// Counters and certificates of one moment.
	x, err := s.r.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, nil, fmt.Errorf("begin: %w", err)
	}
	defer func() { err = errors.Join(err, ignoreDone(x.Rollback())) }()
	have, want = map[report.CountKey]int64{}, map[report.CountKey]int64{}
	const grouped = ` COALESCE(c.unit_id, '') AS unit_id, COALESCE(c.point_id, '') AS point_id, c.kind, c.regime,`
	issued, activated, expiry := s.dayOf("c.issued_at"), s.dayOf("c.activated_at"), s.dayOf("c.not_after")
	for _, q := range []struct {
		into  map[report.CountKey]int64
		query string
		args  []any
	}{
		{have, `SELECT day, unit_id, point_id, subject_type AS kind, regime, event, 0 AS reason, CAST(SUM(n) AS BIGINT) AS n FROM counts_day
			WHERE event NOT LIKE 'person!_%' ESCAPE '!' GROUP BY 1, 2, 3, 4, 5, 6`, nil},
		{have, `SELECT '' AS day, unit_id, '' AS point_id, subject_type AS kind, regime, 'persons' AS event, 0 AS reason,
			CAST(SUM(CASE event WHEN 'person_new' THEN n ELSE -n END) AS BIGINT) AS n FROM counts_day
			WHERE event LIKE 'person!_%' ESCAPE '!' AND day <= ? GROUP BY 2, 4, 5`, []any{string(today)}},
		{want, `SELECT ` + issued + ` AS day,` + grouped + ` c.event, 0 AS reason, COUNT(*) AS n FROM certificates c
			WHERE c.counted = 1 AND c.state = 'issued' GROUP BY 1, 2, 3, 4, 5, 6`, nil},
		{want, `SELECT ` + activated + ` AS day,` + grouped + ` 'activate' AS event, 0 AS reason, COUNT(*) AS n FROM certificates c
			WHERE c.counted = 1 AND c.state = 'issued' AND c.activated_at > 0 GROUP BY 1, 2, 3, 4, 5`, nil},
		{want, `SELECT ` + expiry + ` AS day,` + grouped + ` 'expiry' AS event, 0 AS reason, COUNT(*) AS n FROM certificates c
			WHERE c.counted = 1 AND c.status = 'good' GROUP BY 1, 2, 3, 4, 5`, nil},
		{want, `SELECT e.day,` + grouped + ` e.event, e.reason, COUNT(*) AS n FROM certificate_events e JOIN certificates c ON c.id = e.certificate_id
			WHERE c.counted = 1 AND e.event IN ('hold', 'reinstate', 'revoke', 'revoke_held') GROUP BY 1, 2, 3, 4, 5, 6, 7`, nil},
		{want, `SELECT '' AS day, COALESCE(c.unit_id, '') AS unit_id, '' AS point_id, c.kind, c.regime, 'persons' AS event, 0 AS reason, COUNT(DISTINCT c.person_id) AS n
			FROM certificates c WHERE c.counted = 1 AND c.status = 'good' AND c.person_id IS NOT NULL AND ` + expiry + ` > ? GROUP BY 2, 4, 5`, []any{string(today)}},
		{want, `SELECT '' AS day, '*' AS unit_id, '' AS point_id, c.kind, c.regime, 'persons' AS event, 0 AS reason, COUNT(DISTINCT c.person_id) AS n
			FROM certificates c WHERE c.counted = 1 AND c.status = 'good' AND c.person_id IS NOT NULL AND ` + expiry + ` > ? GROUP BY 4, 5`, []any{string(today)}},
	} {
		if err := addCounts(ctx, x, q.into, q.query, q.args...); err != nil {
			return nil, nil, err
		}
	}
	return have, want, nil
}

func addCounts(ctx context.Context, x *sqlx.Tx, into map[report.CountKey]int64, query string, args ...any) error {
	var rows []struct {
		Day     string `db:"day"`
		UnitID  string `db:"unit_id"`
		PointID string `db:"point_id"`
		Kind    string `db:"kind"`
		Regime  string `db:"regime"`
		Event   string `db:"event"`
		Reason  int    `db:"reason"`
		N       int64  `db:"n"`
	}
	if err := x.SelectContext(ctx, &rows, x.Rebind(query), args...); err != nil {
		return fmt.Errorf("recount: %w", err)
	}
	for _, r := range rows {
		if r.Event == "revoke" || r.Event == "revoke_held" {
			r.Event += "." + pki.Reason(r.Reason).String()
		}
		into[report.CountKey{Day: unit.Day(r.Day), UnitID: r.UnitID, PointID: r.PointID, Kind: r.Kind, Regime: r.Regime, Event: r.Event}] += r.N
	}
	return nil
}
