package pades

import (
	"slices"
	"strings"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// rules is what the signatures that are there already permit.
type rules struct {
	signed int
	docMDP int // 0 for none
	locks  []fieldLock
}

// fieldLock is a FieldMDP transform or a Lock dictionary (ISO 32000-1, Tables 233 and 256).
type fieldLock struct {
	action pdf.Name // All, Include, Exclude
	fields []string
}

// covers reports whether the lock holds for a field; a name covers the fields below it.
func (l fieldLock) covers(name string) bool {
	listed := slices.ContainsFunc(l.fields, func(f string) bool {
		return f == name || strings.HasPrefix(name, f+".")
	})
	switch l.action {
	case "All":
		return true
	case "Include":
		return listed
	case "Exclude":
		return !listed
	}
	return false
}

// existingRules reads the signatures of all fields.
func existingRules(s pdf.Source, fields []*pdf.Field) (rules, error) {
	var out rules
	for _, f := range fields {
		if f.Type != "Sig" {
			continue
		}
		sig, err := pdf.DictAt(s, f.Value)
		if err != nil {
			return out, err
		}
		if sig == nil {
			continue
		}
		out.signed++
		refs, err := pdf.ArrayAt(s, sig.Get("Reference"))
		if err != nil {
			return out, err
		}
		for _, o := range refs {
			if err := out.reference(s, o); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

// reference reads a signature reference dictionary (ISO 32000-1, Table 253).
func (r *rules) reference(s pdf.Source, o pdf.Object) error {
	ref, err := pdf.DictAt(s, o)
	if err != nil || ref == nil {
		return err
	}
	params, err := pdf.DictAt(s, ref.Get("TransformParams"))
	if err != nil {
		return err
	}
	switch ref.Name("TransformMethod") {
	case "DocMDP":
		p := 2 // the default, Table 254
		if params != nil {
			if n, ok := params.Int("P"); ok {
				p = int(n)
			}
		}
		if r.docMDP == 0 || p < r.docMDP {
			r.docMDP = p
		}
	case "FieldMDP":
		lock, err := readLock(s, params)
		if err != nil || lock == nil {
			return err
		}
		r.locks = append(r.locks, *lock)
	}
	return nil
}

// readLock reads Action and Fields; nil when there is no dictionary.
func readLock(s pdf.Source, d *pdf.Dict) (*fieldLock, error) {
	if d == nil {
		return nil, nil
	}
	action, err := s.Resolve(d.Get("Action"))
	if err != nil {
		return nil, err
	}
	names, err := pdf.ArrayAt(s, d.Get("Fields"))
	if err != nil {
		return nil, err
	}
	lock := &fieldLock{}
	lock.action, _ = action.(pdf.Name)
	for _, n := range names {
		v, err := s.Resolve(n)
		if err != nil {
			return nil, err
		}
		if str, ok := v.(pdf.String); ok {
			lock.fields = append(lock.fields, pdf.Text(str))
		}
	}
	return lock, nil
}

// object returns the lock as TransformParams or Lock want it.
func (l fieldLock) object(typ pdf.Name) pdf.Map {
	m := pdf.Map{"Type": typ, "Action": l.action}
	if l.action != "All" {
		names := make(pdf.Array, len(l.fields))
		for i, f := range l.fields {
			names[i] = pdf.EncodeText(f)
		}
		m["Fields"] = names
	}
	return m
}

// permit refuses a signature in field, and text into filled fields, that an earlier
// signature forbids.
func (r rules) permit(field string, fill map[string]string) error {
	if r.docMDP == 1 {
		return refuse(signer.CodeDocMDPForbids, "a certification forbids every change")
	}
	for _, l := range r.locks {
		if field != "" && l.covers(field) {
			return refuse(signer.CodeFieldLocked, "an earlier signature locks field %q", field)
		}
		for name := range fill {
			if l.covers(name) {
				return refuse(signer.CodeFieldLocked, "an earlier signature locks field %q", name)
			}
		}
	}
	return nil
}
