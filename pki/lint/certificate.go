package lint

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"slices"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/profile"
)

// Certificate is what a certificate is checked against.
type Certificate struct {
	// DER is the certificate; its signature isn't looked at.
	DER []byte
	// Profile it claims to follow.
	Profile *profile.Profile
	// Issuer is the CA's certificate, nil for a root.
	Issuer *x509.Certificate
	// Addresses of the issuer, and its number of CRL shards (0: whole). Not
	// used for a root.
	Addresses pki.Addresses
	Shards    int
}

// Certificate runs the chosen lints on c. The error is for what can't be
// parsed; a certificate that breaks rules gives findings, see Findings.Err.
func (l *Linter) Certificate(c Certificate) (Findings, error) {
	parsed, err := x509.ParseCertificate(c.DER)
	if err != nil {
		return nil, &pki.Error{Code: ErrLint, Detail: "can't parse the certificate", Err: err}
	}
	findings, err := l.zlintCertificate(c.DER, c.Issuer == nil)
	if err != nil {
		return nil, err
	}
	for _, rule := range rules() {
		if detail := rule.broken(&c, parsed); detail != "" {
			findings = append(findings, Finding{Lint: rule.name, Severity: Error, Detail: detail, Citation: rule.citation})
		}
	}
	return findings, nil
}

// rule is one lint of ours; broken returns what is wrong, "" if nothing is.
type rule struct {
	name     string
	citation string
	broken   func(*Certificate, *x509.Certificate) string
}

func rules() []rule {
	return []rule{
		{"kyso_serial", "RFC 5280: 4.1.2.2", serialRule},
		{"kyso_subject", "RFC 5280: 4.1.2.6", subjectRule},
		{"kyso_issuer", "RFC 5280: 4.1.2.4", issuerRule},
		{"kyso_validity", "RFC 5280: 4.1.2.5", validityRule},
		{"kyso_key_usage", "RFC 5280: 4.2.1.3", keyUsageRule},
		{"kyso_ext_key_usage", "RFC 5280: 4.2.1.12", extKeyUsageRule},
		{"kyso_basic_constraints", "RFC 5280: 4.2.1.9", basicConstraintsRule},
		{"kyso_policies", "RFC 5280: 4.2.1.4", policiesRule},
		{"kyso_addresses", "RFC 5280: 4.2.1.13, 4.2.2.1", addressesRule},
		{"kyso_email", "RFC 5280: 4.2.1.6", emailRule},
		{"kyso_extensions", "RFC 5280: 4.2", extensionsRule},
	}
}

func serialRule(_ *Certificate, p *x509.Certificate) string {
	serial, err := pki.SerialFromBig(p.SerialNumber)
	if err != nil || len(serial.Bytes()) != pki.SerialBytes {
		return "want a positive serial number of 16 octets"
	}
	return ""
}

