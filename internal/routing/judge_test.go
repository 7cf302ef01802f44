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
	for _, want := range texts {
		if !strings.Contains(string(out), want) {
			t.Errorf("the text lacks %q:\n%s", want, out)
		}
	}
}
