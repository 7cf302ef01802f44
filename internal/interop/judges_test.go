package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const documents = "../../testdata/pdf"

func TestQPDFTellsGoodFilesFromBad(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(documents + "/*.pdf")
	more, err2 := filepath.Glob(documents + "/*/*.pdf")
	if files = append(files, more...); errors.Join(err, err2) != nil || len(files) < 20 {
		t.Fatalf("%d documents: %v", len(files), errors.Join(err, err2))
	}
	for _, file := range files {
		password := ""
		if strings.HasSuffix(file, "password.pdf") {
			password = "secret"
		}
		if err := QPDFCheck(t.Context(), file, password); err != nil {
			t.Error(err)
		}
	}
	for _, file := range []string{"half.pdf", "text.pdf", "empty.pdf"} {
		if QPDFCheck(t.Context(), "../../testdata/bad/"+file, "") == nil {
			t.Errorf("%s passes", file)
		}
	}
}

func TestTextKeepsVietnameseNamesOfAllProducers(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(documents + "/producers/*.pdf")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, file := range append(files, documents+"/to-trinh.pdf", documents+"/qpdf/aes-256.pdf") {
		text, err := Text(t.Context(), file)
		if err != nil {
			t.Error(err)
		}
		for _, want := range []string{"Nguyễn Thị Ánh Tuyết", "PHÓ CHỦ TỊCH", "ỦY BAN NHÂN DÂN", "đường truyền dự phòng"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing", file, want)
			}
		}
	}
}

func TestRenderGivesPagesInTheirSize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file             string
		page, wide, high int // pixels at 72 dpi
	}{
		{"to-trinh.pdf", 1, 596, 842}, {"cong-van.pdf", 3, 596, 842}, {"lich-cong-tac.pdf", 1, 842, 596}, {"qpdf/rotated.pdf", 1, 842, 596},
	} {
		picture, err := Render(t.Context(), filepath.Join(documents, c.file), c.page, 72)
		if err != nil {
			t.Error(err)
			continue
		}
		if b := picture.Bounds(); b.Dx() != c.wide || b.Dy() != c.high {
			t.Errorf("%s: %d x %d pixels, want %d x %d", c.file, b.Dx(), b.Dy(), c.wide, c.high)
		}
	}
	if _, err := Render(t.Context(), documents+"/to-trinh.pdf", 2, 72); err == nil {
		t.Error("a page that does not exist was painted")
	}
}

func TestUnsignedFileHasNoSignature(t *testing.T) {
	t.Parallel()
	file := documents + "/to-trinh.pdf"
	if _, err := ExtractCMS(file); !errors.Is(err, ErrNoSignature) {
		t.Errorf("ExtractCMS says %v", err)
	}
	if reports, err := PDFSig(t.Context(), file); err != nil || len(reports) != 0 {
		t.Errorf("pdfsig says %v, %v", reports, err)
	}
}

// The judges are judged on a PDF that OpenSSL alone has signed.
func TestJudgesAcceptARightSignatureAndNoOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, other := certify(t, dir, "root"), certify(t, dir, "other")
	file := filepath.Join(dir, "signed.pdf")
	good := signWithOpenSSL(t, dir)
	write(t, file, good)

	if err := QPDFCheck(t.Context(), file, ""); err != nil {
		t.Fatal(err)
	}
	if err := OpenSSLVerify(t.Context(), file, root); err != nil {
		t.Error(err)
	}
	reports, err := PDFSig(t.Context(), file)
	if err != nil || len(reports) != 1 {
		t.Fatalf("%v, %v", reports, err)
	}
	if r := reports[0]; r.Field != "chu_ky" || r.Signer != "root" || r.SubFilter != "ETSI.CAdES.detached" || !r.Valid || !r.WholeFile {
		t.Errorf("pdfsig says %+v", r)
	}

	if OpenSSLVerify(t.Context(), file, other) == nil {
		t.Error("OpenSSL accepts a stranger's root")
	}
	write(t, file, bytes.Replace(good, []byte("/MediaBox[0 0 300 300]"), []byte("/MediaBox[0 0 300 301]"), 1))
	if OpenSSLVerify(t.Context(), file, root) == nil {
		t.Error("OpenSSL accepts changed content")
	}
	if reports, err := PDFSig(t.Context(), file); err != nil || len(reports) != 1 || reports[0].Valid {
		t.Errorf("pdfsig says %+v, %v of changed content", reports, err)
	}
	write(t, file, append(bytes.Clone(good), "% more"...))
	if reports, err := PDFSig(t.Context(), file); err != nil || len(reports) != 1 || reports[0].WholeFile {
		t.Errorf("pdfsig says %+v, %v of a longer file", reports, err)
	}
}

func TestMissingJudgeNamesItsPackage(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := QPDFCheck(context.Background(), documents+"/to-trinh.pdf", "")
	if !errors.Is(err, exec.ErrNotFound) || !strings.Contains(err.Error(), "Debian package qpdf") {
		t.Errorf("got %v", err)
	}
}

// certify makes dir/name.pem and dir/name.key, self-signed, and returns the certificate's file.
func certify(t *testing.T, dir, name string) string {
	t.Helper()
	cert := filepath.Join(dir, name+".pem")
	if _, err := judge(t.Context(), "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
		"-subj", "/CN="+name, "-days", "2", "-keyout", filepath.Join(dir, name+".key"), "-out", cert); err != nil {
		t.Fatal(err)
	}
	return cert
}

// signWithOpenSSL returns a PDF of one empty page signed with root.key of dir.
func signWithOpenSSL(t *testing.T, dir string) []byte {
	t.Helper()
	const room = 4096
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	var offsets []int
	object := func(format string, args ...any) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offsets), fmt.Sprintf(format, args...))
	}
	object("<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]/SigFlags 3>>>>")
	object("<</Type/Pages/Kids[3 0 R]/Count 1>>")
	object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Annots[4 0 R]>>")
	object("<</Type/Annot/Subtype/Widget/FT/Sig/T(chu_ky)/F 132/Rect[0 0 0 0]/P 3 0 R/V 5 0 R>>")
	const blank = "[0 0000000000 0000000000 0000000000]"
	object("<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M(D:20260101000000Z)/ByteRange%s/Contents<%s>>>", blank, strings.Repeat("0", room))
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, xref)

	data := b.Bytes()
	gap := bytes.Index(data, []byte("/Contents<")) + len("/Contents")
	end := gap + room + 2
	copy(data[bytes.Index(data, []byte(blank)):], fmt.Sprintf("[0 %010d %010d %010d]", gap, end, len(data)-end))
	cms, err := judgeInput(t.Context(), bytes.NewReader(append(bytes.Clone(data[:gap]), data[end:]...)), "openssl", "cms", "-sign", "-cades",
		"-binary", "-outform", "DER", "-md", "sha256", "-signer", filepath.Join(dir, "root.pem"), "-inkey", filepath.Join(dir, "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	copy(data[gap+1:], fmt.Sprintf("%x", cms))
	return data
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
