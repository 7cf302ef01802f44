package pades

import (
	"math"

	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// TextRuns returns the text of page n (1-based; -1 is the last) in the reader's upright view,
// as appearance.FindAnchor takes it. Text that is not read from left to right is left out.
func TextRuns(in Source, password string, n int) ([]appearance.Run, error) {
	r, err := open(in, password)
	if err != nil {
		return nil, err
	}
	pages, err := pageNumbers(r.Last())
	if err != nil {
		return nil, err
	}
	page, err := pages.page(n)
	if err != nil {
		return nil, err
	}
	return uprightRuns(r.Last(), page)
}

func uprightRuns(s pdf.Source, page *pdf.Page) ([]appearance.Run, error) {
	found, err := pdf.TextRuns(s, page)
	if err != nil {
		return nil, err
	}
	geo := geometry(s, page)
	point := func(x, y float64) (float64, float64) {
		r := geo.ToView(appearance.Rect{x, y, x, y})
		return r[0], r[1]
	}
	out := make([]appearance.Run, 0, len(found))
	for _, t := range found {
		left, base := point(t.X, t.Y)
		right, end := point(t.X+t.DX, t.Y+t.DY)
		if right < left || math.Abs(end-base) > t.FontSize/10 {
			continue
		}
		out = append(out, appearance.Run{Text: t.Text, X: left, Y: base, Width: right - left, FontSize: t.FontSize})
	}
	return out, nil
}
