package pdf

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// quietAgrees demands that what is called quiet has nothing that acts, or can't be searched.
func quietAgrees(t *testing.T, file []byte) {
	t.Helper()
	r, err := Open(bytes.NewReader(file), int64(len(file)), Options{})
	if err != nil {
		return
	}
	quiet, err := r.Last().quiet()
	if err != nil || !quiet {
		return
	}
	if found, err := r.Last().searchActive(); err == nil && len(found) > 0 {
		t.Errorf("a quiet file has %v", found)
	}
}

func TestQuietFilesHaveNothingThatActs(t *testing.T) {
	t.Parallel()
	for body, quiet := range map[string]bool{
		"<</S/URI/URI(http://example.vn/)>>":             true,
		"<</Type/Annot/F 4/Rect[0 0 1 1]/Subtype/Link>>": true,
		"<</S/JavaScript/JS(app.alert)>>":                false,
		"<</S/Java#53cript>>":                            false,
		"<</S/Launch/F(calc.exe)>>":                      false,
		"<</S/GoToR/F 3 0 R>>":                           false,
		"<</Subtype/3D/Rect[0 0 1 1]>>":                  false,
		"<</Length 0/F(other)>>":                         false,
		"<</Length 0/F<</UF(other)>>>>":                  false,
		"<</Length 0/F 3 0 R>>":                          false,
		"<</XFA 3 0 R>>":                                 false,
		"<</FS/URL>>":                                    false,
	} {
		if got := !suspicious([]byte(body)); got != quiet {
			t.Errorf("%s: quiet %v, want %v", body, got, quiet)
		}
		var file bytes.Buffer
		fmt.Fprintf(&file, "%%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n")
		two := file.Len()
		fmt.Fprintf(&file, "2 0 obj\n%s\nendobj\n", body)
		xref := file.Len()
		fmt.Fprintf(&file, "xref\n0 3\n0000000000 65535 f\r\n%010d 00000 n\r\n%010d 00000 n\r\ntrailer\n<</Size 3/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", 9, two, xref)
		quietAgrees(t, file.Bytes())
	}
}

func FuzzQuiet(f *testing.F) {
	files, err := filepath.Glob("../../testdata/pdf/*/*.pdf")
	if err != nil || len(files) == 0 {
		f.Fatal(len(files), err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, file []byte) { quietAgrees(t, file) })
}
