//go:build interop

package interop

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The documents of testdata that have no password and may be signed.
var signable = []string{
	"to-trinh.pdf", "quyet-dinh.pdf", "cong-van.pdf", "lich-cong-tac.pdf", "phu-luc.pdf",
	"producers/chromium.pdf", "producers/ghostscript.pdf", "producers/cairo.pdf", "producers/pdftex.pdf",
	"profiles/pdfa-1b.pdf", "profiles/pdfa-2b.pdf", "profiles/pdfa-3b.pdf", "profiles/pdf-ua.pdf",
	"qpdf/linearized.pdf", "qpdf/object-streams.pdf", "qpdf/linearized-object-streams.pdf", "qpdf/rotated.pdf", "qpdf/attachment.pdf",
	"qpdf/rc4-40.pdf", "qpdf/rc4-128.pdf", "qpdf/aes-128.pdf", "qpdf/aes-256.pdf", "qpdf/aes-256-object-streams.pdf",
}

func TestEveryDocumentIsAcceptedByAllJudges(t *testing.T) {
	t.Parallel()
	signer := newSigner(t, "p256")
	for _, name := range signable {
		t.Run(strings.ReplaceAll(name, "/", "."), func(t *testing.T) {
			t.Parallel()
			in, out := filepath.Join(documents, name), filepath.Join(t.TempDir(), "out.pdf")
			result := signer.sign(t, in, out)
			if result.Level != "B-B" || result.Bytes != size(t, out) {
				t.Errorf("kyso says %+v of %d bytes", result, size(t, out))
			}
			signer.judge(t, in, out, 1)
			before, err := Text(t.Context(), in)
			after, err2 := Text(t.Context(), out)
			if errors.Join(err, err2) != nil {
				t.Fatal(errors.Join(err, err2))
			}
			for line := range strings.Lines(before) {
				if !strings.Contains(normal(after), normal(line)) {
					t.Errorf("%q is gone from\n%s", line, after)
				}
			}
		})
	}
}

func TestEveryKindOfKeyIsAcceptedByAllJudges(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"p256", "p384", "rsa2048", "rsa3072"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			signer := newSigner(t, kind)
			in, out := documents+"/to-trinh.pdf", filepath.Join(t.TempDir(), "out.pdf")
			signer.sign(t, in, out)
			signer.judge(t, in, out, 1)
		})
	}
}

func TestLeaderThenSealBothStandAndFillTheirFields(t *testing.T) {
	t.Parallel()
	signer, dir := newSigner(t, "p256"), t.TempDir()
	for _, name := range []string{"to-trinh.pdf", "quyet-dinh.pdf", "qpdf/object-streams.pdf", "qpdf/aes-256.pdf"} {
		in, once, twice := filepath.Join(documents, name), filepath.Join(dir, "once.pdf"), filepath.Join(dir, "twice.pdf")
		if r := signer.sign(t, in, once, "--field", "chu_ky_lanh_dao"); r.Field != "chu_ky_lanh_dao" {
			t.Errorf("%s: kyso filled %q", name, r.Field)
		}
		signer.sign(t, once, twice, "--field", "con_dau")
		signer.judge(t, once, twice, 2)
		reports, err := PDFSig(t.Context(), twice)
		if err != nil || len(reports) != 2 {
			t.Fatalf("%s: %v, %v", name, reports, err)
		}
		for _, r := range reports {
			if r.WholeFile != (r.Field == "con_dau") || r.Signer != "Nguyễn Thị Ánh Tuyết" {
				t.Errorf("%s: pdfsig says %+v", name, r)
			}
		}
	}
}

