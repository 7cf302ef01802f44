package appearance

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/draw"
	"image/png"
)

// Limits of a picture, checked before anything is decoded: a seal of 60 mm at
// 600 dpi has two million pixels.
const (
	MaxImageBytes  = 4 << 20
	MaxImagePixels = 4 << 20
)

// opaqueFrom is the alpha from which a 1-bit mask paints a pixel.
const opaqueFrom = 128

// NewImage decodes a PNG and splits it for the target: colours, and the alpha
// as a soft mask or, for PDFA1, as a 1-bit mask. A picture that isn't a PNG is
// ErrImageFormat, one beyond the limits ErrImageTooLarge.
func NewImage(resource string, data []byte, target Target) (Image, error) {
	if len(data) > MaxImageBytes {
		return Image{}, fmt.Errorf("%d bytes: %w", len(data), ErrImageTooLarge)
	}
	cfg, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return Image{}, fmt.Errorf("%w: %w", ErrImageFormat, err)
	}
	// Each side first: the product of two huge ones could wrap around.
	if cfg.Width > MaxImagePixels || cfg.Height > MaxImagePixels ||
		cfg.Width*cfg.Height > MaxImagePixels {
		return Image{}, fmt.Errorf("%d x %d pixels: %w", cfg.Width, cfg.Height, ErrImageTooLarge)
	}
	src, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return Image{}, fmt.Errorf("%w: %w", ErrImageFormat, err)
	}
	img := Image{Resource: resource, Width: cfg.Width, Height: cfg.Height, Target: target}
	rgb, alpha := split(src)
	var z deflater
	if img.RGB, err = z.flate(rgb); err != nil {
		return Image{}, err
	}
	if bytes.Count(alpha, []byte{0xFF}) == len(alpha) {
		return img, nil
	}
	if target == PDFA1 {
		img.Stencil = true
		alpha = stencil(alpha, img.Width, img.Height)
	}
	img.Mask, err = z.flate(alpha)
	return img, err
}

// split separates colours from alpha. Pixels that can't be seen get the mean
// of those that can: a viewer that smooths the picture mixes neighbours, and
// black or white ones would leave a fringe around the ink.
func split(src image.Image) (rgb, alpha []byte) {
	img, ok := src.(*image.NRGBA)
	if !ok {
		img = image.NewNRGBA(src.Bounds())
		draw.Draw(img, img.Rect, src, img.Rect.Min, draw.Src)
	}
	n := img.Rect.Dx() * img.Rect.Dy() // a decoded or new picture has no gaps
	rgb, alpha = make([]byte, 3*n), make([]byte, n)
	var sum [3]uint64
	var weight uint64
	for i := range alpha {
		p := img.Pix[4*i : 4*i+4 : 4*i+4]
		rgb[3*i], rgb[3*i+1], rgb[3*i+2], alpha[i] = p[0], p[1], p[2], p[3]
		if a := uint64(p[3]); a > 0 {
			weight += a
			sum[0] += a * uint64(p[0])
			sum[1] += a * uint64(p[1])
			sum[2] += a * uint64(p[2])
		}
	}
	if weight == 0 {
		return rgb, alpha
	}
	for i, a := range alpha {
		if a == 0 {
			for k := range 3 {
				rgb[3*i+k] = byte(sum[k] / weight)
			}
		}
	}
	return rgb, alpha
}

// stencil packs alpha into an explicit mask: rows padded to bytes, 1 = masked
// out (ISO 32000-1, Section 8.9.6.3).
func stencil(alpha []byte, width, height int) []byte {
	stride := (width + 7) / 8
	bits := make([]byte, stride*height)
	for i, a := range alpha {
		if a < opaqueFrom {
			bits[i/width*stride+i%width/8] |= 0x80 >> (i % width % 8)
		}
	}
	return bits
}

// A deflater compresses one stream after the other. Its state is most of a
// megabyte, so a form's streams share one. The zero value is ready.
type deflater struct{ w *zlib.Writer }

func (d *deflater) flate(data []byte) ([]byte, error) {
	var b bytes.Buffer
	if d.w == nil {
		d.w = zlib.NewWriter(&b)
	} else {
		d.w.Reset(&b)
	}
	if _, err := d.w.Write(data); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	if err := d.w.Close(); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	return b.Bytes(), nil
}
