package pades_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// signatureOddities are those of files that somebody signed or prepared before.
func signatureOddities(t *testing.T, w *world) map[string]oddity {
	sign := func(file []byte, o pades.Options, level signer.Level) []byte {
		o.Certificate, o.Chain = w.Cert, w.Chain
		return w.sign(t, file, level, o)
	}
	mdp := func(p int) []byte { return sign(plain(), pades.Options{Certify: p}, signer.LevelB) }
	locked := func(lock string) []byte {
		return sign(plain("6", "<</Fields[7 0 R 10 0 R 11 0 R]>>", "3", strings.Replace(usual[3], "[7 0 R]", "[7 0 R 10 0 R 11 0 R]", 1),
			"10", empty+"/Lock<</Type/SigFieldLock"+lock+">>>>", "11", strings.Replace(empty, "(sig)", "(later)", 1)+">>"), pades.Options{Field: "sig"}, signer.LevelB)
	}
	archived := sign(plain(), pades.Options{}, signer.LevelLTA)
	renewed := w.augment(t, archived, signer.LevelLTA)
	later := pades.Options{Field: "later"}
	hole := "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[0 1 2 3]/Contents<" + strings.Repeat("0", 200) + ">>>"
	return map[string]oddity{
		"signed":            {file: sign(plain(), pades.Options{}, signer.LevelB), signed: 1},
		"signed, no EOL":    {file: bytes.TrimRight(sign(plain(), pades.Options{}, signer.LevelB), "\n"), signed: 1, strange: true},
		"time-stamped":      {file: sign(plain(), pades.Options{}, signer.LevelT), signed: 1},
		"with a DSS":        {file: sign(plain(), pades.Options{}, signer.LevelLT), signed: 1},
		"archived":          {file: archived, signed: 2, strange: true}, // B-B behind B-LTA: pdfsig doesn't know RFC 3161
		"archived twice":    {file: renewed, signed: 3, strange: true},
		"certified 2":       {file: mdp(2), signed: 1, check: permsHas("DocMDP")},
		"certified 3":       {file: mdp(3), signed: 1, check: permsHas("DocMDP")},
		"certified 1":       {file: mdp(1), code: "docmdp_forbids"},
		"certified already": {file: mdp(2), o: pades.Options{Certify: 2}, code: "docmdp_forbids"},
		"signed before certified": {file: sign(plain(), pades.Options{}, signer.LevelB), o: pades.Options{Certify: 2},
			code: "docmdp_forbids"},
		"to certify 1":      {file: plain(), o: pades.Options{Certify: 1}, check: permsHas("DocMDP")},
		"to certify 2":      {file: plain(), o: pades.Options{Certify: 2}, check: permsHas("DocMDP")},
		"to certify 3":      {file: plain(), o: pades.Options{Certify: 3}, check: permsHas("DocMDP")},
		"all is locked":     {file: locked("/Action/All"), o: later, code: "field_locked"},
		"locked by name":    {file: locked("/Action/Include/Fields[(later)]"), o: later, code: "field_locked"},
		"locked but this":   {file: locked("/Action/Exclude/Fields[(later)]"), o: later, signed: 1},
		"another is locked": {file: locked("/Action/Include/Fields[(number)]"), o: later, signed: 1},
		"signed field":      {file: locked("/Action/Include/Fields[]"), o: pades.Options{Field: "sig"}, code: "field_signed"},
		"a hole of others":  {file: plain("10", hole), strange: true, check: objectIs(10, hole)},
		"a field with a hole": {file: plain("6", "<</Fields[7 0 R 11 0 R]>>", "10", hole, "11", "<</FT/Sig/T(hole)/V 10 0 R>>"), strange: true,
			check: objectIs(10, hole)},
		"zeros as text": {file: plain("10", "(/Contents<"+strings.Repeat("0", 300)+">/ByteRange[0 0 0 0])")},
		"Reader-enabled": {file: plain("1", "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/Perms<</UR3 10 0 R>>>>", "10", rights), strange: true,
			o: pades.Options{Certify: 2}, check: permsHas("UR3", "DocMDP")},
	}
}

