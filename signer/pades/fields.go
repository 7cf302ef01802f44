package pades

import (
	"cmp"
	"context"
	"io"
	"math"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// FieldSpec is a field that a coming step needs.
type FieldSpec struct {
	// Name is the full name. An empty field of that name is kept and gets Rect; else a new
	// one is made, which cannot have a dot in its name.
	Name string
	// Text makes a text field, for number or date; else it is a signature field.
	Text bool
	Page int             // 1-based; -1 is the last
	Rect appearance.Rect // user space; the zero value leaves an existing field's alone
	// LockAll adds a Lock dictionary: whoever signs here locks every field.
	LockAll bool
	// Tooltip is the field's TU, what assistive software reads out.
	Tooltip string
	// untagged leaves the widget out of the structure tree of a tagged file.
	untagged bool
	// FontSize of a text field in points; 0 fits the text into the field.
	FontSize float64
	Align    appearance.Align
}

// AddFields makes or resizes the fields of all coming steps in a revision of its own, before
// anybody signs: afterwards a field's Rect never changes. changed is false, and nothing was
// written, when the file is as it should be already. A file that is signed can get no field
// any more: signer.CodeDocMDPForbids or a field's own code.
func AddFields(ctx context.Context, in Source, specs []FieldSpec, password string, out io.Writer) (changed bool, err error) {
	r, err := open(in, password)
	if err != nil {
		return false, err
	}
	u := pdf.NewUpdate(r)
	all, err := pdf.Fields(u)
	if err != nil {
		return false, err
	}
	rules, err := existingRules(u, all)
	if err != nil {
		return false, err
	}
	pages, err := pageNumbers(u)
	if err != nil {
		return false, err
	}
	f := &fielder{u: u, all: all, pages: pages}
	for _, s := range specs {
		if err := f.apply(s); err != nil {
			return false, err
		}
	}
	if rules.signed == 0 {
		if err := f.settleAppearances(); err != nil {
			return false, err
		}
	}
	if !f.changed {
		return false, nil
	}
	if rules.signed > 0 {
		return false, refuse(signer.CodeDocMDPForbids, "the file is signed; its fields can no longer change")
	}
	inc, err := u.Build()
	if err != nil {
		return false, err
	}
	if _, err := copyAll(ctx, out, in); err != nil {
		return false, err
	}
	_, err = out.Write(inc.Bytes)
	return true, err
}

type fielder struct {
	u       *pdf.Update
	all     []*pdf.Field
	pages   *pageIndex
	changed bool
}

func (f *fielder) apply(s FieldSpec) error {
	old := findField(f.all, s.Name)
	if old == nil {
		return f.make(s)
	}
	want := pdf.Name("Sig")
	if s.Text {
		want = "Tx"
	}
	if old.Type != want {
		return refuse(signer.CodeFieldNotSig, "field %q has type %s, not %s", s.Name, old.Type, want)
	}
	info, err := fieldInfo(f.u, old, f.pages)
	if err != nil {
		return err
	}
	if info.Signature && info.Filled {
		return refuse(signer.CodeFieldSigned, "field %q is signed already", s.Name)
	}
	if err := f.resize(old, info, s); err != nil {
		return err
	}
	if !s.LockAll {
		return nil
	}
	lock, err := fieldLockOf(f.u, old)
	if err != nil || lock != nil && lock.action == "All" {
		return err
	}
	e, err := f.u.Edit(old.Ref)
	if err != nil {
		return err
	}
	f.changed = true
	return e.Set("Lock", fieldLock{action: "All"}.object("SigFieldLock"))
}

// resize moves an existing field's only widget.
func (f *fielder) resize(old *pdf.Field, info FieldInfo, s FieldSpec) error {
	if s.Rect.Empty() || sameRect(info.Rect, s.Rect) {
		return nil
	}
	if len(old.Widgets) != 1 || old.Widgets[0].Ref == (pdf.Ref{}) {
		return refuse("field_not_movable", "field %q has no single widget of its own", s.Name)
	}
	e, err := f.u.Edit(old.Widgets[0].Ref)
	if err != nil {
		return err
	}
	f.changed = true
	if err := e.Set("Rect", pdf.Rect(s.Rect).Array()); err != nil {
		return err
	}
	return e.Delete("AP") // it was drawn for the old size
}

// settleAppearances turns NeedAppearances off when no field needs it: readers that obey it
// would draw number and date anew with the form's own font, which has no Vietnamese letters.
func (f *fielder) settleAppearances() error {
	form, err := pdf.AcroForm(f.u)
	if err != nil || form == nil {
		return err
	}
	if need, err := f.u.Resolve(form.Get("NeedAppearances")); err != nil || need != true {
		return err
	}
	for _, field := range f.all {
		value, err := f.u.Resolve(field.Value)
		if err != nil {
			return err
		}
		if s, ok := value.(pdf.String); value == nil || ok && s == "" {
			continue
		}
		for _, w := range field.Widgets {
			if !w.Dict.Has("AP") {
				return nil // this one shows nothing unless the reader draws it
			}
		}
	}
	e, err := editForm(f.u)
	if err != nil {
		return err
	}
	f.changed = true
	return e.Set("NeedAppearances", false)
}

// sameRect compares at the precision in which numbers are written.
func sameRect(a, b appearance.Rect) bool {
	for i := range a {
		if math.Abs(a[i]-b[i]) > 0.001 {
			return false
		}
	}
	return true
}

// make adds a new field on its page.
func (f *fielder) make(s FieldSpec) error {
	page, err := f.pages.page(s.Page)
	if err != nil {
		return err
	}
	f.changed = true
	ref, err := addWidget(f.u, page, s, pdf.Ref{}, &appearance.Form{BBox: appearance.Rect{0, 0, s.Rect.Width(), s.Rect.Height()}})
	if err != nil {
		return err
	}
	return addToForm(f.u, ref)
}

// addWidget writes a field merged with its widget, lists it on the page and, in a tagged file, in the structure tree. A
// zero value makes an empty field.
func addWidget(u *pdf.Update, page *pdf.Page, s FieldSpec, value pdf.Ref, form *appearance.Form) (pdf.Ref, error) {
	if page.Ref == (pdf.Ref{}) {
		return pdf.Ref{}, refuse(string(pdf.Damaged), "page %d is not an indirect object", page.Number)
	}
	var tags *structure
	if !s.untagged {
		var err error
		if tags, err = openStructure(u); err != nil {
			return pdf.Ref{}, err
		}
	}
	ap, err := putObjects(u, form)
	if err != nil {
		return pdf.Ref{}, err
	}
	m := widget(s, page.Ref)
	m["AP"] = pdf.Map{"N": ap}
	if value != (pdf.Ref{}) {
		m["V"] = value
	}
	if tags != nil {
		m["StructParent"] = pdf.Integer(tags.next)
	} else if s.Tooltip == "" {
		delete(m, "TU")
	}
	ref, err := u.Add(m)
	if err != nil {
		return pdf.Ref{}, err
	}
	if err := u.AddAnnotation(page, ref); err != nil || tags == nil {
		return ref, err
	}
	if err := tags.add(u, ref, page); err != nil {
		return ref, err
	}
	return ref, orderByStructure(u, page)
}

// widget is a new field's dictionary (ISO 32000-1, Tables 188, 220 and 164).
func widget(s FieldSpec, page pdf.Ref) pdf.Map {
	m := pdf.Map{
		"Type": pdf.Name("Annot"), "Subtype": pdf.Name("Widget"), "FT": pdf.Name("Sig"), "T": pdf.EncodeText(s.Name),
		"Rect": pdf.Rect(s.Rect).Array(), "F": pdf.Integer(widgetFlags), "P": page,
		"TU": pdf.EncodeText(cmp.Or(s.Tooltip, tooltipSignature)),
	}
	if s.LockAll && !s.Text {
		m["Lock"] = fieldLock{action: "All"}.object("SigFieldLock")
	}
	if s.Text {
		m["FT"] = pdf.Name("Tx")
		m["F"] = pdf.Integer(4) // Print
		m["DA"] = defaultAppearance(s.FontSize)
		m["Q"] = pdf.Integer(s.Align)
		m["TU"] = pdf.EncodeText(cmp.Or(s.Tooltip, tooltipText))
	}
	return m
}

// defaultAppearance is a DA that readers fall back on; ours embeds its own font.
func defaultAppearance(size float64) pdf.String {
	return pdf.String("/Helv " + formatNumber(size) + " Tf 0 g")
}

// fieldLockOf reads a field's Lock dictionary.
func fieldLockOf(s pdf.Source, f *pdf.Field) (*fieldLock, error) {
	d, err := pdf.DictAt(s, f.Dict.Get("Lock"))
	if err != nil {
		return nil, err
	}
	return readLock(s, d)
}
