package pdf

import "slices"

// Field is a terminal field of the interactive form with what it inherits
// (Section 12.7.3).
type Field struct {
	Ref     Ref    // zero for a field that is, wrongly, a direct object
	Name    string // fully qualified, parts joined by dots
	Partial string // its own T
	Dict    *Dict
	Type    Name   // FT: Btn, Tx, Ch, Sig
	Flags   int64  // Ff
	Value   Object // V, unresolved; nil when empty
	DA      String // default appearance, from the form when the field has none
	Parents []Ref  // from the top-level field
	Widgets []Widget
}

// Widget is a field's widget annotation.
type Widget struct {
	Ref    Ref // the field's own when both are one dictionary
	Dict   *Dict
	Merged bool // field and widget are one dictionary
}

// Limits of the field tree.
const (
	maxFieldDepth = 64
	maxFields     = 1 << 20
)

// AcroForm returns the interactive form dictionary; nil when there is none.
func AcroForm(s Source) (*Dict, error) {
	cat, err := Catalog(s)
	if err != nil {
		return nil, err
	}
	return DictAt(s, cat.Get("AcroForm"))
}

type fieldWalk struct {
	s      Source
	seen   map[Ref]bool
	fields []*Field
}

// Fields returns the terminal fields in the order of the form. A field met a
// second time is passed over, so circular trees end.
func Fields(s Source) ([]*Field, error) {
	form, err := AcroForm(s)
	if err != nil || form == nil {
		return nil, err
	}
	top, err := ArrayAt(s, form.Get("Fields"))
	if err != nil {
		return nil, err
	}
	root := &Field{}
	da, err := s.Resolve(form.Get("DA"))
	if err != nil {
		return nil, err
	}
	root.DA, _ = da.(String)
	w := &fieldWalk{s: s, seen: make(map[Ref]bool)}
	for _, o := range top {
		if err := w.visit(o, root, 0); err != nil {
			return nil, err
		}
	}
	return w.fields, nil
}

// FindField returns the field of a fully qualified name; nil when there is
// none.
func FindField(s Source, name string) (*Field, error) {
	fields, err := Fields(s)
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		if f.Name == name {
			return f, nil
		}
	}
	return nil, nil
}

func (w *fieldWalk) visit(o Object, parent *Field, depth int) error {
	if depth > maxFieldDepth {
		return refuse(TooDeep, "fields nested deeper than %d", maxFieldDepth)
	}
	ref, isRef := o.(Ref)
	if isRef {
		if w.seen[ref] {
			return nil
		}
		if w.seen[ref] = true; len(w.seen) > maxFields {
			return refuse(TooLarge, "more than %d fields", maxFields)
		}
	}
	d, err := DictAt(w.s, o)
	if err != nil || d == nil {
		return err
	}
	f, err := w.inherit(ref, d, parent)
	if err != nil {
		return err
	}
	kids, err := ArrayAt(w.s, d.Get("Kids"))
	if err != nil {
		return err
	}
	inner, err := w.kids(f, kids, depth)
	if err != nil || inner {
		return err
	}
	if len(f.Widgets) == 0 && (d.Name("Subtype") == "Widget" || d.Has("Rect")) {
		f.Widgets = []Widget{{Ref: ref, Dict: d, Merged: true}}
	}
	w.fields = append(w.fields, f)
	return nil
}

// kids tells fields from widgets: a kid with a name of its own, or with kids,
// is a field. It reports whether f is an inner node.
func (w *fieldWalk) kids(f *Field, kids Array, depth int) (inner bool, err error) {
	for _, kid := range kids {
		kd, err := DictAt(w.s, kid)
		if err != nil {
			return false, err
		}
		if kd == nil {
			continue
		}
		if kd.Has("T") || kd.Has("Kids") {
			inner = true
			if err := w.visit(kid, f, depth+1); err != nil {
				return false, err
			}
			continue
		}
		kref, _ := kid.(Ref)
		f.Widgets = append(f.Widgets, Widget{Ref: kref, Dict: kd})
		if len(f.Widgets) > maxFields {
			return false, refuse(TooLarge, "more than %d widgets", maxFields)
		}
	}
	return inner, nil
}

func (w *fieldWalk) inherit(ref Ref, d *Dict, parent *Field) (*Field, error) {
	f := &Field{Ref: ref, Dict: d, Name: parent.Name, Type: parent.Type, Flags: parent.Flags,
		Value: parent.Value, DA: parent.DA, Parents: slices.Clip(parent.Parents)}
	if parent.Dict != nil {
		f.Parents = append(f.Parents, parent.Ref)
	}
	get := func(key Name) (Object, error) { return w.s.Resolve(d.Get(key)) }
	t, err := get("T")
	if err != nil {
		return nil, err
	}
	if s, ok := t.(String); ok {
		f.Partial = Text(s)
		if f.Name != "" {
			f.Name += "."
		}
		f.Name += f.Partial
	}
	ft, err := get("FT")
	if err != nil {
		return nil, err
	}
	if n, ok := ft.(Name); ok {
		f.Type = n
	}
	ff, err := get("Ff")
	if err != nil {
		return nil, err
	}
	if n, ok := ff.(Integer); ok {
		f.Flags = int64(n)
	}
	da, err := get("DA")
	if err != nil {
		return nil, err
	}
	if s, ok := da.(String); ok {
		f.DA = s
	}
	v, err := get("V")
	if err != nil {
		return nil, err
	}
	if v != nil {
		f.Value = d.Get("V")
	}
	return f, nil
}
