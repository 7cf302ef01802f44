package report

import (
	"context"
	"encoding/base64"
	"strconv"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/unit"
)

// LedgerQuery asks for lines of the ledger (sổ cấp chứng thư), newest first.
type LedgerQuery struct {
	From, To unit.Day // "" is unbounded
	UnitID   string
	Cursor   string
	Limit    int // 1 to 500; 0 is 100

	scope  auth.Scope
	before int64
}

// Scope returns the units to look in.
func (q LedgerQuery) Scope() auth.Scope { return q.scope }

// Before returns the number below which the page begins; 0 is from the top.
func (q LedgerQuery) Before() int64 { return q.before }

// Line is one event of a certificate.
type Line struct {
	Number        int64     `json:"number"`
	At            time.Time `json:"at"`
	Event         string    `json:"event"`
	Reason        string    `json:"reason,omitempty"`
	CertificateID string    `json:"certificate_id"`
	Serial        string    `json:"serial"`
	CA            string    `json:"ca"`
	Name          string    `json:"name"`
	Kind          string    `json:"kind"`
	Regime        string    `json:"regime"`
	UnitID        string    `json:"unit_id"`
	PointID       string    `json:"point_id,omitempty"`
	Actor         string    `json:"actor"`
	// Test lines are listed, but not counted.
	Test bool `json:"test,omitempty"`
}

// Ledger is a page of lines; Next is the cursor of the rest, "" at the end.
type Ledger struct {
	Lines []Line `json:"lines"`
	Next  string `json:"next,omitempty"`
}

const (
	defaultLines = 100
	maxLines     = 500
)

// Ledger returns a page of the ledger of the units whose reports the actor may read.
func (s *Service) Ledger(ctx context.Context, q LedgerQuery) (Ledger, error) {
	_, scope, err := auth.RequireAny(ctx, auth.ReportRead)
	if err != nil {
		return Ledger{}, err
	}
	for _, day := range []unit.Day{q.From, q.To} {
		if _, err := unit.ParseDay(string(day)); day != "" && err != nil {
			return Ledger{}, err
		}
	}
	if q.Cursor != "" {
		b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
		if err != nil {
			return Ledger{}, ErrCursor
		}
		if q.before, err = strconv.ParseInt(string(b), 36, 64); err != nil || q.before <= 0 {
			return Ledger{}, ErrCursor
		}
	}
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLines
	}
	limit = min(limit, maxLines)
	q.scope, q.Limit = scope, limit+1
	lines, err := s.Store.LedgerLines(ctx, q)
	if err != nil {
		return Ledger{}, err
	}
	out := Ledger{Lines: lines}
	if len(lines) > limit {
		out.Lines = lines[:limit]
		out.Next = base64.RawURLEncoding.EncodeToString(strconv.AppendInt(nil, lines[limit-1].Number, 36))
	}
	return out, nil
}
