package stamps

import (
	"fmt"
	"image"
	"math"
	"strings"

	"github.com/go-fonts/liberation/liberationserifbold"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
	"golang.org/x/text/unicode/norm"
)

// DiameterMM is the usual diameter of a Vietnamese agency's seal.
const DiameterMM = 36

// A SealText is what stands on a seal. Empty fields are left out.
type SealText struct {
	Above  string // along the upper half of the ring: the managing agency
	Centre string // lines in the middle, separated by \n; none: a large star
	Below  string // along the lower half; empty means "MẪU THỬ" (specimen)
}

// Seal draws a round red seal of the given diameter, in millimetres.
func Seal(diameterMM float64, text SealText) ([]byte, error) {
	face, err := sfnt.Parse(liberationserifbold.TTF)
	if err != nil {
		return nil, fmt.Errorf("reading the font: %w", err)
	}
	n := int(math.Round(diameterMM / 25.4 * DPI))
	if n < 40 || n > 4000 {
		return nil, fmt.Errorf("seal of %.1f mm is %d pixels wide", diameterMM, n)
	}
	if text.Below == "" {
		text.Below = "MẪU THỬ"
	}
	s := sealer{face: face, ink: vector.NewRasterizer(n, n), mid: float64(n) / 2, unit: float64(n) / 2 / 100}
	// Radii in hundredths of the seal's own.
	s.ring(99, 95.5)
	s.ring(93.5, 92.5)
	s.ring(63, 62)
	if err := s.around(text.Above, 17, 70.5, 2*math.Pi*0.64, false); err != nil {
		return nil, err
	}
	if err := s.around(text.Below, 12, 83, 2*math.Pi*0.28, true); err != nil {
		return nil, err
	}
	s.star(s.polar(78, math.Pi*1.22), 6)
	s.star(s.polar(78, -math.Pi*0.22), 6)
	if text.Centre == "" {
		s.star(point{s.mid, s.mid}, 46)
	} else if err := s.centre(strings.Split(text.Centre, "\n")); err != nil {
		return nil, err
	}
	cover := image.NewAlpha(image.Rect(0, 0, n, n))
	s.ink.Draw(cover, cover.Rect, image.Opaque, image.Point{})
	return encode(cover, red)
}

type sealer struct {
	face      *sfnt.Font
	buf       sfnt.Buffer
	ink       *vector.Rasterizer
	mid, unit float64 // centre, and a hundredth of the radius, in pixels
}

// polar is a point at a radius and an angle, counter-clockwise from the right.
func (s *sealer) polar(radius, angle float64) point {
	sin, cos := math.Sincos(angle)
	return point{s.mid + radius*s.unit*cos, s.mid - radius*s.unit*sin}
}

// ring fills between two circles: the inner one runs the other way.
func (s *sealer) ring(outer, inner float64) {
	for _, c := range []struct{ r, dir float64 }{{outer, 1}, {inner, -1}} {
		const sides = 720
		for i := range sides {
			s.to(i == 0, s.polar(c.r, c.dir*2*math.Pi*float64(i)/sides))
		}
		s.ink.ClosePath()
	}
}

func (s *sealer) star(at point, radius float64) {
	for i := range 10 {
		r := radius * s.unit
		if i%2 == 1 {
			r *= 0.381966 // of a regular pentagram
		}
		s.to(i == 0, at.add(point{0, -r}.turned(-math.Pi/5*float64(i))))
	}
	s.ink.ClosePath()
}

func (s *sealer) to(start bool, p point) {
	if start {
		s.ink.MoveTo(float32(p.x), float32(p.y))
	} else {
		s.ink.LineTo(float32(p.x), float32(p.y))
	}
}

