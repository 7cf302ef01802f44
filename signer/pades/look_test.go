package pades_test

import (
	"bytes"
	"errors"
	"flag"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/interop"
	"github.com/kyso-vn/kyso/internal/testkit/stamps"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/pdf"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

// look builds a stamp from JSON with the pictures of testkit/stamps.
func look(t testing.TB, in []byte, field, spec string) *appearance.Stamp {
	t.Helper()
	s, err := appearance.ParseSpec([]byte(spec))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := pades.Environment(pades.FromBytes(in), "", field)
	if err != nil {
		t.Fatal(err)
	}
	doc.Signed = time.Date(2026, 1, 5, 9, 30, 0, 0, time.FixedZone("", 7*60*60))
	doc.Load = func(name string) ([]byte, error) {
		if name == "ky.png" {
			return stamps.Signature("Nguyễn Thị Ánh Tuyết")
		}
		return stamps.Seal(stamps.DiameterMM, stamps.SealText{Above: "ỦY BAN NHÂN DÂN PHƯỜNG CỬA NAM"})
	}
	stamp, err := s.Build(doc)
	if err != nil {
		t.Fatal(err)
	}
	return stamp
}

func options(field string, s *appearance.Stamp) pades.Options {
	return pades.Options{Field: field, Appearance: s.Form, Page: s.Page, Rect: s.Rect}
}

const sealSpec = `{"kind": "seal", "image": "dau.png", "diameter_mm": 36, "over": "chu_ky_lanh_dao"}`

func TestTheSealCoversTheLeftThirdOfTheLeadersSignature(t *testing.T) {
	t.Parallel()
	an, seal := newPerson(t, "Nguyễn Thị Ánh Tuyết", p256(t)), newPerson(t, "UBND phường Cửa Nam", p256(t))
	// 1. Before anybody signs, the seal's field gets its place.
	in := read(t, "../../testdata/pdf/to-trinh.pdf")
	leader := look(t, in, "chu_ky_lanh_dao", `{"kind": "leader", "image": "ky.png"}`)
	doc, err := pades.Environment(pades.FromBytes(sign(t, in, an, options("chu_ky_lanh_dao", leader))), "", "")
	if err != nil {
		t.Fatal(err)
	}
	page, picture, err := doc.Picture("chu_ky_lanh_dao")
	if err != nil || page != 1 {
		t.Fatal(page, err)
	}
	geo, err := doc.Page(page)
	if err != nil {
		t.Fatal(err)
	}
	place, err := geo.SealPlace(picture, 36)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := pades.AddFields(t.Context(), pades.FromBytes(in), []pades.FieldSpec{{Name: "con_dau", Rect: place.Rect, LockAll: true}}, "", &b); err != nil {
		t.Fatal(err)
	}
	// 2. Leader, then number, date and seal.
	file := sign(t, b.Bytes(), an, options("chu_ky_lanh_dao", look(t, b.Bytes(), "chu_ky_lanh_dao", `{"kind": "leader", "image": "ky.png"}`)))
	o := options("con_dau", look(t, file, "con_dau", sealSpec))
	o.Fill = map[string]string{"so_ky_hieu": "12/TTr-UBND", "ngay_ban_hanh": "ngày 05 tháng 01 năm 2026"}
	golden(t, "leader-and-seal", sign(t, file, seal, o))
}

func TestAStampGoesWhereTheTextSaysWhoSigns(t *testing.T) {
	t.Parallel()
	an := newPerson(t, "Nguyễn Thị Ánh Tuyết", p256(t))
	for _, name := range []string{"chromium", "cairo", "ghostscript", "pdftex"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := read(t, "../../testdata/pdf/producers/"+name+".pdf")
			file := sign(t, in, an, options("", look(t, in, "", `{"kind": "leader", "image": "ky.png", "anchor": {"post": "PHÓ CHỦ TỊCH", "name": "Nguyễn Thị Ánh Tuyết"}}`)))
			file = sign(t, file, an, options("", look(t, file, "", strings.Replace(sealSpec, "chu_ky_lanh_dao", "Signature1", 1))))
			golden(t, "anchored-"+name, file)
		})
	}
}

