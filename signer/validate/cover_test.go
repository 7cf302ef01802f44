package validate_test

import (
	"fmt"
	"testing"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/pdf"
	"github.com/kyso-vn/kyso/signer/validate"
)

func TestANewSignatureMayBeSeenOnlyOnFreeGround(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(t)
	// Text at 20,200; a drawing from 20,100 to 220,120; here also a picture and an inline one.
	in := shadow(t)
	in = update(t, in, func(u *pdf.Update) error {
		image, err := u.AddStream(pdf.Map{"Type": pdf.Name("XObject"), "Subtype": pdf.Name("Image"), "Width": pdf.Integer(1), "Height": pdf.Integer(1),
			"BitsPerComponent": pdf.Integer(8), "ColorSpace": pdf.Name("DeviceGray")}, []byte{0})
		if err != nil {
			return err
		}
		content, err := u.AddStream(nil, []byte("q 50 0 0 50 230 10 cm /Im Do Q (un(bal)anced) [1 (x)] <</a 1>> BDC q 20 0 0 20 230 250 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x00 EI Q 10 150 m 280 150 l S"))
		if err != nil {
			return err
		}
		p, err := page(u)
		if err != nil {
			return err
		}
		if err := p.Append("Contents", content); err != nil {
			return err
		}
		r, err := p.Sub("Resources")
		if err != nil {
			return err
		}
		x, err := r.Sub("XObject")
		if err != nil {
			return err
		}
		return x.Set("Im", image)
	})
	file := w.sign(t, in, w.leader, signer.LevelB, pades.Options{Rect: appearance.Rect{20, 260, 60, 290}, Page: 1})
	for _, c := range []struct {
		rect appearance.Rect
		free bool
	}{
		{appearance.Rect{20, 20, 120, 60}, true},
		{appearance.Rect{}, true},                    // invisible
		{appearance.Rect{20, 140, 120, 160}, true},   // on a line
		{appearance.Rect{30, 102, 60, 118}, true},    // in a shaded box
		{appearance.Rect{20, 190, 120, 215}, false},  // on the text
		{appearance.Rect{0, 0, 300, 300}, false},     // on everything
		{appearance.Rect{10, 90, 60, 110}, false},    // on the edge of the box
		{appearance.Rect{235, 20, 245, 30}, false},   // on the picture
		{appearance.Rect{200, 240, 240, 260}, false}, // on the inline picture
		{appearance.Rect{50, 270, 90, 300}, false},   // on the first signature
	} {
		t.Run(fmt.Sprint(c.rect), func(t *testing.T) {
			t.Parallel()
			r := judge(t, w.sign(t, file, w.seal, signer.LevelB, pades.Options{Rect: c.rect, Page: 1}), o)
			if passed := r.Verdict == validate.VerdictPassed; passed != c.free {
				t.Error(show(r))
			}
		})
	}
}

// tagged makes a small document with a structure tree.
func tagged(t testing.TB) []byte {
	return update(t, shadow(t), func(u *pdf.Update) error {
		elem, tree := u.Alloc(), u.Alloc()
		st, err := u.Add(pdf.Map{"Type": pdf.Name("StructTreeRoot"), "K": elem, "ParentTree": tree, "ParentTreeNextKey": pdf.Integer(1)})
		if err != nil {
			return err
		}
		if err := u.Put(elem, pdf.Map{"Type": pdf.Name("StructElem"), "S": pdf.Name("Document"), "P": st, "Alt": pdf.String("a"), "K": pdf.Array{pdf.Integer(0)}}); err != nil {
			return err
		}
		if err := u.Put(tree, pdf.Map{"Nums": pdf.Array{pdf.Integer(0), pdf.Array{elem}}}); err != nil {
			return err
		}
		r, err := root(u)
		if err != nil {
			return err
		}
		return r.Set("StructTreeRoot", st)
	})
}

func TestTaggedFilesGetOnlyFormElements(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.sign(t, tagged(t), w.leader, signer.LevelB, pades.Options{})
	structure := func(u *pdf.Update) (st, elem, tree *pdf.Editor, err error) {
		r, err := root(u)
		if err != nil {
			return nil, nil, nil, err
		}
		d, err := r.Dict()
		if err != nil {
			return nil, nil, nil, err
		}
		if st, err = u.Edit(d.Get("StructTreeRoot").(pdf.Ref)); err != nil {
			return nil, nil, nil, err
		}
		if d, err = st.Dict(); err != nil {
			return nil, nil, nil, err
		}
		if elem, err = u.Edit(d.Get("K").(pdf.Ref)); err != nil {
			return nil, nil, nil, err
		}
		tree, err = u.Edit(d.Get("ParentTree").(pdf.Ref))
		return st, elem, tree, err
	}
	add := func(kind pdf.Name) change {
		return func(u *pdf.Update) error {
			st, elem, tree, err := structure(u)
			if err != nil {
				return err
			}
			p, err := page(u)
			if err != nil {
				return err
			}
			field := u.Alloc()
			element, err := u.Add(pdf.Map{"Type": pdf.Name("StructElem"), "S": kind, "P": elem.Ref(), "Pg": p.Ref(), "K": pdf.Map{"Type": pdf.Name("OBJR"), "Obj": field}})
			if err != nil {
				return err
			}
			if err := u.Put(field, pdf.Map{"Type": pdf.Name("Annot"), "Subtype": pdf.Name("Widget"), "FT": pdf.Name("Sig"), "T": pdf.String("s"),
				"Rect": pdf.Rect{}.Array(), "P": p.Ref(), "StructParent": pdf.Integer(1)}); err != nil {
				return err
			}
			f, err := form(u)
			if err != nil {
				return err
			}
			for _, err := range []error{f.Append("Fields", field), p.Append("Annots", field), elem.Append("K", element),
				tree.Append("Nums", pdf.Integer(1), element), st.Set("ParentTreeNextKey", pdf.Integer(2))} {
				if err != nil {
					return err
				}
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		change change
		passes bool
	}{
		"form element": {add("Form"), true},
		"paragraph":    {add("P"), false},
		"alternate text": {func(u *pdf.Update) error {
			_, e, _, err := structure(u)
			return firstError(err, func() error { return e.Set("Alt", pdf.String("b")) })
		}, false},
		"kids replaced": {func(u *pdf.Update) error {
			_, e, _, err := structure(u)
			return firstError(err, func() error { return e.Set("K", pdf.Array{}) })
		}, false},
		"parent tree empty": {func(u *pdf.Update) error {
			_, _, e, err := structure(u)
			return firstError(err, func() error { return e.Set("Nums", pdf.Array{}) })
		}, false},
		"role map": {func(u *pdf.Update) error {
			e, _, _, err := structure(u)
			return firstError(err, func() error { return e.Set("RoleMap", pdf.Map{}) })
		}, false},
		"tree removed": {edit(root, "StructTreeRoot", is(nil)), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := judge(t, update(t, file, c.change), w.options(t))
			if passed := r.Verdict == validate.VerdictPassed; passed != c.passes {
				t.Error(show(r))
			}
		})
	}
}

func firstError(err error, next func() error) error {
	if err != nil {
		return err
	}
	return next()
}