// around sets text on an arc of at most the given angle, centred on the top
// or, reading from left to right as well, on the bottom. The base line is at
// radius; letters shrink when the text is too long.
func (s *sealer) around(text string, size, radius, most float64, bottom bool) error {
	text = norm.NFC.String(text)
	width, err := s.width(text, size)
	if err != nil {
		return err
	}
	spacing := 0.0
	if n := float64(len([]rune(text))); width > most*radius {
		size *= most * radius / width
		width = most * radius
	} else if n > 1 {
		spacing = math.Min(size*0.25, (most*radius-width)/(n-1))
		width += spacing * (n - 1)
	}
	dir := -1.0 // clockwise along the top
	angle := math.Pi/2 + width/radius/2
	if bottom {
		dir = 1
		angle = -math.Pi/2 - width/radius/2
	}
	for _, r := range text {
		w, err := s.width(string(r), size)
		if err != nil {
			return err
		}
		angle += dir * w / radius / 2
		turn := math.Pi/2 - angle // letters stand on the arc
		if bottom {
			turn = -math.Pi/2 - angle
		}
		base := s.polar(radius, angle)
		err = s.glyph(r, size, func(p point) point {
			return base.add(point{p.x - w*s.unit/2, p.y}.turned(turn))
		})
		if err != nil {
			return err
		}
		angle += dir * (w/2 + spacing) / radius
	}
	return nil
}

// centre sets up to a few lines in the inner circle.
func (s *sealer) centre(lines []string) error {
	size := 20.0
	for i, line := range lines {
		lines[i] = norm.NFC.String(line)
		w, err := s.width(lines[i], 1)
		if err != nil {
			return err
		}
		size = math.Min(size, 104/w)
	}
	size = math.Min(size, 80/float64(len(lines))/1.3)
	for i, line := range lines {
		w, err := s.width(line, size)
		if err != nil {
			return err
		}
		x := s.mid - w*s.unit/2
		y := s.mid + s.unit*size*(1.3*(float64(i)-float64(len(lines)-1)/2)+0.36)
		for _, r := range line {
			if err := s.glyph(r, size, func(p point) point { return p.add(point{x, y}) }); err != nil {
				return err
			}
			w, _ := s.width(string(r), size)
			x += w * s.unit
		}
	}
	return nil
}

// width is the advance of a text, in hundredths of the radius.
func (s *sealer) width(text string, size float64) (float64, error) {
	ppem := fixed.I(1000)
	sum := 0.0
	for _, r := range text {
		g, err := s.face.GlyphIndex(&s.buf, r)
		if err != nil || g == 0 {
			return 0, fmt.Errorf("no glyph for %q: %w", r, err)
		}
		adv, err := s.face.GlyphAdvance(&s.buf, g, ppem, font.HintingNone)
		if err != nil {
			return 0, fmt.Errorf("glyph of %q: %w", r, err)
		}
		sum += float64(adv) / 64 / 1000 * size
	}
	return sum, nil
}

// glyph fills a letter's outline, each point carried to its place by put.
func (s *sealer) glyph(r rune, size float64, put func(point) point) error {
	g, err := s.face.GlyphIndex(&s.buf, r)
	if err != nil {
		return fmt.Errorf("glyph of %q: %w", r, err)
	}
	outline, err := s.face.LoadGlyph(&s.buf, g, fixed.I(1000), nil)
	if err != nil {
		return fmt.Errorf("glyph of %q: %w", r, err)
	}
	at := func(p fixed.Point26_6) (float32, float32) {
		q := put(point{float64(p.X), float64(p.Y)}.scale(size * s.unit / 64 / 1000))
		return float32(q.x), float32(q.y)
	}
	for _, seg := range outline {
		x, y := at(seg.Args[0])
		switch seg.Op {
		case sfnt.SegmentOpMoveTo:
			s.ink.ClosePath()
			s.ink.MoveTo(x, y)
		case sfnt.SegmentOpLineTo:
			s.ink.LineTo(x, y)
		case sfnt.SegmentOpQuadTo:
			x1, y1 := at(seg.Args[1])
			s.ink.QuadTo(x, y, x1, y1)
		case sfnt.SegmentOpCubeTo:
			x1, y1 := at(seg.Args[1])
			x2, y2 := at(seg.Args[2])
			s.ink.CubeTo(x, y, x1, y1, x2, y2)
		}
	}
	s.ink.ClosePath()
	return nil
}
