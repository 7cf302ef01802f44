package routing

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pades"
)

// besideGap is how far apart, in multiples of the font size, a text field and the words that
// belong to it may be.
const besideGap = 3

// Beside implements Engine.
func (e *PAdES) Beside(ctx context.Context, in Source, page int, user appearance.Rect) (left, right string, err error) {
	runs, err := e.text(ctx, in, page)
	if err != nil {
		return "", "", fmt.Errorf("read the text of page %d: %w", page, err)
	}
	geo, err := pades.Geometry(in, "", page)
	if err != nil {
		return "", "", err
	}
	left, right = beside(runs, geo.ToView(user))
	return left, right, nil
}

// beside returns the words on both sides of a box in its line, in NFC, each up to the first
// wide gap.
func beside(runs []appearance.Run, box appearance.Rect) (left, right string) {
	var near []appearance.Run
	for _, r := range runs {
		if strings.TrimSpace(r.Text) != "" && r.Y > box[1]-r.FontSize/3 && r.Y < box[3]-r.FontSize/3 {
			near = append(near, parted(r, box)...)
		}
	}
	runs = near
	slices.SortFunc(runs, func(a, b appearance.Run) int { return cmp.Compare(a.X, b.X) })
	middle, edge := (box[0]+box[2])/2, box[0]
	for _, r := range slices.Backward(runs) {
		if r.X+r.Width/2 >= middle {
			continue
		}
		gap := edge - r.X - r.Width
		if gap > besideGap*r.FontSize {
			break
		}
		left, edge = joined(r.Text, left, gap, r.FontSize), r.X
	}
	edge = box[2]
	for _, r := range runs {
		if r.X+r.Width/2 < middle {
			continue
		}
		gap := r.X - edge
		if gap > besideGap*r.FontSize {
			break
		}
		right, edge = joined(right, r.Text, gap, r.FontSize), r.X+r.Width
	}
	return norm.NFC.String(strings.TrimSpace(left)), norm.NFC.String(strings.TrimSpace(right))
}

// parted cuts a run that goes past the box, with nothing but a kern over it, at the space
// that is nearest to the box.
func parted(r appearance.Run, box appearance.Rect) []appearance.Run {
	if r.X >= box[0] || r.X+r.Width <= box[2] {
		return []appearance.Run{r}
	}
	text := []rune(r.Text)
	want := ((box[0]+box[2])/2 - r.X) / r.Width * float64(len(text))
	cut := -1
	for i, c := range text {
		if unicode.IsSpace(c) && (cut < 0 || math.Abs(float64(i)-want) < math.Abs(float64(cut)-want)) {
			cut = i
		}
	}
	if cut < 0 {
		return []appearance.Run{r}
	}
	left, right := r, r
	left.Text, left.Width = string(text[:cut]), box[0]-r.X
	right.Text, right.X, right.Width = string(text[cut+1:]), box[2], r.X+r.Width-box[2]
	return []appearance.Run{left, right}
}

func joined(a, b string, gap, size float64) string {
	if a != "" && b != "" && math.Abs(gap) > 0.15*size {
		return a + " " + b
	}
	return a + b
}
