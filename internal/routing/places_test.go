package routing_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/signer/validate"
)

// keepLooks, a folder, gets the rendered pages for a person to look at.
const keepLooks = "KYSO_TEST_LOOKS"

const dpi = 150

// solid makes pictures whose edges can be measured: a blue block for the signature and a red
// disc for the seal.
func (r *rig) solid(t *testing.T) {
	t.Helper()
	head := r.As("head", "unit_admin", r.Ward.ID)
	sign := image.NewNRGBA(image.Rect(0, 0, 480, 200))
	for i := range 480 * 200 {
		sign.SetNRGBA(i%480, i/480, color.NRGBA{B: 200, A: 255})
	}
	const n = 720
	seal := image.NewNRGBA(image.Rect(0, 0, n, n))
	for i := range n * n {
		x, y := float64(i%n)+0.5-n/2, float64(i/n)+0.5-n/2
		if d := math.Hypot(x, y); d <= n/2 && d > n/2-60 {
			seal.SetNRGBA(i%n, i/n, color.NRGBA{R: 220, A: 255})
		}
	}
	encode := func(m image.Image) []byte {
		var b bytes.Buffer
		must(t, png.Encode(&b, m))
		return b.Bytes()
	}
	must(t, r.SetPicture(head, r.Ward.ID, routing.Picture{OwnerID: r.leader.id, Kind: routing.PictureSignature, PNG: encode(sign)}))
	must(t, r.SetPicture(head, r.Ward.ID, routing.Picture{OwnerID: r.Ward.ID, Kind: routing.PictureSeal, PNG: encode(seal), DiameterMM: 36}))
}

// picture is a rendered page: three bytes a pixel.
type picture struct {
	width, height int
	pixels        []byte
}

// render draws a page (1-based) of a file as poppler shows it.
func render(t *testing.T, name string, file []byte, page int) picture {
	t.Helper()
	in := filepath.Join(t.TempDir(), "in.pdf")
	must(t, os.WriteFile(in, file, 0o600))
	n := fmt.Sprint(page)
	out, err := exec.CommandContext(t.Context(), "pdftoppm", "-r", fmt.Sprint(dpi), "-f", n, "-l", n, "-cropbox", in).Output()
	must(t, err)
	var p picture
	if _, err := fmt.Sscanf(string(out[:min(len(out), 40)]), "P6\n%d %d\n255\n", &p.width, &p.height); err != nil {
		t.Fatalf("pdftoppm: %v", err)
	}
	p.pixels = out[len(out)-3*p.width*p.height:]
	if keep := os.Getenv(keepLooks); keep != "" {
		must(t, os.WriteFile(filepath.Join(keep, strings.ReplaceAll(name, "/", "-")+".ppm"), out, 0o600))
	}
	return p
}

// box is the bounding box of the pixels that are chosen, in mm.
func (p picture) box(choose func(r, g, b uint8) bool) (left, top, right, bottom float64) {
	found := image.Rectangle{}
	for i := 0; i < len(p.pixels); i += 3 {
		if choose(p.pixels[i], p.pixels[i+1], p.pixels[i+2]) {
			x, y := i/3%p.width, i/3/p.width
			found = found.Union(image.Rect(x, y, x+1, y+1))
		}
	}
	mm := func(px int) float64 { return float64(px) / dpi * 25.4 }
	return mm(found.Min.X), mm(found.Min.Y), mm(found.Max.X), mm(found.Max.Y)
}

func red(r, g, b uint8) bool  { return r > 150 && g < 90 && b < 90 }
func blue(r, g, b uint8) bool { return b > 120 && r < 90 && g < 90 }

// page makes a PDF of one page without any field.
func page(t *testing.T, mediaBox string, more string) []byte {
	t.Helper()
	text := "BT /F1 12 Tf 60 60 Td (Trang) Tj ET"
	objects := []string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[" + mediaBox + "]/Contents 4 0 R/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>" + more + ">>",
		fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(text), text)}
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	var offsets []int
	for i, o := range objects {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return b.Bytes()
}

// placed is a case of TestSignaturesGoWhereTheyBelong.
type placed struct {
	file   []byte
	change func(in *routing.Intake)
	page   int // of the leader's signature
	// left, top of the signature's field in mm, where a rectangle says so.
	left, top float64
	texts     []string // the issued file shows them
	number    string
}

