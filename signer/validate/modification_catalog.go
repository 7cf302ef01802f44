package validate

import (
	"bytes"
	"slices"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// rule compares the values of one key.
type rule func(before, after pdf.Object) error

// compare compares two dictionaries key by key: by a rule where there is one, strictly else.
// Either may be nil.
func (x *comparison) compare(before, after *pdf.Dict, where string, rules map[pdf.Name]rule) error {
	if after != nil && len(after.Duplicates()) > 0 && (before == nil || !slices.Equal(before.Duplicates(), after.Duplicates())) {
		x.fault(where + ": double keys")
	}
	for _, key := range keysOf(before, after) {
		var a, b pdf.Object
		if before != nil {
			a = before.Get(key)
		}
		if after != nil {
			b = after.Get(key)
		}
		if r, ok := rules[key]; ok {
			if err := r(a, b); err != nil {
				return err
			}
			continue
		}
		if !equal(a, b) {
			x.fault(where + "/" + string(key))
			continue
		}
		x.strict(b, where+"/"+string(key))
	}
	return nil
}

// both loads the dictionary of an object in both revisions; nil where it is none. An object
// that is or was a stream has data beside the dictionary and is no place for rules.
func (x *comparison) both(ref pdf.Ref) (before, after *pdf.Dict, err error) {
	a, err := x.old.Load(ref)
	if err != nil {
		return nil, nil, err
	}
	b, err := x.new.Load(ref)
	if err != nil {
		return nil, nil, err
	}
	before, _ = a.Value.(*pdf.Dict)
	after, _ = b.Value.(*pdf.Dict)
	return before, after, nil
}

// dicts resolves two values to dictionaries, either may be nil.
func (x *comparison) dicts(a, b pdf.Object) (before, after *pdf.Dict, err error) {
	if before, err = pdf.DictAt(x.old, a); err != nil {
		return nil, nil, err
	}
	after, err = pdf.DictAt(x.new, b)
	return before, after, err
}

// differs reports whether two values, or the objects they refer to, differ at the first step.
func (x *comparison) differs(a, b pdf.Object) bool {
	ref, ok := b.(pdf.Ref)
	return !equal(a, b) || ok && x.changed[ref.Num]
}

// catalog compares the catalogs.
func (x *comparison) catalog(root pdf.Ref) error {
	before, after, err := x.both(root)
	if err != nil {
		return err
	}
	if before == nil || after == nil {
		x.fault("Root")
		return nil
	}
	x.judged[root.Num] = true
	// The form comes first, since pages need to know its widgets.
	if err := x.acroForm(before.Get("AcroForm"), after.Get("AcroForm")); err != nil {
		return err
	}
	done := func(pdf.Object, pdf.Object) error { return nil }
	return x.compare(before, after, "Root", map[pdf.Name]rule{
		"AcroForm": done,
		"Pages": func(a, b pdf.Object) error {
			if !equal(a, b) {
				x.fault("Root/Pages")
				return nil
			}
			x.strict(b, "Pages")
			return x.pages()
		},
		"DSS":            x.dss,
		"StructTreeRoot": x.structure,
		"Metadata":       x.metadata,
		"Extensions":     x.extensions,
		"Version":        x.version,
	})
}

// version of the document may rise (ISO 32000-1, Table 28).
func (x *comparison) version(a, b pdf.Object) error {
	if equal(a, b) {
		return nil
	}
	before, _ := a.(pdf.Name)
	after, ok := b.(pdf.Name)
	if !ok || len(after) != 3 || after < before {
		x.fault("Root/Version")
		return nil
	}
	x.raise(LTAUpdates)
	return nil
}

// extensions of the standard may be declared (ISO 32000-1, Section 7.12): names and numbers
// that draw nothing.
func (x *comparison) extensions(a, b pdf.Object) error {
	if !x.differs(a, b) {
		x.strict(b, "Root/Extensions")
		return nil
	}
	if b == nil {
		x.fault("Root/Extensions")
		return nil
	}
	x.raise(LTAUpdates)
	return nil
}

// metadata may be brought up to date; nothing of it is drawn.
func (x *comparison) metadata(a, b pdf.Object) error {
	if !x.differs(a, b) {
		x.strict(b, "Root/Metadata")
		return nil
	}
	value, err := x.new.Resolve(b)
	if err != nil {
		return err
	}
	st, ok := value.(*pdf.Stream)
	if !ok || st.Name("Type") != "Metadata" && st.Name("Subtype") != "XML" {
		x.fault("Root/Metadata")
		return nil
	}
	x.raise(LTAUpdates)
	return nil
}

// infoDates are the entries of the information dictionary that programs set when they save.
var infoDates = []pdf.Name{"ModDate", "CreationDate", "Producer", "Creator"}

// info compares information dictionaries: title and author are what people see.
func (x *comparison) info(a, b pdf.Object) error {
	before, after, err := x.dicts(a, b)
	if err != nil {
		return err
	}
	if before == nil && after == nil || !x.differs(a, b) && after != nil {
		x.strict(b, "Info")
		return nil
	}
	for _, key := range keysOf(before, after) {
		var p, q pdf.Object
		if before != nil {
			if p, err = x.old.Resolve(before.Get(key)); err != nil {
				return err
			}
		}
		if after != nil {
			if q, err = x.new.Resolve(after.Get(key)); err != nil {
				return err
			}
		}
		if !contains(infoDates, key) && !equal(p, q) {
			x.fault("Info/" + string(key))
		}
	}
	x.raise(LTAUpdates)
	return nil
}

// dss allows a document security store to grow (EN 319 142-1, Section 5.4.2): what was in
// it stays.
func (x *comparison) dss(a, b pdf.Object) error {
	before, after, err := x.dicts(a, b)
	if err != nil {
		return err
	}
	if after == nil {
		if before != nil {
			x.fault("DSS removed")
		}
		return nil
	}
	grown := before == nil || x.differs(a, b)
	for _, key := range []pdf.Name{"Certs", "CRLs", "OCSPs"} {
		var was pdf.Object
		if before != nil {
			was = before.Get(key)
		}
		more, err := x.store(was, after.Get(key), "DSS/"+string(key))
		if err != nil {
			return err
		}
		grown = grown || more
	}
	if before != nil {
		p, q, err := x.dicts(before.Get("VRI"), after.Get("VRI"))
		if err != nil {
			return err
		}
		for _, key := range keysOf(p, nil) {
			if q == nil || !q.Has(key) {
				x.fault("DSS/VRI/" + string(key))
			}
		}
		grown = grown || x.differs(before.Get("VRI"), after.Get("VRI"))
	}
	if grown {
		x.raise(LTAUpdates)
	}
	return nil
}

// store compares arrays of streams: all data that was there is still there.
func (x *comparison) store(a, b pdf.Object, where string) (more bool, err error) {
	before, err := pdf.ArrayAt(x.old, a)
	if err != nil {
		return false, err
	}
	after, err := pdf.ArrayAt(x.new, b)
	if err != nil {
		return false, err
	}
	var have [][]byte
	for _, item := range before {
		ref, ok := item.(pdf.Ref)
		if ok && !x.changed[ref.Num] && slices.Contains(after, item) {
			continue
		}
		if have == nil {
			have = (&storeReader{view: x.new, budget: maxMaterialBytes}).list(b)
		}
		one := (&storeReader{view: x.old, budget: maxMaterialBytes}).list(pdf.Array{item})
		if len(one) == 1 && !slices.ContainsFunc(have, func(h []byte) bool { return bytes.Equal(h, one[0]) }) {
			x.fault(where)
		}
	}
	return len(after) != len(before), nil
}
