package tsa

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/pki/cms"
)

var testPolicy = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1, 1}

// authority is a time-stamp certificate under its own root.
type authority struct {
	name string
	opts ServerOptions
	root *x509.Certificate
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// rsaKey is made once: generation is slow.
var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// timestampEKU is the extension id-kp-timeStamping, critical as it must be.
func timestampEKU(t testing.TB, critical bool, more ...asn1.ObjectIdentifier) pkix.Extension {
	ids := append([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}}, more...)
	return pkix.Extension{Id: oidExtKeyUsage, Critical: critical, Value: must(asn1.Marshal(ids))(t)}
}

// newAuthority issues a time-stamp certificate for key; change may spoil it.
func newAuthority(t testing.TB, key crypto.Signer, change func(*x509.Certificate)) authority {
	t.Helper()
	caKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	now := time.Now()
	rootTmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Gốc dấu thời gian"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	root := must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, rootTmpl, rootTmpl, caKey.Public(), caKey))(t)))(t)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "TSA thử"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(12 * time.Hour), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: []pkix.Extension{timestampEKU(t, true)},
	}
	if change != nil {
		change(tmpl)
	}
	cert := must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, tmpl, root, key.Public(), caKey))(t)))(t)
	return authority{root: root, opts: ServerOptions{
		Certificate: cert, Chain: []*x509.Certificate{root}, Signer: key, Policy: testPolicy,
	}}
}

func newP256(t testing.TB) crypto.Signer {
	return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
}

func authorities(t testing.TB) []authority {
	t.Helper()
	ec := newAuthority(t, newP256(t), nil)
	ec.name = "P-256"
	ec384 := newAuthority(t, must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))(t), nil)
	ec384.name = "P-384"
	pss := newAuthority(t, must(rsaKey())(t), nil)
	pss.name = "RSA-PSS"
	v15 := newAuthority(t, must(rsaKey())(t), nil)
	v15.name, v15.opts.Scheme = "RSA-PKCS1v15", cms.PKCS1v15
	return []authority{ec, ec384, pss, v15}
}

func (a authority) server(t testing.TB) *Server {
	t.Helper()
	return must(NewServer(a.opts))(t)
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

func read(t testing.TB, dir, name string) []byte {
	t.Helper()
	return must(os.ReadFile(filepath.Join(dir, name)))(t)
}

func certPEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