// rights is a usage rights signature (ISO 32000-1, Section 12.8.2.3), as old software made them; its value is nobody's.
const rights = "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[0 100 200 100]/Contents<3000>/Reference[<</Type/SigRef" +
	"/TransformMethod/UR3/TransformParams<</Type/TransformParams/V/2.2/Document[/FullSave]/Form[/FillIn]/Signature[/Modify]>>>>]>>"

func TestVoidUsageRightsAreWarnedOf(t *testing.T) {
	t.Parallel()
	an := newPerson(t, "a", p256(t))
	for file, want := range map[string][]string{
		string(plain()): nil,
		string(plain("1", "<</Type/Catalog/Pages 2 0 R/Perms 11 0 R>>", "10", rights, "11", "<</UR3 10 0 R>>")): {pades.WarnUsageRights},
	} {
		p, err := pades.Prepare(t.Context(), pades.FromBytes([]byte(file)), pades.Options{Certificate: an.cert})
		if err != nil || !slices.Equal(p.Warnings, want) {
			t.Errorf("warnings %v (%v), want %v", p.Warnings, err, want)
		}
	}
}

func permsHas(keys ...pdf.Name) func(*testing.T, *pdf.View, *pdf.View) {
	return func(t *testing.T, _, after *pdf.View) {
		c, err := pdf.Catalog(after)
		if err != nil {
			t.Fatal(err)
		}
		perms, err := pdf.DictAt(after, c.Get("Perms"))
		for _, k := range keys {
			if err != nil || !perms.Has(k) {
				t.Errorf("Perms has no %s (%v)", k, err)
			}
		}
	}
}

func objectIs(num uint32, want string) func(*testing.T, *pdf.View, *pdf.View) {
	return func(t *testing.T, _, after *pdf.View) {
		if ind, err := after.Load(pdf.Ref{Num: num}); err != nil || string(ind.Raw) != want {
			t.Errorf("object %d is %q (%v)", num, ind.Raw, err)
		}
	}
}

// encryptionOddities are encrypted files.
func encryptionOddities(t *testing.T) map[string]oddity {
	rows := map[string]oddity{
		"public key": {file: newDoc(header).obj(pairs("10", "<</Filter/Adobe.PubSec/SubFilter/adbe.pkcs7.s5/V 4>>")...).
			table("/Encrypt 10 0 R" + usualTrailer).bytes(), code: "public_key_security"},
		"other handler": {file: newDoc(header).obj(pairs("10", "<</Filter/FOPN_fLock/V 1>>")...).table("/Encrypt 10 0 R" + usualTrailer).bytes(),
			code: "unsupported_encryption"},
		"Encrypt is missing": {file: newDoc(header).obj(pairs()...).table("/Encrypt 99 0 R" + usualTrailer).bytes(), code: "damaged"},
	}
	for name, args := range map[string][]string{
		"RC4 40": {"40", "--"}, "RC4 128": {"128", "--"}, "AESV2": {"128", "--use-aes=y", "--"}, "AESV3 R5": {"256", "--force-R5", "--"},
		"AESV3 R6": {"256", "--"}, "plain metadata": {"256", "--cleartext-metadata", "--"},
	} {
		for _, packed := range []string{"disable", "generate"} {
			file := qpdf(t, plain(), append([]string{"--allow-weak-crypto", "--object-streams=" + packed, "--encrypt", "", "owner"}, args...)...)
			rows[name+", "+packed] = oddity{file: file, check: signatureIsPlain}
		}
	}
	secret := qpdf(t, plain(), "--encrypt", "secret", "owner", "256", "--")
	rows["a password"] = oddity{file: secret, password: "secret"}
	rows["the owner's password"] = oddity{file: secret, password: "owner"}
	rows["a wrong password"] = oddity{file: secret, password: "wrong", code: "encrypted_password"}
	rows["no password"] = oddity{file: secret, code: "encrypted_password"}
	rows["linearised"] = oddity{file: qpdf(t, plain(), "--linearize")}
	rows["linearised and packed"] = oddity{file: qpdf(t, plain(), "--linearize", "--object-streams=generate")}
	return rows
}

