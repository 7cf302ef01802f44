package bigpdf_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/kyso-vn/kyso/internal/interop"
	"github.com/kyso-vn/kyso/internal/testkit/bigpdf"
)

func TestFilesAreWellFormedAndAlwaysTheSame(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]bigpdf.Options{
		"zero": {}, "table": {Size: 1 << 20, Pages: 3, Objects: 100}, "stream": {Size: 1 << 20, Pages: 3, Objects: 100, XrefStream: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a, b bytes.Buffer
			if err := bigpdf.Write(&a, o); err != nil {
				t.Fatal(err)
			}
			if err := bigpdf.Write(&b, o); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Errorf("the second file differs: %v", err)
			}
			if int64(a.Len()) < o.Size {
				t.Errorf("%d bytes", a.Len())
			}
			file := filepath.Join(t.TempDir(), "big.pdf")
			if err := os.WriteFile(file, a.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := interop.QPDFCheck(t.Context(), file, ""); err != nil {
				t.Error(err)
			}
		})
	}
}
