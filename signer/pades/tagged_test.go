package pades_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/pdf"
	"github.com/kyso-vn/kyso/signer/validate"
)

// taggedFile has a structure tree, object 20, of choice.
func taggedFile(root string, more ...string) []byte {
	return plain(append([]string{"1", "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/MarkInfo<</Marked true>>/StructTreeRoot 20 0 R>>",
		"20", "<</Type/StructTreeRoot" + root + ">>"}, more...)...)
}

func TestANewWidgetOfATaggedFileIsInItsStructure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, p256(t))
	document := "<</Type/StructElem/S/Document/P 20 0 R/K[22 0 R]>>"
	paragraph := "<</Type/StructElem/S/P/P 21 0 R/Pg 3 0 R/K 0>>"
	for name, c := range map[string]struct {
		file   []byte
		parent uint32 // of the new element; 0 for any
	}{
		"PDF/UA":          {read(t, "../../testdata/pdf/profiles/pdf-ua.pdf"), 0},
		"LibreOffice":     {read(t, "../../testdata/pdf/quyet-dinh.pdf"), 0},
		"Chromium":        {read(t, "../../testdata/pdf/producers/chromium.pdf"), 0},
		"document":        {taggedFile("/K[21 0 R]/ParentTree<</Nums[0[22 0 R]]>>/ParentTreeNextKey 1", "21", document, "22", paragraph), 21},
		"single kid":      {taggedFile("/K 21 0 R/ParentTree 23 0 R", "21", document, "22", paragraph, "23", "<</Nums 24 0 R>>", "24", "[0[22 0 R]]"), 21},
		"tree with nodes": {taggedFile("/K 21 0 R/ParentTree 23 0 R", "21", document, "22", paragraph, "23", "<</Kids[24 0 R]>>", "24", "<</Limits[0 7]/Nums[0[22 0 R] 7[22 0 R]]>>"), 21},
		"no tree":         {taggedFile("/K[21 0 R]", "21", document, "22", paragraph), 21},
		"no kids":         {taggedFile(""), 20},
		"two kids":        {taggedFile("/K[21 0 R 22 0 R]", "21", strings.Replace(document, "[22 0 R]", "[]", 1), "22", strings.Replace(paragraph, "21 0 R", "20 0 R", 1)), 20},
		"kid is marked":   {taggedFile("/K 21 0 R", "21", "<</Type/StructElem/S/P/P 20 0 R/Pg 3 0 R/K 0>>"), 20},
		"key is too low":  {taggedFile("/K[21 0 R]/ParentTree<</Nums[0[22 0 R] 4[22 0 R]]>>/ParentTreeNextKey 2", "21", document, "22", paragraph), 21},
		"encrypted":       {qpdf(t, taggedFile("/K 21 0 R", "21", document, "22", paragraph), "--encrypt", "", "owner", "256", "--"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := w.options()
			o.Rect = appearance.Rect{300, 20, 370, 60}
			once := w.sign(t, c.file, signer.LevelB, o)
			o.Rect = appearance.Rect{300, 80, 370, 120}
			twice := w.sign(t, once, signer.LevelB, o)
			judge(t, twice, "", "", 2)
			v := openView(t, twice, "")
			keys := map[pdf.Integer]bool{}
			for _, f := range []string{"Signature1", "Signature2"} {
				keys[inStructure(t, v, f, c.parent)] = true
			}
			if len(keys) != 2 {
				t.Errorf("keys %v", keys)
			}
			passes(t, w, twice, 2)
			passes(t, w, w.sign(t, once, signer.LevelLTA, w.options()), 3)
		})
	}
}

// inStructure demands a Form element for a field's widget, reached both ways, and returns the key.
func inStructure(t *testing.T, v *pdf.View, field string, parent uint32) pdf.Integer {
	t.Helper()
	f, err := pdf.FindField(v, field)
	if err != nil || f == nil {
		t.Fatal(f, err)
	}
	key, _ := f.Dict.Get("StructParent").(pdf.Integer)
	tu, _ := f.Dict.Get("TU").(pdf.String)
	page, err := pdf.PageOfAnnotation(v, f.Ref)
	if err != nil || page == nil || !page.Dict.Has("Tabs") || pdf.Text(tu) != "Chữ ký số" {
		t.Errorf("page %+v, tooltip %q (%v)", page, pdf.Text(tu), err)
	}
	catalog, err := pdf.Catalog(v)
	if err != nil {
		t.Fatal(err)
	}
	root, err := pdf.DictAt(v, catalog.Get("StructTreeRoot"))
	if err != nil {
		t.Fatal(err)
	}
	if next, _ := root.Int("ParentTreeNextKey"); next <= int64(key) {
		t.Errorf("the next key is %d, this one %d", next, key)
	}
	ref, _ := lookUp(t, v, root.Get("ParentTree"), key).(pdf.Ref)
	element, err := pdf.DictAt(v, ref)
	if err != nil || element == nil || element.Name("S") != "Form" {
		t.Fatalf("key %d leads to %v (%v)", key, element, err)
	}
	kid, _ := element.Get("K").(*pdf.Dict)
	above, _ := element.Get("P").(pdf.Ref)
	if kid.Name("Type") != "OBJR" || kid.Get("Obj") != f.Ref || parent != 0 && above.Num != parent {
		t.Errorf("element %s", written(t, element))
	}
	owner, err := pdf.DictAt(v, above)
	if err != nil || !strings.Contains(written(t, owner.Get("K")), ref.String()) {
		t.Errorf("its parent %v has kids %v (%v)", above, owner.Get("K"), err)
	}
	return key
}