func TestRefusedInputLeavesNothing(t *testing.T) {
	t.Parallel()
	signer := newSigner(t, "p256")
	for _, c := range []struct{ file, code string }{
		{documents + "/qpdf/password.pdf", "encrypted_password"},
		{"../../testdata/bad/half.pdf", "damaged"},
		{"../../testdata/bad/text.pdf", ""},
		{"../../testdata/bad/empty.pdf", ""},
	} {
		out := filepath.Join(t.TempDir(), "out.pdf")
		_, err := signer.run(t, c.file, out)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 {
			t.Errorf("%s: %v, want exit 2", c.file, err)
			continue
		}
		var problem struct{ Code, Message string }
		if err := json.Unmarshal(bytes.TrimSpace(exit.Stderr), &problem); err != nil || problem.Code == "" || (c.code != "" && problem.Code != c.code) {
			t.Errorf("%s: %q, want code %q", c.file, exit.Stderr, c.code)
		}
		if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) != 0 {
			t.Errorf("%s: %v was left: %v", c.file, left, err)
		}
	}
}

// signed is the line that kyso pdf sign prints.
type signed struct {
	Field, Level string
	Bytes        int64
}

// signer is a person with a key, a certificate of the demonstration root, and the program.
type signer struct {
	kyso, key, cert, root string
}

func (s signer) run(t *testing.T, in, out string, args ...string) ([]byte, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.kyso, append([]string{"pdf", "sign", "--in", in, "--out", out, "--key", s.key, "--cert", s.cert,
		"--level", "B-B"}, args...)...)
	return cmd.Output()
}

func (s signer) sign(t *testing.T, in, out string, args ...string) signed {
	t.Helper()
	line, err := s.run(t, in, out, args...)
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%s: %v: %s", in, err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var result signed
	if err := json.Unmarshal(line, &result); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return result
}

// judge asks all judges about out, which in was made into by one more signature, the count-th.
func (s signer) judge(t *testing.T, in, out string, count int) {
	t.Helper()
	before, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(after, before) {
		t.Errorf("%s is not the beginning of what it was signed to", in)
	}
	if err := QPDFCheck(t.Context(), out, ""); err != nil {
		t.Error(err)
	}
	if err := OpenSSLVerify(t.Context(), out, s.root); err != nil {
		t.Error(err)
	}
	reports, err := PDFSig(t.Context(), out)
	if err != nil || len(reports) != count {
		t.Errorf("pdfsig sees %d signatures in %s, want %d: %v", len(reports), out, count, err)
	}
	for _, r := range reports {
		if !r.Valid || r.SubFilter != "ETSI.CAdES.detached" {
			t.Errorf("pdfsig says %+v", r)
		}
	}
}

// kysoBinary builds the program once for all tests.
var kysoBinary = sync.OnceValues(func() (string, error) {
	dir, err := filepath.Abs("../../bin")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "kyso")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/kyso").CombinedOutput(); err != nil {
		return "", errors.Join(err, errors.New(string(out)))
	}
	return program, nil
})

// newSigner makes a root and a person's certificate below it (domain: an officer) for a kind of key.
func newSigner(t *testing.T, kind string) signer {
	t.Helper()
	kyso, err := kysoBinary()
	if err != nil {
		t.Fatal(err)
	}
	dir, now := t.TempDir(), time.Now()
	rootKey, key := newKey(t, "p256"), newKey(t, kind)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Country: []string{"VN"}, CommonName: "Interop Root"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	person := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{Country: []string{"VN"}, CommonName: "Nguyễn Thị Ánh Tuyết"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), BasicConstraintsValid: true,
		KeyUsage:           x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
		ExtKeyUsage:        []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
		UnknownExtKeyUsage: []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 36}}, // documentSigning, RFC 9336
	}
	s := signer{kyso, filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "root.pem")}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, s.key, "PRIVATE KEY", pkcs8)
	writePEM(t, s.root, "CERTIFICATE", issue(t, root, root, rootKey.Public(), rootKey))
	writePEM(t, s.cert, "CERTIFICATE", issue(t, person, root, key.Public(), rootKey))
	return s
}

func newKey(t *testing.T, kind string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "p256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "p384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "rsa2048":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "rsa3072":
		key, err = rsa.GenerateKey(rand.Reader, 3072)
	default:
		t.Fatalf("no key of kind %s", kind)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func issue(t *testing.T, template, parent *x509.Certificate, public crypto.PublicKey, by crypto.Signer) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func size(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// normal is text without the white space, which pdftotext sets anew when something is added to a page.
func normal(text string) string {
	return strings.Join(strings.Fields(text), "")
}
