// Package catest makes, for tests of pki and what stands on it, a small PKI in
// memory: a root, an issuing CA under it, and certificates of every profile.
package catest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/lint"
	"github.com/kyso-vn/kyso/pki/profile"
)

// Base is where the CAs of a World publish.
const Base = "http://pki.example.vn"

// World is a root CA named "root" and an issuing CA named "citizens".
type World struct {
	Profiles            *profile.Set
	Linter              *lint.Linter
	Root, Issuing       *ca.CA
	RootKey, IssuingKey crypto.Signer
}

// Config of a World; the zero value is P-256 keys, now.
type Config struct {
	RootKey, IssuingKey crypto.Signer
	Now                 func() time.Time
	// WholeCRL of the issuing CA instead of shards.
	WholeCRL bool
}

// New makes a World, or fails the test.
func New(t testing.TB, c Config) *World {
	t.Helper()
	if c.RootKey == nil {
		c.RootKey = Key(t, "P-256")
	}
	if c.IssuingKey == nil {
		c.IssuingKey = Key(t, "P-256")
	}
	w := &World{RootKey: c.RootKey, IssuingKey: c.IssuingKey}
	var err error
	w.Profiles, err = profile.Builtin(profile.Options{})
	must(t, err)
	w.Linter, err = lint.New()
	must(t, err)
	unborn, err := ca.New(ca.Config{Signer: w.RootKey, Linter: w.Linter, Now: c.Now})
	must(t, err)
	root := w.Issue(t, unborn, ca.Request{Profile: w.Profile(t, "root"), Subject: CASubject("Kyso Root CA"), PublicKey: w.RootKey.Public()})
	w.Root, err = ca.New(ca.Config{Certificate: root, Signer: w.RootKey, Linter: w.Linter, Now: c.Now,
		Addresses: pki.Addresses{Base: Base, CA: "root"}})
	must(t, err)
	issuing := w.Issue(t, w.Root, ca.Request{Profile: w.Profile(t, "issuing"), Subject: CASubject("Kyso Công dân CA"), PublicKey: w.IssuingKey.Public()})
	w.Issuing, err = ca.New(ca.Config{Certificate: issuing, Signer: w.IssuingKey, Linter: w.Linter, Now: c.Now,
		Addresses: pki.Addresses{Base: Base, CA: "citizens"}, WholeCRL: c.WholeCRL})
	must(t, err)
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Profile returns a built-in profile.
func (w *World) Profile(t testing.TB, name string) *profile.Profile {
	t.Helper()
	p, err := w.Profiles.Get(name)
	must(t, err)
	return p
}

// Issue prepares and issues; a warning of the lints fails the test too.
func (w *World) Issue(t testing.TB, a *ca.CA, r ca.Request) *x509.Certificate {
	t.Helper()
	d, err := a.Prepare(r)
	must(t, err)
	for _, warning := range d.Warnings() {
		t.Errorf("%s: %s %s", r.Profile.Name, warning.Severity, warning.Lint)
	}
	c, err := a.Issue(context.Background(), d)
	must(t, err)
	return c
}

// Certify issues the typical certificate of a profile from the issuing CA, for
// a P-256 key that it also returns.
func (w *World) Certify(t testing.TB, name string) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	key := Key(t, "P-256")
	return w.Issue(t, w.Issuing, ca.Request{Profile: w.Profile(t, name), Subject: Subjects()[name], PublicKey: key.Public()}), key
}

// Key makes a key of the kind "P-256", "P-384", "RSA-2048" or "RSA-3072".
func Key(t testing.TB, kind string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "P-256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "RSA-2048":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "RSA-3072":
		key, err = rsa.GenerateKey(rand.Reader, 3072)
	default:
		t.Fatalf("no kind of key: %s", kind)
	}
	must(t, err)
	return key
}

// CASubject is a subject for CAs, responders and TSAs.
func CASubject(name string) pki.Subject {
	return pki.Subject{{Type: pki.Country, Value: "VN"},
		{Type: pki.OrganizationName, Value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"}, {Type: pki.CommonName, Value: name}}
}

// Subjects has one typical subject for each end-entity profile.
func Subjects() map[string]pki.Subject {
	city := pki.Attribute{Type: pki.OrganizationName, Value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"}
	vn := pki.Attribute{Type: pki.Country, Value: "VN"}
	return map[string]pki.Subject{
		"citizen": {vn, {Type: pki.Province, Value: "Thành phố Hà Nội"}, {Type: pki.Locality, Value: "Phường Hoàn Kiếm"},
			{Type: pki.CommonName, Value: "Nguyễn Thị Ánh Đào"},
			{Type: pki.UserID, Value: "MST:0100000001"}, {Type: pki.UserID, Value: "CCCD:001099000001"}},
		"officer": {vn, city, {Type: pki.OrganizationalUnit, Value: "Sở Tư pháp"}, {Type: pki.Title, Value: "Phó Giám đốc"},
			{Type: pki.CommonName, Value: "Trần Văn Đức"}, {Type: pki.EmailAddress, Value: "duc.tv@hanoi.gov.vn"}},
		"organisation": {vn, {Type: pki.Locality, Value: "Hà Nội"}, city, {Type: pki.CommonName, Value: "Sở Tư pháp"}},
		"service":      {vn, city, {Type: pki.CommonName, Value: "Hệ thống quản lý văn bản"}},
		"ocsp":         CASubject("OCSP 1"),
		"tsa":          CASubject("TSA 1"),
	}
}

// WritePEM writes a PEM file of that type, as "CERTIFICATE" or "X509 CRL".
func WritePEM(t testing.TB, path, kind string, blocks ...[]byte) string {
	t.Helper()
	var out []byte
	for _, der := range blocks {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
	}
	must(t, os.WriteFile(path, out, 0o600))
	return path
}
