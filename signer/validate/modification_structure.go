package validate

import (
	"slices"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// structure compares the structure trees of tagged files (ISO 32000-1, Section 14.7): a new
// signature field gets a Form element and an entry in the parent tree; what was there stays.
func (x *comparison) structure(a, b pdf.Object) error {
	ref, ok := b.(pdf.Ref)
	if !ok || !equal(a, b) {
		if !equal(a, b) {
			x.fault("Root/StructTreeRoot")
		}
		x.strict(b, "Root/StructTreeRoot")
		return nil
	}
	before, after, err := x.both(ref)
	if err != nil {
		return err
	}
	if before == nil || after == nil {
		x.strict(ref, "Root/StructTreeRoot")
		return nil
	}
	x.judged[ref.Num] = true
	if err := x.structureElements(); err != nil {
		return err
	}
	return x.compare(before, after, "StructTreeRoot", map[pdf.Name]rule{
		"K":                 x.structureKids,
		"ParentTree":        func(a, b pdf.Object) error { return x.parentTree(a, b, 0) },
		"ParentTreeNextKey": x.nextKey,
	})
}

// structureElements judges the elements that got new kids. Their Type tells them; only K may
// change, which draws nothing wherever such a dictionary is used.
func (x *comparison) structureElements() error {
	for num := range x.changed {
		if x.added[num] || x.judged[num] {
			continue
		}
		e, ok := x.new.Entry(num)
		if !ok || e.Kind == pdf.EntryFree {
			continue
		}
		before, after, err := x.both(pdf.Ref{Num: num, Gen: generation(e)})
		if err != nil {
			return err
		}
		if before == nil || after == nil || before.Name("Type") != "StructElem" {
			continue
		}
		x.judged[num] = true
		if err := x.compare(before, after, "structure element", map[pdf.Name]rule{"K": x.structureKids}); err != nil {
			return err
		}
	}
	return nil
}

// structureKids compares kids: those that were there stay in their order, new ones are Form
// elements.
func (x *comparison) structureKids(a, b pdf.Object) error {
	before, err := x.listAt(x.old, a)
	if err != nil {
		return err
	}
	after, err := x.listAt(x.new, b)
	if err != nil {
		return err
	}
	i := 0
	for _, item := range after {
		if i < len(before) && equal(before[i], item) {
			i++
			x.strict(item, "structure")
			continue
		}
		if ok, err := x.newElement(item); err != nil {
			return err
		} else if !ok {
			x.fault("structure")
		}
	}
	if i < len(before) {
		x.fault("structure")
	}
	return nil
}

// listAt resolves o to an array; anything else is a list of one.
func (x *comparison) listAt(s pdf.Source, o pdf.Object) (pdf.Array, error) {
	value, err := s.Resolve(o)
	if err != nil || value == nil {
		return nil, err
	}
	if a, ok := value.(pdf.Array); ok {
		return a, nil
	}
	return pdf.Array{o}, nil
}

// newElement reports whether o is a Form element that was not there.
func (x *comparison) newElement(o pdf.Object) (bool, error) {
	ref, ok := o.(pdf.Ref)
	if !ok || !x.added[ref.Num] {
		return false, nil
	}
	d, err := pdf.DictAt(x.new, ref)
	if err != nil || d == nil {
		return false, err
	}
	for _, e := range d.Entries {
		if !slices.Contains([]pdf.Name{"Type", "S", "P", "K", "Pg", "T", "Lang", "ID", "Alt"}, e.Key) {
			return false, nil
		}
	}
	return d.Name("S") == "Form", nil
}

func (x *comparison) nextKey(a, b pdf.Object) error {
	p, _ := a.(pdf.Integer)
	if q, ok := b.(pdf.Integer); !equal(a, b) && (!ok || q < p) {
		x.fault("StructTreeRoot/ParentTreeNextKey")
	}
	return nil
}

// parentTree compares number trees (ISO 32000-1, Section 7.9.7): keys keep their values, and
// new keys lead to new elements.
func (x *comparison) parentTree(a, b pdf.Object, depth int) error {
	before, after, err := x.dicts(a, b)
	if err != nil {
		return err
	}
	if before == nil || after == nil || depth > 16 {
		if !equal(a, b) {
			x.fault("StructTreeRoot/ParentTree")
		}
		x.strict(b, "StructTreeRoot/ParentTree")
		return nil
	}
	if !equal(a, b) {
		x.fault("StructTreeRoot/ParentTree")
		return nil
	}
	return x.compare(before, after, "ParentTree", map[pdf.Name]rule{
		"Nums":   x.numbers,
		"Limits": func(pdf.Object, pdf.Object) error { return nil },
		"Kids": func(a, b pdf.Object) error {
			p, err := pdf.ArrayAt(x.old, a)
			if err != nil {
				return err
			}
			q, err := pdf.ArrayAt(x.new, b)
			if err != nil {
				return err
			}
			if len(q) < len(p) {
				x.fault("StructTreeRoot/ParentTree")
				return nil
			}
			for i := range p {
				if err := x.parentTree(p[i], q[i], depth+1); err != nil {
					return err
				}
			}
			return nil // further nodes hold further keys
		},
	})
}

// numbers compares the pairs of a number tree's leaf.
func (x *comparison) numbers(a, b pdf.Object) error {
	before, err := pdf.ArrayAt(x.old, a)
	if err != nil {
		return err
	}
	after, err := pdf.ArrayAt(x.new, b)
	if err != nil {
		return err
	}
	i := 0
	for n := 0; n+1 < len(after); n += 2 {
		if i+1 < len(before) && equal(before[i], after[n]) && equal(before[i+1], after[n+1]) {
			x.strict(after[n+1], "StructTreeRoot/ParentTree")
			i += 2
			continue
		}
		if ok, err := x.newElement(after[n+1]); err != nil {
			return err
		} else if !ok {
			x.fault("StructTreeRoot/ParentTree")
		}
	}
	if i+1 < len(before) {
		x.fault("StructTreeRoot/ParentTree")
	}
	return nil
}
