package appearance_test

import (
	"flag"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/testkit/stamps"
	"github.com/kyso-vn/kyso/signer/appearance"
)

var update = flag.Bool("update", false, "write the golden pictures")

// render draws the first page as the reader sees it.
func render(t *testing.T, file string, dpi int) image.Image {
	t.Helper()
	out := filepath.Join(t.TempDir(), "page")
	run(t, "pdftoppm", "-png", "-singlefile", "-cropbox", "-r", strconv.Itoa(dpi), file, out)
	return readPNG(t, out+".png")
}

func readPNG(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// differing is the part of pixels that differ visibly, in 1/10000; pictures of
// different sizes differ wholly. Renderers round edges their own way, so
// a difference below a fifth of the scale isn't counted.
func differing(a, b image.Image) int {
	if a.Bounds().Size() != b.Bounds().Size() {
		return 10000
	}
	n, r := 0, a.Bounds()
	for y := range r.Dy() {
		for x := range r.Dx() {
			r1, g1, b1, _ := a.At(r.Min.X+x, r.Min.Y+y).RGBA()
			r2, g2, b2, _ := b.At(b.Bounds().Min.X+x, b.Bounds().Min.Y+y).RGBA()
			for _, d := range []int{int(r1) - int(r2), int(g1) - int(g2), int(b1) - int(b2)} {
				if max(d, -d) > 0xFFFF/5 {
					n++
					break
				}
			}
		}
	}
	return n * 10000 / (r.Dx() * r.Dy())
}

// golden compares a page with its reviewed picture.
func golden(t *testing.T, name, file string, dpi int) {
	t.Helper()
	if out := run(t, "qpdf", "--check", file); strings.Contains(out, "WARNING") {
		t.Errorf("qpdf: %s", out)
	}
	path := filepath.Join("testdata", "golden", name+".png")
	got := render(t, file, dpi)
	if *update {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		enc := png.Encoder{CompressionLevel: png.BestCompression}
		if err := enc.Encode(f, got); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := differing(readPNG(t, path), got); d > 5 {
		t.Errorf("%s: %d of 10,000 pixels differ", name, d)
	}
}

// must returns the value of a call that may not fail in a test.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// The pictures are drawn once: with the race detector it takes a while.
var (
	inkPNG     = sync.OnceValues(func() ([]byte, error) { return stamps.Signature("Nguyễn Văn An") })
	initialPNG = sync.OnceValues(func() ([]byte, error) { return stamps.Initial("Lê Thị Bưởi") })
	sealPNG    = sync.OnceValues(func() ([]byte, error) {
		return stamps.Seal(36, stamps.SealText{Above: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"})
	})
)

// leaderAndSeal is a signature in a rectangle of the view, and the seal on it.
func leaderAndSeal(t *testing.T, page appearance.Page, view appearance.Rect, target appearance.Target) []stamp {
	t.Helper()
	ink := must(appearance.NewImage("Im0", must(inkPNG())(t), target))(t)
	red := must(appearance.NewImage("Im0", must(sealPNG())(t), target))(t)
	leader := must(page.Place(appearance.PictureRect(view, ink.Width, ink.Height)))(t)
	seal := must(page.SealPlace(leader.Rect, 36))(t)
	if err := page.CheckOverlap(leader.Rect, seal.Rect); err != nil {
		t.Fatal(err)
	}
	return []stamp{
		{must(appearance.NewLeaderForm(leader, ink))(t), leader.Rect},
		{must(appearance.NewSealForm(seal, red, 36))(t), seal.Rect},
	}
}

// fieldStamp sets one line of text in a rectangle of the view.
func fieldStamp(t *testing.T, page appearance.Page, view appearance.Rect, text string, style appearance.FieldStyle) stamp {
	t.Helper()
	at := must(page.Place(view))(t)
	return stamp{must(appearance.NewFieldForm(at, text, style, appearance.Plain))(t), at.Rect}
}

var signed = time.Date(2020, 1, 5, 1, 9, 10, 0, time.UTC)

// document is a page with everything that Decree 30 lets appear.
func document(t *testing.T, page appearance.Page, target appearance.Target) []stamp {
	t.Helper()
	w, _ := page.View()
	list := []stamp{textStamp(t, page, target, appearance.AttachmentLines(appearance.Number(5, "QĐ-UBND"), signed)...)}
	for _, f := range []struct {
		r    appearance.Rect
		text string
		s    appearance.FieldStyle
	}{
		{appearance.Rect{60, 505, 220, 525}, "Số: 05/QĐ-UBND", appearance.FieldStyle{Align: appearance.Center, Size: 13}},
		{appearance.Rect{w - 275, 480, w - 40, 500}, appearance.PlaceAndDate("Hà Nội", signed), appearance.FieldStyle{Face: appearance.Italic, Align: appearance.Center}},
		{appearance.Rect{w - 275, 250, w - 40, 268}, "TM. ỦY BAN NHÂN DÂN", appearance.FieldStyle{Align: appearance.Center}},
		{appearance.Rect{w - 275, 230, w - 40, 248}, "CHỦ TỊCH", appearance.FieldStyle{Align: appearance.Center}},
		{appearance.Rect{w - 275, 120, w - 40, 138}, "Nguyễn Văn An", appearance.FieldStyle{Align: appearance.Center}},
	} {
		list = append(list, fieldStamp(t, page, f.r, f.text, f.s))
	}
	return append(list, leaderAndSeal(t, page, appearance.Rect{w - 240, 140, w - 75, 228}, target)...)
}

func TestGoldenDocuments(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		page   appearance.Page
		target appearance.Target
	}{
		"a4":        {a4, appearance.Plain},
		"a4-pdfa":   {a4, appearance.PDFA},
		"a4-pdfa1":  {a4, appearance.PDFA1},
		"a5":        {appearance.Page{MediaBox: appearance.Rect{0, 0, 419.53, 595.28}}, appearance.Plain},
		"landscape": {appearance.Page{MediaBox: appearance.Rect{0, 0, 841.89, 595.28}}, appearance.Plain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, onePage(t, tt.page, "", document(t, tt.page, tt.target)...), 60)
		})
	}
}

// A turned or cropped page shows the reader exactly what an upright one does.
func TestTurnedPagesLookLikeUprightOnes(t *testing.T) {
	t.Parallel()
	upright := appearance.Page{MediaBox: appearance.Rect{0, 0, 600, 840}}
	want := render(t, onePage(t, upright, "", document(t, upright, appearance.Plain)...), 60)
	for name, page := range map[string]appearance.Page{
		"90":               {MediaBox: appearance.Rect{0, 0, 840, 600}, Rotate: 90},
		"180":              {MediaBox: appearance.Rect{0, 0, 600, 840}, Rotate: 180},
		"270":              {MediaBox: appearance.Rect{0, 0, 840, 600}, Rotate: 270},
		"cropped":          {MediaBox: appearance.Rect{-36, -24, 700, 900}, CropBox: appearance.Rect{36, 24, 636, 864}},
		"cropped, 90":      {MediaBox: appearance.Rect{0, 0, 900, 700}, CropBox: appearance.Rect{24, 36, 864, 636}, Rotate: 90},
		"cropped, 270":     {MediaBox: appearance.Rect{0, 0, 900, 700}, CropBox: appearance.Rect{24, 36, 864, 636}, Rotate: 270},
		"cropped, 180":     {MediaBox: appearance.Rect{0, 0, 700, 900}, CropBox: appearance.Rect{36, 24, 636, 864}, Rotate: 180},
		"larger than both": {MediaBox: appearance.Rect{0, 0, 600, 840}, CropBox: appearance.Rect{-50, -50, 900, 900}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := onePage(t, page, "", document(t, page, appearance.Plain)...)
			if d := differing(want, render(t, file, 60)); d > 20 {
				t.Errorf("%d of 10,000 pixels differ", d)
			}
		})
	}
}

