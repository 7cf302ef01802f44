package web

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
)

func TestPicturesKeepTheirColoursCloseEnoughToRead(t *testing.T) {
	t.Parallel()
	palette := pagePalette()
	if len(palette) > 256 {
		t.Fatalf("%d colours", len(palette))
	}
	for _, c := range []color.RGBA{{0, 0, 0, 255}, {255, 255, 255, 255}, {128, 128, 128, 255}, {200, 20, 30, 255}, {10, 40, 160, 255}, {255, 250, 240, 255}} {
		got := palette[paletteIndex(c.R, c.G, c.B)].(color.RGBA)
		for _, d := range []int{int(got.R) - int(c.R), int(got.G) - int(c.G), int(got.B) - int(c.B)} {
			if d > 26 || d < -26 {
				t.Errorf("%v becomes %v", c, got)
			}
		}
	}
}

func FuzzPagePictures(f *testing.F) {
	img := image.NewRGBA(image.Rect(0, 0, 3, 2))
	img.Set(1, 1, color.RGBA{200, 0, 0, 255})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		out, err := smaller(in)
		if err != nil {
			return
		}
		again, err := smaller(out)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("made smaller twice is another picture: %v", err)
		}
	})
}
