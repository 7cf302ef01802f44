package appearance_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/kyso-vn/kyso/signer/appearance"
)

// A stamp is a form at its place on the test page.
type stamp struct {
	form *appearance.Form
	rect appearance.Rect
}

// onePage writes a minimal PDF of one page with the stamps as annotations,
// and returns its path. They are no widgets: MuPDF draws "SIGN" into the field
// of a signature that isn't there.
func onePage(t *testing.T, page appearance.Page, content string, stamps ...stamp) string {
	t.Helper()
	var objs []appearance.Object
	add := func(o appearance.Object) int { objs = append(objs, o); return len(objs) }
	box := func(r appearance.Rect) string { return fmt.Sprintf("[%g %g %g %g]", r[0], r[1], r[2], r[3]) }

	add(appearance.Object{}) // 1 catalog, 2 page tree, 3 page: filled in below
	add(appearance.Object{})
	add(appearance.Object{})
	body := add(appearance.Object{Dict: []byte("<< >>"), Stream: []byte(content)})
	var refs string
	for _, s := range stamps {
		first := len(objs) + 1
		list, err := s.form.Objects(first)
		if err != nil {
			t.Fatal(err)
		}
		objs = append(objs, list...)
		refs += fmt.Sprintf(" %d 0 R", add(appearance.Object{Dict: fmt.Appendf(nil,
			"<< /Type /Annot /Subtype /Stamp /F 132 /P 3 0 R /Rect %s /AP << /N %d 0 R >> >>",
			box(s.rect), first)}))
	}
	extra := ""
	if page.CropBox != (appearance.Rect{}) {
		extra += " /CropBox " + box(page.CropBox)
	}
	if page.UserUnit != 0 {
		extra += fmt.Sprintf(" /UserUnit %g", page.UserUnit)
	}
	objs[0].Dict = fmt.Appendf(nil, "<< /Type /Catalog /Pages 2 0 R >>")
	objs[1].Dict = []byte("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
	objs[2].Dict = fmt.Appendf(nil, "<< /Type /Page /Parent 2 0 R /MediaBox %s /Rotate %d%s /Resources << >> /Contents %d 0 R /Annots [%s] >>",
		box(page.MediaBox), page.Rotate, extra, body, refs)

	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	offsets := make([]int, len(objs))
	for i, o := range objs {
		offsets[i] = out.Len()
		dict := o.Dict
		if o.Stream != nil {
			dict = append(bytes.TrimSuffix(bytes.Clone(dict), []byte(">>")), fmt.Sprintf("/Length %d >>\nstream\n", len(o.Stream))...)
			dict = append(append(dict, o.Stream...), "\nendstream"...)
		}
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, dict)
	}
	xref := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objs)+1)
	for _, off := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", off)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objs)+1, xref)
	path := filepath.Join(t.TempDir(), "page.pdf")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run starts a judge and returns what it printed; a missing one fails.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}
