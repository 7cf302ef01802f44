package appearance_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io"
	"testing"

	"github.com/kyso-vn/kyso/internal/testkit/stamps"
	"github.com/kyso-vn/kyso/signer/appearance"
)

func encodePNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func inflate(t testing.TB, data []byte) []byte {
	t.Helper()
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// dots is a row of 9 pixels of one ink whose alpha rises.
func dots() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, 9, 2))
	for x := range 9 {
		for y := range 2 {
			img.SetNRGBA(x, y, color.NRGBA{R: 10, G: 20, B: 200, A: uint8(x * 31)})
		}
	}
	return img
}

func TestAlphaBecomesSoftMaskOrOneBit(t *testing.T) {
	t.Parallel()
	soft, err := appearance.NewImage("Im0", encodePNG(t, dots()), appearance.PDFA)
	if err != nil {
		t.Fatal(err)
	}
	row := []byte{0, 31, 62, 93, 124, 155, 186, 217, 248}
	if got := inflate(t, soft.Mask); soft.Stencil || !bytes.Equal(got, append(row, row...)) {
		t.Errorf("soft mask %v", got)
	}
	// Clear pixels carry the ink's colour: smoothing leaves no fringe.
	if got := inflate(t, soft.RGB); !bytes.Equal(got, bytes.Repeat([]byte{10, 20, 200}, 18)) {
		t.Errorf("colours %v", got)
	}
	hard, err := appearance.NewImage("Im0", encodePNG(t, dots()), appearance.PDFA1)
	if err != nil {
		t.Fatal(err)
	}
	if got := inflate(t, hard.Mask); !hard.Stencil || !bytes.Equal(got, []byte{0b11111000, 0, 0b11111000, 0}) {
		t.Errorf("1-bit mask %08b", got)
	}
}

func TestEveryKindOfPNGIsRead(t *testing.T) {
	t.Parallel()
	r := image.Rect(0, 0, 3, 3)
	gray := image.NewGray16(r)
	paletted := image.NewPaletted(r, color.Palette{color.NRGBA{}, color.NRGBA{R: 255, A: 255}})
	paletted.SetColorIndex(1, 1, 1)
	deep := image.NewNRGBA64(r)
	deep.Set(1, 1, color.NRGBA64{R: 0xFFFF, A: 0x8000})
	for name, tt := range map[string]struct {
		img  image.Image
		mask bool
	}{"gray": {gray, false}, "paletted": {paletted, true}, "16 bits": {deep, true}} {
		img, err := appearance.NewImage("Im0", encodePNG(t, tt.img), appearance.Plain)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := len(inflate(t, img.RGB)); got != 27 || tt.mask != (img.Mask != nil) {
			t.Errorf("%s: %d bytes of colour, mask %v", name, got, img.Mask != nil)
		}
	}
}

func TestPicturesBeyondTheLimitsAreNotDecoded(t *testing.T) {
	t.Parallel()
	// A header alone promises 65,536 x 65,536 pixels, or more than an int has.
	header := func(w, h uint32) []byte {
		chunk := []byte("IHDR")
		chunk = binary.BigEndian.AppendUint32(chunk, w)
		chunk = binary.BigEndian.AppendUint32(chunk, h)
		chunk = append(chunk, 8, 6, 0, 0, 0)
		out := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
		out = append(out, chunk...)
		return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk))
	}
	whole, err := stamps.Initial("x")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		data []byte
		want error
	}{
		"a bomb":         {header(65536, 65536), appearance.ErrImageTooLarge},
		"a line":         {header(1<<31-1, 1), appearance.ErrImageTooLarge},
		"too many bytes": {make([]byte, appearance.MaxImageBytes+1), appearance.ErrImageTooLarge},
		"cut in half":    {whole[:len(whole)/2], appearance.ErrImageFormat},
		"no picture":     {[]byte("%PDF-1.7"), appearance.ErrImageFormat},
		"nothing":        {nil, appearance.ErrImageFormat},
	} {
		if _, err := appearance.NewImage("Im0", tt.data, appearance.Plain); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// What was split can be put together again, and splits into the same.
func FuzzImage(f *testing.F) {
	f.Add(encodePNG(f, dots()))
	seal, err := stamps.Seal(8, stamps.SealText{Above: "HÀ NỘI"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seal)
	f.Fuzz(func(t *testing.T, data []byte) {
		img, err := appearance.NewImage("Im0", data, appearance.Plain)
		if err != nil {
			if !errors.Is(err, appearance.ErrImageFormat) && !errors.Is(err, appearance.ErrImageTooLarge) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		rgb := inflate(t, img.RGB)
		if len(rgb) != 3*img.Width*img.Height {
			t.Fatalf("%d bytes for %d x %d", len(rgb), img.Width, img.Height)
		}
		alpha := bytes.Repeat([]byte{255}, len(rgb)/3)
		if img.Mask != nil {
			alpha = inflate(t, img.Mask)
		}
		joined := image.NewNRGBA(image.Rect(0, 0, img.Width, img.Height))
		for i, a := range alpha {
			copy(joined.Pix[4*i:], []byte{rgb[3*i], rgb[3*i+1], rgb[3*i+2], a})
		}
		again, err := appearance.NewImage("Im0", encodePNG(t, joined), appearance.Plain)
		if err != nil || !bytes.Equal(again.Mask, img.Mask) {
			t.Fatalf("alpha changed on the way (%v)", err)
		}
		if got := inflate(t, again.RGB); !bytes.Equal(got, rgb) {
			t.Fatal("colours changed on the way")
		}
	})
}
