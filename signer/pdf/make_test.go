package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// maker builds small PDF files of any structure, byte by byte.
type maker struct {
	header   string
	junk     string            // before the header
	relative bool              // offsets count from the header
	eol      string            // of the cross-reference table
	objects  map[uint32]string // plain objects
	gens     map[uint32]int
	packed   map[uint32]string // objects in an object stream
	kind     XrefKind
	first    int    // number written for the first subsection
	size     int    // Size when not 0
	startOff int    // added to startxref
	trailer  string // further trailer entries
	tail     string // behind %%EOF
}

const pageContent = "BT /F1 12 Tf 72 700 Td (Hello) Tj ET"

// small returns a one-page file with a form.
func small() *maker {
	return &maker{
		header: "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", eol: " \n",
		gens: map[uint32]int{},
		objects: map[uint32]string{
			1: "<< /Type /Catalog /Pages 2 0 R /AcroForm 6 0 R /Odd#20Key (kept) >>",
			2: "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 595 842]/Rotate 90>>",
			3: "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>/Annots[7 0 R]>>",
			4: fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(pageContent), pageContent),
			5: "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
			6: "<</Fields[7 0 R]/DA(/F1 0 Tf 0 g)/DR<</Font<</F1 5 0 R>>>>>>",
			7: "<</Type/Annot/Subtype/Widget/FT/Tx/T(number)/Rect[10 10 100 30]/P 3 0 R/F 4>>",
		},
		packed: map[uint32]string{}, trailer: "/Info 8 0 R /ID [<0102> <0304>] /Unknown [1 2]",
	}
}

// info adds the object that the trailer's Info names.
func (m *maker) info() *maker {
	m.objects[8] = "<</Title(T\\(est\\))/Producer(by hand)>>"
	return m
}

func (m *maker) pack(nums ...uint32) *maker {
	for _, n := range nums {
		m.packed[n] = m.objects[n]
		delete(m.objects, n)
	}
	return m
}

func keys[V any](m map[uint32]V) []uint32 {
	var k []uint32
	for n := range m {
		k = append(k, n)
	}
	sort.Slice(k, func(i, j int) bool { return k[i] < k[j] })
	return k
}

func (m *maker) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(m.junk + m.header)
	base := 0
	if m.relative {
		base = len(m.junk)
	}
	here := func() int { return b.Len() - base }
	places := map[uint32][3]int{} // type, field 2, field 3
	for _, n := range keys(m.objects) {
		places[n] = [3]int{1, here(), m.gens[n]}
		fmt.Fprintf(&b, "%d %d obj\n%s\nendobj\n", n, m.gens[n], m.objects[n])
	}
	if len(m.packed) > 0 {
		m.objectStream(&b, here, places)
	}
	size := 0
	for _, n := range keys(places) {
		size = max(size, int(n)+1)
	}
	xref, extra := here(), ""
	if m.kind != XrefTable {
		sz := size + 1
		places[uint32(size)] = [3]int{1, xref, 0}
		m.xrefStream(&b, size, sz, places, m.kind == XrefHybrid)
		size = sz
		if m.kind == XrefHybrid {
			extra = fmt.Sprintf("/XRefStm %d", xref)
			xref = here()
		}
	}
	if m.kind != XrefStream {
		if m.size != 0 {
			size = m.size
		}
		m.table(&b, places)
		fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R%s %s>>\n", size, extra, m.trailer)
	}
	fmt.Fprintf(&b, "startxref\n%d\n%%%%EOF%s", xref+m.startOff, m.tail)
	return b.Bytes()
}

func (m *maker) objectStream(b *bytes.Buffer, here func() int, places map[uint32][3]int) {
	const num = 20
	var head, body strings.Builder
	for i, n := range keys(m.packed) {
		fmt.Fprintf(&head, "%d %d ", n, body.Len())
		body.WriteString(m.packed[n] + "\n")
		places[n] = [3]int{2, num, i}
	}
	data, _ := deflate([]byte(head.String() + body.String()))
	places[num] = [3]int{1, here(), 0}
	fmt.Fprintf(b, "%d 0 obj\n<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>\nstream\r\n%s\nendstream\nendobj\n",
		num, len(m.packed), head.Len(), len(data), data)
}

