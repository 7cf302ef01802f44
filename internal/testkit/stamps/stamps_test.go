package stamps_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/kyso-vn/kyso/internal/testkit/stamps"
)

func decode(t *testing.T, data []byte, err error) *image.NRGBA {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	n, ok := img.(*image.NRGBA)
	if !ok {
		t.Fatalf("picture is %T, not transparent", img)
	}
	if dir := os.Getenv("STAMPS_OUT"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(t.Name())+".png"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// inked is the part of the picture that shows.
func inked(img *image.NRGBA) float64 {
	n := 0
	for i := 3; i < len(img.Pix); i += 4 {
		if img.Pix[i] > 127 {
			n++
		}
	}
	return float64(n) / float64(len(img.Pix)/4)
}

func TestSignatureIsBlueTransparentAndItsOwn(t *testing.T) {
	t.Parallel()
	a, err := stamps.Signature("Nguyễn Văn An")
	img := decode(t, a, err)
	if got := inked(img); got < 0.02 || got > 0.2 {
		t.Errorf("ink covers %.3f of the picture", got)
	}
	if c := img.NRGBAAt(0, 0); c.A != 0 || c.B < 2*c.R {
		t.Errorf("corner is %v", c)
	}
	again, _ := stamps.Signature("Nguyễn Văn An")
	other, _ := stamps.Signature("Trần Thị Bình")
	if !bytes.Equal(a, again) || bytes.Equal(a, other) {
		t.Error("the picture must depend on the name and nothing else")
	}
}

func TestInitialIsSmall(t *testing.T) {
	t.Parallel()
	data, err := stamps.Initial("Lê Thị Hoà")
	if img := decode(t, data, err); img.Rect.Dx() > 300 || inked(img) < 0.02 {
		t.Errorf("%v, ink %.3f", img.Rect, inked(img))
	}
}

func TestSealHasItsRealSizeAndARing(t *testing.T) {
	t.Parallel()
	data, err := stamps.Seal(stamps.DiameterMM, stamps.SealText{Above: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"})
	img := decode(t, data, err)
	if img.Rect.Dx() != 425 || img.Rect.Dy() != 425 {
		t.Errorf("36 mm at 300 dpi is 425 pixels, not %v", img.Rect)
	}
	if !bytes.Contains(data[:80], []byte("pHYs\x00\x00\x2e\x23\x00\x00\x2e\x23\x01")) {
		t.Error("no resolution of 11811 pixels a metre")
	}
	if img.NRGBAAt(212, 4).A != 255 || img.NRGBAAt(2, 2).A != 0 {
		t.Error("ring must touch the edge, corners must be clear")
	}
}

func TestSealWithLinesInTheCentre(t *testing.T) {
	t.Parallel()
	data, err := stamps.Seal(stamps.DiameterMM, stamps.SealText{Above: "UBND THÀNH PHỐ HÀ NỘI", Centre: "SỞ\nKHOA HỌC VÀ\nCÔNG NGHỆ"})
	if img := decode(t, data, err); inked(img) < 0.1 {
		t.Errorf("ink %.3f", inked(img))
	}
}

func TestSealRefusesWhatItCannotDraw(t *testing.T) {
	t.Parallel()
	if _, err := stamps.Seal(1000, stamps.SealText{}); err == nil {
		t.Error("a seal of a metre was drawn")
	}
	if _, err := stamps.Seal(36, stamps.SealText{Above: "漢"}); err == nil {
		t.Error("a letter without a glyph was drawn")
	}
}
