package pades

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// Field flags of text fields (ISO 32000-1, Table 228).
const flagMultiline = 1 << 12

// CodeFieldFilled says that a text field has text already: number and date are given once.
const CodeFieldFilled = "field_filled"

// fillText gives an empty text field its text and its own appearance, with an embedded font:
// the field's DA and the form's DR stay as they are.
func (d *dress) fillText(name, text string) error {
	f := findField(d.all, name)
	if f == nil {
		return refuse(signer.CodeFieldUnknown, "there is no field %q", name)
	}
	if f.Type != "Tx" || f.Ref == (pdf.Ref{}) {
		return refuse("field_not_text", "field %q is not a text field", name)
	}
	if err := d.readPages(); err != nil {
		return err
	}
	info, err := fieldInfo(d.u, f, d.pages)
	if err != nil {
		return err
	}
	if info.Filled {
		return refuse(CodeFieldFilled, "field %q has text already", name)
	}
	text, err = appearance.Normalize(text)
	if err != nil {
		return err
	}
	e, err := d.u.Edit(f.Ref)
	if err != nil {
		return err
	}
	if err := e.Set("V", pdf.EncodeText(text)); err != nil {
		return err
	}
	for _, w := range f.Widgets {
		if err := d.showText(f, w, e, text); err != nil {
			return err
		}
	}
	return nil
}

func (d *dress) showText(f *pdf.Field, w pdf.Widget, field *pdf.Editor, text string) error {
	page, err := d.pages.page(max(d.pages.of(w), 1))
	if err != nil {
		return err
	}
	rect, _, err := pdf.RectAt(d.u, w.Dict.Get("Rect"))
	if err != nil {
		return err
	}
	place, err := geometry(d.u, page).At(appearance.Rect(rect))
	if err != nil {
		return err
	}
	style := appearance.FieldStyle{Size: fontSize(f.DA), Align: alignment(f), Multiline: f.Flags&flagMultiline != 0}
	if slices.Contains(d.o.Italic, f.Name) {
		style.Face = appearance.Italic
	}
	kind, err := target(d.u)
	if err != nil {
		return err
	}
	form, err := appearance.NewFieldForm(place, text, style, kind)
	if _, ok := errors.AsType[*appearance.OverflowError](err); ok && style.Size > 0 {
		style.Size = 0 // the size is the form designer's wish; that the text is whole is a must
		form, err = appearance.NewFieldForm(place, text, style, kind)
	}
	if err != nil {
		return err
	}
	we := field
	if !w.Merged {
		if we, err = d.u.Edit(w.Ref); err != nil {
			return err
		}
	}
	return d.setAppearance(we, form)
}

// fontSize is the size in a default appearance string, 0 for automatic.
func fontSize(da pdf.String) float64 {
	words := strings.Fields(string(da))
	for i, w := range words {
		if w == "Tf" && i > 0 {
			if n, err := strconv.ParseFloat(words[i-1], 64); err == nil && n > 0 && n < 200 {
				return n
			}
		}
	}
	return 0
}

// alignment is the field's quadding, 0 unless it has one of its own.
func alignment(f *pdf.Field) appearance.Align {
	if q, ok := f.Dict.Int("Q"); ok && q >= 0 && q <= 2 {
		return appearance.Align(q)
	}
	return appearance.Left
}

func formatNumber(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
