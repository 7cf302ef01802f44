package cms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// signerCase is a key, its certificate and chain, and how it signs.
type signerCase struct {
	name   string
	key    crypto.Signer
	scheme Scheme
	hash   crypto.Hash
	cert   *x509.Certificate
	root   *x509.Certificate
}

func (c signerCase) options() Options {
	return Options{Certificate: c.cert, Chain: []*x509.Certificate{c.root}, Scheme: c.scheme, Hash: c.hash}
}

// rsaKey is made once: generation is slow.
var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// newCert issues a leaf certificate for pub under a fresh P-256 root.
func newCert(t testing.TB, pub crypto.PublicKey) (leaf, root *x509.Certificate) {
	t.Helper()
	caKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	now := time.Now()
	rootTmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Gốc thử"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	root = parseCert(t, must(x509.CreateCertificate(rand.Reader, rootTmpl, rootTmpl, caKey.Public(), caKey))(t))
	spki := must(x509.MarshalPKIXPublicKey(pub))(t)
	skid := sha256.Sum256(spki)
	serial := must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)))(t)
	leafTmpl := &x509.Certificate{
		SerialNumber: serial.SetBit(serial, 126, 1), Subject: pkix.Name{CommonName: "Nguyễn Văn Ký"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(12 * time.Hour), SubjectKeyId: skid[:20],
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
	}
	leaf = parseCert(t, must(x509.CreateCertificate(rand.Reader, leafTmpl, root, pub, caKey))(t))
	return leaf, root
}

func parseCert(t testing.TB, der []byte) *x509.Certificate {
	t.Helper()
	return must(x509.ParseCertificate(der))(t)
}

func signerCases(t testing.TB) []signerCase {
	t.Helper()
	cases := []signerCase{
		{name: "P-256", key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)},
		{name: "P-384", key: must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))(t)},
		{name: "P-521", key: must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))(t)},
		{name: "RSA-PSS", key: must(rsaKey())(t), scheme: PSS, hash: crypto.SHA384},
		{name: "RSA-PKCS1v15", key: must(rsaKey())(t), scheme: PKCS1v15, hash: crypto.SHA512},
	}
	for i := range cases {
		cases[i].cert, cases[i].root = newCert(t, cases[i].key.Public())
	}
	return cases
}

// sign makes a detached CMS over content.
func (c signerCase) sign(t testing.TB, content []byte, change func(*Options)) (*Draft, []byte) {
	t.Helper()
	o := c.options()
	if change != nil {
		change(&o)
	}
	tmpl := must(NewTemplate(o))(t)
	h := tmpl.Hash().New()
	h.Write(content)
	d := must(tmpl.Draft(h.Sum(nil)))(t)
	return d, must(d.Assemble(c.value(t, d)))(t)
}

// value signs a draft.
func (c signerCase) value(t testing.TB, d *Draft) []byte {
	t.Helper()
	return must(crypto.SignMessage(c.key, rand.Reader, d.SignedAttrs(), d.SignerOpts()))(t)
}

// openssl runs a command in dir and fails the test unless it succeeds.
func openssl(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("openssl", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func write(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}
