package validate

import (
	"slices"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// Flags of annotations and fields (ISO 32000-1, Tables 165 and 221).
const (
	flagHidden   = 2 | 32 // Hidden, NoView
	flagReadOnly = 1
)

// valueRules adds what may change of a field that was there: an empty signature field may be
// signed, an empty text field filled. The rest of its looks follows from that.
func (x *comparison) valueRules(n *node, before, after *pdf.Dict, rules map[pdf.Name]rule) error {
	value, err := x.new.Resolve(after.Get("V"))
	if err != nil {
		return err
	}
	own, err := x.old.Resolve(before.Get("V"))
	if err != nil {
		return err
	}
	changed := x.valueChanged(own, value, before.Get("V"), after.Get("V"))
	if changed {
		if err := x.judgeValue(n, value, after.Get("V")); err != nil {
			return err
		}
		rules["V"] = func(pdf.Object, pdf.Object) error { return nil }
	}
	rules["Ff"] = x.fieldFlags(n)
	if n.typ != "Sig" {
		rules["I"] = x.onlyWith(n, "I")
		rules["RV"] = x.onlyWith(n, "RV")
	}
	x.looks(*n, before, rules)
	return nil
}

// valueChanged compares values by content.
func (x *comparison) valueChanged(before, after, rawBefore, rawAfter pdf.Object) bool {
	if x.differs(rawBefore, rawAfter) {
		_, isDict := after.(*pdf.Dict)
		return isDict || !equal(before, after)
	}
	return false
}

// judgeValue judges a value that was changed, and notes that widgets may follow.
func (x *comparison) judgeValue(n *node, value, raw pdf.Object) error {
	if x.c.rules.locked(n.name) {
		x.locked = append(x.locked, n.name)
	}
	switch {
	case value == nil:
		x.fault("field " + n.name + ": value removed")
	case n.typ == "Sig" && n.value != nil:
		x.fault("field " + n.name + ": signature replaced")
	case n.typ == "Sig":
		n.signed = true
		return x.newSignature(*n, raw)
	case emptyValue(n.value) || x.permits() >= 2:
		n.filled = true
		x.raise(FormFilling)
		if !slices.Contains(x.filled, n.name) {
			x.filled = append(x.filled, n.name)
		}
	default:
		x.fault("field " + n.name + ": text replaced")
	}
	return nil
}

// permits is the document's DocMDP permission: that of the certification, or stricter.
func (x *comparison) permits() int {
	p := x.c.rules.level
	for _, c := range x.c.v.found {
		if c.rules.certifies && c.revision >= 0 && c.revision <= x.c.revision && (p == 0 || c.rules.level < p) {
			p = c.rules.level
		}
	}
	return p
}

// emptyValue reports whether a field with this value shows nothing.
func emptyValue(o pdf.Object) bool {
	switch v := o.(type) {
	case nil:
		return true
	case pdf.String:
		return pdf.Text(v) == ""
	case pdf.Name:
		return v == "Off" || v == ""
	case pdf.Array:
		return len(v) == 0
	}
	return false
}

// newSignature judges the signature that an empty or new field got.
func (x *comparison) newSignature(n node, raw pdf.Object) error {
	d, err := pdf.DictAt(x.new, raw)
	if err != nil {
		return err
	}
	ref, ok := raw.(pdf.Ref)
	if !ok || d == nil || !d.Has("ByteRange") || !d.Has("Contents") || !x.added[ref.Num] {
		x.fault("field " + n.name + ": no new signature")
		return nil
	}
	if d.Name("Type") == "DocTimeStamp" && d.Name("SubFilter") == "ETSI.RFC3161" {
		x.raise(LTAUpdates)
		return nil
	}
	x.raise(FormFilling)
	return nil
}

// fieldFlags lets a field that got its value become read-only.
func (x *comparison) fieldFlags(n *node) rule {
	return func(a, b pdf.Object) error {
		p, _ := a.(pdf.Integer)
		q, ok := b.(pdf.Integer)
		if equal(a, b) || ok && q&^flagReadOnly == p&^flagReadOnly && (n.filled || n.signed) {
			return nil
		}
		x.fault("field " + n.name + "/Ff")
		return nil
	}
}

// onlyWith lets a key change together with the value.
func (x *comparison) onlyWith(n *node, key pdf.Name) rule {
	return func(a, b pdf.Object) error {
		if n.filled {
			return nil
		}
		if !equal(a, b) {
			x.fault("field " + n.name + "/" + string(key))
		}
		x.strict(b, "field "+n.name+"/"+string(key))
		return nil
	}
}

// looks adds what may change of a widget together with the value of its field: its
// appearance, flags that don't hide or unhide it, and its date. Its Rect, fonts (DA) and
// everything else stay.
func (x *comparison) looks(n node, before *pdf.Dict, rules map[pdf.Name]rule) {
	follows := n.filled || n.signed
	rules["AP"] = func(a, b pdf.Object) error {
		if follows {
			if b == nil && a != nil {
				x.fault("field " + n.name + "/AP")
			}
			return nil
		}
		return x.sameLooks(n, a, b)
	}
	rules["AS"] = func(a, b pdf.Object) error {
		if !follows && !equal(a, b) {
			x.fault("field " + n.name + "/AS")
		}
		return nil
	}
	rules["F"] = func(a, b pdf.Object) error {
		p, _ := a.(pdf.Integer)
		q, ok := b.(pdf.Integer)
		hidden := p&flagHidden != q&flagHidden && !flat(x.old, before)
		if !equal(a, b) && (!follows || !ok || hidden) {
			x.fault("field " + n.name + "/F")
		}
		return nil
	}
	rules["StructParent"] = func(a, b pdf.Object) error {
		if _, ok := b.(pdf.Integer); !equal(a, b) && (a != nil || !ok || !follows) {
			x.fault("field " + n.name + "/StructParent")
		}
		return nil
	}
	rules["M"] = func(a, b pdf.Object) error {
		if !follows && !equal(a, b) {
			x.fault("field " + n.name + "/M")
		}
		return nil
	}
}

// flat reports whether a widget has no area.
func flat(s pdf.Source, d *pdf.Dict) bool {
	r, ok, err := pdf.RectAt(s, d.Get("Rect"))
	return err == nil && (!ok || r.Width() == 0 || r.Height() == 0)
}

// sameLooks compares the appearance of a field whose value stayed. An appearance that was
// made anew passes only when it shows nothing, as an empty field does.
func (x *comparison) sameLooks(n node, a, b pdf.Object) error {
	if equal(a, b) {
		x.strict(b, "field "+n.name+"/AP")
		return nil
	}
	x.fault("field " + n.name + "/AP")
	return nil
}
