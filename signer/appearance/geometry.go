package appearance

import (
	"fmt"
	"math"
)

// PointsPerMM is the length of a millimetre in points of 1/72 inch.
const PointsPerMM = 72 / 25.4

// The part of the signature picture's width that the seal covers: Decree 30
// says about one third; outside these borders CheckOverlap refuses.
const (
	MinOverlap = 0.28
	MaxOverlap = 0.38
)

// Place and size of a text stamp, in points: the right margin of Decree 30
// (15 mm) and the strip inside the top margin.
const (
	TextStampWidth  = 170.0
	TextStampHeight = 30.0
	textStampRight  = 42.5
	textStampTop    = 10.0
)

// MM converts millimetres to points.
func MM(mm float64) float64 { return mm * PointsPerMM }

// Points converts points to millimetres.
func Points(pt float64) float64 { return pt / PointsPerMM }

// A Page is what the geometry of a stamp needs to know of a PDF page, with
// inherited values already resolved.
//
// Its view is the page as a reader sees it: upright after /Rotate, cut to the
// CropBox, origin in the lower left corner, in default user space units.
type Page struct {
	MediaBox Rect
	// CropBox is the visible part; the zero value means the MediaBox.
	CropBox Rect
	// Rotate is the page's /Rotate: clockwise degrees, a multiple of 90.
	Rotate int
	// UserUnit is the size of a unit in 1/72 inch (ISO 32000-1, Table 30);
	// the zero value means 1. Real sizes in millimetres are divided by it.
	UserUnit float64
}

// Check reports ErrPage for a page without visible area, with numbers that
// are not finite, or with a rotation that is no multiple of 90.
func (p Page) Check() error {
	if b := p.visible(); b.Empty() || !b.finite() || p.Rotate%90 != 0 {
		return fmt.Errorf("box %v, rotate %d: %w", b, p.Rotate, ErrPage)
	}
	if u := p.UserUnit; u < 0 || math.IsNaN(u) || math.IsInf(u, 0) {
		return fmt.Errorf("user unit %v: %w", u, ErrPage)
	}
	return nil
}

// View returns the size of the page as seen by the reader.
func (p Page) View() (width, height float64) {
	b := p.visible()
	if p.quarter()%2 == 1 {
		return b.Height(), b.Width()
	}
	return b.Width(), b.Height()
}

// ToUser carries a rectangle from the reader's view to user space, where an
// annotation's /Rect lives.
func (p Page) ToUser(r Rect) Rect {
	b := p.visible()
	switch p.quarter() {
	case 1:
		return Rect{b[2] - r[3], b[1] + r[0], b[2] - r[1], b[1] + r[2]}
	case 2:
		return Rect{b[2] - r[2], b[3] - r[3], b[2] - r[0], b[3] - r[1]}
	case 3:
		return Rect{b[0] + r[1], b[3] - r[2], b[0] + r[3], b[3] - r[0]}
	}
	return Rect{b[0] + r[0], b[1] + r[1], b[0] + r[2], b[1] + r[3]}
}

// ToView is the inverse of ToUser.
func (p Page) ToView(r Rect) Rect {
	b := p.visible()
	switch p.quarter() {
	case 1:
		return Rect{r[1] - b[1], b[2] - r[2], r[3] - b[1], b[2] - r[0]}
	case 2:
		return Rect{b[2] - r[2], b[3] - r[3], b[2] - r[0], b[3] - r[1]}
	case 3:
		return Rect{b[3] - r[3], r[0] - b[0], b[3] - r[1], r[2] - b[0]}
	}
	return Rect{r[0] - b[0], r[1] - b[1], r[2] - b[0], r[3] - b[1]}
}

// Matrix returns the form matrix that keeps a stamp of the given upright size
// (points on paper) upright to the reader, and its turned box at the origin.
func (p Page) Matrix(width, height float64) Matrix {
	s := 1 / p.unit()
	switch p.quarter() {
	case 1:
		return Matrix{0, s, -s, 0, height * s, 0}
	case 2:
		return Matrix{-s, 0, 0, -s, width * s, height * s}
	case 3:
		return Matrix{0, -s, s, 0, 0, width * s}
	}
	return Matrix{s, 0, 0, s, 0, 0}
}

// MM converts millimetres on paper to this page's user space units.
func (p Page) MM(mm float64) float64 { return MM(mm) / p.unit() }

// A Place is where a stamp goes: its annotation's Rect in user space, and the
// Matrix and BBox of its form. BBox is in points on paper whatever the page's
// UserUnit, so that 10 pt text is 10 pt.
type Place struct {
	Rect   Rect
	BBox   Rect
	Matrix Matrix
}

// Place carries a rectangle of the view to user space. A stamp that sticks out
// of the page is moved inside, never scaled; one that is larger than the page
// is ErrOutsidePage.
func (p Page) Place(view Rect) (Place, error) {
	if err := p.Check(); err != nil {
		return Place{}, err
	}
	if view.Empty() || !view.finite() {
		return Place{}, fmt.Errorf("placing %v: %w", view, ErrRect)
	}
	w, h := p.View()
	const slack = 1e-6 // of a point: rounding of mm is no reason to refuse
	if view.Width() > w+slack || view.Height() > h+slack {
		return Place{}, fmt.Errorf("placing %.2f x %.2f on %.2f x %.2f: %w",
			view.Width(), view.Height(), w, h, ErrOutsidePage)
	}
	view = view.moved(inside(view[0], view[2], w), inside(view[1], view[3], h))
	return p.At(p.ToUser(view))
}

