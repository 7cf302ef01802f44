package profile

import (
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/pki"
)

// longer tells whether a lasts longer than b. Any start serves: periods are
// whole years or whole days, and the profiles don't compare 365d with 1y.
func longer(a, b Period) bool {
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	return a.End(start).After(b.End(start))
}

// check refuses a profile that contradicts itself or the standards.
func (p *Profile) check() error {
	for _, rule := range []struct {
		ok     bool
		field  string
		detail string
	}{
		{isName(p.Name), "name", "want 1 to 40 of a-z, 0-9 and '-'"},
		{p.Version >= 1, "version", "want 1 or more"},
		{slices.Contains([]Role{Root, Issuing, Subscriber, OCSP, TSA}, p.Role), "role", "unknown"},
		{p.Kind.Valid() || p.Kind == "" && p.IsCA(), "kind", "unknown"},
		{p.Regime.Valid() || p.Regime == "" && p.Role != Subscriber, "regime", "unknown"},
		{!p.Validity.Default.IsZero() && !longer(p.Validity.Default, p.Validity.Max), "validity", "default missing or over max"},
		{p.IsCA() == (p.Role == Root || p.Role == Issuing), "ca", "role and ca disagree"},
		{p.IsCA() == (p.keyUsage&x509.KeyUsageCertSign != 0), "key_usage", "keyCertSign is for CAs, and all of them (RFC 5280, Section 4.2.1.3)"},
		{p.keyUsage != 0, "key_usage", "missing"},
		{p.IsCA() || len(p.extKeyUsage) > 0, "ext_key_usage", "missing"},
		{p.Role != OCSP || p.only("OCSPSigning") && p.OCSPNoCheck, "ext_key_usage", "a responder has OCSPSigning alone, and ocsp_no_check"},
		{p.Role != TSA || p.only("timeStamping") && p.ExtKeyUsageCritical, "ext_key_usage", "a TSA has timeStamping alone, critical (RFC 3161, Section 2.3)"},
		{p.Role == OCSP || !p.OCSPNoCheck, "ocsp_no_check", "only for responders"},
		{p.Role == Root || p.OCSPNoCheck || p.CRL, "crl", "whoever can be revoked has a CRL"},
		{p.Role != Root || !p.OCSP && !p.CAIssuers && !p.CRL, "crl", "a root has no addresses"},
		{p.Role == Root || p.OCSPNoCheck || len(p.Policies) > 0, "policies", "missing"},
	} {
		if !rule.ok {
			return &pki.Error{Code: ErrProfile, Field: rule.field, Detail: rule.detail}
		}
	}
	if err := p.checkKeys(); err != nil {
		return err
	}
	return p.checkRules()
}

func isName(s string) bool {
	return len(s) >= 1 && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func (p *Profile) only(usage string) bool {
	return len(p.ExtKeyUsage) == 1 && p.ExtKeyUsage[0] == usage
}

func (p *Profile) checkKeys() error {
	rsa := p.Keys.RSA
	none := rsa.Min == 0 && rsa.Max == 0
	if !none && (rsa.Min < 2048 || rsa.Max > 4096 || rsa.Min > rsa.Max) {
		return &pki.Error{Code: ErrProfile, Field: "keys", Detail: "RSA within 2048 to 4096 bits"}
	}
	if none && len(p.Keys.Curves) == 0 {
		return &pki.Error{Code: ErrProfile, Field: "keys", Detail: "missing"}
	}
	for _, curve := range p.Keys.Curves {
		if curve != "P-256" && curve != "P-384" {
			return &pki.Error{Code: ErrProfile, Field: "keys", Detail: "curves are P-256 and P-384"}
		}
	}
	return nil
}

func (p *Profile) checkRules() error {
	seen := map[pki.AttributeType]bool{}
	for _, rule := range p.Subject {
		sample := pki.Attribute{Type: rule.Type, Value: "x"}
		unknown := pki.CodeOf(sample.Check()) == pki.ErrSubjectAttribute
		switch {
		case unknown || seen[rule.Type]:
			return &pki.Error{Code: ErrProfile, Field: "subject", Detail: "attribute type unknown or listed twice"}
		case rule.Repeat && rule.Type != pki.UserID && rule.Type != pki.OrganizationalUnit:
			return &pki.Error{Code: ErrProfile, Field: "subject", Detail: "only UID and OU may repeat"}
		case (rule.Type == pki.UserID) != (len(rule.Prefixes) > 0):
			return &pki.Error{Code: ErrProfile, Field: "subject", Detail: "UID has prefixes, and nothing else"}
		}
		for _, v := range rule.Values {
			if err := (pki.Attribute{Type: rule.Type, Value: v}).Check(); err != nil {
				return &pki.Error{Code: ErrProfile, Field: "subject", Err: err}
			}
		}
		seen[rule.Type] = true
	}
	if !seen[pki.CommonName] {
		return &pki.Error{Code: ErrProfile, Field: "subject", Detail: "CN missing"}
	}
	return nil
}
