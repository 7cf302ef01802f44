package validate

import (
	"slices"
	"strconv"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// pages compares every page. The tree above them is reached strictly, so it is the same.
func (x *comparison) pages() error {
	for p, err := range pdf.Pages(x.new) {
		if err != nil {
			return err
		}
		if err := x.c.v.ctx.Err(); err != nil {
			return err
		}
		if p.Ref == (pdf.Ref{}) || x.judged[p.Ref.Num] {
			continue // a direct page belongs to its parent; a page shown twice is judged once
		}
		before, after, err := x.both(p.Ref)
		if err != nil {
			return err
		}
		if before == nil || after == nil {
			x.fault("page " + strconv.Itoa(p.Number))
			continue
		}
		x.judged[p.Ref.Num] = true
		where := "page " + strconv.Itoa(p.Number)
		err = x.compare(before, after, where, map[pdf.Name]rule{
			"Annots": func(a, b pdf.Object) error { return x.annotations(a, b, p.Number) },
			"Tabs":   func(a, b pdf.Object) error { return x.onlyAdded(a, b, where+"/Tabs") },
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// annotations compares the Annots of a page: those that were there stay in their order, and
// what is new is the widget of a new signature field, or a change of annotations.
func (x *comparison) annotations(a, b pdf.Object, page int) error {
	before, err := pdf.ArrayAt(x.old, a)
	if err != nil {
		return err
	}
	after, err := pdf.ArrayAt(x.new, b)
	if err != nil {
		return err
	}
	where := "page " + strconv.Itoa(page) + "/Annots"
	i := 0
	for _, item := range after {
		ref, isRef := item.(pdf.Ref)
		if i < len(before) && equal(before[i], item) {
			i++
			if isRef && x.changed[ref.Num] && !x.judged[ref.Num] {
				x.changedAnnotation(ref, where)
				continue
			}
			x.strict(item, where)
			continue
		}
		w := x.widgets[ref.Num]
		if !isRef || w == nil || slices.Contains(before, item) {
			if isRef && x.added[ref.Num] {
				x.changedAnnotation(ref, where)
			} else {
				x.fault(where)
			}
			continue
		}
		w.pages = append(w.pages, page)
	}
	if i < len(before) {
		x.fault(where)
	}
	return nil
}

// changedAnnotation notes an annotation that was added or changed. A widget that belongs to
// no field is none.
func (x *comparison) changedAnnotation(ref pdf.Ref, where string) {
	d, err := pdf.DictAt(x.new, ref)
	if err != nil || d == nil || d.Name("Subtype") == "Widget" || d.Has("FT") {
		x.fault(where)
		return
	}
	x.raise(Annotations)
}

// checkWidgets judges the visible widgets of new signature fields: none after a
// certification, each on one page, none over what the page shows.
func (x *comparison) checkWidgets() error {
	for _, w := range x.widgets {
		if !w.visible || len(w.pages) == 0 {
			continue
		}
		switch {
		case len(w.pages) > 1:
			x.fault("new field " + w.name + " on several pages")
		case x.permits() > 0:
			x.fault("new visible field " + w.name + " on a certified document")
		default:
			covers, err := x.covers(w)
			if err != nil {
				return err
			}
			if covers {
				x.fault("new field " + w.name + " covers the page's content")
			}
		}
	}
	return nil
}