// qpdf rewrites a file; its warnings are no matter.
func qpdf(t *testing.T, in []byte, args ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "in.pdf"), filepath.Join(dir, "out.pdf")
	if err := os.WriteFile(from, in, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("qpdf", append(slices.Clone(args), "--warning-exit-0", from, to)...).CombinedOutput(); err != nil {
		t.Fatalf("qpdf %v: %v %s", args, err, out)
	}
	return read(t, to)
}

// signatureIsPlain demands that Contents stands in the file as it is, DER.
func signatureIsPlain(t *testing.T, _, after *pdf.View) {
	f, err := pdf.FindField(after, "Signature1")
	if err != nil || f == nil {
		t.Fatal(f, err)
	}
	ref, _ := f.Value.(pdf.Ref)
	ind, err := after.Load(ref)
	if err != nil || !bytes.Contains(ind.Raw, []byte("/Contents <3082")) {
		t.Errorf("Contents is not DER (%v): %.80q", err, ind.Raw)
	}
}

// limitOddities are files that want too much.
func limitOddities() map[string]oddity {
	bomb := deflated(strings.Repeat("\x00", 40<<20))
	tree := []string{}
	for i := range 80 {
		tree = append(tree, itoa(20+i), "<</Type/Pages/Kids["+itoa(21+i)+" 0 R]>>")
	}
	fields := []string{"6", "<</Fields[20 0 R]>>"}
	for i := range 80 {
		fields = append(fields, itoa(20+i), "<</T(x)/Kids["+itoa(21+i)+" 0 R]>>")
	}
	return map[string]oddity{
		"nested arrays":       {file: plain("1", "<</Type/Catalog/Pages 2 0 R/X"+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+">>"), code: "too_deep"},
		"nested dictionaries": {file: plain("1", "<</Type/Catalog/Pages 2 0 R/X"+strings.Repeat("<</A", 9000)+" 1"+strings.Repeat(">>", 9000)+">>"), code: "too_deep"},
		"nested elsewhere":    {file: plain("10", strings.Repeat("[", 9000)+strings.Repeat("]", 9000))},
		"nested pages":        {file: plain(append(tree, "2", "<</Type/Pages/Kids[20 0 R]/Count 1>>")...), code: "too_deep"},
		"nested fields":       {file: plain(fields...), code: "too_deep"},
		"bomb": {file: newDoc(header).obj(pairs("1", "")...).obj("11", stream("/Type/ObjStm/N 1/First 4/Filter/FlateDecode", bomb)).
			at(1, place{2, 11, 0}).xrefStream(12, "").bytes(), code: "bomb"},
		"bomb in the cross-reference": {file: []byte("%PDF-1.7\n1 0 obj\n" + stream("/Type/XRef/W[1 4 2]/Size 8000000/Root 1 0 R/Filter/FlateDecode", bomb) +
			"\nendobj\nstartxref\n9\n%%EOF\n"), code: "too_large"},
		"references in a circle": {file: plain("1", "<</Type/Catalog/Pages 2 0 R/AcroForm 10 0 R>>", "10", "11 0 R", "11", "10 0 R"), code: "loop"},
		"Length of itself":       {file: plain("3", strings.Replace(usual[3], "4 0 R", "10 0 R", 1), "10", "<</Length 10 0 R>>\nstream\nx\nendstream")},
		"table of a million":     {file: bytes.Replace(plain(), []byte("xref\n0 10"), []byte("xref\n0 9999999"), 1), code: "damaged"},
		"Size of a billion":      {file: newDoc(header).obj(pairs()...).table("/Size 2000000000" + usualTrailer).bytes()},
		"number of four billion": {file: plain("10", "[4294967295 65535 R 4294967296 0 R]")},
		"a long string":          {file: plain("9", "<</Title("+strings.Repeat("x", 3<<20)+")>>")},
	}
}

// at places an object where the caller says.
func (d *doc) at(n int, p place) *doc { d.places[n] = p; return d }