func subjectRule(c *Certificate, p *x509.Certificate) string {
	subject, err := pki.ParseSubject(p.RawSubject)
	if err == nil {
		err = c.Profile.CheckSubject(subject)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func issuerRule(c *Certificate, p *x509.Certificate) string {
	name, key := p.RawSubject, p.SubjectKeyId
	if c.Issuer != nil {
		name, key = c.Issuer.RawSubject, c.Issuer.SubjectKeyId
	}
	switch {
	case !bytes.Equal(p.RawIssuer, name):
		return "issuer is not the CA's subject, byte for byte"
	case len(p.SubjectKeyId) != 20:
		return "want a subject key identifier of 20 octets"
	case c.Issuer == nil && len(p.AuthorityKeyId) == 0: // optional in a root
		return ""
	case !bytes.Equal(p.AuthorityKeyId, key):
		return "authority key identifier is not the CA's"
	}
	return ""
}

func validityRule(c *Certificate, p *x509.Certificate) string {
	switch {
	case p.NotAfter.Before(p.NotBefore):
		return "ends before it starts"
	case p.NotAfter.After(c.Profile.Validity.Max.End(p.NotBefore)):
		return "longer than the profile allows"
	case c.Issuer != nil && (p.NotBefore.Before(c.Issuer.NotBefore) || p.NotAfter.After(c.Issuer.NotAfter)):
		return "not inside the CA's validity"
	}
	return ""
}

func keyUsageRule(c *Certificate, p *x509.Certificate) string {
	if e := extension(p, 2, 5, 29, 15); e == nil || !e.critical || p.KeyUsage != c.Profile.KeyUsageBits() {
		return "want exactly the profile's bits, critical"
	}
	return ""
}

func extKeyUsageRule(c *Certificate, p *x509.Certificate) string {
	want := c.Profile.ExtKeyUsageOIDs()
	e := extension(p, 2, 5, 29, 37)
	if len(want) == 0 {
		if e != nil {
			return "not in this profile"
		}
		return ""
	}
	var got []asn1.ObjectIdentifier
	if e != nil {
		if rest, err := asn1.Unmarshal(e.value, &got); err != nil || len(rest) > 0 {
			return "malformed"
		}
	}
	if e == nil || e.critical != c.Profile.ExtKeyUsageCritical || !slices.EqualFunc(got, want, asn1.ObjectIdentifier.Equal) {
		return "want exactly the profile's purposes and criticality"
	}
	return ""
}

func basicConstraintsRule(c *Certificate, p *x509.Certificate) string {
	e := extension(p, 2, 5, 29, 19)
	if !c.Profile.IsCA() {
		if e != nil && p.IsCA {
			return "an end entity that says it is a CA"
		}
		return ""
	}
	want := -1
	if n := c.Profile.CA.PathLength; n != nil {
		want = *n
	}
	if e == nil || !e.critical || !p.IsCA || p.MaxPathLen != want {
		return "want CA and the profile's path length, critical"
	}
	return ""
}

func policiesRule(c *Certificate, p *x509.Certificate) string {
	if !slices.EqualFunc(p.Policies, c.Profile.PolicyOIDs(), x509.OID.Equal) {
		return "want exactly the profile's policies"
	}
	return ""
}

func addressesRule(c *Certificate, p *x509.Certificate) string {
	var ocsp, issuers, crl []string
	if c.Profile.OCSP {
		ocsp = []string{c.Addresses.OCSP()}
	}
	if c.Profile.CAIssuers {
		issuers = []string{c.Addresses.Certificate()}
	}
	if c.Profile.CRL {
		serial, err := pki.SerialFromBig(p.SerialNumber)
		if err != nil {
			return "no serial number to find the shard of"
		}
		crl = []string{c.Addresses.CRLFor(serial, c.Shards)}
	}
	if !slices.Equal(p.OCSPServer, ocsp) || !slices.Equal(p.IssuingCertificateURL, issuers) ||
		!slices.Equal(p.CRLDistributionPoints, crl) {
		return "OCSP, CA certificate or CRL address is not that of this CA and serial number"
	}
	return ""
}

func emailRule(_ *Certificate, p *x509.Certificate) string {
	subject, err := pki.ParseSubject(p.RawSubject)
	if err != nil {
		return "" // kyso_subject says so
	}
	if !slices.Equal(p.EmailAddresses, subject.Values(pki.EmailAddress)) ||
		len(p.DNSNames)+len(p.IPAddresses)+len(p.URIs) > 0 {
		return "want exactly the subject's E as rfc822Name"
	}
	return ""
}

// extensionsRule refuses extensions nobody asked for, and doubled ones.
func extensionsRule(c *Certificate, p *x509.Certificate) string {
	seen := map[string]bool{}
	for _, e := range p.Extensions {
		id := e.Id.String()
		if seen[id] {
			return "an extension stands twice"
		}
		seen[id] = true
		switch id {
		case "2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.31", "2.5.29.32", "2.5.29.35",
			"2.5.29.37", "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.48.1.5":
		default:
			return "an extension that no profile has"
		}
	}
	if seen["1.3.6.1.5.5.7.48.1.5"] != c.Profile.OCSPNoCheck {
		return "ocsp-nocheck is not as the profile says"
	}
	return ""
}

type extensionValue struct {
	critical bool
	value    []byte
}

func extension(p *x509.Certificate, oid ...int) *extensionValue {
	for _, e := range p.Extensions {
		if e.Id.Equal(oid) {
			return &extensionValue{e.Critical, e.Value}
		}
	}
	return nil
}
