package validate_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/pdf"
	"github.com/kyso-vn/kyso/signer/validate"
)

// expect demands a verdict that is not passed, for the reason with this code.
func expect(t *testing.T, r *validate.Report, verdict validate.Verdict, code string) {
	t.Helper()
	found := r.Code == code
	for _, s := range r.Signatures {
		found = found || slices.ContainsFunc(s.Reasons, func(x validate.Reason) bool { return x.Code == code })
	}
	if r.Verdict != verdict || !found {
		t.Errorf("want %s for %s: %s", verdict, code, show(r))
	}
}

// replaceLast replaces the last occurrence with something of the same length, so that all
// offsets stay.
func replaceLast(t testing.TB, file []byte, old, new string) []byte {
	t.Helper()
	i := bytes.LastIndex(file, []byte(old))
	if i < 0 || len(new) > len(old) {
		t.Fatalf("%q can't become %q", old, new)
	}
	out := bytes.Clone(file)
	copy(out[i:], new+strings.Repeat(" ", len(old)-len(new)))
	return out
}

// byteRangeOf returns the text of the last ByteRange with its brackets.
func byteRangeOf(t testing.TB, file []byte) (text string, n [4]int) {
	t.Helper()
	i := bytes.LastIndex(file, []byte("/ByteRange [")) + len("/ByteRange ")
	text = string(file[i : i+bytes.IndexByte(file[i:], ']')+1])
	if _, err := fmt.Sscanf(text, "[%d %d %d %d", &n[0], &n[1], &n[2], &n[3]); err != nil {
		t.Fatal(text, err)
	}
	return text, n
}

func TestForgedDictionariesFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(t)
	file := finish(t, read(t, "to-trinh.pdf"), w.leader, pades.Options{Field: "chu_ky_lanh_dao"}, nil)
	text, n := byteRangeOf(t, file)
	from, to := contentsOf(t, file)
	contents := string(file[from-1 : from+bytes.IndexByte(file[from:], '>')+1])
	numbers := func(format string, args ...any) func(testing.TB, []byte) []byte {
		return func(t testing.TB, b []byte) []byte { return replaceLast(t, b, text, fmt.Sprintf(format, args...)) }
	}
	for name, c := range map[string]struct {
		change func(testing.TB, []byte) []byte
		code   string
	}{
		"three numbers":      {numbers("[%d %d %d]", n[0], n[1], n[2]), "byterange_malformed"},
		"five numbers":       {numbers("[%d %d %d %d 0]", n[0], n[1], n[2], n[3]), "byterange_malformed"},
		"negative":           {numbers("[%d %d %d -1]", n[0], n[1], n[2]), "byterange_malformed"},
		"real number":        {numbers("[%d %d. %d %d]", n[0], n[1], n[2], n[3]), "byterange_malformed"},
		"nothing":            {numbers("null"), "byterange_malformed"},
		"not from the start": {numbers("[1 %d %d %d]", n[1]-1, n[2], n[3]), "byterange_start"},
		"larger gap":         {numbers("[0 %d %d %d]", n[1]-10, n[2], n[3]), "byterange_gap"},
		"smaller gap":        {numbers("[0 %d %d %d]", n[1]+1, n[2], n[3]), "byterange_gap"},
		"gap moved":          {numbers("[0 %d %d %d]", n[1]-5000, n[2]-5000, n[3]+5000), "byterange_gap"},
		"beyond the end":     {numbers("[0 %d %d %d]", n[1], n[2], n[3]+1), "byterange_outside"},
		"short of the end":   {numbers("[0 %d %d %d]", n[1], n[2], n[3]-9), "coverage_no_eof"},
		"overflow":           {numbers("[0 %d 9223372036854775807 9]", n[1]), "byterange_outside"},
		"no ByteRange":       {func(t testing.TB, b []byte) []byte { return replaceLast(t, b, "/ByteRange", "/BiteRange") }, "byterange_malformed"},
		"no SubFilter":       {func(t testing.TB, b []byte) []byte { return replaceLast(t, b, "/SubFilter", "/SubFitter") }, "subfilter_unknown"},
		"strange SubFilter": {func(t testing.TB, b []byte) []byte {
			return replaceLast(t, b, "/ETSI.CAdES.detached", "/adbe.pkcs7.sha1")
		}, "subfilter_unknown"},
		"no Filter": {func(t testing.TB, b []byte) []byte {
			return replaceLast(t, b, "/Filter /Adobe.PPKLite", "/Fitter /Adobe.PPKLite")
		}, "filter_missing"},
		"time-stamp's Type": {func(t testing.TB, b []byte) []byte { return replaceLast(t, b, "<</Type /Sig", "<</Type /Sog") }, "type_mismatch"},
		"double keys": {func(t testing.TB, b []byte) []byte {
			return replaceLast(t, b, "/Filter /Adobe.PPKLite", "/M(x) /Filter /PPK")
		}, "duplicate_keys"},
		"Contents indirect": {func(t testing.TB, b []byte) []byte { return replaceLast(t, b, contents, "5 0 R") }, "contents_indirect"},
		"Contents null":     {func(t testing.TB, b []byte) []byte { return replaceLast(t, b, contents, "null") }, "contents_indirect"},
		"Contents empty":    {func(t testing.TB, b []byte) []byte { return replaceLast(t, b, contents, "<>") }, "contents_empty"},
		"Contents literal": {func(t testing.TB, b []byte) []byte {
			return replaceLast(t, b, contents, "("+strings.Repeat("0", len(contents)-2)+")")
		}, "contents_not_hex"},
		"Contents zero": {func(t testing.TB, b []byte) []byte {
			return replaceLast(t, b, contents, "<"+strings.Repeat("0", len(contents)-2)+">")
		}, "contents_trailing"},
		"no Contents": {func(t testing.TB, b []byte) []byte { return replaceLast(t, b, "/Contents <", "/Kontents <") }, "contents_missing"},
		"trailing bytes": {func(t testing.TB, b []byte) []byte {
			b = bytes.Clone(b)
			copy(b[to+bytes.IndexByte(b[to:], '>')-2:], "01")
			return b
		}, "contents_trailing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := judge(t, c.change(t, file), o)
			if name == "Contents zero" && r.Verdict == validate.VerdictFailed {
				return // an empty DER value with zeros behind: cms_format
			}
			expect(t, r, validate.VerdictFailed, c.code)
		})
	}
}

