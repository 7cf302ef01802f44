package pades

import (
	"context"
	"fmt"

	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// Info is what a file has that matters for signing it.
type Info struct {
	Pages     []appearance.Page
	Fields    []FieldInfo
	Encrypted bool
	// Revisions counts the original and its incremental updates.
	Revisions int
	// Certified is the DocMDP permission of a certification signature, 1 to 3; 0 for none.
	Certified int
	// Active lists the active content; see pdf.ActiveContent.
	Active []pdf.Finding
}

// FieldInfo is a signature field or a text field.
type FieldInfo struct {
	Name      string
	Signature bool // else text
	// Filled says that a signature field is signed, or that a text field has text.
	Filled bool
	Text   string          // of a text field
	Page   int             // of the first widget, from 1; 0 for none
	Rect   appearance.Rect // in user space
}

// Signed counts the fields that hold a signature.
func (i *Info) Signed() int {
	n := 0
	for _, f := range i.Fields {
		if f.Signature && f.Filled {
			n++
		}
	}
	return n
}

// Field returns the field of that name.
func (i *Info) Field(name string) (FieldInfo, bool) {
	for _, f := range i.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return FieldInfo{}, false
}

// Inspect reads a file strictly and tells what it has.
func Inspect(_ context.Context, in Source, password string) (*Info, error) {
	r, err := open(in, password)
	if err != nil {
		return nil, err
	}
	v := r.Last()
	info := &Info{Encrypted: r.Encrypted(), Revisions: len(r.Revisions())}
	pages, err := pageNumbers(v)
	if err != nil {
		return nil, err
	}
	for _, p := range pages.list {
		info.Pages = append(info.Pages, geometry(v, p))
	}
	fields, err := pdf.Fields(v)
	if err != nil {
		return nil, err
	}
	for _, f := range fields {
		if f.Type != "Sig" && f.Type != "Tx" {
			continue
		}
		fi, err := fieldInfo(v, f, pages)
		if err != nil {
			return nil, err
		}
		info.Fields = append(info.Fields, fi)
	}
	rules, err := existingRules(v, fields)
	if err != nil {
		return nil, err
	}
	info.Certified = rules.docMDP
	info.Active, err = pdf.ActiveContent(v)
	return info, err
}

func fieldInfo(v pdf.Source, f *pdf.Field, pages *pageIndex) (FieldInfo, error) {
	fi := FieldInfo{Name: f.Name, Signature: f.Type == "Sig"}
	value, err := v.Resolve(f.Value)
	if err != nil {
		return fi, err
	}
	if fi.Signature {
		fi.Filled = value != nil
	} else if s, ok := value.(pdf.String); ok {
		fi.Text = pdf.Text(s)
		fi.Filled = fi.Text != ""
	} else {
		fi.Filled = value != nil // a text stream
	}
	if len(f.Widgets) == 0 {
		return fi, nil
	}
	w := f.Widgets[0]
	rect, _, err := pdf.RectAt(v, w.Dict.Get("Rect"))
	if err != nil {
		return fi, err
	}
	fi.Rect, fi.Page = appearance.Rect(rect), pages.of(w)
	return fi, nil
}

// pageIndex finds the page of a widget.
type pageIndex struct {
	list   []*pdf.Page
	byRef  map[pdf.Ref]int
	annots map[pdf.Ref]int
}

func pageNumbers(s pdf.Source) (*pageIndex, error) {
	x := &pageIndex{byRef: map[pdf.Ref]int{}, annots: map[pdf.Ref]int{}}
	for p, err := range pdf.Pages(s) {
		if err != nil {
			return nil, err
		}
		x.list = append(x.list, p)
		if p.Ref != (pdf.Ref{}) {
			x.byRef[p.Ref] = p.Number
		}
		annots, err := pdf.ArrayAt(s, p.Dict.Get("Annots"))
		if err != nil {
			return nil, err
		}
		for _, a := range annots {
			if ref, ok := a.(pdf.Ref); ok {
				x.annots[ref] = p.Number
			}
		}
	}
	if len(x.list) == 0 {
		return nil, errNoPage
	}
	return x, nil
}

var errNoPage = &pdf.Error{Reason: pdf.Damaged, Detail: "the document has no page", Offset: -1}

// of returns the page whose Annots name the widget, else the one its P names, else 0.
func (x *pageIndex) of(w pdf.Widget) int {
	if n := x.annots[w.Ref]; n > 0 {
		return n
	}
	if ref, ok := w.Dict.Get("P").(pdf.Ref); ok {
		return x.byRef[ref]
	}
	return 0
}

// page returns page n, counting from 1, or from the end when n is negative; 0 is the last.
func (x *pageIndex) page(n int) (*pdf.Page, error) {
	if n <= 0 {
		n = len(x.list) + n + 1
		if n > len(x.list) {
			n = len(x.list)
		}
	}
	if n < 1 || n > len(x.list) {
		return nil, refuse(CodePageUnknown, "the document has %d pages", len(x.list))
	}
	return x.list[n-1], nil
}

// geometry is what the stamps need to know of a page.
func geometry(s pdf.Source, p *pdf.Page) appearance.Page {
	g := appearance.Page{MediaBox: appearance.Rect(p.MediaBox), CropBox: appearance.Rect(p.CropBox), Rotate: p.Rotate}
	if u, err := s.Resolve(p.Dict.Get("UserUnit")); err == nil {
		if f, ok := pdf.Number(u); ok && f > 0 {
			g.UserUnit = f
		}
	}
	return g
}

// Geometry returns the geometry of page n (1-based; -1 is the last) of a file.
func Geometry(in Source, password string, n int) (appearance.Page, error) {
	r, err := open(in, password)
	if err != nil {
		return appearance.Page{}, err
	}
	pages, err := pageNumbers(r.Last())
	if err != nil {
		return appearance.Page{}, err
	}
	p, err := pages.page(n)
	if err != nil {
		return appearance.Page{}, fmt.Errorf("page %d: %w", n, err)
	}
	return geometry(r.Last(), p), nil
}
