package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/kyso-vn/kyso/internal/interop"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// damages are ways in which files get broken on the way.
var damages = map[string]func([]byte) []byte{
	"the end is cut off":    func(b []byte) []byte { return b[:len(b)-5] },
	"every offset is wrong": func(b []byte) []byte { return bytes.Replace(b, []byte("\n"), []byte("\n%x\n"), 1) },
	"startxref is wrong": func(b []byte) []byte {
		return append(bytes.Clone(b[:bytes.LastIndex(b, []byte("startxref"))]), "startxref\n77\n%%EOF\n"...)
	},
	"startxref is missing": func(b []byte) []byte { return bytes.Clone(b[:bytes.LastIndex(b, []byte("startxref"))]) },
	"no section is left":   func(b []byte) []byte { return regexp.MustCompile(`(?m)^startxref`).ReplaceAll(b, []byte("startxxxx")) },
	"no table is left":     func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\nxref"), []byte("\nxxxx")) },
	"half is missing":      func(b []byte) []byte { return b[:len(b)/2] },
}

// What is repaired is the whole document; what can't be is refused, never shortened.
func TestARepairLosesNothing(t *testing.T) {
	t.Parallel()
	repaired := 0
	for _, name := range []string{"to-trinh", "quyet-dinh", "producers/pdftex", "producers/chromium", "qpdf/object-streams", "qpdf/linearized"} {
		path := filepath.Join("../../testdata/pdf", name+".pdf")
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for kind, damage := range damages {
			broken := damage(bytes.Clone(file))
			if _, err := pdf.Open(bytes.NewReader(broken), int64(len(broken)), pdf.Options{}); err == nil {
				continue // no damage to this file
			}
			written, err := rewrite(broken)
			if err == nil {
				err = whole(written)
			}
			if err != nil {
				if kind == "every offset is wrong" || kind == "the end is cut off" {
					t.Errorf("%s, %s: %v", name, kind, err)
				}
				continue
			}
			repaired++
			asBefore(t, name+", "+kind, path, file, written)
		}
	}
	if repaired < 20 {
		t.Errorf("only %d files were repaired", repaired)
	}
}

// asBefore compares the fields and the picture of the first page.
func asBefore(t *testing.T, name, path string, file, written []byte) {
	t.Helper()
	var names [2]string
	for i, b := range [][]byte{file, written} {
		r, err := pdf.Open(bytes.NewReader(b), int64(len(b)), pdf.Options{})
		if err != nil {
			t.Fatal(name, err)
		}
		fields, err := pdf.Fields(r.Last())
		if err != nil {
			t.Fatal(name, err)
		}
		for _, f := range fields {
			names[i] += f.Name + " "
		}
	}
	if names[0] != names[1] {
		t.Errorf("%s: fields were %s, are %s", name, names[0], names[1])
	}
	mended := filepath.Join(t.TempDir(), "mended.pdf")
	if err := os.WriteFile(mended, written, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := interop.QPDFCheck(t.Context(), mended, ""); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	was, err1 := interop.Render(t.Context(), path, 1, 30)
	is, err2 := interop.Render(t.Context(), mended, 1, 30)
	if err1 != nil || err2 != nil {
		t.Fatal(name, err1, err2)
	}
	for y := was.Bounds().Min.Y; y < was.Bounds().Max.Y; y++ {
		for x := was.Bounds().Min.X; x < was.Bounds().Max.X; x++ {
			if was.At(x, y) != is.At(x, y) {
				t.Fatalf("%s: the page looks different", name)
			}
		}
	}
}