func TestArchivalFilesStayArchival(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]appearance.Target{
		"profiles/pdfa-1b": appearance.PDFA1, "profiles/pdfa-2b": appearance.PDFA, "profiles/pdfa-3b": appearance.PDFA, "to-trinh": appearance.Plain,
	} {
		doc, err := pades.Environment(pades.FromBytes(read(t, "../../testdata/pdf/"+name+".pdf")), "", "")
		if err != nil || doc.Target != want {
			t.Errorf("%s: target %d (%v), want %d", name, doc.Target, err, want)
		}
	}
}

// golden compares the first page of a file with its reviewed picture.
func golden(t testing.TB, name string, file []byte) {
	t.Helper()
	path := judge(t, file, "", "", 2)
	got, err := interop.Render(t.Context(), path, 1, 60)
	if err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join("testdata", "golden", name+".png")
	if *update {
		var b bytes.Buffer
		enc := png.Encoder{CompressionLevel: png.BestCompression}
		if err := enc.Encode(&b, got); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(picture, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := png.Decode(bytes.NewReader(read(t, picture)))
	if err != nil {
		t.Fatal(err)
	}
	if n := differing(want, got); n > 5 {
		t.Errorf("%s: %d of 10,000 pixels differ", name, n)
	}
}

// differing is the part of pixels, in 1/10000, that differ by more than a fifth of the scale:
// renderers round edges their own way.
func differing(a, b image.Image) int {
	if a.Bounds() != b.Bounds() {
		return 10000
	}
	n, r := 0, a.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			r1, g1, b1, _ := a.At(x, y).RGBA()
			r2, g2, b2, _ := b.At(x, y).RGBA()
			if far(r1, r2) || far(g1, g2) || far(b1, b2) {
				n++
			}
		}
	}
	return n * 10000 / (r.Dx() * r.Dy())
}

func far(a, b uint32) bool { return max(a, b)-min(a, b) > 0xFFFF/5 }

func TestReadersAreToldNotToDrawOverAVisibleSignature(t *testing.T) {
	t.Parallel()
	an := newPerson(t, "a", p256(t))
	in := read(t, "../../testdata/pdf/to-trinh.pdf")
	leader := func(in []byte) pades.Options {
		return options("chu_ky_lanh_dao", look(t, in, "chu_ky_lanh_dao", `{"kind": "leader", "image": "ky.png"}`))
	}
	invisible := sign(t, in, an, pades.Options{})
	undrawn := change(t, in, "so_ky_hieu", func(e *pdf.Editor) error {
		return errors.Join(e.Set("V", pdf.String("7")), e.Delete("AP"))
	})
	for name, c := range map[string]struct {
		file []byte
		want any
	}{
		"visible":           {sign(t, in, an, leader(in)), false},
		"filled":            {sign(t, in, an, pades.Options{Fill: map[string]string{"so_ky_hieu": "7"}}), false},
		"invisible":         {invisible, true},
		"signed already":    {sign(t, invisible, an, leader(invisible)), true},
		"undrawn elsewhere": {sign(t, undrawn, an, leader(undrawn)), true},
	} {
		if got := needAppearances(t, c.file); got != c.want {
			t.Errorf("%s: NeedAppearances is %v, want %v", name, got, c.want)
		}
	}
}

// change edits a field in an update of its own.
func change(t testing.TB, in []byte, field string, edit func(*pdf.Editor) error) []byte {
	t.Helper()
	r, err := pdf.Open(bytes.NewReader(in), int64(len(in)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := pdf.FindField(r.Last(), field)
	if err != nil || f == nil {
		t.Fatal(f, err)
	}
	u := pdf.NewUpdate(r)
	e, err := u.Edit(f.Ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := edit(e); err != nil {
		t.Fatal(err)
	}
	inc, err := u.Build()
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(in), inc.Bytes...)
}

func needAppearances(t testing.TB, file []byte) any {
	t.Helper()
	r, err := pdf.Open(bytes.NewReader(file), int64(len(file)), pdf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	form, err := pdf.AcroForm(r.Last())
	if err != nil || form == nil {
		t.Fatal(form, err)
	}
	return form.Get("NeedAppearances")
}
