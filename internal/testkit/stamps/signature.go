package stamps

import (
	"hash/fnv"
	"image"
	"math"
	"math/rand/v2"
)

// Size of a signature in pixels: 60 mm x 25 mm.
const (
	signatureWidth  = 709
	signatureHeight = 295
)

// Signature draws a signature in blue ink. The name only seeds the shape:
// different names look different, and nothing in it can be read.
func Signature(name string) ([]byte, error) {
	rnd := seeded(name)
	c := newPen(signatureWidth, signatureHeight)
	// Strokes in a frame of 600 x 250, y down.
	// 1. A tall first letter that loops back through its own stem.
	head := []point{
		{70, 150}, {40, 95}, {120, 15}, {165, 25},
		{210, 38}, {95, 200}, {62, 215},
		{30, 228}, {60, 120}, {205, 92},
	}
	// 2. A running hand: humps that get flatter to the end.
	hand := []point{{150, 160}}
	x := 150.0
	for i := range 7 {
		high := 58 - 6*float64(i) + rnd.Float64()*16
		step := 34 + rnd.Float64()*16
		lean := 8 + rnd.Float64()*10
		hand = append(hand,
			point{x + lean, 160 - high}, point{x + step, 158 - high}, point{x + step*0.82, 142},
			point{x + step*0.7, 172 + rnd.Float64()*8}, point{x + step, 170}, point{x + step*1.15, 150})
		x += step * 1.15
	}
	// 3. A tall letter within, and the flourish that underlines it all.
	mid := 300 + rnd.Float64()*60
	tall := []point{
		{mid - 20, 165}, {mid + 30, 90}, {mid + 62, 22}, {mid + 38, 26},
		{mid + 8, 32}, {mid - 8, 150}, {mid + 4, 205},
		{mid + 10, 240}, {mid - 40, 232}, {mid - 30, 196},
	}
	end := x - 10
	flourish := []point{
		{end, 150}, {end + 70, 60}, {end + 40, 40}, {end - 10, 110},
		{end - 60, 190}, {120, 190}, {96, 214},
		{84, 232}, {320, 205}, {560, 196 + rnd.Float64()*14},
	}
	for i, stroke := range [][]point{head, hand, tall, flourish} {
		for k := range stroke {
			stroke[k] = stroke[k].add(point{(rnd.Float64() - 0.5) * 12, (rnd.Float64() - 0.5) * 10})
		}
		c.bezier(stroke, 4.6-0.35*float64(i))
	}
	// 4. Two quick marks above, as names in Vietnamese have them.
	for range 2 {
		at := point{200 + rnd.Float64()*180, 62 + rnd.Float64()*20}
		c.bezier([]point{at, at.add(point{8, -6}), at.add(point{16, -13}), at.add(point{25, -17})}, 4.2)
	}
	return encode(c.cover, blue)
}

// Initial draws a small initial (ký nháy), 20 mm x 12 mm.
func Initial(name string) ([]byte, error) {
	rnd := seeded(name)
	c := newPen(236, 142)
	c.scale, c.slope = 1, 0.05
	at := func(x, y float64) point { return point{x + rnd.Float64()*10, y + rnd.Float64()*8} }
	c.bezier([]point{
		at(30, 100), at(40, 40), at(80, 5), at(92, 25),
		at(100, 45), at(50, 110), at(60, 118),
		at(75, 124), at(105, 50), at(118, 62),
		at(128, 75), at(105, 108), at(122, 106),
		at(150, 100), at(170, 70), at(205, 60),
	}, 3.6)
	return encode(c.cover, blue)
}

// seeded makes a generator whose numbers depend on the name alone.
func seeded(name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash doesn't fail
	return rand.New(rand.NewPCG(h.Sum64(), 30))
}

// A pen draws strokes of changing width by distance: a pixel is covered by
// how far it lies within the nearest piece of stroke.
type pen struct {
	cover *image.Alpha
	scale float64 // frame units to pixels
	slope float64 // rise of the base line to the right
}

func newPen(width, height int) *pen {
	return &pen{cover: image.NewAlpha(image.Rect(0, 0, width, height)), scale: float64(width) / 600, slope: 0.06}
}

// bezier draws joined cubic curves: p0 c1 c2 p1 c1 c2 p2 …
func (c *pen) bezier(p []point, width float64) {
	const steps = 60
	var path []point
	for i := 0; i+3 < len(p); i += 3 {
		for s := range steps + 1 {
			t := float64(s) / steps
			a, b, d := between(p[i], p[i+1], t), between(p[i+1], p[i+2], t), between(p[i+2], p[i+3], t)
			q := between(between(a, b, t), between(b, d, t), t)
			q.y -= c.slope * q.x
			path = append(path, q.add(point{0, 15}).scale(c.scale))
		}
	}
	// Ink runs thick downwards, thin upwards, and tapers at both ends.
	n := len(path)
	radius := make([]float64, n)
	for i := range path {
		d := path[min(i+1, n-1)].sub(path[max(i-1, 0)])
		down := 0.5
		if l := d.length(); l > 0 {
			down = 0.5 + 0.5*d.y/l
		}
		edge := float64(min(i, n-1-i)) / 14
		radius[i] = width * c.scale / 2 * (0.55 + 0.75*down) * math.Min(1, 0.35+0.65*edge)
	}
	for range 8 { // pressure does not jump
		for i := 1; i < n-1; i++ {
			radius[i] = (radius[i-1] + 2*radius[i] + radius[i+1]) / 4
		}
	}
	for i := 1; i < n; i++ {
		c.segment(path[i-1], path[i], radius[i-1], radius[i])
	}
}

// segment covers the pixels around a piece of stroke.
func (c *pen) segment(p, q point, rp, rq float64) {
	r := math.Max(rp, rq) + 1
	d := q.sub(p)
	area := image.Rect(int(math.Min(p.x, q.x)-r), int(math.Min(p.y, q.y)-r),
		int(math.Max(p.x, q.x)+r)+2, int(math.Max(p.y, q.y)+r)+2).Intersect(c.cover.Rect)
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			m := point{float64(x) + 0.5, float64(y) + 0.5}.sub(p)
			t := 0.0
			if l := d.x*d.x + d.y*d.y; l > 0 {
				t = math.Max(0, math.Min(1, (m.x*d.x+m.y*d.y)/l))
			}
			a := math.Max(0, math.Min(1, rp+(rq-rp)*t-m.sub(d.scale(t)).length()+0.5))
			if i := c.cover.PixOffset(x, y); byte(a*255) > c.cover.Pix[i] {
				c.cover.Pix[i] = byte(a * 255)
			}
		}
	}
}
