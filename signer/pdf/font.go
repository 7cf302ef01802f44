package pdf

import "strings"

// font is what text extraction knows of a font (Section 9.5).
type font struct {
	composite bool
	widths    map[uint32]float64 // by code, of composite fonts by CID
	missing   float64            // width of all others
	unicode   *cmap              // ToUnicode, or nil
	encoding  *[256]string       // of simple fonts: text by code
}

// charCode is one character code of a shown string.
type charCode struct {
	code uint32
	n    int // bytes
}

// limits of what is read of a font.
const (
	maxFontWidths = 1 << 17
)

// font loads the font o refers to; fonts by reference are kept.
func (x *extractor) font(o Object) (*font, error) {
	ref, isRef := o.(Ref)
	if isRef {
		if f, ok := x.fonts[ref]; ok {
			return f, nil
		}
	}
	if x.loads++; x.loads > maxFonts {
		return nil, nil
	}
	d, err := DictAt(x.s, o)
	if err != nil || d == nil {
		return nil, err
	}
	f := &font{widths: make(map[uint32]float64)}
	f.composite = d.Name("Subtype") == "Type0"
	if f.composite {
		err = f.loadComposite(x.s, d)
	} else {
		err = f.loadSimple(x.s, d)
	}
	if err != nil {
		return nil, err
	}
	tu, err := x.s.Resolve(d.Get("ToUnicode"))
	if err != nil {
		return nil, err
	}
	if st, ok := tu.(*Stream); ok {
		b, err := x.data(st)
		if err != nil {
			return nil, err
		}
		f.unicode = parseCMap(b)
	}
	if isRef {
		x.fonts[ref] = f
	}
	return f, nil
}

func (f *font) loadSimple(s Source, d *Dict) error {
	base := string(d.Name("BaseFont"))
	f.missing = 500
	if strings.Contains(base, "Courier") {
		f.missing = 600
	}
	desc, err := DictAt(s, d.Get("FontDescriptor"))
	if err != nil {
		return err
	}
	if desc != nil {
		w, err := s.Resolve(desc.Get("MissingWidth"))
		if err != nil {
			return err
		}
		f.missing, _ = Number(w)
	}
	first, err := s.Resolve(d.Get("FirstChar"))
	if err != nil {
		return err
	}
	start, _ := first.(Integer)
	widths, err := listOf(d.Get("Widths"), s)
	if err != nil {
		return err
	}
	scale := 1.0
	if d.Name("Subtype") == "Type3" {
		if m, err := ArrayAt(s, d.Get("FontMatrix")); err == nil && len(m) == 6 {
			if a, ok := Number(m[0]); ok {
				scale = a * 1000
			}
		}
	}
	for i, o := range widths[:min(len(widths), 256)] {
		if w, ok := Number(o); ok {
			f.widths[uint32(int64(start)+int64(i))] = w * scale
		}
	}
	f.encoding, err = simpleEncoding(s, d)
	return err
}

// simpleEncoding reads Encoding: a base and differences (Section 9.6.6).
func simpleEncoding(s Source, d *Dict) (*[256]string, error) {
	o, err := s.Resolve(d.Get("Encoding"))
	if err != nil {
		return nil, err
	}
	switch v := o.(type) {
	case Name:
		return baseEncoding(v), nil
	case *Dict:
		enc := *baseEncoding(v.Name("BaseEncoding"))
		diffs, err := listOf(v.Get("Differences"), s)
		if err != nil {
			return nil, err
		}
		code := Integer(0)
		for _, o := range diffs {
			switch e := o.(type) {
			case Integer:
				code = e
			case Name:
				if code >= 0 && code < 256 {
					enc[code] = glyphText(string(e))
				}
				code++
			}
		}
		return &enc, nil
	}
	return baseEncoding(""), nil
}

func (f *font) loadComposite(s Source, d *Dict) error {
	f.missing = 1000
	list, err := listOf(d.Get("DescendantFonts"), s)
	if err != nil || len(list) == 0 {
		return err
	}
	cid := DictOf(list[0])
	dw, err := s.Resolve(cid.Get("DW"))
	if err != nil {
		return err
	}
	if w, ok := Number(dw); ok {
		f.missing = w
	}
	w, err := listOf(cid.Get("W"), s)
	if err != nil {
		return err
	}
	return f.cidWidths(s, w)
}

// cidWidths reads "c [w1 w2 ...]" and "first last w" (Section 9.7.4.3).
func (f *font) cidWidths(s Source, w Array) error {
	for i := 0; i+1 < len(w); {
		first, ok := Number(w[i])
		if !ok || first < 0 || first > 65535 {
			return nil
		}
		if list, ok := w[i+1].(Array); ok {
			for j, o := range list {
				o, err := s.Resolve(o)
				if err != nil {
					return err
				}
				if v, ok := Number(o); ok && len(f.widths) < maxFontWidths {
					f.widths[uint32(first)+uint32(j)] = v
				}
			}
			i += 2
			continue
		}
		if i+2 >= len(w) {
			return nil
		}
		last, ok1 := Number(w[i+1])
		v, ok2 := Number(w[i+2])
		if !ok1 || !ok2 || last > 65535 {
			return nil
		}
		for c := uint32(first); float64(c) <= last && len(f.widths) < maxFontWidths; c++ {
			f.widths[c] = v
		}
		i += 3
	}
	return nil
}

// codes cuts a string into character codes. Composite fonts are taken to have
// codes of two bytes that are CIDs, as Identity-H has them; other CMaps are
// rare in fonts that are embedded, and then only widths are wrong.
func (f *font) codes(s String) []charCode {
	if !f.composite {
		out := make([]charCode, len(s))
		for i := range len(s) {
			out[i] = charCode{uint32(s[i]), 1}
		}
		return out
	}
	out := make([]charCode, 0, len(s)/2)
	for i := 0; i+1 < len(s); i += 2 {
		out = append(out, charCode{uint32(s[i])<<8 | uint32(s[i+1]), 2})
	}
	return out
}

func (f *font) width(c charCode) float64 {
	if w, ok := f.widths[c.code]; ok {
		return w
	}
	return f.missing
}

func (f *font) text(c charCode) []rune {
	if f.unicode != nil {
		if t, ok := f.unicode.lookup(c.code); ok {
			return t
		}
	}
	if f.encoding != nil && c.code < 256 {
		return []rune(f.encoding[c.code])
	}
	return nil
}
