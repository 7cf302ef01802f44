package pades

import (
	"bytes"
	"regexp"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// Environment is a file as appearance.Spec.Build needs to know it: its pages, their text, the
// pictures of its signatures, and what kind of PDF/A it is. When it has a field of the name
// given, the stamp is built for that. Load and Signed are the caller's to set. The file is
// read when the Env's functions are called: it must stay open.
func Environment(in Source, password, field string) (appearance.Env, error) {
	r, err := open(in, password)
	if err != nil {
		return appearance.Env{}, err
	}
	x := &environment{v: r.Last()}
	if x.pages, err = pageNumbers(x.v); err != nil {
		return appearance.Env{}, err
	}
	if x.fields, err = pdf.Fields(x.v); err != nil {
		return appearance.Env{}, err
	}
	env := appearance.Env{Pages: len(x.pages.list), Page: x.page, Runs: x.runs, Picture: x.picture}
	if env.Target, err = target(x.v); err != nil {
		return appearance.Env{}, err
	}
	if f := findField(x.fields, field); f != nil {
		info, err := fieldInfo(x.v, f, x.pages)
		if err != nil {
			return appearance.Env{}, err
		}
		if info.Page > 0 {
			env.Field, env.FieldPage = &info.Rect, info.Page
		}
	}
	return env, nil
}

type environment struct {
	v      *pdf.View
	pages  *pageIndex
	fields []*pdf.Field
}

func (x *environment) page(n int) (appearance.Page, error) {
	p, err := x.pages.page(n)
	if err != nil {
		return appearance.Page{}, err
	}
	return geometry(x.v, p), nil
}

// runs is the text of a page as TextRuns gives it.
func (x *environment) runs(n int) ([]appearance.Run, error) {
	p, err := x.pages.page(n)
	if err != nil {
		return nil, err
	}
	return uprightRuns(x.v, p)
}

// picture tells where a signed field paints its picture: the rectangle that the only picture
// of its appearance fits into, else the whole field.
func (x *environment) picture(name string) (int, appearance.Rect, error) {
	f := findField(x.fields, name)
	if f == nil {
		return 0, appearance.Rect{}, refuse(signer.CodeFieldUnknown, "there is no field %q", name)
	}
	info, err := fieldInfo(x.v, f, x.pages)
	if err != nil {
		return 0, appearance.Rect{}, err
	}
	if !info.Signature || info.Page == 0 {
		return 0, appearance.Rect{}, refuse(signer.CodeFieldNotSig, "field %q is no signature on a page", name)
	}
	width, height, err := pictureSize(x.v, f.Widgets[0].Dict)
	if err != nil || width == 0 {
		return info.Page, info.Rect, err
	}
	geo, err := x.page(info.Page)
	if err != nil {
		return 0, appearance.Rect{}, err
	}
	return info.Page, geo.ToUser(appearance.PictureRect(geo.ToView(info.Rect), width, height)), nil
}

// pictureSize returns the pixels of the only image in a widget's normal appearance, 0 when
// there is not exactly one.
func pictureSize(s pdf.Source, widget *pdf.Dict) (width, height int, err error) {
	d := widget
	for _, key := range []pdf.Name{"AP", "N", "Resources", "XObject"} {
		if d, err = pdf.DictAt(s, d.Get(key)); err != nil || d == nil {
			return 0, 0, err
		}
	}
	images := 0
	for _, e := range d.Entries {
		img, err := pdf.DictAt(s, e.Value)
		if err != nil {
			return 0, 0, err
		}
		if img == nil || img.Name("Subtype") != "Image" {
			continue
		}
		w, ok1 := img.Int("Width")
		h, ok2 := img.Int("Height")
		if !ok1 || !ok2 || w < 1 || h < 1 || w > 1<<16 || h > 1<<16 {
			return 0, 0, nil
		}
		images, width, height = images+1, int(w), int(h)
	}
	if images != 1 {
		return 0, 0, nil
	}
	return width, height, nil
}

// maxMetadata bounds the XMP packet that is looked through.
const maxMetadata = 1 << 20

// pdfaPart finds the PDF/A part in XMP (ISO 19005-1, Section 6.7.11), as element or attribute.
var pdfaPart = regexp.MustCompile(`pdfaid:part\s*(?:=\s*["']|>\s*)([0-9])`)

// target tells what kind of PDF/A a file claims to be.
func target(s pdf.Source) (appearance.Target, error) {
	catalog, err := pdf.Catalog(s)
	if err != nil {
		return appearance.Plain, err
	}
	o, err := s.Resolve(catalog.Get("Metadata"))
	if err != nil {
		return appearance.Plain, err
	}
	stream, ok := o.(*pdf.Stream)
	if !ok {
		return appearance.Plain, nil
	}
	xmp, err := s.StreamData(stream, maxMetadata)
	if err != nil {
		return appearance.Plain, nil //nolint:nilerr // metadata that can't be read claims nothing
	}
	m := pdfaPart.FindSubmatch(bytes.ReplaceAll(xmp, []byte{0}, nil)) // UTF-16 too
	if m == nil {
		return appearance.Plain, nil
	}
	intents, err := pdf.ArrayAt(s, catalog.Get("OutputIntents"))
	if err != nil {
		return appearance.Plain, err
	}
	if m[1][0] == '1' || len(intents) == 0 {
		return appearance.PDFA1, nil
	}
	return appearance.PDFA, nil
}
