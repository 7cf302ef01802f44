package lint_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca/catest"
	"github.com/kyso-vn/kyso/pki/crl"
	"github.com/kyso-vn/kyso/pki/lint"
)

// resign makes a certificate like c but changed, signed by the issuing CA.
func resign(t *testing.T, w *catest.World, c *x509.Certificate, change func(*x509.Certificate)) []byte {
	t.Helper()
	copied := *c
	copied.ExtraExtensions = nil
	change(&copied)
	der, err := x509.CreateCertificate(rand.Reader, &copied, w.Issuing.Certificate(), c.PublicKey, w.IssuingKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestEachRuleCatchesItsMistake(t *testing.T) {
	t.Parallel()
	w := catest.New(t, catest.Config{})
	c, _ := w.Certify(t, "officer")
	check := func(der []byte) lint.Findings {
		findings, err := w.Linter.Certificate(lint.Certificate{DER: der, Profile: w.Profile(t, "officer"),
			Issuer: w.Issuing.Certificate(), Addresses: w.Issuing.Addresses(), Shards: w.Issuing.Shards()})
		if err != nil {
			t.Fatal(err)
		}
		return findings
	}
	if findings := check(c.Raw); len(findings) > 0 {
		t.Fatalf("a good certificate: %+v", findings)
	}
	for name, row := range map[string]struct {
		change func(*x509.Certificate)
		lint   string
	}{
		"small serial":  {func(c *x509.Certificate) { c.SerialNumber = big.NewInt(5) }, "kyso_serial"},
		"other subject": {func(c *x509.Certificate) { c.RawSubject, c.Subject = nil, pkix.Name{CommonName: "x"} }, "kyso_subject"},
		"six years":     {func(c *x509.Certificate) { c.NotAfter = c.NotBefore.AddDate(6, 0, 0) }, "kyso_validity"},
		"outlives CA": {func(c *x509.Certificate) {
			c.NotBefore = c.NotBefore.AddDate(7, 0, 0)
			c.NotAfter = c.NotBefore.AddDate(4, 0, 0)
		}, "kyso_validity"},
		"key usage":      {func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }, "kyso_key_usage"},
		"purposes":       {func(c *x509.Certificate) { c.UnknownExtKeyUsage = nil }, "kyso_ext_key_usage"},
		"is a CA":        {func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }, "kyso_basic_constraints"},
		"no policy":      {func(c *x509.Certificate) { c.Policies = nil }, "kyso_policies"},
		"no OCSP":        {func(c *x509.Certificate) { c.OCSPServer = nil }, "kyso_addresses"},
		"another shard":  {func(c *x509.Certificate) { c.CRLDistributionPoints = []string{w.Issuing.Addresses().Shard(128)} }, "kyso_addresses"},
		"another's mail": {func(c *x509.Certificate) { c.EmailAddresses = []string{"x@example.vn"} }, "kyso_email"},
		"a DNS name":     {func(c *x509.Certificate) { c.DNSNames = []string{"x.example.vn"} }, "kyso_email"},
		"other extension": {func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte{5, 0}}}
		}, "kyso_extensions"},
		"nocheck": {func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: []byte{5, 0}}}
		}, "kyso_extensions"},
		"empty key usage extension (zlint)": {func(c *x509.Certificate) {
			c.KeyUsage = 0
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Critical: true, Value: []byte{3, 1, 0}}}
		}, "e_ext_key_usage_without_bits"},
	} {
		findings := check(resign(t, w, c, row.change))
		named := slices.ContainsFunc(findings, func(f lint.Finding) bool { return f.Lint == row.lint && f.Severity == lint.Error })
		if !named || !errors.Is(findings.Err(), lint.ErrLint) {
			t.Errorf("%s: no %s in %+v", name, row.lint, findings)
		}
	}
}

func TestIssuerMustBeTheCAByteForByte(t *testing.T) {
	t.Parallel()
	w := catest.New(t, catest.Config{})
	c, _ := w.Certify(t, "citizen")
	findings, err := w.Linter.Certificate(lint.Certificate{DER: c.Raw, Profile: w.Profile(t, "citizen"),
		Issuer: w.Root.Certificate(), Addresses: w.Issuing.Addresses(), Shards: w.Issuing.Shards()})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(findings, func(f lint.Finding) bool { return f.Lint == "kyso_issuer" }) {
		t.Errorf("%+v", findings)
	}
}

func TestRootIsLintedAsARoot(t *testing.T) {
	t.Parallel()
	w := catest.New(t, catest.Config{})
	root := w.Root.Certificate()
	findings, err := w.Linter.Certificate(lint.Certificate{DER: root.Raw, Profile: w.Profile(t, "root")})
	if err != nil || len(findings) > 0 {
		t.Errorf("%+v, %v", findings, err)
	}
}

func TestCRLRulesCatchTheirMistakes(t *testing.T) {
	t.Parallel()
	w := catest.New(t, catest.Config{})
	now := time.Now()
	address := w.Issuing.Addresses().Shard(3)
	d, err := crl.Prepare(crl.Template{Issuer: w.Issuing.Certificate(), ThisUpdate: now, NextUpdate: now.Add(time.Hour),
		Number: crl.Number(now, nil), Address: address, Shard: 3, Shards: 128}, w.Linter)
	if err != nil {
		t.Fatal(err)
	}
	der, err := crl.Issue(context.Background(), w.IssuingKey, d)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		crl  lint.CRL
		want []string
	}{
		"good":          {lint.CRL{DER: der, Issuer: w.Issuing.Certificate(), Address: address}, nil},
		"another shard": {lint.CRL{DER: der, Issuer: w.Issuing.Certificate(), Address: address + "x"}, []string{"kyso_crl_distribution_point"}},
		"whole":         {lint.CRL{DER: der, Issuer: w.Issuing.Certificate()}, []string{"kyso_crl_distribution_point"}},
		"another CA": {lint.CRL{DER: der, Issuer: w.Root.Certificate(), Address: address},
			[]string{"kyso_crl_issuer", "kyso_crl_authority_key"}},
	} {
		findings, err := w.Linter.CRL(row.crl)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range findings {
			got = append(got, f.Lint)
		}
		slices.Sort(got)
		slices.Sort(row.want)
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", name, got, row.want)
		}
	}
}

func TestGarbageIsAnErrorNotAPanic(t *testing.T) {
	t.Parallel()
	l, err := lint.New()
	if err != nil {
		t.Fatal(err)
	}
	w := catest.New(t, catest.Config{})
	for _, der := range [][]byte{nil, {0x30, 0}, {0x30, 0x81}, {0x30, 0x84, 1}, []byte("hello"), pki.Serial{}.Bytes()} {
		if _, err := l.Certificate(lint.Certificate{DER: der, Profile: w.Profile(t, "citizen")}); !errors.Is(err, lint.ErrLint) {
			t.Errorf("certificate %x: %v", der, err)
		}
		if _, err := l.CRL(lint.CRL{DER: der, Issuer: w.Root.Certificate()}); !errors.Is(err, lint.ErrLint) {
			t.Errorf("CRL %x: %v", der, err)
		}
	}
}
