package pades_test

import (
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/pdf"
)

const (
	empty  = "<</Type/Annot/Subtype/Widget/FT/Sig/T(sig)/Rect[10 40 100 60]/P 3 0 R/F 4"
	lookAP = "/AP<</N 8 0 R>>"
)

// formOddities are those of the interactive form.
func formOddities() map[string]oddity {
	at := func(field string, file []byte) oddity { return oddity{file: file, o: pades.Options{Field: field}} }
	form := func(form string, more ...string) []byte { return plain(append([]string{"6", form}, more...)...) }
	page := func(annots string) string { return strings.Replace(usual[3], "[7 0 R]", annots, 1) }
	with := func(field string, more ...string) []byte { // a second field, object 10
		return form("<</Fields[7 0 R 10 0 R]/DA(/F1 0 Tf 0 g)>>", append([]string{"3", page("[7 0 R 10 0 R]"), "10", field}, more...)...)
	}
	rows := map[string]oddity{
		"no form":               {file: plain("1", "<</Type/Catalog/Pages 2 0 R>>", "3", page("[]"), "6", "", "7", "")},
		"form is null":          {file: plain("1", "<</Type/Catalog/Pages 2 0 R/AcroForm null>>", "3", page(" null"))},
		"form is not there":     {file: plain("6", "", "7", "", "3", page("[]"))},
		"form is empty":         {file: form("<<>>")},
		"form is direct":        {file: plain("1", "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[7 0 R]/DR<<>>/CO[7 0 R]/X(y)>>>>")},
		"fields indirect":       {file: form("<</Fields 10 0 R>>", "10", "[7 0 R]")},
		"fields twice removed":  {file: form("<</Fields 10 0 R>>", "10", "11 0 R", "11", "[7 0 R]")},
		"fields null":           {file: form("<</Fields null/DA(/F1 0 Tf 0 g)>>")},
		"fields is no array":    {file: form("<</Fields(x)>>"), code: "type_mismatch"},
		"form is no dictionary": {file: plain("6", "(x)"), code: "type_mismatch"},
		"a field is direct":     {file: form("<</Fields[<</FT/Tx/T(direct)/V(1)>> 7 0 R]>>")},
		"to sign a direct field": {file: form("<</Fields[<</FT/Sig/T(direct)>> 7 0 R]>>"), o: pades.Options{Field: "direct"},
			code: "damaged"},
		"nested and inherited": at("a.b.sig", form("<</Fields[7 0 R 10 0 R]>>", "3", page("[7 0 R 12 0 R]"), "10", "<</T(a)/FT/Sig/Kids[11 0 R]>>",
			"11", "<</T(b)/Parent 10 0 R/Kids[12 0 R]>>", "12", "<</Type/Annot/Subtype/Widget/T(sig)/Parent 11 0 R/Rect[10 40 100 60]/F 4>>")),
		"circular":           {file: form("<</Fields[7 0 R 10 0 R]>>", "10", "<</T(a)/FT/Tx/Kids[11 0 R]>>", "11", "<</T(b)/Parent 10 0 R/Kids[10 0 R 12 0 R]>>", "12", "<</T(c)/Parent 11 0 R>>")},
		"its own kid":        {file: form("<</Fields[7 0 R 10 0 R]>>", "10", "<</T(a)/FT/Tx/Kids[10 0 R]>>")},
		"listed twice":       {file: form("<</Fields[7 0 R 7 0 R]>>")},
		"a kid is missing":   {file: form("<</Fields[7 0 R 99 0 R]>>")},
		"merged":             at("sig", with(empty+">>")),
		"merged with look":   at("sig", with(empty+lookAP+"/MK<</BG[1 1 0]>>/BS<</W 1>>>>")),
		"split":              at("sig", with("<</FT/Sig/T(sig)/Kids[11 0 R]>>", "3", page("[7 0 R 11 0 R]"), "11", "<</Type/Annot/Subtype/Widget/Parent 10 0 R/Rect[10 40 100 60]/P 3 0 R/F 4"+lookAP+">>")),
		"two widgets":        at("sig", with("<</FT/Sig/T(sig)/Kids[11 0 R 12 0 R]>>", "3", page("[7 0 R 11 0 R 12 0 R]"), "11", "<</Type/Annot/Subtype/Widget/Parent 10 0 R/Rect[10 40 100 60]/F 4>>", "12", "<</Type/Annot/Subtype/Widget/Parent 10 0 R/Rect[10 70 100 90]/F 4>>")),
		"no widget":          at("sig", with("<</FT/Sig/T(sig)>>", "3", usual[3])),
		"no page":            at("sig", with(strings.Replace(empty, "/P 3 0 R", "", 1)+">>", "3", usual[3])),
		"value is null":      at("sig", with(empty+"/V null>>")),
		"value is missing":   at("sig", with(empty+"/V 77 0 R>>")),
		"lock one":           {file: with(empty + "/Lock<</Type/SigFieldLock/Action/Include/Fields[(number)]>>>>"), o: pades.Options{Field: "sig"}, check: signatureHas("Reference")},
		"lock but one":       {file: with(empty+"/Lock 11 0 R>>", "11", "<</Type/SigFieldLock/Action/Exclude/Fields[(x)]>>"), o: pades.Options{Field: "sig"}, check: signatureHas("Reference")},
		"seed obeyed":        at("sig", with(empty+"/SV<</Type/SV/Ff 3/Filter/Adobe.PPKLite/SubFilter[/adbe.pkcs7.detached/ETSI.CAdES.detached]>>>>")),
		"seed not obeyed":    {file: with(empty + "/SV<</Type/SV/Ff 2/SubFilter[/adbe.pkcs7.detached]>>>>"), o: pades.Options{Field: "sig"}, code: "seed_value"},
		"seed of a reason":   {file: with(empty + "/SV<</Ff 8/Reasons[(Duyet)]>>>>"), o: pades.Options{Field: "sig", Reason: "Duyet"}},
		"names are unique":   {file: with(strings.Replace(empty, "(sig)", "(Signature1)", 1) + ">>"), check: hasFields("Signature1", "Signature2", "Signature3")},
		"name in UTF-16":     at("chữ ký", with(strings.Replace(empty, "(sig)", "<FEFF006300681EEF0020006B00FD>", 1)+">>")),
		"name in UTF-8":      at("chữ ký", with(strings.Replace(empty, "(sig)", "(\xef\xbb\xbfchữ ký)", 1)+">>")),
		"a field in no page": {file: form("<</Fields[7 0 R 10 0 R]>>", "10", "<</FT/Tx/T(hidden)/V(x)>>")},
		"need appearances":   {file: form("<</Fields[7 0 R]/NeedAppearances true/DA(/F1 0 Tf 0 g)>>")},
		"XFA":                {file: form("<</Fields[7 0 R]/XFA 10 0 R>>", "10", stream("", "<xdp/>")), code: "xfa"},
		"unknown field":      {file: plain(), o: pades.Options{Field: "x"}, code: "field_unknown"},
		"a text field":       {file: plain(), o: pades.Options{Field: "number"}, code: "field_not_sig"},
		"script":             {file: plain("1", "<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>"), code: "active_content"},
		"launch":             {file: plain("10", "<</S/Launch/F(cmd.exe)>>"), code: "active_content"},
		"script in a name":   {file: plain("10", "<</S/J#61vaScript/JS(1)>>"), code: "active_content"},
	}
	return rows
}