func TestTwoSignaturesNeverShareAByteRange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, initialled, signed, _ := w.workflow(t)
	_, n := byteRangeOf(t, initialled)
	text, _ := byteRangeOf(t, signed)
	mutant := replaceLast(t, signed, text, fmt.Sprintf("[0 %d %d %d]", n[1], n[2], n[3]))
	expect(t, judge(t, mutant, w.options(t)), validate.VerdictFailed, "byterange_gap")
	// The same dictionary in two fields.
	shared := update(t, initialled, func(u *pdf.Update) error {
		first, err := pdf.FindField(u, "ky_nhay")
		if err != nil {
			return err
		}
		second, err := pdf.FindField(u, "chu_ky_lanh_dao")
		if err != nil {
			return err
		}
		e, err := u.Edit(second.Ref)
		if err != nil {
			return err
		}
		return e.Set("V", first.Value)
	})
	expect(t, judge(t, shared, w.options(t)), validate.VerdictFailed, "byterange_shared")
}

// change is an incremental update by an attacker.
type change func(u *pdf.Update) error

// edit sets a key of an indirect object that choose finds.
func edit(choose func(u *pdf.Update) (*pdf.Editor, error), key pdf.Name, value func(u *pdf.Update) (pdf.Object, error)) change {
	return func(u *pdf.Update) error {
		e, err := choose(u)
		if err != nil {
			return err
		}
		v, err := value(u)
		if err != nil {
			return err
		}
		if v == nil {
			return e.Delete(key)
		}
		return e.Set(key, v)
	}
}

func is(o pdf.Object) func(*pdf.Update) (pdf.Object, error) {
	return func(*pdf.Update) (pdf.Object, error) { return o, nil }
}

func page(u *pdf.Update) (*pdf.Editor, error) {
	p, err := pdf.PageAt(u, 1)
	if err != nil {
		return nil, err
	}
	return u.Edit(p.Ref)
}

func root(u *pdf.Update) (*pdf.Editor, error) {
	ref, err := pdf.RootRef(u)
	if err != nil {
		return nil, err
	}
	return u.Edit(ref)
}

func form(u *pdf.Update) (*pdf.Editor, error) {
	e, err := root(u)
	if err != nil {
		return nil, err
	}
	return e.Sub("AcroForm")
}

