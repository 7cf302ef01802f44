// Package stamps draws demonstration pictures: handwritten-looking signatures
// in blue, initials, and round red seals, as transparent PNGs. The same input
// always makes the same picture; none of them belongs to a person or an
// agency, and each seal says that it is a specimen.
package stamps

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math"
)

// Inks of the pictures.
var (
	blue = color.NRGBA{R: 0x12, G: 0x2E, B: 0xA8, A: 0xFF}
	red  = color.NRGBA{R: 0xD8, G: 0x14, B: 0x1C, A: 0xFF}
)

// DPI is the resolution of every picture; it is written into its pHYs chunk.
const DPI = 300

// encode writes coverage in one ink as a PNG with its resolution.
func encode(cover *image.Alpha, ink color.NRGBA) ([]byte, error) {
	img := image.NewNRGBA(cover.Bounds())
	for y := range cover.Rect.Dy() {
		for x := range cover.Rect.Dx() {
			ink.A = cover.AlphaAt(x, y).A
			img.SetNRGBA(x, y, ink)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("encoding picture: %w", err)
	}
	return withResolution(b.Bytes()), nil
}

// withResolution puts a pHYs chunk (PNG, Section 11.3.5.3) behind IHDR.
func withResolution(data []byte) []byte {
	const afterIHDR = 8 + 12 + 13 // signature, chunk frame, IHDR's data
	perMetre := uint32(math.Round(DPI / 0.0254))
	chunk := []byte("pHYs")
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = append(chunk, 1) // unit: metre
	out := bytes.Clone(data[:afterIHDR])
	out = binary.BigEndian.AppendUint32(out, uint32(len(chunk)-4))
	out = append(out, chunk...)
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk))
	return append(out, data[afterIHDR:]...)
}

type point struct{ x, y float64 }

func (p point) add(q point) point     { return point{p.x + q.x, p.y + q.y} }
func (p point) sub(q point) point     { return point{p.x - q.x, p.y - q.y} }
func (p point) scale(k float64) point { return point{p.x * k, p.y * k} }
func (p point) length() float64       { return math.Hypot(p.x, p.y) }
func (p point) turned(a float64) point {
	s, c := math.Sincos(a)
	return point{c*p.x - s*p.y, s*p.x + c*p.y}
}
func between(p, q point, t float64) point { return p.add(q.sub(p).scale(t)) }
