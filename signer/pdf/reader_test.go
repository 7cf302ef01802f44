package pdf

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// structures are files that must be signed without harm (clean says that qpdf
// has nothing to say about the original).
func structures() map[string]struct {
	file  []byte
	clean bool
} {
	type s = struct {
		file  []byte
		clean bool
	}
	with := func(f func(m *maker)) []byte {
		m := small().info()
		f(m)
		return m.bytes()
	}
	return map[string]s{
		"table":           {with(func(m *maker) { m.tail = "\n" }), true},
		"no final EOL":    {with(func(*maker) {}), true},
		"CRLF table":      {with(func(m *maker) { m.eol = "\r\n" }), true},
		"19-byte entries": {with(func(m *maker) { m.eol = "\n" }), false},
		"stream":          {with(func(m *maker) { m.kind = XrefStream; m.tail = "\r\n" }), true},
		"object stream":   {with(func(m *maker) { m.kind = XrefStream; m.pack(1, 2, 3, 6, 7, 8) }), true},
		"hybrid": {with(func(m *maker) {
			m.kind = XrefHybrid
			m.objects[9] = "<</Hidden true>>"
			m.pack(5, 7, 9)
		}), false}, // poppler doesn't see objects hidden as free
		"generations": {with(func(m *maker) {
			m.gens[5] = 3
			for n, o := range m.objects {
				m.objects[n] = strings.ReplaceAll(o, "5 0 R", "5 3 R")
			}
		}), true},
		"Size too small":      {with(func(m *maker) { m.size = 5 }), false},
		"junk, offsets count": {with(func(m *maker) { m.junk = "From: mail\r\n\r\n" }), false},
		"junk, offsets don't": {with(func(m *maker) { m.junk, m.relative = "From: mail\r\n\r\n", true }), false},
		"junk behind":         {with(func(m *maker) { m.tail = "\r\n" + strings.Repeat("\x00", 3000) }), false},
		"one too high":        {with(func(m *maker) { m.first = 1 }), false},
		"startxref early":     {with(func(m *maker) { m.startOff = -7 }), false},
		"startxref late":      {with(func(m *maker) { m.startOff = 3 }), false},
		"stream, misplaced":   {with(func(m *maker) { m.kind = XrefStream; m.startOff = 5 }), false},
		"direct AcroForm": {with(func(m *maker) {
			m.objects[1] = "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[7 0 R]%c\n>>>>"
		}), true},
		"no AcroForm": {with(func(m *maker) { m.objects[1] = "<</Type/Catalog/Pages 2 0 R>>" }), true},
		"indirect arrays": {with(func(m *maker) {
			m.objects[6] = "<</Fields 9 0 R>>"
			m.objects[9] = "[7 0 R]"
		}), true},
	}
}

func TestEveryStructureIsSignedWithoutHarm(t *testing.T) {
	t.Parallel()
	for name, s := range structures() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			judgeUpdate(t, s.file, s.clean)
		})
	}
}

// judgeUpdate makes the update of a signing and checks everything that must
// hold of any file.
func judgeUpdate(t *testing.T, file []byte, clean bool) {
	t.Helper()
	r := open(t, file)
	before, err := Fields(r.Last())
	if err != nil {
		t.Fatal(err)
	}
	inc, err := signLike(r)
	if err != nil {
		t.Fatal(err)
	}
	out := whole(t, inc, file)
	if !bytes.HasPrefix(out, file) {
		t.Fatal("the original is not a prefix of the output")
	}
	r2 := open(t, out)
	if got, want := len(r2.Revisions()), len(r.Revisions())+1; got != want {
		t.Errorf("%d revisions, want %d", got, want)
	}
	if got, want := r2.Revisions()[len(r2.Revisions())-1].Kind, r.Revisions()[len(r.Revisions())-1].Kind; got != want && want != XrefHybrid {
		t.Errorf("cross-reference kind %d after %d", got, want)
	}
	sameObjects(t, r, r2)
	after, err := Fields(r2.Last())
	if err != nil {
		t.Fatal(err)
	}
	if len(after) != len(before)+1 || after[len(after)-1].Name != "Ký(1)" {
		t.Errorf("fields after signing: %d, before: %d", len(after), len(before))
	}
	checkSignature(t, inc, out, after[len(after)-1], r2)
	if got, _ := r2.Last().Trailer().Int("Size"); got < int64(r.Last().Size()) {
		t.Errorf("Size %d is smaller than before", got)
	}
	if r.Last().Trailer().Has("Unknown") != r2.Last().Trailer().Has("Unknown") || r2.Last().Trailer().Has("XRefStm") {
		t.Error("trailer keys not kept, or a stale XRefStm copied")
	}
	f := write(t, out)
	if msg, code := tool(t, "qpdf", "--check", f); code != 0 && (clean || code != 3) {
		t.Errorf("qpdf --check: %s", msg)
	}
	if msg, code := tool(t, "pdfinfo", f); code != 0 || clean && strings.Contains(msg, "Error") {
		t.Errorf("pdfinfo: %s", msg)
	}
	if msg, code := tool(t, "mutool", "show", f, "trailer/Root/AcroForm/SigFlags"); code != 0 || clean && strings.TrimSpace(msg) != "3" {
		t.Errorf("mutool: %s", msg)
	}
}

