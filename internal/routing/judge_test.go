package routing_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// judged asks qpdf and poppler about an issued file: well formed, all signatures valid, and
// the number, the date and the Vietnamese names readable.
func judged(t *testing.T, file []byte, signatures int, texts ...string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "issued.pdf")
	must(t, os.WriteFile(name, file, 0o600))
	if out, err := exec.CommandContext(t.Context(), "qpdf", "--check", name).CombinedOutput(); err != nil {
		t.Errorf("qpdf: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), "pdfsig", "-nocert", name).CombinedOutput()
	if n := strings.Count(string(out), "Signature Validation: Signature is Valid."); err != nil || n != signatures {
		t.Errorf("pdfsig: %d valid signatures, want %d, %v\n%s", n, signatures, err, out)
	}
	out, err = exec.CommandContext(t.Context(), "pdftotext", "-layout", name, "-").Output()
	must(t, err)
	text := squeezed(string(out))
	for _, want := range texts {
		if strings.Count(text, squeezed(want)) != 1 {
			t.Errorf("the text has not %q once:\n%s", want, out)
		}
	}
	for _, twice := range []string{"Số: Số:", "Hà Nội, Hà Nội,"} {
		if strings.Contains(text, squeezed(twice)) {
			t.Errorf("the text says %q:\n%s", twice, out)
		}
	}
}

// squeezed takes out white space: a layout has any amount of it.
func squeezed(s string) string {
	return strings.Join(strings.Fields(s), "")
}
