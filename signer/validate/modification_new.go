package validate

import (
	"github.com/kyso-vn/kyso/signer/pdf"
)

// newWidget is the widget of a signature field that was not there.
type newWidget struct {
	name    string
	rect    pdf.Rect
	visible bool
	pages   []int
}

// Keys that a new signature field and its widget may have: nothing that acts.
var newFieldKeys = []pdf.Name{"Type", "Subtype", "FT", "T", "TU", "TM", "V", "F", "Ff", "Rect", "P", "AP", "MK", "DA", "Q", "Parent",
	"Kids", "Lock", "SV", "M", "NM", "BS", "Border", "H", "StructParent", "AS", "DR", "Contents", "Lang"}

// newField judges a field that was not there: only signature fields may be added, under a
// name that no field has.
func (x *comparison) newField(ref pdf.Ref, parent node) error {
	_, d, err := x.both(ref)
	if err != nil {
		return err
	}
	if d == nil || !x.added[ref.Num] || x.judged[ref.Num] {
		x.fault("AcroForm/Fields")
		return nil
	}
	x.judged[ref.Num] = true
	n, err := x.inheritNew(d, parent, ref)
	if err != nil {
		return err
	}
	if n.typ != "Sig" || x.names[n.name] || n.name == "" {
		x.fault("new field " + n.name)
		return nil
	}
	x.names[n.name] = true
	x.allowedKeys(d, n.name)
	if x.c.rules.lockedByName(n.name) {
		x.locked = append(x.locked, n.name)
	}
	if d.Has("V") {
		if err := x.newSignature(n, d.Get("V")); err != nil {
			return err
		}
	} else {
		x.raise(FormFilling)
	}
	if !d.Has("Kids") {
		return x.addWidget(ref, d, n)
	}
	return x.newKids(d.Get("Kids"), n)
}

func (x *comparison) inheritNew(d *pdf.Dict, parent node, ref pdf.Ref) (node, error) {
	n := node{name: parent.name, typ: parent.typ, depth: parent.depth + 1, ref: ref}
	t, err := x.new.Resolve(d.Get("T"))
	if err != nil {
		return n, err
	}
	if s, ok := t.(pdf.String); ok {
		if n.name != "" {
			n.name += "."
		}
		n.name += pdf.Text(s)
	}
	ft, err := x.new.Resolve(d.Get("FT"))
	if name, ok := ft.(pdf.Name); ok {
		n.typ = name
	}
	return n, err
}

// newKids are the widgets of a new field.
func (x *comparison) newKids(o pdf.Object, n node) error {
	kids, err := pdf.ArrayAt(x.new, o)
	if err != nil {
		return err
	}
	for _, item := range kids {
		ref, ok := item.(pdf.Ref)
		if !ok {
			x.fault("new field " + n.name + "/Kids")
			continue
		}
		_, d, err := x.both(ref)
		if err != nil {
			return err
		}
		if d == nil || !x.added[ref.Num] || d.Has("T") || d.Has("Kids") {
			x.fault("new field " + n.name + "/Kids")
			continue
		}
		x.judged[ref.Num] = true
		x.allowedKeys(d, n.name)
		if err := x.addWidget(ref, d, n); err != nil {
			return err
		}
	}
	return nil
}

func (x *comparison) allowedKeys(d *pdf.Dict, name string) {
	if len(d.Duplicates()) > 0 {
		x.fault("new field " + name + ": double keys")
	}
	for _, e := range d.Entries {
		if !contains(newFieldKeys, e.Key) {
			x.fault("new field " + name + "/" + string(e.Key))
		}
	}
}

func (x *comparison) addWidget(ref pdf.Ref, d *pdf.Dict, n node) error {
	rect, ok, err := pdf.RectAt(x.new, d.Get("Rect"))
	if err != nil {
		return err
	}
	flags, _ := d.Int("F")
	visible := ok && rect.Width() > 0 && rect.Height() > 0 && flags&flagHidden == 0
	x.widgets[ref.Num] = &newWidget{name: n.name, rect: rect, visible: visible}
	return nil
}

// lockedByName reports whether a lock names the field; a lock on all fields is about those
// that were there.
func (p permissions) lockedByName(name string) bool {
	for _, l := range p.locks {
		if l.action == "Include" && l.covers(name) {
			return true
		}
	}
	return false
}
