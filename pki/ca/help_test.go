package ca_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"testing"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/lint"
	"github.com/kyso-vn/kyso/pki/profile"
)

const base = "http://pki.example.vn"

// world is a root, an issuing CA under it, and the profiles.
type world struct {
	set     *profile.Set
	linter  *lint.Linter
	root    *ca.CA
	issuing *ca.CA
	key     crypto.Signer // the issuing CA's
}

func newKey(t testing.TB, kind string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "P-256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 3072)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newWorld(t testing.TB, kind string) *world {
	t.Helper()
	return newWorldWith(t, newKey(t, kind), newKey(t, kind))
}

// newWorldWith builds the chain with the given root and issuing keys.
func newWorldWith(t testing.TB, rootKey, issuingKey crypto.Signer) *world {
	t.Helper()
	w := &world{key: issuingKey}
	var err error
	if w.set, err = profile.Builtin(profile.Options{}); err != nil {
		t.Fatal(err)
	}
	if w.linter, err = lint.New(); err != nil {
		t.Fatal(err)
	}
	unborn, err := ca.New(ca.Config{Signer: rootKey, Linter: w.linter})
	if err != nil {
		t.Fatal(err)
	}
	rootCert := issue(t, unborn, ca.Request{Profile: w.profile(t, "root"), Subject: caSubject("Kyso Root CA"), PublicKey: rootKey.Public()})
	w.root, err = ca.New(ca.Config{Certificate: rootCert, Signer: rootKey, Linter: w.linter,
		Addresses: pki.Addresses{Base: base, CA: "root"}})
	if err != nil {
		t.Fatal(err)
	}
	issuingCert := issue(t, w.root, ca.Request{Profile: w.profile(t, "issuing"), Subject: caSubject("Kyso Công dân CA"), PublicKey: w.key.Public()})
	w.issuing, err = ca.New(ca.Config{Certificate: issuingCert, Signer: w.key, Linter: w.linter,
		Addresses: pki.Addresses{Base: base, CA: "citizens"}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) profile(t testing.TB, name string) *profile.Profile {
	t.Helper()
	p, err := w.set.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func issue(t testing.TB, a *ca.CA, r ca.Request) *x509.Certificate {
	t.Helper()
	d, err := a.Prepare(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range d.Warnings() {
		t.Logf("%s: %s %s", r.Profile.Name, warning.Severity, warning.Lint)
	}
	c, err := a.Issue(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func caSubject(name string) pki.Subject {
	return pki.Subject{{Type: "C", Value: "VN"}, {Type: "O", Value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"}, {Type: "CN", Value: name}}
}

// subjects has one typical subject for each end entity profile.
func subjects() map[string]pki.Subject {
	return map[string]pki.Subject{
		"citizen": {{Type: "C", Value: "VN"}, {Type: "ST", Value: "Thành phố Hà Nội"}, {Type: "L", Value: "Phường Hoàn Kiếm"},
			{Type: "CN", Value: "Nguyễn Thị Ánh Đào"}, {Type: "UID", Value: "MST:0100000001"}, {Type: "UID", Value: "CCCD:001099000001"}},
		"officer": {{Type: "C", Value: "VN"}, {Type: "O", Value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"}, {Type: "OU", Value: "Sở Tư pháp"},
			{Type: "T", Value: "Phó Giám đốc"}, {Type: "CN", Value: "Trần Văn Đức"}, {Type: "E", Value: "duc.tv@hanoi.gov.vn"}},
		"organisation": {{Type: "C", Value: "VN"}, {Type: "L", Value: "Hà Nội"}, {Type: "O", Value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"},
			{Type: "CN", Value: "Sở Tư pháp"}},
		"service": {{Type: "C", Value: "VN"}, {Type: "O", Value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"}, {Type: "CN", Value: "Hệ thống quản lý văn bản"}},
		"ocsp":    caSubject("OCSP 1"),
		"tsa":     caSubject("TSA 1"),
	}
}
