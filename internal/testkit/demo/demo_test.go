package main

import (
	"context"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/internal/interop"
	"github.com/kyso-vn/kyso/internal/testkit/stage"
)

// program builds kyso and moves to the repository's root, where the story finds its files.
func program(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	file := filepath.Join(t.TempDir(), "kyso")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", file, "./cmd/kyso").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return file
}

func TestTheStoryTwiceAndWhatOthersSayOfIt(t *testing.T) {
	kyso, dir := program(t), filepath.Join(t.TempDir(), "demo")
	for run := 1; run <= 2; run++ {
		if err := show(t.Context(), dir, kyso, false); err != nil { // it checks the counts itself
			t.Fatalf("run %d: %v", run, err)
		}
	}
	st, err := stage.Open(dir, kyso)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(st.Path("out", "*.pdf"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%d documents, want 2 (%v)", len(files), err)
	}
	numbers := map[string]bool{}
	for _, f := range files {
		numbers[judge(t, f, st.Path("ca", "root.pem"))] = true
	}
	if !numbers["12/TTr-UBND"] || !numbers["13/TTr-UBND"] {
		t.Errorf("the numbers are %v", numbers)
	}
	rows, err := st.Run(t.Context(), "counts", "recount", "--config", st.Path("kyso.yaml"))
	if err != nil || len(rows) != 1 || len(rows[0]["differences"].([]any)) != 0 {
		t.Errorf("recount: %v %v", rows, err)
	}
	nothingInClear(t, st)
}

var numbered = regexp.MustCompile(`[0-9]+/TTr-UBND`)

// judge asks qpdf, OpenSSL and poppler, and looks at the picture; it returns the document's
// number.
func judge(t *testing.T, file, root string) string {
	t.Helper()
	ctx := t.Context()
	if err := interop.QPDFCheck(ctx, file, ""); err != nil {
		t.Errorf("qpdf: %v", err)
	}
	if err := interop.OpenSSLVerify(ctx, file, root); err != nil {
		t.Errorf("openssl: %v", err)
	}
	sigs, err := interop.PDFSig(ctx, file)
	if err != nil || len(sigs) != 2 {
		t.Fatalf("pdfsig: %+v %v", sigs, err)
	}
	for _, s := range sigs {
		if !s.Valid {
			t.Errorf("pdfsig: %+v", s)
		}
	}
	text, err := interop.Text(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Nguyễn Thị Ánh Tuyết", "PHƯỜNG CỬA NAM", "Hà Nội, ngày "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the text", want)
		}
	}
	sealCoversThirdOfSignature(ctx, t, file)
	return numbered.FindString(text)
}

// sealCoversThirdOfSignature measures the page: how much of the blue signature's width is
// under the red seal, from the left.
func sealCoversThirdOfSignature(ctx context.Context, t *testing.T, file string) {
	t.Helper()
	page, err := interop.Render(ctx, file, 1, 150)
	if err != nil {
		t.Fatal(err)
	}
	var blue, red image.Rectangle
	b := page.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := page.At(x, y).RGBA()
			switch at := image.Rect(x, y, x+1, y+1); {
			case bl > 0x8000 && r < 0x6000 && g < 0x8000:
				blue = blue.Union(at)
			case r > 0xa000 && g < 0x6000 && bl < 0x6000:
				red = red.Union(at)
			}
		}
	}
	if blue.Empty() || red.Empty() {
		t.Fatalf("no blue signature (%v) or no red seal (%v)", blue, red)
	}
	if size := float64(red.Dx()) / 150 * 25.4; size < 35 || size > 37 {
		t.Errorf("the seal is %.1f mm wide, not 36", size)
	}
	// The picture has a margin around the strokes, so the strokes' share may differ a little
	// from the third that the rectangles keep exactly.
	if share := float64(red.Max.X-blue.Min.X) / float64(blue.Dx()); share < 0.2 || share > 0.45 || red.Min.X >= blue.Min.X {
		t.Errorf("the seal covers %.2f of the signature", share)
	}
}

// nothingInClear looks for identity numbers, PINs and secrets in what the service leaves.
func nothingInClear(t *testing.T, st *stage.Stage) {
	t.Helper()
	var planted []string
	for _, a := range st.People() {
		planted = append(planted, strings.TrimPrefix(a.Identity, "CCCD:"), a.Password, a.TOTP)
		if a.PIN != "" {
			planted = append(planted, a.PIN)
		}
	}
	planted = append(planted, st.State.Client.Secret, st.State.TokenPIN)
	looked := 0
	for _, pattern := range []string{"kyso.db*", "serve.log", "documents/*", "documents/*/*"} {
		files, err := filepath.Glob(st.Path(pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if info, err := os.Stat(f); err != nil || info.IsDir() {
				continue
			}
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			looked++
			for n, p := range planted {
				if strings.Contains(string(b), p) {
					t.Errorf("secret %d stands in clear in %s", n, filepath.Base(f))
				}
			}
		}
	}
	if looked < 4 {
		t.Fatalf("looked at %d files only", looked)
	}
}
