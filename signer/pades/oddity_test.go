package pades_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kyso-vn/kyso/internal/interop"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/pdf"
	"github.com/kyso-vn/kyso/signer/validate"
)

// oddity is a file that must be signed without harm, or be refused with a code.
type oddity struct {
	file     []byte
	o        pades.Options
	password string
	code     string
	signed   int // signatures that are in it already
	// strange says that the verifier refuses or doubts the file as it came, for good reasons of its own.
	strange bool
	check   func(t *testing.T, before, after *pdf.View)
}

func TestOddFilesAreSignedWithoutHarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, p256(t))
	n := 0
	for group, rows := range map[string]map[string]oddity{
		"structure": structureOddities(), "forms": formOddities(), "pages": pageOddities(), "signatures": signatureOddities(t, w),
		"encryption": encryptionOddities(t), "limits": limitOddities(),
	} {
		n += len(rows)
		for name, row := range rows {
			t.Run(group+"/"+name, func(t *testing.T) {
				t.Parallel()
				if row.code != "" {
					refused(t, w, row)
					return
				}
				signTwice(t, w, row)
			})
		}
	}
	if n < 100 {
		t.Errorf("only %d odd files", n)
	}
}

func refused(t *testing.T, w *world, row oddity) {
	o := row.o
	o.Certificate, o.Chain, o.Password = w.Cert, w.Chain, row.password
	if _, err := pades.Prepare(t.Context(), pades.FromBytes(row.file), o); signer.CodeOf(err) != row.code {
		t.Errorf("%v, want %s", err, row.code)
	}
}

// signTwice signs as the row says and once more, and has everybody judge.
func signTwice(t *testing.T, w *world, row oddity) {
	o := row.o
	o.Certificate, o.Chain, o.Password = w.Cert, w.Chain, row.password
	if o.Active == pades.ActiveRefuse {
		o.Active = pades.ActiveWarn
	}
	once := w.sign(t, row.file, signer.LevelB, o)
	twice, signatures := once, row.signed+1
	if o.Certify != 1 {
		second := pades.Options{Certificate: w.Cert, Chain: w.Chain, Password: row.password, Active: o.Active}
		twice, signatures = w.sign(t, once, signer.LevelB, second), signatures+1
	}
	before, after := openView(t, row.file, row.password), openView(t, twice, row.password)
	unharmed(t, before, after, o.Field)
	if row.check != nil {
		row.check(t, before, after)
	}
	judgeOdd(t, row, twice, signatures)
	report, err := validate.File(t.Context(), bytes.NewReader(twice), int64(len(twice)), trusting(t, w, row.password))
	if err != nil {
		t.Fatal(err)
	}
	if !row.strange && (report.Verdict != validate.VerdictPassed || len(report.Signatures) != signatures) {
		text, _ := json.MarshalIndent(report, "", " ")
		t.Errorf("%d signatures, the verifier says %s", signatures, text)
	}
}

func trusting(t *testing.T, w *world, password string) validate.Options {
	o := validate.Options{Password: password, Anchors: []path.AnchorList{{Name: "thử", Certificates: []*x509.Certificate{w.Root}}}}
	for _, issuer := range []*x509.Certificate{w.Root, w.CA} {
		crl, err := w.CRL(issuer)
		if err != nil {
			t.Fatal(err)
		}
		o.CRLs = append(o.CRLs, crl)
	}
	return o
}

func openView(t testing.TB, file []byte, password string) *pdf.View {
	t.Helper()
	r, err := pdf.Open(bytes.NewReader(file), int64(len(file)), pdf.Options{Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return r.Last()
}

// judgeOdd has qpdf and poppler look before and after: what they accepted they still accept, and the page looks the same.
func judgeOdd(t *testing.T, row oddity, signed []byte, signatures int) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.pdf"), filepath.Join(dir, "out.pdf")
	for name, data := range map[string][]byte{in: row.file, out: signed} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if interop.QPDFCheck(t.Context(), in, row.password) == nil {
		if err := interop.QPDFCheck(t.Context(), out, row.password); err != nil {
			t.Errorf("qpdf liked the file before it was signed: %v", err)
		}
	}
	if row.password != "" {
		return
	}
	was, err := interop.Render(t.Context(), in, 1, 20)
	if err != nil {
		return // poppler can't read it
	}
	is, err := interop.Render(t.Context(), out, 1, 20)
	if err != nil || differing(was, is) != 0 {
		t.Errorf("the page looks different (%v)", err)
	}
	reports, err := interop.PDFSig(t.Context(), out)
	valid := 0
	for _, r := range reports {
		if r.Valid {
			valid++
		}
	}
	if err != nil || valid != signatures && !row.strange {
		t.Errorf("pdfsig finds %d of %d signatures valid (%v): %+v", valid, signatures, err, reports)
	}
}

// changing are the keys that signing may set.
var changing = []pdf.Name{"Annots", "Fields", "SigFlags", "V", "AP", "F", "AcroForm", "Perms", "NeedAppearances", "K", "Nums", "ParentTreeNextKey", "ParentTree"}

// unharmed demands that objects are as they were, but for the keys that signing is about, and fields and trailer too.
func unharmed(t *testing.T, before, after *pdf.View, target string) {
	t.Helper()
	for num, e := range before.Objects() {
		ref := pdf.Ref{Num: num, Gen: e.Gen}
		old, err := before.Load(ref)
		if err != nil {
			continue
		}
		now, err := after.Load(ref)
		if err != nil {
			t.Errorf("object %v can't be read any more: %v", ref, err)
			continue
		}
		if bytes.Equal(old.Raw, now.Raw) && old.Offset == now.Offset {
			continue
		}
		d := now.Dict()
		if d == nil {
			if _, grown := now.Value.(pdf.Array); !grown {
				t.Errorf("object %v is %q, was %q", ref, now.Raw, old.Raw)
			}
			continue
		}
		same(t, old.Dict(), d, changing)
	}
	same(t, before.Trailer(), after.Trailer(), []pdf.Name{"Size", "Prev", "XRefStm", "ID", "W", "Index", "Length", "Filter", "DecodeParms"})
	fields, err := pdf.Fields(before)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fields {
		now, err := pdf.FindField(after, f.Name)
		if err != nil || now == nil {
			t.Errorf("field %q is gone (%v)", f.Name, err)
		} else if now.Type != f.Type || f.Name != target && written(t, now.Value) != written(t, f.Value) {
			t.Errorf("field %q was %v, is %v", f.Name, f.Value, now.Value)
		}
	}
}

// same demands that a dictionary has all that it had.
func same(t *testing.T, old, now *pdf.Dict, but []pdf.Name) {
	t.Helper()
	for _, e := range old.Entries {
		if !slices.Contains(but, e.Key) && written(t, now.Get(e.Key)) != written(t, old.Get(e.Key)) {
			t.Errorf("%s was %s, is %s", e.Key, written(t, old.Get(e.Key)), written(t, now.Get(e.Key)))
		}
	}
}

func written(t *testing.T, o pdf.Object) string {
	t.Helper()
	b, err := pdf.AppendObject(nil, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