// At 127 dpi a millimetre is five pixels: the seal is measured on the page.
func TestSealMeasures36mmOnPaper(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]appearance.Page{
		"A4": a4, "A5": {MediaBox: appearance.Rect{0, 0, 419.53, 595.28}},
		"turned": {MediaBox: appearance.Rect{0, 0, 841.89, 595.28}, Rotate: 90},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := leaderAndSeal(t, page, appearance.Rect{200, 100, 365, 188}, appearance.Plain)
			img := render(t, onePage(t, page, "", list[1]), 127)
			seen := image.Rectangle{}
			for y := range img.Bounds().Dy() {
				for x := range img.Bounds().Dx() {
					if _, g, _, _ := img.At(x, y).RGBA(); g < 0x9000 {
						seen = seen.Union(image.Rect(x, y, x+1, y+1))
					}
				}
			}
			// The ring ends half a hundredth of the diameter within the picture.
			if w, h := seen.Dx(), seen.Dy(); w < 177 || w > 181 || h < 177 || h > 181 {
				t.Errorf("seal is %d x %d fifths of a millimetre", w, h)
			}
		})
	}
}

func TestGoldenCopyAndFields(t *testing.T) {
	t.Parallel()
	page := appearance.Page{MediaBox: appearance.Rect{0, 0, 360, 200}}
	list := []stamp{textStamp(t, page, appearance.Plain,
		appearance.CopyLines(appearance.TrichSao, "Văn phòng Hội đồng nhân dân và Ủy ban nhân dân phường Hoàn Kiếm", signed)...)}
	for i, f := range []struct {
		text string
		s    appearance.FieldStyle
	}{
		{"Số: 1234/QĐ-UBND", appearance.FieldStyle{}},
		{"Trần Thị Hoà", appearance.FieldStyle{Align: appearance.Center, Size: 8}},
		{"ĐẶNG ĐỨC TƯỞNG", appearance.FieldStyle{Align: appearance.Right}},
		{"Một dòng rất dài phải thu nhỏ lại cho vừa khung", appearance.FieldStyle{Face: appearance.Italic}},
	} {
		y := float64(20 + 24*i)
		list = append(list, fieldStamp(t, page, appearance.Rect{10, y, 160, y + 18}, f.text, f.s))
	}
	list = append(list, fieldStamp(t, page, appearance.Rect{190, 20, 350, 100},
		"Kính gửi:\nCác sở, ban, ngành thuộc thành phố và ủy ban nhân dân các phường, xã", appearance.FieldStyle{Multiline: true, Size: 11}))
	ink := must(appearance.NewImage("Im0", must(initialPNG())(t), appearance.Plain))(t)
	at := must(page.Place(appearance.Rect{20, 130, 77, 164}))(t)
	list = append(list, stamp{must(appearance.NewLeaderForm(at, ink))(t), at.Rect})
	golden(t, "copy-and-fields", onePage(t, page, "0.9 g 10 20 150 18 re 10 44 150 18 re 10 68 150 18 re 10 92 150 18 re 190 20 160 80 re f", list...), 100)
}
