package pades

import (
	"crypto"
	"maps"
	"slices"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// Widget flags of a signature (ISO 32000-1, Table 165): Print and Locked.
const widgetFlags = 4 | 128

// sigFlags of a form with signatures (ISO 32000-1, Table 219): SignaturesExist, AppendOnly.
const sigFlags = 1 | 2

// dress puts a signature dictionary, its field and its looks into an update.
type dress struct {
	u     *pdf.Update
	o     *Options
	hash  crypto.Hash
	field signer.Field
	rules rules
	all   []*pdf.Field
	pages *pageIndex // nil before readPages
}

// sign makes the whole update but for the bytes of the signature.
func (d *dress) sign(room int) error {
	// 1. What is there, and what it permits.
	var err error
	if d.all, err = pdf.Fields(d.u); err != nil {
		return err
	}
	if d.rules, err = existingRules(d.u, d.all); err != nil {
		return err
	}
	if d.o.Certify != 0 && (d.o.Certify < 1 || d.o.Certify > 3) {
		return refuse("certify_invalid", "a DocMDP permission is 1, 2 or 3")
	}
	if d.o.Certify != 0 && d.rules.signed > 0 {
		return refuse(signer.CodeDocMDPForbids, "only the first signature can certify")
	}
	target, err := d.target()
	if err != nil {
		return err
	}
	locked := d.o.Field
	if target == nil {
		locked = "" // a lock is about fields that were there
	}
	if err := d.rules.permit(locked, d.o.Fill); err != nil {
		return err
	}
	// 2. Seed values and lock of the field.
	lock, err := d.obey(target)
	if err != nil {
		return err
	}
	// 3. The signature dictionary.
	sig := d.u.Alloc()
	if err := d.u.PutSignature(sig, d.dictionary(lock), room); err != nil {
		return err
	}
	// 4. The field and its widget.
	if target != nil {
		err = d.fillField(target, sig)
	} else {
		err = d.newField(sig)
	}
	if err != nil {
		return err
	}
	// 5. Text that belongs to the same act.
	for _, name := range slices.Sorted(maps.Keys(d.o.Fill)) {
		if err := d.fillText(name, d.o.Fill[name]); err != nil {
			return err
		}
	}
	return d.catalog(sig)
}

// target is the field to sign; nil when a new one is to be made.
func (d *dress) target() (*pdf.Field, error) {
	if d.o.Field == "" {
		return nil, nil
	}
	f := findField(d.all, d.o.Field)
	switch {
	case f == nil && d.o.Create:
		return nil, nil
	case f == nil:
		return nil, refuse(signer.CodeFieldUnknown, "there is no field %q", d.o.Field)
	case f.Type != "Sig":
		return nil, refuse(signer.CodeFieldNotSig, "field %q is not a signature field", d.o.Field)
	case f.Ref == (pdf.Ref{}):
		return nil, refuse(string(pdf.Damaged), "field %q is not an indirect object", d.o.Field)
	}
	v, err := d.u.Resolve(f.Value)
	if err != nil {
		return nil, err
	}
	if v != nil {
		return nil, refuse(signer.CodeFieldSigned, "field %q is signed already", d.o.Field)
	}
	return f, nil
}

func findField(fields []*pdf.Field, name string) *pdf.Field {
	for _, f := range fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// dictionary is the signature dictionary (ISO 32000-1, Table 252; EN 319 142-1, Section 5.3)
// but for ByteRange and Contents.
func (d *dress) dictionary(lock *fieldLock) pdf.Map {
	m := pdf.Map{
		"Type": pdf.Name("Sig"), "Filter": pdf.Name("Adobe.PPKLite"), "SubFilter": pdf.Name("ETSI.CAdES.detached"),
		"M": pdf.EncodeDate(d.o.SigningTime),
	}
	for key, text := range map[pdf.Name]string{"Reason": d.o.Reason, "Location": d.o.Location, "Name": d.o.Name, "ContactInfo": d.o.ContactInfo} {
		if text != "" {
			m[key] = pdf.EncodeText(text)
		}
	}
	var refs pdf.Array
	if d.o.Certify != 0 {
		refs = append(refs, pdf.Map{"Type": pdf.Name("SigRef"), "TransformMethod": pdf.Name("DocMDP"), "DigestMethod": digestName(d.hash),
			"TransformParams": pdf.Map{"Type": pdf.Name("TransformParams"), "P": pdf.Integer(d.o.Certify), "V": pdf.Name("1.2")}})
	}
	if lock != nil {
		params := lock.object("TransformParams")
		params["V"] = pdf.Name("1.2")
		root, err := pdf.RootRef(d.u)
		if err == nil { // Data is where the fields are (Table 253)
			refs = append(refs, pdf.Map{"Type": pdf.Name("SigRef"), "TransformMethod": pdf.Name("FieldMDP"), "DigestMethod": digestName(d.hash),
				"TransformParams": params, "Data": root})
		}
	}
	if refs != nil {
		m["Reference"] = refs
	}
	return m
}

// digestName is the DigestMethod of a signature reference (ISO 32000-2, Table 256).
func digestName(h crypto.Hash) pdf.Name {
	return map[crypto.Hash]pdf.Name{crypto.SHA256: "SHA256", crypto.SHA384: "SHA384", crypto.SHA512: "SHA512"}[h]
}

// fillField puts the signature into an empty field. Its Rect stays.
func (d *dress) fillField(f *pdf.Field, sig pdf.Ref) error {
	e, err := d.u.Edit(f.Ref)
	if err != nil {
		return err
	}
	if err := e.Set("V", sig); err != nil {
		return err
	}
	d.field = signer.Field{Name: f.Name}
	if len(f.Widgets) == 0 {
		return nil
	}
	if err := d.readPages(); err != nil {
		return err
	}
	w := f.Widgets[0]
	rect, _, err := pdf.RectAt(d.u, w.Dict.Get("Rect"))
	if err != nil {
		return err
	}
	d.field.Page, d.field.Rect = d.pages.of(w), rect
	if w.Ref == (pdf.Ref{}) {
		return refuse(string(pdf.Damaged), "the widget of field %q is not an indirect object", f.Name)
	}
	we := e
	if !w.Merged {
		if we, err = d.u.Edit(w.Ref); err != nil {
			return err
		}
		// Poppler takes a kid with a Parent for a field and does not look for its value above.
		if err := we.Set("V", sig); err != nil {
			return err
		}
	}
	if err := we.Set("F", pdf.Integer(widgetFlags)); err != nil {
		return err
	}
	return d.setAppearance(we, d.o.Appearance)
}

// setAppearance gives a widget its normal appearance; nil leaves it as it is.
func (d *dress) setAppearance(widget *pdf.Editor, form *appearance.Form) error {
	if form == nil {
		return nil
	}
	ref, err := addForm(d.u, form)
	if err != nil {
		return err
	}
	return widget.Set("AP", pdf.Map{"N": ref})
}

// newField makes a field merged with its widget.
func (d *dress) newField(sig pdf.Ref) error {
	name := d.o.Field
	if name == "" {
		name = unusedName(d.all, "Signature")
	}
	page, err := d.page()
	if err != nil {
		return err
	}
	form := d.o.Appearance
	if form == nil { // every widget but an invisible one needs an appearance
		form = &appearance.Form{}
	}
	spec := FieldSpec{Name: name, Rect: d.o.Rect}
	// Where nobody sees it, and so needs no tag, the structure that others signed stays: not every verifier allows for more.
	spec.untagged = d.rules.signed > 0 && d.o.Rect.Empty()
	ref, err := addWidget(d.u, page, spec, sig, form)
	if err != nil {
		return err
	}
	d.field = signer.Field{Name: name, Page: page.Number, Rect: d.o.Rect}
	return addToForm(d.u, ref)
}

// readPages reads the page tree, which a new field on the first page does not need.
func (d *dress) readPages() (err error) {
	if d.pages == nil {
		d.pages, err = pageNumbers(d.u)
	}
	return err
}

// page is the page of a new field.
func (d *dress) page() (*pdf.Page, error) {
	if d.pages == nil && (d.o.Page == 0 || d.o.Page == 1) {
		return firstPage(d.u)
	}
	if err := d.readPages(); err != nil {
		return nil, err
	}
	if d.o.Page == 0 {
		return d.pages.page(1)
	}
	return d.pages.page(max(d.o.Page, -len(d.pages.list)))
}

// firstPage is the document's first page.
func firstPage(s pdf.Source) (*pdf.Page, error) {
	for p, err := range pdf.Pages(s) {
		return p, err
	}
	return nil, errNoPage
}