func hasFields(names ...string) func(*testing.T, *pdf.View, *pdf.View) {
	return func(t *testing.T, _, after *pdf.View) {
		for _, n := range names {
			if f, err := pdf.FindField(after, n); err != nil || f == nil {
				t.Errorf("there is no field %s (%v)", n, err)
			}
		}
	}
}

// signatureHas demands a key of the signature in field sig.
func signatureHas(key pdf.Name) func(*testing.T, *pdf.View, *pdf.View) {
	return func(t *testing.T, _, after *pdf.View) {
		f, err := pdf.FindField(after, "sig")
		if err != nil || f == nil {
			t.Fatal(f, err)
		}
		if d, err := pdf.DictAt(after, f.Value); err != nil || !d.Has(key) {
			t.Errorf("the signature has no %s (%v)", key, err)
		}
	}
}

// pageOddities are those of the page tree.
func pageOddities() map[string]oddity {
	edit := func(old, with string) string { return strings.Replace(usual[3], old, with, 1) }
	two := "<</Type/Pages/Kids[3 0 R 10 0 R]/Count 2/MediaBox[0 0 595 842]>>"
	return map[string]oddity{
		"Annots indirect":      {file: plain("3", edit("[7 0 R]", " 10 0 R"), "10", "[7 0 R]")},
		"Annots shared":        {file: plain("2", two, "3", edit("[7 0 R]", " 11 0 R"), "10", edit("[7 0 R]", " 11 0 R"), "11", "[7 0 R]"), check: secondPageAsBefore},
		"Annots missing":       {file: plain("3", edit("/Annots[7 0 R]", ""))},
		"Annots not there":     {file: plain("3", edit("[7 0 R]", " 99 0 R"))},
		"Annots of nothing":    {file: plain("3", edit("[7 0 R]", "[7 0 R null 99 0 R]"))},
		"Annots is no array":   {file: plain("3", edit("[7 0 R]", "(x)")), code: "type_mismatch"},
		"pages without Type":   {file: plain("2", "<</Kids[3 0 R]/Count 1/MediaBox[0 0 595 842]>>", "3", edit("/Type/Page/", "/"))},
		"circular":             {file: plain("2", "<</Type/Pages/Kids[3 0 R 2 0 R]/Count 1/MediaBox[0 0 595 842]>>")},
		"circular below":       {file: plain("2", "<</Type/Pages/Kids[10 0 R]/Count 1/MediaBox[0 0 595 842]>>", "10", "<</Type/Pages/Parent 2 0 R/Kids[3 0 R 2 0 R]/Count 1>>")},
		"inherited":            {file: plain("2", "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 842 595]/Rotate 90/CropBox[10 10 500 500]/Resources<</Font<</F1 5 0 R>>>>>>", "3", "<</Type/Page/Parent 2 0 R/Contents 4 0 R>>")},
		"no MediaBox":          {file: plain("2", "<</Type/Pages/Kids[3 0 R]/Count 1>>")},
		"a page twice":         {file: plain("2", "<</Type/Pages/Kids[3 0 R 3 0 R]/Count 2/MediaBox[0 0 595 842]>>")},
		"a page is missing":    {file: plain("2", "<</Type/Pages/Kids[99 0 R 3 0 R]/Count 1/MediaBox[0 0 595 842]>>")},
		"Count is wrong":       {file: plain("2", "<</Type/Pages/Kids[3 0 R]/Count 7/MediaBox[0 0 595 842]>>")},
		"Kids indirect":        {file: plain("2", "<</Type/Pages/Kids 10 0 R/Count 1/MediaBox[0 0 595 842]>>", "10", "[3 0 R]")},
		"a page is direct":     {file: plain("2", "<</Type/Pages/Kids["+usual[3]+"]/Count 1/MediaBox[0 0 595 842]>>"), code: "damaged"},
		"no page":              {file: plain("2", "<</Type/Pages/Kids[]/Count 0>>"), code: "damaged"},
		"no page tree":         {file: plain("2", ""), code: "damaged"},
		"the root is a page":   {file: plain("1", "<</Type/Catalog/Pages 3 0 R/AcroForm 6 0 R>>", "3", edit("/Parent 2 0 R", "/MediaBox[0 0 595 842]"))},
		"contents are missing": {file: plain("3", edit("4 0 R", "99 0 R"))},
		"MediaBox upside down": {file: plain("2", "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[595 842 0 0]>>")},
		"UserUnit":             {file: plain("3", edit("/Contents", "/UserUnit 2.5/Contents"))},
	}
}

func secondPageAsBefore(t *testing.T, before, after *pdf.View) {
	was, err1 := pdf.PageAt(before, 2)
	is, err2 := pdf.PageAt(after, 2)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	a, err1 := pdf.ArrayAt(before, was.Dict.Get("Annots"))
	b, err2 := pdf.ArrayAt(after, is.Dict.Get("Annots"))
	if err1 != nil || err2 != nil || written(t, a) != written(t, b) {
		t.Errorf("annotations of the second page were %v, are %v (%v, %v)", a, b, err1, err2)
	}
}
