package pades

import (
	"math"

	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// TextRuns returns the text of page n (1-based; -1 is the last) in the reader's upright view,
// as appearance.FindAnchor takes it.
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
	runs, err := pdf.TextRuns(r.Last(), page)
	if err != nil {
		return nil, err
	}
	geo := geometry(r.Last(), page)
	out := make([]appearance.Run, 0, len(runs))
	for _, t := range runs {
		at := geo.ToView(appearance.Rect{t.X, t.Y, t.X, t.Y})
		out = append(out, appearance.Run{Text: t.Text, X: at[0], Y: at[1], Width: math.Hypot(t.DX, t.DY), FontSize: t.FontSize})
	}
	return out, nil
}