func rectangle(page int, x, y, w, h float64) routing.Placement {
	return routing.Placement{Page: page, XMM: x, YMM: y, WidthMM: w, HeightMM: h}
}

func places(t *testing.T) map[string]placed {
	date := "ngày 21 tháng 11 năm 2026"
	by := func(capacity, post, name string) func(in *routing.Intake) {
		return func(in *routing.Intake) {
			in.Steps[0].Capacity, in.Steps[0].Post, in.Steps[0].Name = capacity, post, name
		}
	}
	at := func(p routing.Placement) func(in *routing.Intake) {
		return func(in *routing.Intake) { in.Steps[0].Place = p }
	}
	made := func(number, date routing.Placement) func(in *routing.Intake) {
		return func(in *routing.Intake) {
			in.Steps[0].Post, in.Steps[0].Name = "PHÓ CHỦ TỊCH", "Nguyễn Thị Ánh Tuyết"
			in.Number, in.Date = number, date
		}
	}
	full := made(rectangle(1, 50, 33.2, 36, 6), rectangle(1, 125, 33.2, 53, 6))
	free := func(p routing.Placement) func(in *routing.Intake) {
		return func(in *routing.Intake) {
			in.Steps[0].Place, in.Number, in.Date = p, rectangle(1, 20, 20, 45, 6), rectangle(1, 75, 20, 70, 6)
		}
	}
	stated := []string{"Số: 123/QĐ-UBND", "Hà Nội, " + date}
	return map[string]placed{
		"fields on page 1 of 2":   {file: pdf(t, "quyet-dinh"), page: 1, texts: slices.Clone(stated)},
		"fields":                  {file: pdf(t, "to-trinh"), page: 1, texts: slices.Clone(stated)},
		"fields, landscape":       {file: pdf(t, "lich-cong-tac"), page: 1, texts: slices.Clone(stated)},
		"anchor on the last page": {file: pdf(t, "cong-van"), page: 3, change: by("KT.", "PHÓ GIÁM ĐỐC", "Đặng Hoàng Ngọc Ưu"), texts: slices.Clone(stated)},
		"rectangle over a field":  {file: pdf(t, "quyet-dinh"), page: 2, left: 90, top: 40, change: at(rectangle(2, 90, 40, 50, 25))},
		"A5":                      {file: page(t, "0 0 419.53 595.28", ""), page: 1, left: 80, top: 150, change: free(rectangle(1, 80, 150, 48, 22)), texts: slices.Clone(stated)},
		"turned 90":               {file: page(t, "0 0 595.28 841.89", "/Rotate 90"), page: 1, left: 180, top: 150, change: free(rectangle(-1, 180, 150, 48, 22)), texts: slices.Clone(stated)},
		"turned 180":              {file: page(t, "0 0 595.28 841.89", "/Rotate 180"), page: 1, left: 120, top: 200, change: free(rectangle(1, 120, 200, 48, 22)), texts: slices.Clone(stated)},
		"turned 270":              {file: page(t, "0 0 595.28 841.89", "/Rotate 270"), page: 1, left: 180, top: 150, change: free(rectangle(1, 180, 150, 48, 22)), texts: slices.Clone(stated)},
		"cropped, shifted":        {file: page(t, "-50 20 700 900", "/CropBox[0 40 595 800]"), page: 1, left: 120, top: 200, change: free(rectangle(1, 120, 200, 48, 22)), texts: slices.Clone(stated)},
		"cairo":                   {file: pdf(t, "producers/cairo"), page: 1, change: full, texts: slices.Clone(stated)},
		"ghostscript":             {file: pdf(t, "producers/ghostscript"), page: 1, change: full, texts: slices.Clone(stated)},
		// The notation is printed behind the room for the number.
		"chromium": {file: pdf(t, "producers/chromium"), page: 1, change: made(rectangle(1, 51, 32.7, 8.5, 6), routing.Placement{}),
			number: "123/TTr-UBND", texts: []string{"Số: 123/TTr-UBND"}},
		"pdftex": {file: pdf(t, "producers/pdftex"), page: 1, change: made(rectangle(1, 50, 40.2, 11.5, 6), routing.Placement{}),
			number: "123/TTr-UBND", texts: []string{"Số: 123/TTr-UBND"}},
	}
}

