package lint

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"

	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"

	"github.com/kyso-vn/kyso/pki"
)

// CRL is what a revocation list is checked against.
type CRL struct {
	// DER is the list; its signature isn't looked at.
	DER []byte
	// Issuer is the CA's certificate.
	Issuer *x509.Certificate
	// Address that the IssuingDistributionPoint must carry; empty for none.
	Address string
}

// CRL runs the chosen lints on c. The error is for what can't be parsed; a
// list that breaks rules gives findings, see Findings.Err.
func (l *Linter) CRL(c CRL) (Findings, error) {
	parsed, err := zx509.ParseRevocationList(c.DER)
	if err != nil {
		return nil, &pki.Error{Code: ErrLint, Detail: "can't parse the CRL", Err: err}
	}
	findings := zlintFindings(zlint.LintRevocationListEx(parsed, l.registry))
	broken := func(name, detail, citation string) {
		findings = append(findings, Finding{Lint: name, Severity: Error, Detail: detail, Citation: citation})
	}
	if !bytes.Equal(parsed.RawIssuer, c.Issuer.RawSubject) {
		broken("kyso_crl_issuer", "issuer is not the CA's subject, byte for byte", "RFC 5280: 5.1.2.3")
	}
	// AuthorityKeyIdentifier ::= SEQUENCE { [0] keyIdentifier }, whole.
	authority, err := asn1.Marshal(struct {
		KeyID []byte `asn1:"tag:0"`
	}{c.Issuer.SubjectKeyId})
	if err != nil {
		return nil, err
	}
	var point, key []byte
	critical := false
	for _, e := range parsed.Extensions {
		switch e.Id.String() {
		case "2.5.29.28":
			point, critical = e.Value, e.Critical
		case "2.5.29.35":
			key = e.Value
		}
	}
	if !bytes.Equal(key, authority) {
		broken("kyso_crl_authority_key", "authority key identifier is not the CA's", "RFC 5280: 5.2.1")
	}
	want, err := distributionPoint(c.Address)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(point, want) || critical != (c.Address != "") {
		broken("kyso_crl_distribution_point", "want exactly the shard's address, critical; none in a whole list", "RFC 5280: 5.2.5")
	}
	return findings, nil
}

// distributionPoint encodes, by another way than the builder's, what the
// extension must hold; nil without an address.
func distributionPoint(address string) ([]byte, error) {
	if address == "" {
		return nil, nil
	}
	wrap := func(tag int, compound bool, inner []byte) asn1.RawValue {
		return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: compound, Bytes: inner}
	}
	uri, err := asn1.Marshal(wrap(6, false, []byte(address)))
	if err != nil {
		return nil, err
	}
	full, err := asn1.Marshal(wrap(0, true, uri))
	if err != nil {
		return nil, err
	}
	return asn1.Marshal([]asn1.RawValue{wrap(0, true, full)})
}
