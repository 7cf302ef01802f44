package routing

import (
	"context"
	"strings"

	"github.com/kyso-vn/kyso/signer/appearance"
)

// The words in front of number and date.
const (
	labelNumber  = "Số: "
	defaultPlace = "Hà Nội"
)

// texts finds or makes the text fields of number and date.
func (p *planner) texts(ctx context.Context, in Intake) ([]FieldPlan, error) {
	number, todo, err := p.textField(ctx, in.Number, FieldNumber, "Số, ký hiệu")
	if err != nil {
		return nil, err
	}
	date, made, err := p.textField(ctx, in.Date, FieldDate, "Ngày ban hành")
	if err != nil {
		return nil, err
	}
	plan := &p.doc.Plan
	plan.Number, plan.Date = number.name, date.name
	// Nothing is said twice: the page may print "Số:" in front of the number and
	// "/QĐ-UBND" behind it, and "Hà Nội," in front of the date.
	if number.made && !strings.HasPrefix(strings.ToLower(number.left), "số") {
		plan.Label = labelNumber
	}
	if notation, ok := strings.CutPrefix(number.right, "/"); ok {
		plan.Notation = strings.TrimSpace(notation)
	}
	place := in.Metadata.Place
	if place == "" {
		place = defaultPlace
	}
	if date.name != "" && !strings.HasSuffix(date.left, ",") && !strings.EqualFold(date.left, place) {
		plan.Place = place + ", "
	}
	return append(todo, made...), nil
}

// textField is the text field of number or date with the words beside it.
type textField struct {
	name        string // "" when there is none
	made        bool
	left, right string
}

func (p *planner) textField(ctx context.Context, pl Placement, usual, tooltip string) (t textField, todo []FieldPlan, err error) {
	name := usual
	if pl.Field != "" {
		name = pl.Field
	}
	var page int
	var rect appearance.Rect
	if f, ok := p.file.field(name); ok {
		if f.Signature || f.Filled {
			return t, nil, ErrFieldTaken.Format(name).On(usual)
		}
		page, rect = f.Page, f.Rect
	} else {
		if !pl.hasRect() {
			return t, nil, nil
		}
		if page, _, rect, err = p.rect(pl, 0); err != nil {
			return t, nil, ErrTextPlace.Format(usual).Wrap(err).On(usual)
		}
		t.made = true
		todo = []FieldPlan{{Name: name, Text: true, Page: page, Rect: rect, Tooltip: tooltip}}
	}
	t.name = name
	if page < 1 || page > len(p.file.Pages) { // a field that no page shows
		return t, todo, nil
	}
	t.left, t.right, err = p.s.o.Engine.Beside(ctx, p.src, page, rect)
	return t, todo, fileError(err)
}

// fill is what the seal writes into the fields. A notation that the page prints must be the
// one that is given.
func (p Plan) fill(number, date string) (map[string]string, error) {
	m := make(map[string]string)
	if p.Number != "" {
		if p.Notation != "" {
			n, notation := splitNumber(number)
			if notation != p.Notation {
				return nil, ErrNotation.Format(p.Notation)
			}
			number = n
		}
		m[p.Number] = p.Label + number
	}
	if p.Date != "" {
		m[p.Date] = p.Place + date
	}
	return m, nil
}
