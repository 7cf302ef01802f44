package pdf

import (
	"iter"
	"slices"
)

// RootRef returns the reference of the catalog.
func RootRef(s Source) (Ref, error) {
	ref, ok := s.Trailer().Get("Root").(Ref)
	if !ok {
		return Ref{}, refuse(Damaged, "trailer without Root")
	}
	return ref, nil
}

// Catalog returns the document's catalog (Section 7.7.2).
func Catalog(s Source) (*Dict, error) {
	ref, err := RootRef(s)
	if err != nil {
		return nil, err
	}
	d, err := DictAt(s, ref)
	if err != nil {
		return nil, err
	}
	if d == nil || !d.Has("Pages") {
		return nil, refuse(Damaged, "the catalog is missing or has no pages")
	}
	return d, nil
}

// Version returns the document's PDF version: the catalog's when it is higher
// than the header's.
func Version(v *View) (string, error) {
	d, err := Catalog(v)
	if err != nil {
		return "", err
	}
	return max(v.r.version, string(d.Name("Version"))), nil
}

// DictAt resolves o to the dictionary of a dictionary or stream; nil when it is
// null or something else.
func DictAt(s Source, o Object) (*Dict, error) {
	o, err := s.Resolve(o)
	if err != nil {
		return nil, err
	}
	return DictOf(o), nil
}

// ArrayAt resolves o to an array; nil when it is null or something else.
func ArrayAt(s Source, o Object) (Array, error) {
	o, err := s.Resolve(o)
	if err != nil {
		return nil, err
	}
	a, _ := o.(Array)
	return a, nil
}

// Rect is a rectangle: left, bottom, right, top, with left <= right and bottom
// <= top.
type Rect [4]float64

// Width returns the horizontal extent.
func (r Rect) Width() float64 { return r[2] - r[0] }

// Height returns the vertical extent.
func (r Rect) Height() float64 { return r[3] - r[1] }

// Array returns the rectangle as an object.
func (r Rect) Array() Array { return Array{Real(r[0]), Real(r[1]), Real(r[2]), Real(r[3])} }

// RectAt resolves o to a rectangle; false when it is none.
func RectAt(s Source, o Object) (Rect, bool, error) {
	a, err := ArrayAt(s, o)
	if err != nil || len(a) < 4 {
		return Rect{}, false, err
	}
	var r Rect
	for i := range r {
		o, err := s.Resolve(a[i])
		if err != nil {
			return r, false, err
		}
		f, ok := Number(o)
		if !ok {
			return Rect{}, false, nil
		}
		r[i] = f
	}
	return Rect{min(r[0], r[2]), min(r[1], r[3]), max(r[0], r[2]), max(r[1], r[3])}, true, nil
}

// Page is a page with what it inherits (Section 7.7.3.4).
type Page struct {
	Ref       Ref // zero for a page that is, wrongly, a direct object
	Number    int // from 1
	Dict      *Dict
	MediaBox  Rect // US Letter when the file has none
	CropBox   Rect // inside MediaBox
	Rotate    int  // 0, 90, 180 or 270, clockwise
	Resources *Dict
	Parents   []Ref // from the root of the page tree
}

// Limits of the page tree.
const (
	maxPageDepth = 64
	maxPageNodes = 2 << 20
)

// pageWalk is a depth-first walk over the page tree.
type pageWalk struct {
	s     Source
	count int // pages so far
	nodes int
	yield func(*Page, error) bool
}

// Pages yields the pages in order. An error ends the walk. A node that is its
// own ancestor is passed over, as is a kid that is no dictionary.
func Pages(s Source) iter.Seq2[*Page, error] {
	return func(yield func(*Page, error) bool) {
		cat, err := Catalog(s)
		if err != nil {
			yield(nil, err)
			return
		}
		w := &pageWalk{s: s, yield: yield}
		root := &Page{MediaBox: Rect{0, 0, 612, 792}}
		if _, err := w.node(cat.Get("Pages"), root, nil); err != nil {
			yield(nil, err)
		}
	}
}

// node visits a page or an inner node; false stops the walk.
func (w *pageWalk) node(o Object, inherited *Page, parents []Ref) (bool, error) {
	if w.nodes++; w.nodes > maxPageNodes {
		return false, refuse(TooLarge, "page tree of more than %d nodes", maxPageNodes)
	}
	ref, _ := o.(Ref)
	if ref != (Ref{}) && slices.Contains(parents, ref) {
		return true, nil
	}
	d, err := DictAt(w.s, o)
	if err != nil || d == nil {
		return err == nil, err
	}
	p := &Page{Ref: ref, Dict: d, MediaBox: inherited.MediaBox, CropBox: inherited.CropBox,
		Rotate: inherited.Rotate, Resources: inherited.Resources, Parents: parents}
	if err := p.inherit(w.s); err != nil {
		return false, err
	}
	kids, err := ArrayAt(w.s, d.Get("Kids"))
	if err != nil {
		return false, err
	}
	if kids == nil || d.Name("Type") == "Page" {
		if d.Name("Type") == "Pages" {
			return true, nil // an inner node without kids
		}
		w.count++
		p.Number = w.count
		p.settleBoxes()
		return w.yield(p, nil), nil
	}
	if len(parents) >= maxPageDepth {
		return false, refuse(TooDeep, "page tree deeper than %d", maxPageDepth)
	}
	down := append(slices.Clip(parents), ref)
	for _, kid := range kids {
		if more, err := w.node(kid, p, down); err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

// inherit replaces what the node's own dictionary has.
func (p *Page) inherit(s Source) error {
	for _, b := range []struct {
		key Name
		to  *Rect
	}{{"MediaBox", &p.MediaBox}, {"CropBox", &p.CropBox}} {
		r, ok, err := RectAt(s, p.Dict.Get(b.key))
		if err != nil {
			return err
		}
		if ok {
			*b.to = r
		}
	}
	o, err := s.Resolve(p.Dict.Get("Rotate"))
	if err != nil {
		return err
	}
	if n, ok := Number(o); ok {
		p.Rotate = ((int(n)/90*90)%360 + 360) % 360
	}
	res, err := DictAt(s, p.Dict.Get("Resources"))
	if res != nil {
		p.Resources = res
	}
	return err
}

func (p *Page) settleBoxes() {
	c, m := p.CropBox, p.MediaBox
	if c == (Rect{}) {
		p.CropBox = m
		return
	}
	c = Rect{max(c[0], m[0]), max(c[1], m[1]), min(c[2], m[2]), min(c[3], m[3])}
	if c[0] >= c[2] || c[1] >= c[3] {
		c = m
	}
	p.CropBox = c
}

// PageAt returns page n, counting from 1. That there are fewer is an error of
// reason TypeMismatch.
func PageAt(s Source, n int) (*Page, error) {
	for p, err := range Pages(s) {
		if err != nil {
			return nil, err
		}
		if p.Number == n {
			return p, nil
		}
	}
	return nil, refuse(TypeMismatch, "the document has no page %d", n)
}

// PageOfAnnotation returns the page whose Annots name ref; nil when none does.
func PageOfAnnotation(s Source, ref Ref) (*Page, error) {
	for p, err := range Pages(s) {
		if err != nil {
			return nil, err
		}
		annots, err := ArrayAt(s, p.Dict.Get("Annots"))
		if err != nil {
			return nil, err
		}
		if slices.Contains(annots, Object(ref)) {
			return p, nil
		}
	}
	return nil, nil
}