func (m *maker) xrefStream(b *bytes.Buffer, num, size int, places map[uint32][3]int, hybrid bool) {
	var rows []byte
	for n := range size {
		p, ok := places[uint32(n)]
		if !ok {
			p = [3]int{0, 0, 65535}
		}
		rows = append(rows, byte(p[0]), byte(p[1]>>16), byte(p[1]>>8), byte(p[1]), byte(p[2]>>8), byte(p[2]))
	}
	// PNG predictor "up", as writers do.
	var png []byte
	prev := make([]byte, 6)
	for i := 0; i < len(rows); i += 6 {
		png = append(png, 2)
		for j := range 6 {
			png = append(png, rows[i+j]-prev[j])
		}
		prev = rows[i : i+6]
	}
	data, _ := deflate(png)
	root := "/Root 1 0 R " + m.trailer
	if hybrid {
		root = ""
	}
	fmt.Fprintf(b, "%d 0 obj\n<</Type/XRef/W[1 3 2]/Size %d/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 6>>/Length %d%s>>\nstream\n%s\nendstream\nendobj\n",
		num, size, len(data), root, data)
}

func (m *maker) table(b *bytes.Buffer, places map[uint32][3]int) {
	nums := keys(places)
	max := int(nums[len(nums)-1]) + 1
	fmt.Fprintf(b, "xref\n%d %d\n", m.first, max)
	for n := range max {
		p, ok := places[uint32(n)]
		if ok && p[0] == 1 {
			fmt.Fprintf(b, "%010d %05d n%s", p[1], p[2], m.eol)
		} else {
			fmt.Fprintf(b, "%010d %05d f%s", 0, 65535, m.eol)
		}
	}
}

// open opens bytes or fails.
func open(t *testing.T, b []byte) *Reader {
	t.Helper()
	r, err := Open(bytes.NewReader(b), int64(len(b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// signLike makes the update that signing makes: a signature, its field on the
// first page, and the form's flags.
func signLike(r *Reader) (*Increment, error) {
	u := NewUpdate(r)
	sig, err := u.AddSignature(Map{"Type": Name("Sig"), "Filter": Name("Adobe.PPKLite"),
		"SubFilter": Name("ETSI.CAdES.detached"), "Name": EncodeText(signedBy), "Location": String("Ha Noi")}, 64)
	if err != nil {
		return nil, err
	}
	page, err := PageAt(u, 1)
	if err != nil {
		return nil, err
	}
	ap, err := u.AddStream(Map{"Type": Name("XObject"), "Subtype": Name("Form"), "BBox": Rect{0, 0, 9, 9}.Array()},
		bytes.Repeat([]byte("0 0 m 9 9 l S\n"), 20))
	if err != nil {
		return nil, err
	}
	w, err := u.Add(Map{"Type": Name("Annot"), "Subtype": Name("Widget"), "FT": Name("Sig"), "T": EncodeText("Ký(1)"),
		"V": sig, "P": page.Ref, "F": Integer(132), "Rect": Rect{10, 40, 19, 49}.Array(), "AP": Map{"N": ap}})
	if err != nil {
		return nil, err
	}
	root, err := RootRef(u)
	if err != nil {
		return nil, err
	}
	cat, err := u.Edit(root)
	if err != nil {
		return nil, err
	}
	form, err := cat.Sub("AcroForm")
	if err != nil {
		return nil, err
	}
	if err := form.Append("Fields", w); err != nil {
		return nil, err
	}
	if err := form.Set("SigFlags", Integer(3)); err != nil {
		return nil, err
	}
	pe, err := u.Edit(page.Ref)
	if err != nil {
		return nil, err
	}
	if err := pe.Append("Annots", w); err != nil {
		return nil, err
	}
	return u.Build()
}

const signedBy = "Đỗ Thị Hĩnh"

// whole joins an increment with its original.
func whole(t *testing.T, inc *Increment, orig []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := inc.WriteFile(&b, bytes.NewReader(orig)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// write puts b into a file of the test.
func write(t *testing.T, b []byte) string {
	t.Helper()
	f := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(f, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

// tool runs a program that must be there; the exit code of qpdf is 3 for
// warnings.
func tool(t *testing.T, name string, args ...string) (string, int) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("%s is needed to judge: %v", name, err)
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	var ee *exec.ExitError
	if errors.As(err, &ee) {
		return string(out), ee.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out), 0
}

// qpdf makes a file out of another.
func qpdf(t *testing.T, in []byte, args ...string) []byte {
	t.Helper()
	src := write(t, in)
	dst := src + ".out"
	if out, code := tool(t, "qpdf", append(args, src, dst)...); code != 0 && code != 3 {
		t.Fatalf("qpdf %v: %s", args, out)
	}
	b, err := os.ReadFile(dst)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
