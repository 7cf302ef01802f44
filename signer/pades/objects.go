package pades

import (
	"fmt"

	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// putObjects writes a form's objects into the update and returns the form XObject.
func putObjects(u *pdf.Update, form *appearance.Form) (pdf.Ref, error) {
	if form.BBox == (appearance.Rect{}) && form.Content == nil && form.Fonts == nil && form.Images == nil {
		return u.AddStream(pdf.Map{"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Form"), "FormType": pdf.Integer(1),
			"BBox": pdf.Rect{}.Array(), "Resources": pdf.Map{}}, nil) // nothing to see
	}
	// Object numbers that are reserved one after the other follow each other.
	refs := []pdf.Ref{u.Alloc()}
	objects, err := form.Objects(int(refs[0].Num))
	if err != nil {
		return pdf.Ref{}, fmt.Errorf("make appearance: %w", err)
	}
	for range objects[1:] {
		refs = append(refs, u.Alloc())
	}
	for i, o := range objects {
		parsed, err := pdf.ParseObject(o.Dict)
		if err != nil {
			return pdf.Ref{}, fmt.Errorf("appearance object %d: %w", i, err)
		}
		if o.Stream == nil {
			err = u.Put(refs[i], parsed)
		} else {
			err = u.PutStream(refs[i], mapOf(parsed), o.Stream)
		}
		if err != nil {
			return pdf.Ref{}, err
		}
	}
	return refs[0], nil
}

// mapOf copies a parsed dictionary so that it can be written.
func mapOf(o pdf.Object) pdf.Map {
	m := pdf.Map{}
	if d := pdf.DictOf(o); d != nil {
		for _, e := range d.Entries {
			m[e.Key] = e.Value
		}
	}
	return m
}
