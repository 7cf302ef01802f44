package api

import (
	"context"
	"errors"
	"slices"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/unit"
)

var errCursor = errs.New(errs.Invalid, "cursor_invalid",
	"Con trỏ trang không hợp lệ.", "Not a cursor of this list.").On("cursor")

type listUnits struct {
	Text     string     `query:"q" maxLength:"200" doc:"Part of a name, with or without accents, or the beginning of a code"`
	Code     string     `query:"code" maxLength:"40" doc:"The whole code"`
	Day      string     `query:"day" doc:"On which the units exist, YYYY-MM-DD; today when missing"`
	Ever     bool       `query:"ever" doc:"All versions of all times"`
	Level    unit.Level `query:"level" enum:"city,agency,district,commune"`
	ParentID string     `query:"parent_id" maxLength:"64"`
	Cursor   string     `query:"cursor" maxLength:"64"`
	Limit    int        `query:"limit" minimum:"1" maximum:"1000"`
}

type unitPage struct {
	Items []unit.Unit `json:"items"`
	Next  string      `json:"next,omitempty"`
}

type pointPage struct {
	Items []unit.Point `json:"items"`
}

func (a *api) units() {
	const tag = "units"
	get(a, route{path: "/units", tag: tag, summary: "Find units in the versions of a day"},
		func(ctx context.Context, p *listUnits) (unitPage, error) { return a.listUnits(ctx, p) })
	get(a, route{path: "/units/{id}", tag: tag, summary: "Show a unit"},
		func(ctx context.Context, p *byID) (unit.Unit, error) {
			u, err := a.Units.Get(ctx, p.ID)
			if errors.Is(err, unit.ErrUnknown) {
				err = auth.ErrNotFound // here it is the address that is wrong, not a field
			}
			return u, err
		})
	get(a, route{path: "/units/{id}/points", tag: tag, summary: "List a unit's service points"},
		func(ctx context.Context, p *byID) (pointPage, error) {
			points, err := a.Units.Points(ctx, p.ID)
			return pointPage{append([]unit.Point{}, points...)}, err
		})
}

// listUnits pages through the answer, which the register gives whole: the cursor is the last
// unit's id.
func (a *api) listUnits(ctx context.Context, p *listUnits) (unitPage, error) {
	q := unit.Query{Text: p.Text, Ever: p.Ever, Level: p.Level, ParentID: p.ParentID}
	if p.Day != "" {
		day, err := unit.ParseDay(p.Day)
		if err != nil {
			return unitPage{}, unit.ErrDay.On("day")
		}
		q.Day = day
	}
	all, err := a.Units.Search(ctx, q)
	if err != nil {
		return unitPage{}, err
	}
	if p.Code != "" {
		all = slices.DeleteFunc(all, func(u unit.Unit) bool { return u.Code != p.Code })
	}
	if p.Cursor != "" {
		i := slices.IndexFunc(all, func(u unit.Unit) bool { return u.ID == p.Cursor })
		if i < 0 {
			return unitPage{}, errCursor
		}
		all = all[i+1:]
	}
	if p.Limit == 0 {
		p.Limit = 100
	}
	out := unitPage{Items: append([]unit.Unit{}, all[:min(p.Limit, len(all))]...)}
	if len(all) > p.Limit {
		out.Next = all[p.Limit-1].ID
	}
	return out, nil
}
