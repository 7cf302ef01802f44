package validate

import (
	"slices"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// acroForm compares the interactive forms (ISO 32000-1, Section 12.7.2).
func (x *comparison) acroForm(a, b pdf.Object) error {
	before, after, err := x.dicts(a, b)
	if err != nil {
		return err
	}
	if after == nil {
		if before != nil {
			x.fault("AcroForm removed")
		}
		return nil
	}
	drawn := false // fields whose appearance readers may make from DA
	if before != nil {
		fields, err := pdf.Fields(x.old)
		if err != nil {
			return err
		}
		for _, f := range fields {
			x.names[f.Name] = true
			drawn = drawn || f.Type != "Sig"
		}
	}
	return x.compare(before, after, "AcroForm", map[pdf.Name]rule{
		"Fields":          func(a, b pdf.Object) error { return x.fieldList(a, b, node{}) },
		"SigFlags":        x.sigFlags,
		"NeedAppearances": x.needAppearances,
		"DA":              func(a, b pdf.Object) error { return x.defaultAppearance(a, b, drawn) },
		"DR":              x.resources,
	})
}

// sigFlags may be set, never cleared (ISO 32000-1, Table 219).
func (x *comparison) sigFlags(a, b pdf.Object) error {
	p, _ := a.(pdf.Integer)
	q, _ := b.(pdf.Integer)
	if p&^q != 0 || q&^7 != 0 {
		x.fault("AcroForm/SigFlags")
	}
	return nil
}

// needAppearances may be dropped; setting it makes readers draw the fields anew.
func (x *comparison) needAppearances(a, b pdf.Object) error {
	if b == pdf.Object(true) && a != pdf.Object(true) {
		x.fault("AcroForm/NeedAppearances")
	}
	return nil
}

// defaultAppearance may be added to a form of which readers draw nothing with it.
func (x *comparison) defaultAppearance(a, b pdf.Object, drawn bool) error {
	if a == nil && b != nil && drawn {
		x.fault("AcroForm/DA")
		return nil
	}
	return x.onlyAdded(a, b, "AcroForm/DA")
}

// onlyAdded allows a value where there was none.
func (x *comparison) onlyAdded(a, b pdf.Object, where string) error {
	if a == nil {
		return nil
	}
	if !equal(a, b) {
		x.fault(where)
	}
	x.strict(b, where)
	return nil
}

// resources allows new names in the form's default resources; what has a name keeps it.
func (x *comparison) resources(a, b pdf.Object) error {
	before, after, err := x.dicts(a, b)
	if err != nil || before == nil {
		return err
	}
	for _, kind := range keysOf(before, nil) {
		var now pdf.Object
		if after != nil {
			now = after.Get(kind)
		}
		p, q, err := x.dicts(before.Get(kind), now)
		if err != nil {
			return err
		}
		if p == nil {
			if !equal(before.Get(kind), now) {
				x.fault("AcroForm/DR/" + string(kind))
			}
			x.strict(now, "AcroForm/DR/"+string(kind))
			continue
		}
		for _, name := range keysOf(p, nil) {
			if q == nil || !equal(p.Get(name), q.Get(name)) {
				x.fault("AcroForm/DR/" + string(kind))
				continue
			}
			x.strict(q.Get(name), "AcroForm/DR/"+string(kind))
		}
	}
	return nil
}

// node is what a field inherits (ISO 32000-1, Section 12.7.3.1).
type node struct {
	name  string
	typ   pdf.Name
	value pdf.Object // V, resolved, in the old revision
	depth int
	ref   pdf.Ref
	// filled says that the field's value was changed, so that its widgets may change too.
	filled, signed bool
}

// fieldList compares Fields or Kids: those that were there stay in their order; others are new.
func (x *comparison) fieldList(a, b pdf.Object, parent node) error {
	before, err := pdf.ArrayAt(x.old, a)
	if err != nil {
		return err
	}
	after, err := pdf.ArrayAt(x.new, b)
	if err != nil {
		return err
	}
	if parent.depth > 32 {
		x.fault("fields nested too deep")
		return nil
	}
	i := 0
	for _, item := range after {
		if i < len(before) && equal(before[i], item) {
			i++
			ref, ok := item.(pdf.Ref)
			if !ok {
				x.strict(item, "AcroForm/Fields")
				continue
			}
			if err := x.field(ref, parent); err != nil {
				return err
			}
			continue
		}
		ref, ok := item.(pdf.Ref)
		if !ok || slices.Contains(before, item) {
			x.fault("AcroForm/Fields")
			continue
		}
		if err := x.newField(ref, parent); err != nil {
			return err
		}
	}
	if i < len(before) {
		x.fault("field removed")
	}
	return nil
}

// field compares a field that was there.
func (x *comparison) field(ref pdf.Ref, parent node) error {
	if x.judged[ref.Num] {
		return nil
	}
	before, after, err := x.both(ref)
	if err != nil {
		return err
	}
	if before == nil || after == nil {
		x.strict(ref, "field")
		return nil
	}
	x.judged[ref.Num] = true
	n, err := x.inherit(before, parent, ref)
	if err != nil {
		return err
	}
	rules := map[pdf.Name]rule{"Parent": x.parent(parent)}
	if err := x.valueRules(&n, before, after, rules); err != nil {
		return err
	}
	if before.Has("Kids") || after.Has("Kids") {
		rules["Kids"] = func(a, b pdf.Object) error { return x.kids(a, b, n) }
	}
	return x.compare(before, after, "field "+n.name, rules)
}

// parent stays what it was. The field that lists this one is judged; another one, in files
// that are not well formed, is reached strictly.
func (x *comparison) parent(p node) rule {
	return func(a, b pdf.Object) error {
		if !equal(a, b) {
			x.fault("field " + p.name + "/Parent")
		}
		x.strict(b, "field/Parent")
		return nil
	}
}

func (x *comparison) inherit(d *pdf.Dict, parent node, ref pdf.Ref) (node, error) {
	n := parent
	n.ref, n.depth = ref, parent.depth+1
	t, err := x.old.Resolve(d.Get("T"))
	if err != nil {
		return n, err
	}
	if s, ok := t.(pdf.String); ok {
		if n.name != "" {
			n.name += "."
		}
		n.name += pdf.Text(s)
	}
	ft, err := x.old.Resolve(d.Get("FT"))
	if err != nil {
		return n, err
	}
	if name, ok := ft.(pdf.Name); ok {
		n.typ = name
	}
	v, err := x.old.Resolve(d.Get("V"))
	if err != nil {
		return n, err
	}
	if v != nil {
		n.value = v
	}
	return n, nil
}

// kids compares the kids of a field: fields below it, or its widgets.
func (x *comparison) kids(a, b pdf.Object, n node) error {
	list, err := pdf.ArrayAt(x.old, a)
	if err != nil {
		return err
	}
	for _, item := range list {
		d, err := pdf.DictAt(x.old, item)
		if err != nil {
			return err
		}
		if d != nil && (d.Has("T") || d.Has("Kids")) {
			return x.fieldList(a, b, n)
		}
	}
	now, err := pdf.ArrayAt(x.new, b)
	if err != nil {
		return err
	}
	if !equal(list, now) {
		x.fault("field " + n.name + "/Kids")
		return nil
	}
	for _, item := range list {
		ref, ok := item.(pdf.Ref)
		if !ok {
			x.strict(item, "widget")
			continue
		}
		if err := x.widget(ref, n); err != nil {
			return err
		}
	}
	return nil
}

// widget compares a widget that is not its field.
func (x *comparison) widget(ref pdf.Ref, n node) error {
	before, after, err := x.both(ref)
	if err != nil {
		return err
	}
	if before == nil || after == nil {
		x.strict(ref, "widget")
		return nil
	}
	x.judged[ref.Num] = true
	rules := map[pdf.Name]rule{"Parent": x.parent(n)}
	x.looks(n, before, rules)
	return x.compare(before, after, "field "+n.name, rules)
}
