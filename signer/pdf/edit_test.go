package pdf

import (
	"bytes"
	"strings"
	"testing"
)

func TestEditorSplicesOriginalBytes(t *testing.T) {
	t.Parallel()
	const orig = "<< /Type /Catalog % why\n  /Pages 2 0 R/A/B /Z (a\\(b) /D<</N[1 2]/E 5>>/A /C >>"
	for name, c := range map[string]struct {
		do   func(e *Editor) error
		want string
	}{
		"set new":      {func(e *Editor) error { return e.Set("New", Integer(3)) }, strings.Replace(orig, "/A /C >>", "/A /C /New 3>>", 1)},
		"set old":      {func(e *Editor) error { return e.Set("Z", Name("x")) }, strings.Replace(orig, "(a\\(b)", "/x", 1)},
		"keeps apart":  {func(e *Editor) error { return e.Set("D", Integer(7)) }, strings.Replace(orig, "/D<</N[1 2]/E 5>>", "/D 7", 1)},
		"double key":   {func(e *Editor) error { return e.Set("A", Integer(1)) }, strings.Replace(strings.Replace(orig, "/A /C", "/A 1", 1), "/A/B ", " ", 1)},
		"delete":       {func(e *Editor) error { return e.Delete("Z") }, strings.Replace(orig, "/Z (a\\(b)", "", 1)},
		"delete twice": {func(e *Editor) error { return e.Delete("A") }, strings.Replace(strings.Replace(orig, "/A /C", "", 1), "/A/B", "", 1)},
		"append":       {func(e *Editor) error { return e.Append("New", Ref{4, 0}) }, strings.Replace(orig, "/A /C >>", "/A /C /New [4 0 R]>>", 1)},
		"nested": {func(e *Editor) error {
			s, err := e.Sub("D")
			if err != nil {
				return err
			}
			if err := s.Append("N", Integer(3)); err != nil {
				return err
			}
			return s.Set("F", String("x"))
		}, strings.Replace(orig, "/N[1 2]/E 5", "/N[1 2 3]/E 5/F (x)", 1)},
		"new nested": {func(e *Editor) error {
			s, err := e.Sub("DSS")
			if err != nil {
				return err
			}
			return s.Append("Certs", Ref{9, 0}, Ref{10, 0})
		}, strings.Replace(orig, "/A /C >>", "/A /C /DSS <</Certs [9 0 R 10 0 R]>>>>", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := small().info()
			m.objects[1] = orig
			r := open(t, m.bytes())
			u := NewUpdate(r)
			e, err := u.Edit(Ref{Num: 1})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.do(e); err != nil {
				t.Fatal(err)
			}
			ind, err := u.Load(Ref{Num: 1})
			if err != nil {
				t.Fatal(err)
			}
			got := string(ind.Raw)
			if squash(got) != squash(c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// squash makes runs of blanks one, and drops those before brackets.
func squash(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer(" [", "[", " >>", ">>", " /", "/", " <<", "<<").Replace(s)
}

func TestEditorRefusesWhatIsNotThere(t *testing.T) {
	t.Parallel()
	r := open(t, small().info().bytes())
	u := NewUpdate(r)
	if _, err := u.Edit(Ref{Num: 99}); reasonOf(err) != TypeMismatch {
		t.Errorf("edit of a missing object: %v", err)
	}
	if err := u.Put(Ref{Num: 99}, Map{}); reasonOf(err) != TypeMismatch {
		t.Errorf("put of a missing object: %v", err)
	}
	if err := u.Put(Ref{Num: 5, Gen: 1}, Map{}); reasonOf(err) != TypeMismatch {
		t.Errorf("put of another generation: %v", err)
	}
	e, err := u.Edit(Ref{Num: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Append("Type", Integer(1)); reasonOf(err) != TypeMismatch {
		t.Errorf("append to a name: %v", err)
	}
	if _, err := e.Sub("Type"); reasonOf(err) != TypeMismatch {
		t.Errorf("sub of a name: %v", err)
	}
	ref, err := u.AddSignature(Map{"Type": Name("Sig")}, 10)
	if err != nil {
		t.Fatal(err)
	}
	if se, err := u.Edit(ref); err != nil || reasonOf(se.Set("M", String("x"))) != TypeMismatch {
		t.Errorf("a signature dictionary was changed: %v", err)
	}
	if _, err := u.AddSignature(Map{}, 10); reasonOf(err) != TypeMismatch {
		t.Errorf("two signatures in an update: %v", err)
	}
	inc, err := u.Build()
	if err != nil {
		t.Fatal(err)
	}
	if err := inc.Fill(make([]byte, 11)); reasonOf(err) != TooLarge {
		t.Errorf("a signature larger than its room: %v", err)
	}
}

func TestFillAndSignedBytesMeetTheByteRange(t *testing.T) {
	t.Parallel()
	file := small().info().bytes()
	inc, err := signLike(open(t, file))
	if err != nil {
		t.Fatal(err)
	}
	if err := inc.Fill([]byte{0x30, 0x01, 0xff}); err != nil {
		t.Fatal(err)
	}
	out := whole(t, inc, file)
	p := inc.Signature
	if got := string(out[p.Contents.Start : p.Contents.Start+9]); got != "<3001ff00" {
		t.Errorf("contents start with %s", got)
	}
	if out[p.Contents.End-1] != '>' {
		t.Error("contents don't end where they should")
	}
	var signed bytes.Buffer
	if _, err := signed.ReadFrom(inc.Signed(bytes.NewReader(file))); err != nil {
		t.Fatal(err)
	}
	br := p.ByteRange
	want := append(append([]byte(nil), out[:br[1]]...), out[br[2]:br[2]+br[3]]...)
	if !bytes.Equal(signed.Bytes(), want) {
		t.Error("signed bytes are not those of the ByteRange")
	}
}

func TestStreamDictionaryIsEditedWithItsData(t *testing.T) {
	t.Parallel()
	file := small().info().bytes()
	u := NewUpdate(open(t, file))
	e, err := u.Edit(Ref{Num: 4})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Set("Note", String("x")); err != nil {
		t.Fatal(err)
	}
	inc, err := u.Build()
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, whole(t, inc, file))
	ind, err := r.Last().Load(Ref{Num: 4})
	if err != nil {
		t.Fatal(err)
	}
	data, err := r.Last().StreamData(ind.Value.(*Stream), 1000)
	if err != nil || string(data) != pageContent || ind.Dict().Get("Note") != String("x") {
		t.Errorf("%q, %v", data, err)
	}
}

func TestActiveContentIsFound(t *testing.T) {
	t.Parallel()
	m := small().info()
	if f, err := ActiveContent(open(t, m.bytes()).Last()); err != nil || len(f) != 0 {
		t.Fatalf("a quiet file: %v, %v", f, err)
	}
	m.objects[1] = "<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>/AcroForm<</Fields[]/XFA 9 0 R>>/AA<</WC 10 0 R>>>>"
	m.objects[9] = "[(template) 4 0 R]"
	m.objects[10] = "<</S/Launch/F(cmd.exe)/Next[<</S/SubmitForm/F(http://x)>> <</S/ImportData/F(x)>>]>>"
	m.objects[11] = "<</Length 0/F(other.bin)>>\nstream\n\nendstream"
	m.objects[12] = "<</Type/Annot/Subtype/RichMedia/Rect[0 0 1 1]/A<</S/GoToR/F(x.pdf)>>>>"
	m.kind = XrefStream
	found, err := ActiveContent(open(t, m.pack(1, 9, 10, 12).bytes()).Last())
	if err != nil {
		t.Fatal(err)
	}
	got := map[ActiveKind]uint32{}
	for _, f := range found {
		got[f.Kind] = f.Ref.Num
	}
	for k, num := range map[ActiveKind]uint32{JavaScript: 1, XFA: 1, Launch: 10, SubmitForm: 10, ImportData: 10, ExternalFile: 11, RichMedia: 12, RemoteGoTo: 12} {
		if got[k] != num {
			t.Errorf("%s: found in object %d, want %d", k, got[k], num)
		}
	}
}