func info(u *pdf.Update) (*pdf.Editor, error) { return u.Edit(u.Trailer().Get("Info").(pdf.Ref)) }

func field(name string) func(*pdf.Update) (*pdf.Editor, error) {
	return func(u *pdf.Update) (*pdf.Editor, error) {
		f, err := pdf.FindField(u, name)
		if f == nil {
			return nil, fmt.Errorf("no field %s: %w", name, err)
		}
		return u.Edit(f.Ref)
	}
}

// signature is the signature dictionary of a field.
func signature(name string) func(*pdf.Update) (*pdf.Editor, error) {
	return func(u *pdf.Update) (*pdf.Editor, error) {
		f, err := pdf.FindField(u, name)
		if f == nil {
			return nil, fmt.Errorf("no field %s: %w", name, err)
		}
		return u.Edit(f.Value.(pdf.Ref))
	}
}

// font is the first font of page 1.
func font(u *pdf.Update) (*pdf.Editor, error) {
	p, err := pdf.PageAt(u, 1)
	if err != nil {
		return nil, err
	}
	d, err := pdf.DictAt(u, p.Resources.Get("Font"))
	if err != nil || d == nil {
		return nil, fmt.Errorf("no fonts: %w", err)
	}
	return u.Edit(d.Entries[0].Value.(pdf.Ref))
}

func stream(dict pdf.Map, data string) func(*pdf.Update) (pdf.Object, error) {
	return func(u *pdf.Update) (pdf.Object, error) { return u.AddStream(dict, []byte(data)) }
}

// widget adds an annotation to page 1, and to the form when inForm is set.
func widget(m pdf.Map, inForm bool) change {
	return func(u *pdf.Update) error {
		e, err := page(u)
		if err != nil {
			return err
		}
		m["Type"], m["P"] = pdf.Name("Annot"), e.Ref()
		ref, err := u.Add(m)
		if err != nil {
			return err
		}
		if err := e.Append("Annots", ref); err != nil || !inForm {
			return err
		}
		f, err := form(u)
		if err != nil {
			return err
		}
		return f.Append("Fields", ref)
	}
}

func TestChangesBehindASignatureFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(t)
	_, _, signed, sealed := w.workflow(t)
	lta := w.sign(t, read(t, "to-trinh.pdf"), w.leader, signer.LevelLTA, pades.Options{Field: "chu_ky_lanh_dao"})
	certified := w.sign(t, read(t, "to-trinh.pdf"), w.leader, signer.LevelB, pades.Options{Field: "chu_ky_lanh_dao", Certify: 2})
	noChanges := w.sign(t, read(t, "to-trinh.pdf"), w.leader, signer.LevelB, pades.Options{Field: "chu_ky_lanh_dao", Certify: 1})
	box := appearance.Rect{100, 600, 300, 700}
	sig := func() pdf.Map {
		return pdf.Map{"Subtype": pdf.Name("Widget"), "FT": pdf.Name("Sig"), "T": pdf.EncodeText("moi"), "F": pdf.Integer(132)}
	}
	with := func(m pdf.Map, key pdf.Name, v pdf.Object) pdf.Map { m[key] = v; return m }
	for name, c := range map[string]struct {
		file   []byte
		change change
		code   string
	}{
		"page content replaced":     {signed, edit(page, "Contents", stream(nil, "0 0 m 9 9 l S")), "modified"},
		"page content removed":      {signed, edit(page, "Contents", is(nil)), "modified"},
		"page turned":               {signed, edit(page, "Rotate", is(pdf.Integer(180))), "modified"},
		"page cropped":              {signed, edit(page, "CropBox", is(pdf.Rect{0, 0, 100, 100}.Array())), "modified"},
		"page script":               {signed, edit(page, "AA", is(pdf.Map{"O": pdf.Map{"S": pdf.Name("JavaScript"), "JS": pdf.String("1")}})), "modified"},
		"font changed":              {signed, edit(font, "BaseFont", is(pdf.Name("Courier"))), "modified"},
		"font emptied":              {signed, edit(font, "FirstChar", is(pdf.Integer(1))), "modified"},
		"catalog script":            {signed, edit(root, "OpenAction", is(pdf.Map{"S": pdf.Name("JavaScript"), "JS": pdf.String("1")})), "modified"},
		"other pages":               {signed, edit(root, "Pages", is(pdf.Map{"Type": pdf.Name("Pages"), "Count": pdf.Integer(0), "Kids": pdf.Array{}})), "modified"},
		"layers":                    {signed, edit(root, "OCProperties", is(pdf.Map{})), "modified"},
		"certification afterwards":  {signed, edit(root, "Perms", is(pdf.Map{"DocMDP": pdf.Ref{Num: 5}})), "modified"},
		"form fonts":                {signed, edit(form, "DR", is(pdf.Map{})), "modified"},
		"form appearance":           {signed, edit(form, "DA", is(pdf.String("/Helv 0 Tf 1 g"))), "modified"},
		"form without fields":       {signed, edit(form, "Fields", is(pdf.Array{})), "modified"},
		"form redrawn":              {w.sign(t, read(t, "phu-luc.pdf"), w.leader, signer.LevelB, pades.Options{}), edit(form, "NeedAppearances", is(true)), "modified"},
		"annotation added":          {signed, widget(pdf.Map{"Subtype": pdf.Name("FreeText"), "Rect": pdf.Rect(box).Array()}, false), "modified_annotations"},
		"annotation when certified": {certified, widget(pdf.Map{"Subtype": pdf.Name("Stamp"), "Rect": pdf.Rect(box).Array()}, false), "modified_annotations"},
		"widget of no field":        {signed, widget(with(sig(), "Rect", pdf.Rect(box).Array()), false), "modified"},
		"new text field":            {signed, widget(with(with(sig(), "FT", pdf.Name("Tx")), "Rect", pdf.Rect(box).Array()), true), "modified"},
		"signature over text":       {signed, widget(with(sig(), "Rect", pdf.Rect{0, 0, 595, 842}.Array()), true), "modified"},
		"visible after certified":   {certified, widget(with(sig(), "Rect", pdf.Rect{1, 1, 5, 5}.Array()), true), "modified"},
		"field with an action":      {signed, widget(with(with(sig(), "Rect", pdf.Rect{}.Array()), "A", pdf.Map{"S": pdf.Name("Launch")}), true), "modified"},
		"field twice":               {signed, widget(with(with(sig(), "Rect", pdf.Rect{}.Array()), "T", pdf.EncodeText("con_dau")), true), "modified"},
		"filled after the lock":     {sealed, edit(field("so_ky_hieu"), "V", is(pdf.EncodeText("13/QĐ"))), "field_locked"},
		"emptied":                   {sealed, edit(field("so_ky_hieu"), "V", is(nil)), "field_locked"},
		"appearance only": {sealed, edit(field("so_ky_hieu"), "AP", func(u *pdf.Update) (pdf.Object, error) {
			ref, err := u.AddStream(pdf.Map{"Subtype": pdf.Name("Form"), "BBox": pdf.Rect{0, 0, 9, 9}.Array()}, []byte("0 0 9 9 re f"))
			return pdf.Map{"N": ref}, err
		}), "modified"},
		"field moved":       {signed, edit(field("con_dau"), "Rect", is(pdf.Rect(box).Array())), "modified"},
		"signature moved":   {signed, edit(field("chu_ky_lanh_dao"), "Rect", is(pdf.Rect(box).Array())), "modified"},
		"signature's looks": {signed, edit(field("chu_ky_lanh_dao"), "AP", is(pdf.Map{})), "modified"},
		"signature removed": {signed, edit(field("chu_ky_lanh_dao"), "V", is(nil)), "modified"},
		"lock removed":      {signed, edit(field("con_dau"), "Lock", is(nil)), "modified"},
		"filled with P=1":   {noChanges, edit(field("so_ky_hieu"), "V", is(pdf.EncodeText("13/QĐ"))), "docmdp_broken"},
		"DSS removed":       {lta, edit(root, "DSS", is(nil)), "modified"},
		"DSS emptied":       {lta, edit(root, "DSS", is(pdf.Map{})), "modified"},
		"title changed":     {signed, edit(info, "Title", is(pdf.EncodeText("Khác"))), "modified"},
		"Reason rewritten":  {signed, edit(signature("chu_ky_lanh_dao"), "Reason", is(pdf.EncodeText("Từ chối"))), "modified"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := judge(t, c.file, o); r.Verdict != validate.VerdictPassed && !bytes.Equal(c.file, lta) {
				t.Fatal(show(r))
			}
			expect(t, judge(t, update(t, c.file, c.change), o), validate.VerdictFailed, c.code)
		})
	}
}
