package ca_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/ca/catest"
	"github.com/kyso-vn/kyso/pki/profile"
)

// anyKey takes all that any profile does.
func anyKey() profile.KeyRules {
	var rules profile.KeyRules
	rules.RSA.Min, rules.RSA.Max = 2048, 4096
	rules.Curves = []string{"P-256", "P-384"}
	return rules
}

func newCSR(t testing.TB, key crypto.Signer, change func(*x509.CertificateRequest)) []byte {
	t.Helper()
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "Nguyễn Văn A"}, EmailAddresses: []string{"a@example.vn"}}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestGoodCSRsAreRead(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"P-256", "P-384", "RSA-2048"} {
		key := catest.Key(t, kind)
		der := newCSR(t, key, nil)
		armoured := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
		for _, request := range [][]byte{der, armoured} {
			csr, err := ca.CheckCSR(request, ca.CSRRules{Keys: anyKey()})
			if err != nil {
				t.Errorf("%s: %v", kind, err)
				continue
			}
			spki, err := x509.MarshalPKIXPublicKey(key.Public())
			if err != nil {
				t.Fatal(err)
			}
			if csr.SPKIHash != sha256.Sum256(spki) || !bytes.Equal(csr.DER, der) || len(csr.EmailAddresses) != 1 {
				t.Errorf("%s: %+v", kind, csr)
			}
		}
	}
}

