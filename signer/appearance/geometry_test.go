package appearance_test

import (
	"errors"
	"math"
	"testing"

	"github.com/kyso-vn/kyso/signer/appearance"
)

func near(a, b appearance.Rect) bool {
	for i := range a {
		if math.Abs(a[i]-b[i]) > 0.005 {
			return false
		}
	}
	return true
}

func TestSealCoversTheLeftThirdInRealSize(t *testing.T) {
	t.Parallel()
	sig := appearance.Rect{300, 200, 450, 260}
	for _, mm := range []float64{30, 36, 40} {
		seal := appearance.SealRect(sig, mm)
		d := mm * 2.83465
		if want := (appearance.Rect{300 + 50 - d, 230 - d/2, 350, 230 + d/2}); !near(seal, want) {
			t.Errorf("seal of %v mm at %v, want %v", mm, seal, want)
		}
		if err := appearance.CheckOverlap(sig, seal); err != nil {
			t.Error(err)
		}
	}
}

func TestOverlapBorders(t *testing.T) {
	t.Parallel()
	sig := appearance.Rect{300, 200, 400, 260}
	seal := func(covers, up float64) appearance.Rect {
		return appearance.Rect{200 + covers*100, 180 + up, 300 + covers*100, 280 + up}
	}
	tests := map[string]struct {
		seal appearance.Rect
		ok   bool
	}{
		"a third":            {seal(1.0/3, 0), true},
		"just enough":        {seal(0.281, 0), true},
		"just not too much":  {seal(0.379, 0), true},
		"too little":         {seal(0.27, 0), false},
		"too much":           {seal(0.39, 0), false},
		"beside":             {seal(-0.2, 0), false},
		"above":              {seal(1.0/3, 200), false},
		"on the right side":  {appearance.Rect{367, 180, 467, 280}, false},
		"small, within":      {appearance.Rect{310, 200, 343, 233}, false},
		"no area at all":     {appearance.Rect{}, false},
		"all of the picture": {appearance.Rect{250, 150, 450, 350}, false},
	}
	for name, tt := range tests {
		err := appearance.CheckOverlap(sig, tt.seal)
		var typed *appearance.OverlapError
		if tt.ok != (err == nil) || !tt.ok && !errors.As(err, &typed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTextStampOnA4IsWhereTheDecreePutsIt(t *testing.T) {
	t.Parallel()
	want := appearance.Rect{595.28 - 42.5 - 170, 841.89 - 10 - 30, 595.28 - 42.5, 841.89 - 10}
	if got := appearance.TextStampRect(a4); !near(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Every page shows the same: 595 x 842 to the reader. So a stamp's place in
// the view is the same, and its place in user space follows from the page.
func TestRotationAndCropBoxMoveAndNeverScale(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		page   appearance.Page
		rect   appearance.Rect // of the view's rectangle 400,700..500,750
		matrix appearance.Matrix
	}{
		"upright": {appearance.Page{MediaBox: appearance.Rect{0, 0, 595, 842}},
			appearance.Rect{400, 700, 500, 750}, appearance.Matrix{1, 0, 0, 1, 0, 0}},
		"90": {appearance.Page{MediaBox: appearance.Rect{0, 0, 842, 595}, Rotate: 90},
			appearance.Rect{92, 400, 142, 500}, appearance.Matrix{0, 1, -1, 0, 50, 0}},
		"180": {appearance.Page{MediaBox: appearance.Rect{0, 0, 595, 842}, Rotate: 180},
			appearance.Rect{95, 92, 195, 142}, appearance.Matrix{-1, 0, 0, -1, 100, 50}},
		"270": {appearance.Page{MediaBox: appearance.Rect{0, 0, 842, 595}, Rotate: 270},
			appearance.Rect{700, 95, 750, 195}, appearance.Matrix{0, -1, 1, 0, 0, 100}},
		"-90 is 270": {appearance.Page{MediaBox: appearance.Rect{0, 0, 842, 595}, Rotate: -90},
			appearance.Rect{700, 95, 750, 195}, appearance.Matrix{0, -1, 1, 0, 0, 100}},
		"cropped": {appearance.Page{MediaBox: appearance.Rect{0, 0, 700, 900}, CropBox: appearance.Rect{50, 30, 645, 872}},
			appearance.Rect{450, 730, 550, 780}, appearance.Matrix{1, 0, 0, 1, 0, 0}},
		"cropped and turned": {appearance.Page{MediaBox: appearance.Rect{-10, -10, 900, 700}, CropBox: appearance.Rect{20, 40, 862, 635}, Rotate: 90},
			appearance.Rect{112, 440, 162, 540}, appearance.Matrix{0, 1, -1, 0, 50, 0}},
		"crop box beyond the media box": {appearance.Page{MediaBox: appearance.Rect{0, 0, 595, 842}, CropBox: appearance.Rect{-99, -99, 999, 999}},
			appearance.Rect{400, 700, 500, 750}, appearance.Matrix{1, 0, 0, 1, 0, 0}},
		"corners the other way round": {appearance.Page{MediaBox: appearance.Rect{595, 842, 0, 0}},
			appearance.Rect{400, 700, 500, 750}, appearance.Matrix{1, 0, 0, 1, 0, 0}},
	}
	for name, tt := range tests {
		view := appearance.Rect{400, 700, 500, 750}
		at, err := tt.page.Place(view)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !near(at.Rect, tt.rect) || at.Matrix != tt.matrix || at.BBox != (appearance.Rect{0, 0, 100, 50}) {
			t.Errorf("%s: %+v, want %v %v", name, at, tt.rect, tt.matrix)
		}
		if back := tt.page.ToView(at.Rect); !near(back, view) {
			t.Errorf("%s: back in the view: %v", name, back)
		}
		if got := turned(at); !near(got, appearance.Rect{0, 0, at.Rect.Width(), at.Rect.Height()}) {
			t.Errorf("%s: a viewer would scale %v into %v", name, got, at.Rect)
		}
	}
}

// turned is the BBox carried by the Matrix, which a viewer fits into Rect.
func turned(at appearance.Place) appearance.Rect {
	m, b := at.Matrix, at.BBox
	x := func(u, v float64) float64 { return m[0]*u + m[2]*v + m[4] }
	y := func(u, v float64) float64 { return m[1]*u + m[3]*v + m[5] }
	return appearance.Rect{
		math.Min(x(b[0], b[1]), x(b[2], b[3])), math.Min(y(b[0], b[1]), y(b[2], b[3])),
		math.Max(x(b[0], b[1]), x(b[2], b[3])), math.Max(y(b[0], b[1]), y(b[2], b[3])),
	}
}

func TestSealIsRealSizeOnEveryPage(t *testing.T) {
	t.Parallel()
	d := 36 * 2.83465
	for name, page := range map[string]appearance.Page{
		"A4":        a4,
		"A5":        {MediaBox: appearance.Rect{0, 0, 419.53, 595.28}},
		"landscape": {MediaBox: appearance.Rect{0, 0, 841.89, 595.28}},
		"turned":    {MediaBox: appearance.Rect{0, 0, 841.89, 595.28}, Rotate: 90},
		"user unit": {MediaBox: appearance.Rect{0, 0, 297.64, 420.94}, UserUnit: 2},
	} {
		u := max(page.UserUnit, 1)
		sig, err := page.Place(appearance.Rect{200 / u, 100 / u, 350 / u, 160 / u})
		if err != nil {
			t.Fatal(err)
		}
		seal, err := page.SealPlace(sig.Rect, 36)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if math.Abs(seal.Rect.Width()*u-d) > 0.01 || math.Abs(seal.Rect.Height()*u-d) > 0.01 || math.Abs(seal.BBox.Width()-d) > 0.01 {
			t.Errorf("%s: seal is %v by %v", name, seal.Rect.Width()*u, seal.Rect.Height()*u)
		}
		if err := page.CheckOverlap(sig.Rect, seal.Rect); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStampThatSticksOutMovesInside(t *testing.T) {
	t.Parallel()
	for _, view := range []appearance.Rect{{-20, -30, 80, 20}, {550, 830, 650, 880}} {
		at, err := a4.Place(view)
		if err != nil {
			t.Fatal(err)
		}
		if r := at.Rect; r[0] < 0 || r[1] < 0 || r[2] > 595.28 || r[3] > 841.89 || math.Abs(r.Width()-100) > 1e-9 {
			t.Errorf("%v was put at %v", view, r)
		}
	}
	narrow := appearance.Page{MediaBox: appearance.Rect{0, 0, 180, 100}}
	if r := appearance.TextStampRect(narrow); math.Abs(r.Width()-170) > 1e-9 || r[0] < 0 {
		t.Errorf("on a narrow page: %v", r)
	}
}

func TestPlacesThatCannotBe(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	tests := map[string]struct {
		err  error
		want error
	}{
		"larger than the page": {second(a4.Place(appearance.Rect{0, 0, 600, 10})), appearance.ErrOutsidePage},
		"seal off the page":    {second(a4.SealPlace(appearance.Rect{10, 100, 100, 150}, 36)), appearance.ErrOutsidePage},
		"no area":              {second(a4.Place(appearance.Rect{5, 5, 5, 9})), appearance.ErrRect},
		"not a number":         {second(a4.Place(appearance.Rect{nan, 0, 10, 10})), appearance.ErrRect},
		"field without area":   {second(a4.At(appearance.Rect{})), appearance.ErrRect},
		"turned by 45":         {second(appearance.Page{MediaBox: a4.MediaBox, Rotate: 45}.At(appearance.Rect{0, 0, 9, 9})), appearance.ErrPage},
		"empty page":           {second(appearance.Page{}.Place(appearance.Rect{0, 0, 9, 9})), appearance.ErrPage},
		"crop box elsewhere":   {appearance.Page{MediaBox: a4.MediaBox, CropBox: appearance.Rect{700, 0, 800, 90}}.Check(), appearance.ErrPage},
		"endless user unit":    {appearance.Page{MediaBox: a4.MediaBox, UserUnit: math.Inf(1)}.Check(), appearance.ErrPage},
		"seal without size":    {second(a4.SealPlace(appearance.Rect{300, 100, 400, 150}, 0)), appearance.ErrOutsidePage},
	}
	for name, tt := range tests {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: %v, want %v", name, tt.err, tt.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestPictureKeepsItsProportions(t *testing.T) {
	t.Parallel()
	field := appearance.Rect{100, 100, 200, 150}
	for _, tt := range []struct {
		w, h int
		want appearance.Rect
	}{
		{400, 100, appearance.Rect{100, 112.5, 200, 137.5}},
		{100, 100, appearance.Rect{125, 100, 175, 150}},
		{200, 100, field},
	} {
		if got := appearance.PictureRect(field, tt.w, tt.h); !near(got, tt.want) {
			t.Errorf("%dx%d: %v, want %v", tt.w, tt.h, got, tt.want)
		}
	}
}
