package web

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
)

// A page is text, a blue signature and a red seal: 16 greys and a cube of 6 x 6 x 6 colours
// show it in half the bytes.
const (
	greys  = 16
	levels = 6
)

func pagePalette() color.Palette {
	out := make(color.Palette, 0, greys+levels*levels*levels)
	for i := range greys {
		v := uint8(i * 255 / (greys - 1))
		out = append(out, color.RGBA{v, v, v, 255})
	}
	step := func(i int) uint8 { return uint8(i * 255 / (levels - 1)) }
	for i := range levels * levels * levels {
		out = append(out, color.RGBA{step(i / (levels * levels)), step(i / levels % levels), step(i % levels), 255})
	}
	return out
}

// paletteIndex is the place of a colour in pagePalette.
func paletteIndex(r, g, b uint8) uint8 {
	if most, least := max(r, g, b), min(r, g, b); most-least < 24 {
		return uint8((int(g)*(greys-1) + 127) / 255)
	}
	near := func(v uint8) int { return (int(v)*(levels-1) + 127) / 255 }
	return uint8(greys + near(r)*levels*levels + near(g)*levels + near(b))
}

// smaller turns a page's picture into one with a palette. What is no picture of the size
// that was asked for stays an error.
func smaller(in []byte) ([]byte, error) {
	size, err := png.DecodeConfig(bytes.NewReader(in))
	if err != nil {
		return nil, err
	}
	if size.Width > paintPixels+1 || size.Height > paintPixels+1 {
		return nil, image.ErrFormat
	}
	img, err := png.Decode(bytes.NewReader(in))
	if err != nil {
		return nil, err
	}
	at := img.Bounds()
	out := image.NewPaletted(image.Rect(0, 0, at.Dx(), at.Dy()), pagePalette())
	for y := range at.Dy() {
		for x := range at.Dx() {
			r, g, b, _ := img.At(at.Min.X+x, at.Min.Y+y).RGBA()
			out.Pix[y*out.Stride+x] = paletteIndex(uint8(r>>8), uint8(g>>8), uint8(b>>8))
		}
	}
	var w bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&w, out)
	return w.Bytes(), err
}