// opensslCSR makes a request with a digest that Go no longer signs with.
func opensslCSR(t *testing.T, digest string) []byte {
	t.Helper()
	dir := t.TempDir()
	key, request := filepath.Join(dir, "key.pem"), filepath.Join(dir, "request.der")
	out, err := exec.Command("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
		"-subj", "/CN=a", digest, "-outform", "DER", "-out", request).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	der, err := os.ReadFile(request)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestBadCSRsAreRefusedEachWithItsCode(t *testing.T) {
	t.Parallel()
	p256 := catest.Key(t, "P-256")
	good := newCSR(t, p256, nil)
	unproven := bytes.Clone(good)
	unproven[len(unproven)-1] ^= 1
	parsed, err := x509.ParseCertificateRequest(good)
	if err != nil {
		t.Fatal(err)
	}
	point := bytes.Clone(good)
	i := bytes.Index(point, parsed.RawSubjectPublicKeyInfo) + len(parsed.RawSubjectPublicKeyInfo)
	point[i-1] ^= 1
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	names := func(n int) func(*x509.CertificateRequest) {
		return func(r *x509.CertificateRequest) {
			for i := range n {
				r.DNSNames = append(r.DNSNames, fmt.Sprintf("n%d.example.vn", i))
			}
		}
	}
	for name, row := range map[string]struct {
		request []byte
		code    pki.Code
	}{
		"empty":                  {nil, ca.ErrCSRMalformed},
		"empty sequence":         {[]byte{0x30, 0}, ca.ErrCSRMalformed},
		"cut length":             {[]byte{0x30, 0x84, 0x01}, ca.ErrCSRMalformed},
		"trailing bytes":         {append(bytes.Clone(good), 0), ca.ErrCSRMalformed},
		"a certificate's armour": {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: good}), ca.ErrCSRMalformed},
		"two in one file": {bytes.Repeat(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: good}), 2),
			ca.ErrCSRMalformed},
		"60,000 names":      {newCSR(t, p256, names(60_000)), ca.ErrCSRTooLarge},
		"nine names":        {newCSR(t, p256, names(8)), ca.ErrCSRTooManyNames},
		"not proven":        {unproven, ca.ErrCSRSignature},
		"off the curve":     {point, ca.ErrKeyPoint},
		"Ed25519":           {newCSR(t, edwards, nil), ca.ErrKeyKind},
		"P-521":             {newCSR(t, p521(t), nil), ca.ErrKeyKind},
		"RSA of 1,024 bits": {newCSR(t, short, nil), ca.ErrKeySize},
		"SHA-1":             {opensslCSR(t, "-sha1"), ca.ErrCSRAlgorithm},
		"MD5":               {opensslCSR(t, "-md5"), ca.ErrCSRAlgorithm},
	} {
		start := time.Now()
		_, err := ca.CheckCSR(row.request, ca.CSRRules{Keys: anyKey()})
		if !errors.Is(err, row.code) {
			t.Errorf("%s: %v, want %s", name, err, row.code)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

// prime returns a random prime of that many bits.
func prime(t testing.TB, bits int) *big.Int {
	t.Helper()
	p, err := rand.Prime(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// nextPrime returns the first probable prime from n on.
func nextPrime(n *big.Int) *big.Int {
	p := new(big.Int).Set(n)
	for !p.ProbablyPrime(20) {
		p.Add(p, big.NewInt(1))
	}
	return p
}

// rocaPrime is made as the broken library did: k*M + (65537^a mod M), where M
// is the product of the first 126 primes.
func rocaPrime(t testing.TB) *big.Int {
	t.Helper()
	m := big.NewInt(1)
	for p, n := int64(2), 0; n < 126; p++ {
		if big.NewInt(p).ProbablyPrime(20) {
			m.Mul(m, big.NewInt(p))
			n++
		}
	}
	for {
		a, k := prime(t, 60), prime(t, 1024-m.BitLen())
		p := new(big.Int).Exp(big.NewInt(65537), a, m)
		p.Add(p, k.Mul(k, m))
		if p.BitLen() == 1024 && p.ProbablyPrime(20) {
			return p
		}
	}
}

// product multiplies, retrying until it has exactly 2,048 bits.
func product(t testing.TB, make func() (*big.Int, *big.Int)) *big.Int {
	t.Helper()
	for {
		p, q := make()
		if n := new(big.Int).Mul(p, q); n.BitLen() == 2048 {
			return n
		}
	}
}

// point is a P-256 key that no parser would make.
func point(x, y int64) *ecdsa.PublicKey {
	return &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(x), Y: big.NewInt(y)} //nolint:staticcheck // it has to be broken
}

func TestWeakKeysAreRefusedEachWithItsCode(t *testing.T) {
	t.Parallel()
	sound := catest.Key(t, "RSA-2048").Public().(*rsa.PublicKey)
	roca := product(t, func() (*big.Int, *big.Int) { return rocaPrime(t), rocaPrime(t) })
	closeTo := product(t, func() (*big.Int, *big.Int) {
		p := prime(t, 1024)
		return p, nextPrime(new(big.Int).Add(p, big.NewInt(1_000_000)))
	})
	small := product(t, func() (*big.Int, *big.Int) { return big.NewInt(3001), prime(t, 2036) })
	p256 := catest.Key(t, "P-256").Public().(*ecdsa.PublicKey)
	var p384Only profile.KeyRules
	p384Only.Curves = []string{"P-384"}
	for name, row := range map[string]struct {
		key   crypto.PublicKey
		rules profile.KeyRules
		code  pki.Code
	}{
		"sound RSA":      {sound, anyKey(), ""},
		"sound P-256":    {p256, anyKey(), ""},
		"nil":            {nil, anyKey(), ca.ErrKeyKind},
		"exponent 3":     {&rsa.PublicKey{N: sound.N, E: 3}, anyKey(), ca.ErrKeyExponent},
		"no modulus":     {&rsa.PublicKey{E: 65537}, anyKey(), ca.ErrKeySize},
		"2,047 bits":     {&rsa.PublicKey{N: new(big.Int).Rsh(sound.N, 1), E: 65537}, anyKey(), ca.ErrKeySize},
		"8,192 bits":     {&rsa.PublicKey{N: new(big.Int).Lsh(sound.N, 6144), E: 65537}, anyKey(), ca.ErrKeySize},
		"even":           {&rsa.PublicKey{N: new(big.Int).Sub(sound.N, big.NewInt(1)), E: 65537}, anyKey(), ca.ErrKeySmallFactor},
		"small factor":   {&rsa.PublicKey{N: small, E: 65537}, anyKey(), ca.ErrKeySmallFactor},
		"ROCA":           {&rsa.PublicKey{N: roca, E: 65537}, anyKey(), ca.ErrKeyROCA},
		"close primes":   {&rsa.PublicKey{N: closeTo, E: 65537}, anyKey(), ca.ErrKeyClosePrimes},
		"RSA, not taken": {sound, p384Only, ca.ErrKeyKind},
		"curve, not":     {p256, p384Only, ca.ErrKeyKind},
		"off the curve":  {point(5, 7), anyKey(), ca.ErrKeyPoint},
		"infinity":       {point(0, 0), anyKey(), ca.ErrKeyPoint},
		"no point":       {&ecdsa.PublicKey{Curve: elliptic.P256()}, anyKey(), ca.ErrKeyPoint},
	} {
		if err := ca.CheckKey(row.key, row.rules); pki.CodeOf(err) != row.code {
			t.Errorf("%s: %v, want %q", name, err, row.code)
		}
	}
}

func FuzzCheckCSR(f *testing.F) {
	f.Add(newCSR(f, catest.Key(f, "P-256"), nil))
	f.Add(newCSR(f, catest.Key(f, "RSA-2048"), nil))
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"))
	f.Add([]byte{0x30, 0x81})
	f.Fuzz(func(t *testing.T, request []byte) {
		csr, err := ca.CheckCSR(request, ca.CSRRules{Keys: anyKey()})
		if err != nil {
			if pki.CodeOf(err) == "" {
				t.Errorf("no code: %v", err)
			}
			return
		}
		again, err := ca.CheckCSR(csr.DER, ca.CSRRules{Keys: anyKey()})
		if err != nil || again.SPKIHash != csr.SPKIHash || !bytes.Equal(again.DER, csr.DER) {
			t.Fatalf("%v", err)
		}
	})
}
