package pades

import (
	"fmt"

	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// catalog sets SigFlags, and Perms for a certification.
func (d *dress) catalog(sig pdf.Ref) error {
	form, err := editForm(d.u)
	if err != nil {
		return err
	}
	if err := form.Set("SigFlags", pdf.Integer(sigFlags)); err != nil {
		return err
	}
	if err := d.settleAppearances(form); err != nil {
		return err
	}
	if d.o.Certify == 0 {
		return nil
	}
	root, err := pdf.RootRef(d.u)
	if err != nil {
		return err
	}
	e, err := d.u.Edit(root)
	if err != nil {
		return err
	}
	perms, err := e.Sub("Perms")
	if err != nil {
		return err
	}
	return perms.Set("DocMDP", sig)
}

// editForm edits the interactive form, made when there is none.
func editForm(u *pdf.Update) (*pdf.Editor, error) {
	root, err := pdf.RootRef(u)
	if err != nil {
		return nil, err
	}
	e, err := u.Edit(root)
	if err != nil {
		return nil, err
	}
	return e.Sub("AcroForm")
}

// settleAppearances turns NeedAppearances off where it would hide what this signature shows:
// readers that obey it throw appearances away and draw their own, of which a signature has
// none, and number and date in a font without Vietnamese letters. It stays in a file that is
// signed already, and where a field has nothing but the reader's drawing.
func (d *dress) settleAppearances(form *pdf.Editor) error {
	visible := len(d.o.Fill) > 0 || d.o.Appearance != nil && !d.o.Appearance.BBox.Empty()
	if !visible || d.rules.signed > 0 {
		return nil
	}
	need, err := form.Get("NeedAppearances")
	if err != nil || need != true {
		return err
	}
	for _, f := range d.all {
		value, err := d.u.Resolve(f.Value)
		if err != nil {
			return err
		}
		if value == nil && (f.Type == "Sig" || f.Type == "Tx") {
			continue // nothing to be drawn
		}
		for _, w := range f.Widgets {
			now, err := d.widget(w)
			if err != nil {
				return err
			}
			ap, err := pdf.DictAt(d.u, now.Get("AP"))
			if err != nil {
				return err
			}
			if ap == nil || !ap.Has("N") {
				return nil
			}
		}
	}
	return form.Set("NeedAppearances", false)
}

// widget is a widget's dictionary as the update leaves it.
func (d *dress) widget(w pdf.Widget) (*pdf.Dict, error) {
	if w.Ref == (pdf.Ref{}) {
		return w.Dict, nil
	}
	return pdf.DictAt(d.u, w.Ref)
}

func addToForm(u *pdf.Update, field pdf.Ref) error {
	form, err := editForm(u)
	if err != nil {
		return err
	}
	if err := form.Append("Fields", field); err != nil {
		return fmt.Errorf("add field to form: %w", err)
	}
	return nil
}

// addForm writes a form XObject with what it refers to.
func addForm(u *pdf.Update, form *appearance.Form) (pdf.Ref, error) {
	return putObjects(u, form)
}