// sameObjects checks that objects that the update doesn't name are unchanged,
// and that the first revisions still look as they did.
func sameObjects(t *testing.T, before, after *Reader) {
	t.Helper()
	last := len(after.Revisions()) - 1
	changed := after.Changed(last)
	old := after.At(last - 1)
	n := 0
	relisted := false
	for _, s := range before.sections {
		relisted = relisted || s.renumbered
	}
	for num, e := range before.Last().Objects() {
		a, err := before.Last().Load(Ref{num, e.Gen})
		if err != nil {
			t.Fatal(err)
		}
		views := []*View{old}
		if ce, ok := changed[num]; !ok || relisted && ce == e {
			views = append(views, after.Last())
			n++
		}
		for _, v := range views {
			b, err := v.Load(Ref{num, e.Gen})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a.Raw, b.Raw) || a.Offset != b.Offset || a.Missing != b.Missing {
				t.Errorf("object %d changed: %q, was %q", num, b.Raw, a.Raw)
			}
			if st, ok := a.Value.(*Stream); ok {
				x, err1 := before.Last().StreamData(st, 1<<26)
				y, err2 := v.StreamData(b.Value.(*Stream), 1<<26)
				if !bytes.Equal(x, y) || fmt.Sprint(err1) != fmt.Sprint(err2) {
					t.Errorf("data of stream %d changed", num)
				}
			}
		}
	}
	if n == 0 {
		t.Error("no object was left untouched")
	}
}

// checkSignature checks the placeholder against what the reader says.
func checkSignature(t *testing.T, inc *Increment, out []byte, f *Field, r *Reader) {
	t.Helper()
	ref, _ := f.Value.(Ref)
	ind, err := r.Last().Load(ref)
	if err != nil || ind.Dict() == nil {
		t.Fatalf("signature dictionary: %v", err)
	}
	e := ind.Dict().Entry("Contents")
	span, ok := ind.Span(e.ValueSpan)
	p := inc.Signature
	if !ok || span != p.Contents || p.Room() != 64 || p.Ref != ref {
		t.Errorf("contents at %v, placeholder says %v", span, p.Contents)
	}
	var br [4]int64
	a, _ := ind.Dict().Get("ByteRange").(Array)
	for i := range min(len(a), 4) {
		n, _ := a[i].(Integer)
		br[i] = int64(n)
	}
	if br != p.ByteRange || br[0] != 0 || br[1] != span.Start || br[2] != span.End || br[2]+br[3] != int64(len(out)) {
		t.Errorf("ByteRange %v of a file of %d, contents at %v", br, len(out), span)
	}
	if name, _ := ind.Dict().Get("Name").(String); Text(name) != signedBy {
		t.Errorf("name reads back as %q", Text(name))
	}
}

