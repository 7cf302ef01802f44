package pades

import (
	"fmt"

	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// putObjects writes a form's objects into the update and returns the form XObject.
func putObjects(u *pdf.Update, form *appearance.Form) (pdf.Ref, error) {
	// 1. How many there are, to reserve their numbers, which follow each other.
	dry, err := form.Objects(1)
	if err != nil {
		return pdf.Ref{}, fmt.Errorf("make appearance: %w", err)
	}
	refs := make([]pdf.Ref, len(dry))
	for i := range dry {
		refs[i] = u.Alloc()
	}
	// 2. The objects under those numbers.
	objects, err := form.Objects(int(refs[0].Num))
	if err != nil {
		return pdf.Ref{}, fmt.Errorf("make appearance: %w", err)
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