// lookUp finds a key in a number tree.
func lookUp(t *testing.T, v *pdf.View, tree pdf.Object, key pdf.Integer) pdf.Object {
	t.Helper()
	d, err := pdf.DictAt(v, tree)
	if err != nil || d == nil {
		t.Fatal(d, err)
	}
	nums, err1 := pdf.ArrayAt(v, d.Get("Nums"))
	kids, err2 := pdf.ArrayAt(v, d.Get("Kids"))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for i := 0; i+1 < len(nums); i += 2 {
		if i > 1 && nums[i].(pdf.Integer) <= nums[i-2].(pdf.Integer) {
			t.Errorf("keys are not in order: %v", nums)
		}
		if nums[i] == key {
			return nums[i+1]
		}
	}
	for _, kid := range kids {
		if o := lookUp(t, v, kid, key); o != nil {
			return o
		}
	}
	return nil
}

// passes demands that the verifier accepts a file with n signatures and time-stamps.
func passes(t *testing.T, w *world, file []byte, n int) {
	t.Helper()
	r, err := validate.File(t.Context(), bytes.NewReader(file), int64(len(file)), trusting(t, w, ""))
	if err != nil || r.Verdict != validate.VerdictPassed || len(r.Signatures) != n {
		text, _ := json.MarshalIndent(r, "", " ")
		t.Errorf("the verifier says (%v) %s", err, text)
	}
}

func TestABrokenStructureIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, p256(t))
	for name, file := range map[string][]byte{
		"direct":        plain("1", "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/StructTreeRoot<</Type/StructTreeRoot/K[]>>>>"),
		"not there":     plain("1", "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/StructTreeRoot 99 0 R>>"),
		"odd keys":      taggedFile("/ParentTree<</Nums[(a) 3 0 R]>>"),
		"odd numbers":   taggedFile("/ParentTree<</Nums(x)>>"),
		"odd kids":      taggedFile("/ParentTree<</Kids 3 0 R>>"),
		"odd tree":      taggedFile("/ParentTree 99 0 R"),
		"circular tree": taggedFile("/ParentTree 21 0 R", "21", "<</Kids[21 0 R]>>"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signed := w.sign(t, file, signer.LevelB, w.options())
			before, after := openView(t, file, ""), openView(t, signed, "")
			unharmed(t, before, after, "")
			f, err := pdf.FindField(after, "Signature1")
			if err != nil || f == nil || f.Dict.Has("StructParent") {
				t.Errorf("%v (%v)", f, err)
			}
			passes(t, w, signed, 1)
		})
	}
}

func TestAnUnseenWidgetLeavesASignedStructureAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, p256(t))
	once := w.sign(t, read(t, "../../testdata/pdf/profiles/pdf-ua.pdf"), signer.LevelLTA, w.options())
	v := openView(t, w.sign(t, once, signer.LevelLTA, w.options()), "")
	for field, want := range map[string]bool{"Signature1": true, "Signature2": false, "Timestamp1": false, "Timestamp2": false} {
		if f, err := pdf.FindField(v, field); err != nil || f == nil || f.Dict.Has("StructParent") != want {
			t.Errorf("%s: %v (%v)", field, f, err)
		}
	}
}

func TestNumberAndDateAreFilledAsTheArchiveWants(t *testing.T) {
	t.Parallel()
	an := newPerson(t, "a", p256(t))
	for name, want := range map[string]bool{"profiles/pdfa-1b": true, "profiles/pdfa-2b": true, "to-trinh": false} {
		var b bytes.Buffer
		in := read(t, "../../testdata/pdf/"+name+".pdf")
		spec := pades.FieldSpec{Name: "so", Text: true, Page: 1, Rect: appearance.Rect{50, 700, 200, 720}}
		if _, err := pades.AddFields(t.Context(), pades.FromBytes(in), []pades.FieldSpec{spec}, "", &b); err != nil {
			t.Fatal(err)
		}
		v := openView(t, sign(t, b.Bytes(), an, pades.Options{Fill: map[string]string{"so": "12/QĐ"}}), "")
		f, err := pdf.FindField(v, "so")
		if err != nil {
			t.Fatal(err)
		}
		d := f.Widgets[0].Dict
		for _, key := range []pdf.Name{"AP", "N", "Resources"} {
			if d, err = pdf.DictAt(v, d.Get(key)); err != nil || d == nil {
				t.Fatal(d, err)
			}
		}
		if d.Has("ColorSpace") != want {
			t.Errorf("%s: calibrated colours %v, want %v", name, d.Has("ColorSpace"), want)
		}
	}
}