// At is the place of a stamp in a field that exists already: the Rect stays
// where it is, in user space; only its corners are put in order.
func (p Page) At(user Rect) (Place, error) {
	if err := p.Check(); err != nil {
		return Place{}, err
	}
	if user = user.normal(); user.Empty() || !user.finite() {
		return Place{}, fmt.Errorf("placing at %v: %w", user, ErrRect)
	}
	v := p.ToView(user)
	w, h := v.Width()*p.unit(), v.Height()*p.unit()
	return Place{Rect: user, BBox: Rect{0, 0, w, h}, Matrix: p.Matrix(w, h)}, nil
}

// SealRect returns the square of a seal of the given diameter beside a
// signature's picture, both in the same upright space: it covers the left
// third of the picture and is centred on its height (Decree 30, Annex I).
func SealRect(signature Rect, diameterMM float64) Rect {
	return sealRect(signature, MM(diameterMM))
}

// SealPlace is SealRect for a page: the picture's rectangle is in user space
// as PictureRect left it, the seal comes out upright and in real size. A seal
// that would leave the page is ErrOutsidePage: moving it would break the
// overlap.
func (p Page) SealPlace(signature Rect, diameterMM float64) (Place, error) {
	if err := p.Check(); err != nil {
		return Place{}, err
	}
	seal := sealRect(p.ToView(signature), p.MM(diameterMM))
	w, h := p.View()
	if seal.Empty() || seal[0] < 0 || seal[1] < 0 || seal[2] > w || seal[3] > h {
		return Place{}, fmt.Errorf("seal of %.1f mm at %.2f: %w", diameterMM, seal, ErrOutsidePage)
	}
	return p.Place(seal)
}

func sealRect(sig Rect, d float64) Rect {
	x := sig[0] + sig.Width()/3 - d
	y := (sig[1]+sig[3])/2 - d/2
	return Rect{x, y, x + d, y + d}
}

// Overlap returns the part of the signature picture's width that the seal
// covers from the left, 0 when they don't meet. Both are in the same upright
// space.
func Overlap(signature, seal Rect) float64 {
	if signature.Empty() || seal[1] >= signature[3] || seal[3] <= signature[1] ||
		seal[0] >= signature[2] || seal[2] <= signature[0] {
		return 0
	}
	covered := math.Min(seal[2], signature[2]) - math.Max(seal[0], signature[0])
	return covered / signature.Width()
}

// CheckOverlap returns an *OverlapError unless the seal covers between
// MinOverlap and MaxOverlap of the picture's width, on its left side.
func CheckOverlap(signature, seal Rect) error {
	ratio := Overlap(signature, seal)
	if ratio < MinOverlap || ratio > MaxOverlap || seal[0] > signature[0] {
		return &OverlapError{Ratio: ratio}
	}
	return nil
}

// CheckOverlap is the function CheckOverlap for rectangles in user space.
func (p Page) CheckOverlap(signature, seal Rect) error {
	return CheckOverlap(p.ToView(signature), p.ToView(seal))
}

// TextStampRect returns the standard box of a text stamp in the view of the
// page: top right, flush with the right margin, inside the top margin. On a
// page too small for the margins it moves; it never shrinks.
func TextStampRect(p Page) Rect {
	return textStampRect(p, TextStampWidth, TextStampHeight)
}

func textStampRect(p Page, width, height float64) Rect {
	w, h := p.View()
	u := p.unit()
	right, top := w-textStampRight/u, h-textStampTop/u
	r := Rect{right - width/u, top - height/u, right, top}
	return r.moved(inside(r[0], r[2], w), inside(r[1], r[3], h))
}

// PictureRect returns the largest rectangle with a picture's proportions that
// fits into a field, centred in it. Both are upright.
func PictureRect(field Rect, pixelsWide, pixelsHigh int) Rect {
	if field.Empty() || pixelsWide <= 0 || pixelsHigh <= 0 {
		return field
	}
	w, h := field.Width(), field.Height()
	if aspect := float64(pixelsWide) / float64(pixelsHigh); w > h*aspect {
		w = h * aspect
	} else {
		h = w / aspect
	}
	x, y := (field[0]+field[2]-w)/2, (field[1]+field[3]-h)/2
	return Rect{x, y, x + w, y + h}
}

func (p Page) visible() Rect {
	media := p.MediaBox.normal()
	if p.CropBox == (Rect{}) {
		return media
	}
	// ISO 32000-1, Section 14.11.2: only what both boxes share is shown.
	crop := p.CropBox.normal()
	return Rect{
		math.Max(media[0], crop[0]), math.Max(media[1], crop[1]),
		math.Min(media[2], crop[2]), math.Min(media[3], crop[3]),
	}
}

// quarter is the number of clockwise quarter turns, 0 to 3.
func (p Page) quarter() int { return ((p.Rotate/90)%4 + 4) % 4 }

func (p Page) unit() float64 {
	if p.UserUnit == 0 {
		return 1
	}
	return p.UserUnit
}

// normal orders the corners; PDF allows any two opposite ones.
func (r Rect) normal() Rect {
	return Rect{
		math.Min(r[0], r[2]), math.Min(r[1], r[3]),
		math.Max(r[0], r[2]), math.Max(r[1], r[3]),
	}
}

func (r Rect) finite() bool {
	for _, v := range r {
		if math.IsNaN(v) || math.Abs(v) > 1e7 {
			return false
		}
	}
	return true
}

func (r Rect) moved(dx, dy float64) Rect {
	return Rect{r[0] + dx, r[1] + dy, r[2] + dx, r[3] + dy}
}

// inside returns how far to move lo..hi to lie within 0..limit; a range that
// is too long keeps its high end in, where the stamp's margin is.
func inside(lo, hi, limit float64) float64 {
	switch {
	case hi > limit:
		return limit - hi
	case lo < 0 && hi-lo <= limit:
		return -lo
	case lo < 0:
		return limit - hi
	}
	return 0
}
