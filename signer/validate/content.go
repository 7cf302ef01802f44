package validate

import (
	"slices"
	"strconv"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// matrix is a b c d e f as in ISO 32000-1, Section 8.3.4.
type matrix [6]float64

// mul returns m followed by n.
func (m matrix) mul(n matrix) matrix {
	return matrix{m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3], m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5]}
}

// box returns the bounds of a rectangle under m.
func (m matrix) box(r pdf.Rect) pdf.Rect {
	out := pdf.Rect{1e9, 1e9, -1e9, -1e9}
	for _, p := range [4][2]float64{{r[0], r[1]}, {r[2], r[1]}, {r[0], r[3]}, {r[2], r[3]}} {
		x, y := p[0]*m[0]+p[1]*m[2]+m[4], p[0]*m[1]+p[1]*m[3]+m[5]
		out = pdf.Rect{min(out[0], x), min(out[1], y), max(out[2], x), max(out[3], y)}
	}
	return out
}

// painter finds where a content stream paints pictures and paths (Sections 8.5 and 8.8).
// It is no renderer: clipping, colours and masks are left out, so it sees too much rather
// than too little.
type painter struct {
	s        pdf.Source
	pictures []pdf.Rect
	paths    []pdf.Rect
	budget   int
}

const (
	maxPainted  = 16 << 20 // bytes of content
	maxPlaces   = 100_000
	maxPainting = 8 // forms inside forms
)

// paintedOn returns the places of pictures and of paths on a page.
func paintedOn(s pdf.Source, p *pdf.Page) (pictures, paths []pdf.Rect, err error) {
	w := &painter{s: s, budget: maxPainted}
	o, err := s.Resolve(p.Dict.Get("Contents"))
	if err != nil {
		return nil, nil, err
	}
	list, ok := o.(pdf.Array)
	if !ok {
		list = pdf.Array{o}
	}
	var data []byte
	for _, item := range list {
		part, err := w.data(item)
		if err != nil {
			return nil, nil, err
		}
		data = append(append(data, part...), '\n')
	}
	err = w.run(data, p.Resources, matrix{1, 0, 0, 1, 0, 0}, 0)
	return w.pictures, w.paths, err
}

func (w *painter) data(o pdf.Object) ([]byte, error) {
	o, err := w.s.Resolve(o)
	if err != nil {
		return nil, err
	}
	st, ok := o.(*pdf.Stream)
	if !ok {
		return nil, nil
	}
	b, err := w.s.StreamData(st, int64(w.budget))
	w.budget -= len(b)
	return b, err
}

// state is what q and Q save.
type state struct{ ctm matrix }

// run interprets one stream.
func (w *painter) run(data []byte, res *pdf.Dict, ctm matrix, depth int) error {
	sc := scanner{b: data}
	st := state{ctm}
	var stack []state
	var args []float64
	var name pdf.Name
	path := emptyBox
	for {
		t, kind := sc.next()
		switch kind {
		case tokenEnd:
			return nil
		case tokenNumber:
			if f, err := strconv.ParseFloat(t, 64); err == nil && len(args) < 64 {
				args = append(args, f)
			}
			continue
		case tokenName:
			name = pdf.Name(t)
			continue
		case tokenOther:
			continue
		}
		switch t {
		case "q":
			if len(stack) < 512 {
				stack = append(stack, st)
			}
		case "Q":
			if n := len(stack); n > 0 {
				st, stack = stack[n-1], stack[:n-1]
			}
		case "cm":
			if len(args) >= 6 {
				st.ctm = matrix(args[len(args)-6:]).mul(st.ctm)
			}
		case "Do":
			if err := w.object(name, res, st.ctm, depth); err != nil {
				return err
			}
		case "BI":
			sc.skipInline()
			w.note(&w.pictures, st.ctm.box(pdf.Rect{0, 0, 1, 1}))
		case "m", "l", "c", "v", "y":
			for i := 0; i+1 < len(args); i += 2 {
				path = grow(path, st.ctm.box(pdf.Rect{args[i], args[i+1], args[i], args[i+1]}))
			}
		case "re":
			if len(args) >= 4 {
				path = grow(path, st.ctm.box(pdf.Rect{args[0], args[1], args[0] + args[2], args[1] + args[3]}))
			}
		case "f", "F", "f*", "B", "B*", "b", "b*", "S", "s":
			w.note(&w.paths, path)
			path = emptyBox
		case "n":
			path = emptyBox
		}
		args = args[:0]
	}
}

var emptyBox = pdf.Rect{1e9, 1e9, -1e9, -1e9}

func grow(a, b pdf.Rect) pdf.Rect {
	return pdf.Rect{min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])}
}

func (w *painter) note(list *[]pdf.Rect, r pdf.Rect) {
	if r[0] <= r[2] && len(*list) < maxPlaces {
		*list = append(*list, r)
	}
}

// object paints an XObject.
func (w *painter) object(name pdf.Name, res *pdf.Dict, ctm matrix, depth int) error {
	if res == nil || depth >= maxPainting || w.budget <= 0 {
		return nil
	}
	all, err := pdf.DictAt(w.s, res.Get("XObject"))
	if err != nil || all == nil {
		return err
	}
	o, err := w.s.Resolve(all.Get(name))
	if err != nil {
		return err
	}
	st, ok := o.(*pdf.Stream)
	if !ok {
		return nil
	}
	if st.Name("Subtype") == "Image" {
		w.note(&w.pictures, ctm.box(pdf.Rect{0, 0, 1, 1}))
		return nil
	}
	inner := res
	if own, err := pdf.DictAt(w.s, st.Get("Resources")); err != nil {
		return err
	} else if own != nil {
		inner = own
	}
	m := matrix{1, 0, 0, 1, 0, 0}
	if a, err := pdf.ArrayAt(w.s, st.Get("Matrix")); err == nil && len(a) == 6 && !slices.ContainsFunc(a, func(o pdf.Object) bool { _, ok := pdf.Number(o); return !ok }) {
		for i := range m {
			m[i], _ = pdf.Number(a[i])
		}
	}
	data, err := w.data(st)
	if err != nil {
		return err
	}
	return w.run(data, inner, m.mul(ctm), depth+1)
}