func TestRefusalsAreTyped(t *testing.T) {
	t.Parallel()
	file := small().info().bytes()
	with := func(f func(m *maker)) []byte {
		m := small().info()
		f(m)
		return m.bytes()
	}
	bomb, _ := deflate(make([]byte, maxObjectStream+10))
	two := append(append([]byte(nil), file...), '\n')
	two = fmt.Appendf(two, "xref\n0 0\ntrailer\n<</Size 9/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", len(two), len(two))
	signed := func() []byte {
		inc, err := signLike(open(t, file))
		if err != nil {
			t.Fatal(err)
		}
		return whole(t, inc, file)
	}()
	for name, c := range map[string]struct {
		file []byte
		want Code
	}{
		"empty":            {nil, NotPDF},
		"text":             {[]byte("Kính gửi: Uỷ ban nhân dân\n"), NotPDF},
		"cut in half":      {file[:len(file)/2], Damaged},
		"cut at the end":   {file[:len(file)-3], Damaged},
		"cut in an update": {signed[:len(file)+200], Damaged},
		"no xref there":    {with(func(m *maker) { m.startOff = 5000 }), XrefMissing},
		"only a Prev loop": {two, Damaged},
		"no Root":          {bytes.ReplaceAll(file, []byte("/Root"), []byte("/Rott")), Damaged},
		"catalog missing":  {bytes.ReplaceAll(file, []byte("/Root 1"), []byte("/Root 9")), Damaged},
		"wrong object":     {bytes.Replace(file, []byte("\n1 0 obj"), []byte("\n4 0 obj"), 1), Damaged},
		"deep": {with(func(m *maker) {
			m.objects[1] = "<</Type/Catalog/Pages 2 0 R/X" + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + ">>"
		}), TooDeep},
		"object stream bomb": {bombFile(bomb), Bomb},
		"public key":         {with(func(m *maker) { m.trailer += "/Encrypt<</Filter/Adobe.PubSec/SubFilter/adbe.pkcs7.s5/V 4>>" }), PublicKeySecurity},
		"other handler":      {with(func(m *maker) { m.trailer += "/Encrypt<</Filter/FOPN_fLock/V 1>>" }), UnsupportedEncrypt},
		"double entry":       {bytes.Replace(file, []byte("trailer"), []byte("5 1\n0000000015 00000 n \ntrailer"), 1), Damaged},
	} {
		_, err := Open(bytes.NewReader(c.file), int64(len(c.file)), Options{})
		if got := reasonOf(err); got != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// bombFile holds its catalog in an object stream that decodes to too much.
func bombFile(data []byte) []byte {
	b := []byte("%PDF-1.5\n")
	obj := len(b)
	b = fmt.Appendf(b, "2 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream\nendobj\n", len(data), data)
	xref := len(b)
	rows := []byte{0, 0, 0, 0, 2, 0, 2, 0, 1, byte(obj >> 8), byte(obj), 0, 1, byte(xref >> 8), byte(xref), 0}
	b = fmt.Appendf(b, "3 0 obj\n<</Type/XRef/W[1 2 1]/Size 4/Root 1 0 R/Length %d>>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n", len(rows), rows, xref)
	return b
}

func TestRevisionsAreViews(t *testing.T) {
	t.Parallel()
	file := small().info().bytes()
	first := open(t, file)
	inc, err := signLike(first)
	if err != nil {
		t.Fatal(err)
	}
	two := whole(t, inc, file)
	inc2, err := signLike(open(t, two))
	if err != nil {
		t.Fatal(err)
	}
	three := whole(t, inc2, two)
	r := open(t, three)
	revs := r.Revisions()
	if len(revs) != 3 || revs[0].EOF != int64(len(file)) || revs[1].End != int64(len(two)) || revs[2].End != int64(len(three)) {
		t.Fatalf("revisions end at %+v; files at %d, %d, %d", revs, len(file), len(two), len(three))
	}
	for n, want := range []int{1, 2, 3} {
		fields, err := Fields(r.At(n))
		if err != nil || len(fields) != want {
			t.Errorf("revision %d has %d fields, want %d (%v)", n, len(fields), want, err)
		}
	}
	if h := r.History(3); len(h) != 3 || h[0].Entry.Offset >= h[1].Entry.Offset {
		t.Errorf("history of the page: %+v", h)
	}
	span, ok, err := r.At(0).ObjectSpan(Ref{Num: 4})
	if err != nil || !ok || !strings.HasPrefix(string(three[span.Start:span.End]), "4 0 obj") || !strings.HasSuffix(string(three[span.Start:span.End]), "endobj") {
		t.Errorf("span of object 4: %v %v", span, err)
	}
}

func TestLinearizedFileIsOneRevision(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"disable", "generate"} {
		file := qpdf(t, small().info().bytes(), "--linearize", "--object-streams="+mode)
		r := open(t, file)
		if revs := r.Revisions(); len(revs) != 1 || revs[0].End != int64(len(file)) {
			t.Errorf("%s: %+v in a file of %d", mode, revs, len(file))
		}
		judgeUpdate(t, file, true)
	}
}

func TestFilesOfOtherToolsAreSignedWithoutHarm(t *testing.T) {
	t.Parallel()
	base := small().info().bytes()
	in := write(t, base)
	if out, code := tool(t, "gs", "-q", "-dNOPAUSE", "-dBATCH", "-sDEVICE=pdfwrite", "-sOutputFile="+in+".gs", in); code != 0 {
		t.Fatalf("gs: %s", out)
	}
	if out, code := tool(t, "mutool", "clean", "-gz", in, in+".mu"); code != 0 {
		t.Fatalf("mutool: %s", out)
	}
	for _, ext := range []string{".gs", ".mu"} {
		file, err := os.ReadFile(in + ext)
		if err != nil {
			t.Fatal(err)
		}
		judgeUpdate(t, file, true)
	}
}

func TestPasswordsOpenEncryptedFiles(t *testing.T) {
	t.Parallel()
	base := small().info().bytes()
	for name, args := range map[string][]string{
		"RC4-40":   {"40", "--"},
		"RC4-128":  {"128", "--"},
		"AESV2":    {"128", "--use-aes=y", "--"},
		"AESV3 R5": {"256", "--force-R5", "--"},
		"AESV3 R6": {"256", "--"},
		"metadata": {"256", "--cleartext-metadata", "--"},
	} {
		for _, streams := range []string{"disable", "generate"} {
			t.Run(name+" "+streams, func(t *testing.T) {
				t.Parallel()
				all := func(user string) []byte {
					return qpdf(t, base, append([]string{"--allow-weak-crypto", "--object-streams=" + streams, "--encrypt", user, "owner"}, args...)...)
				}
				judgeUpdate(t, all(""), false)
				judgeDecrypted(t, all(""))
				file := all("người dùng")
				if name == "RC4-40" || name == "RC4-128" || name == "AESV2" {
					file = all("user") // older revisions know no Unicode
				}
				if _, err := Open(bytes.NewReader(file), int64(len(file)), Options{Password: "wrong"}); reasonOf(err) != EncryptedPassword {
					t.Errorf("wrong password: %v", err)
				}
				for _, pw := range []string{"người dùng", "user", "owner"} {
					r, err := Open(bytes.NewReader(file), int64(len(file)), Options{Password: pw})
					if err != nil {
						if pw == "owner" {
							t.Error(err)
						}
						continue
					}
					info, err := DictAt(r.Last(), r.Last().Trailer().Get("Info"))
					if err != nil {
						t.Fatal(err)
					}
					if s, _ := info.Get("Title").(String); s != "T(est)" {
						t.Errorf("title reads as %q", s)
					}
				}
			})
		}
	}
}

// judgeDecrypted lets qpdf decrypt what was written, and compares.
func judgeDecrypted(t *testing.T, file []byte) {
	t.Helper()
	inc, err := signLike(open(t, file))
	if err != nil {
		t.Fatal(err)
	}
	plain := open(t, qpdf(t, whole(t, inc, file), "--decrypt", "--object-streams=disable"))
	if plain.Encrypted() {
		t.Fatal("qpdf did not decrypt")
	}
	f, err := FindField(plain.Last(), "Ký(1)")
	if err != nil || f == nil {
		t.Fatalf("the field's name was not decrypted: %v", err)
	}
	sig, err := DictAt(plain.Last(), f.Value)
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := sig.Get("Name").(String); Text(s) != signedBy {
		t.Errorf("name reads as %q", Text(s))
	}
	if s, _ := sig.Get("Contents").(String); string(s) != string(make([]byte, 64)) {
		t.Errorf("Contents was encrypted: %x", string(s))
	}
	ap, err := DictAt(plain.Last(), f.Dict.Get("AP"))
	if err != nil {
		t.Fatal(err)
	}
	o, err := plain.Last().Resolve(ap.Get("N"))
	if err != nil {
		t.Fatal(err)
	}
	if data, err := plain.Last().StreamData(o.(*Stream), 1<<20); err != nil || !strings.HasPrefix(string(data), "0 0 m 9 9 l S\n") {
		t.Errorf("appearance reads as %.20q, %v", data, err)
	}
}