func TestSignaturesGoWhereTheyBelong(t *testing.T) {
	t.Parallel()
	r := newRig(t, db.SQLite(t)) // where a signature goes does not depend on the database
	r.solid(t)
	next := 122
	for name, c := range places(t) {
		next++
		t.Run(name, func(t *testing.T) {
			in := r.intake(name)
			in.Steps = in.Steps[1:]
			if c.change != nil {
				c.change(&in)
			}
			v := r.accept(t, in, c.file)
			if v.Steps[0].Page != c.page || v.Steps[1].Page != c.page {
				t.Fatalf("signature on page %d, seal on page %d, want %d", v.Steps[0].Page, v.Steps[1].Page, c.page)
			}
			r.mustAct(t, r.leader, routing.ActSign, v.ID)
			l, top, right, bottom := render(t, name+" 1", r.content(t, v.ID, 0), c.page).box(blue)
			if right-l < 15 || (c.left > 0 && (l < c.left-0.3 || top < c.top-0.3 || right > c.left+50.3 || bottom > c.top+25.3)) {
				t.Errorf("the signature is at %.1f, %.1f to %.1f, %.1f mm", l, top, right, bottom)
			}
			number := fmt.Sprintf("%d/QĐ-UBND", next)
			if c.number != "" {
				if _, err := r.act(t, r.clerk, routing.ActSeal, map[string]routing.SealInput{v.ID: {Number: number}}, v.ID); !errors.Is(err, routing.ErrNotation) {
					t.Errorf("another notation than the printed one: %v", err)
				}
				number = strings.Replace(c.number, "123", fmt.Sprint(next), 1)
			}
			for i := range c.texts {
				c.texts[i] = strings.Replace(c.texts[i], "123", fmt.Sprint(next), 1)
			}
			_, err := r.act(t, r.clerk, routing.ActSeal, map[string]routing.SealInput{v.ID: {Number: number}}, v.ID)
			must(t, err)
			final := r.content(t, v.ID, 0)
			sl, st, sr, sb := render(t, name+" 2", final, c.page).box(red)
			if math.Abs(sr-sl-36) > 0.35 || math.Abs(sb-st-36) > 0.35 {
				t.Errorf("the seal is %.2f x %.2f mm", sr-sl, sb-st)
			}
			if over := (sr - l) / (right - l); over < 0.28 || over > 0.38 || math.Abs((st+sb)-(top+bottom)) > 1 {
				t.Errorf("the seal covers %.3f of the signature; middles %.1f and %.1f mm", over, (st+sb)/2, (top+bottom)/2)
			}
			judged(t, final, 2, c.texts...)
			rep, err := r.Report(r.client, v.ID)
			if err != nil || rep.Verdict != validate.VerdictPassed {
				t.Errorf("verdict %s, %v", rep.Verdict, err)
			}
		})
	}
}

func TestAnchorsAreFoundInAnySpelling(t *testing.T) {
	t.Parallel()
	r := newRig(t, db.SQLite(t))
	var want [4]float64
	for i, c := range [][2]string{{"PHÓ GIÁM ĐỐC", "Đặng Hoàng Ngọc Ưu"}, {norm.NFD.String("PHÓ GIÁM ĐỐC"), norm.NFD.String("Đặng Hoàng Ngọc Ưu")},
		{"Phó giám đốc", "ĐẶNG HOÀNG NGỌC ƯU"}, {"", "Đặng  Hoàng Ngọc Ưu"}} {
		in := r.intake(fmt.Sprint(i))
		in.Steps = []routing.StepSpec{{Kind: routing.Leader, Signer: "vuong", Post: c[0], Name: c[1]}}
		v := r.accept(t, in, pdf(t, "cong-van"))
		if i == 0 {
			want = v.Steps[0].Box
		}
		if v.Steps[0].Page != 3 || v.Steps[0].Box != want {
			t.Errorf("%q, %q: page %d, %v, want %v", c[0], c[1], v.Steps[0].Page, v.Steps[0].Box, want)
		}
	}
	in := r.intake("nobody")
	in.Steps = []routing.StepSpec{{Kind: routing.Leader, Signer: "vuong", Name: "Đặng Hoàng Ngọc U"}}
	if _, _, err := r.Accept(r.client, in, routing.Files{Document: bytes.NewReader(pdf(t, "cong-van"))}); !errors.Is(err, routing.ErrPlace) {
		t.Errorf("a name that is not there: %v", err)
	}
}
