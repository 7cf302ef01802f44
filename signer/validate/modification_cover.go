package validate

import (
	"strings"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// covers reports whether a new widget lies over text, a picture, a drawing or another
// annotation of the page as it was signed. Lines on which one signs don't count, nor frames
// and shades around the place.
func (x *comparison) covers(w *newWidget) (bool, error) {
	p, err := pdf.PageAt(x.old, w.pages[0])
	if err != nil {
		return false, err
	}
	runs, err := pdf.TextRuns(x.old, p)
	if err != nil {
		return false, err
	}
	for _, r := range runs {
		if strings.Trim(r.Text, " ._-…\u00a0\t\r\n") != "" && overlap(w.rect, runBox(r)) {
			return true, nil
		}
	}
	pictures, paths, err := paintedOn(x.old, p)
	if err != nil {
		return false, err
	}
	for _, r := range pictures {
		if overlap(w.rect, r) {
			return true, nil
		}
	}
	for _, r := range paths {
		if overlap(w.rect, r) && !around(r, w.rect) {
			return true, nil
		}
	}
	annots, err := pdf.ArrayAt(x.old, p.Dict.Get("Annots"))
	if err != nil {
		return false, err
	}
	for _, item := range annots {
		d, err := pdf.DictAt(x.old, item)
		if err != nil {
			return false, err
		}
		if d == nil {
			continue
		}
		flags, _ := d.Int("F")
		rect, ok, err := pdf.RectAt(x.old, d.Get("Rect"))
		if err != nil {
			return false, err
		}
		if ok && flags&flagHidden == 0 && d.Name("Subtype") != "Link" && overlap(w.rect, rect) {
			return true, nil
		}
	}
	return false, nil
}

// runBox is about where the glyphs of a run are.
func runBox(r pdf.TextRun) pdf.Rect {
	x0, x1 := min(r.X, r.X+r.DX), max(r.X, r.X+r.DX)
	y0, y1 := min(r.Y, r.Y+r.DY), max(r.Y, r.Y+r.DY)
	if r.DY*r.DY > r.DX*r.DX { // upright text
		return pdf.Rect{x0 - 0.7*r.FontSize, y0, x1 + 0.7*r.FontSize, y1}
	}
	return pdf.Rect{x0, y0, x1, y1 + 0.6*r.FontSize}
}

// overlap reports whether two rectangles share more than a hair's breadth.
func overlap(a, b pdf.Rect) bool {
	const hair = 1.5 // points: thicker than a line
	return min(a[2], b[2])-max(a[0], b[0]) > hair && min(a[3], b[3])-max(a[1], b[1]) > hair
}

// around reports whether a contains b.
func around(a, b pdf.Rect) bool {
	return a[0] <= b[0] && a[1] <= b[1] && a[2] >= b[2] && a[3] >= b[3]
}
