package path

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"

	"github.com/kyso-vn/kyso/pki/cms"
)

// Extensions that are processed here or by crypto/x509 and may be critical.
var knownExtensions = []asn1.ObjectIdentifier{
	{2, 5, 29, 15},                  // keyUsage
	{2, 5, 29, 17},                  // subjectAltName
	{2, 5, 29, 19},                  // basicConstraints
	{2, 5, 29, 30},                  // nameConstraints
	{2, 5, 29, 32},                  // certificatePolicies
	{2, 5, 29, 33},                  // policyMappings
	{2, 5, 29, 36},                  // policyConstraints
	{2, 5, 29, 37},                  // extKeyUsage
	{2, 5, 29, 54},                  // inhibitAnyPolicy
	{2, 5, 29, 31},                  // cRLDistributionPoints
	{2, 5, 29, 35},                  // authorityKeyIdentifier
	{2, 5, 29, 14},                  // subjectKeyIdentifier
	{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, // ocsp-nocheck
}

var oidAnyPurpose = asn1.ObjectIdentifier{2, 5, 29, 37, 0}

// checkPath judges a path whose signatures were found good (RFC 5280, Section
// 6.1). The anchor is only a name, a key and constraints.
func checkPath(p candidate, o *Options) error {
	chain := p.chain
	leaf, anchor := chain[0], len(chain)-1
	for i, c := range chain {
		isAnchor := i == anchor
		// 1. Time, algorithms and extensions of everything below the anchor.
		if !isAnchor {
			if err := checkOne(c, p.weak[i], o); err != nil {
				return err
			}
		}
		// 2. What an issuer must be.
		if i > 0 {
			if err := checkIssuer(chain, i, isAnchor, o); err != nil {
				return err
			}
		}
	}
	// 3. What the certificate is used for.
	if o.KeyUsage != 0 && leaf.KeyUsage != 0 && leaf.KeyUsage&o.KeyUsage == 0 {
		return fail(ErrKeyUsage, leaf, "key usage does not permit this use")
	}
	if !hasPurpose(leaf, o.Purposes) {
		return fail(ErrExtKeyUsage, leaf, "extended key usage does not permit this use")
	}
	// 4. What the issuers let those below them be called.
	if err := checkNames(chain); err != nil {
		return err
	}
	return checkPolicies(chain, o)
}

func anchored(c *x509.Certificate, o *Options) bool {
	return slices.ContainsFunc(o.Anchors, func(l AnchorList) bool { return slices.ContainsFunc(l.Certificates, c.Equal) })
}

// checkOne checks one certificate below the anchor by itself.
func checkOne(c *x509.Certificate, weak []cms.Code, o *Options) error {
	if o.At.Before(c.NotBefore) {
		return fail(ErrNotYetValid, c, "valid only from %s", c.NotBefore.UTC().Format("2006-01-02T15:04:05Z"))
	}
	if o.At.After(c.NotAfter) {
		return fail(ErrExpired, c, "valid only until %s", c.NotAfter.UTC().Format("2006-01-02T15:04:05Z"))
	}
	if err := checkKey(c, o.Algorithms); err != nil {
		return err
	}
	if len(weak) > 0 && !o.Algorithms.AllowWeak {
		return fail(ErrWeakAlgorithm, c, "signed with a weak algorithm (%s)", weak[0])
	}
	for _, e := range c.Extensions {
		if e.Critical && !slices.ContainsFunc(knownExtensions, e.Id.Equal) {
			return fail(ErrCritical, c, "unknown critical extension %s", e.Id)
		}
	}
	return nil
}

// checkKey applies the algorithm policy to a certificate's own key.
func checkKey(c *x509.Certificate, a Algorithms) error {
	switch key := cms.PublicKey(c).(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < 2048 && !a.AllowWeak {
			return fail(ErrWeakAlgorithm, c, "RSA key of %d bits", key.N.BitLen())
		}
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P224() && !a.AllowWeak {
			return fail(ErrWeakAlgorithm, c, "curve P-224")
		}
	default:
		return fail(ErrWeakAlgorithm, c, "unknown kind of key")
	}
	return nil
}

// checkIssuer checks chain[i] as the issuer of what stands below it.
func checkIssuer(chain []*x509.Certificate, i int, isAnchor bool, o *Options) error {
	c := chain[i]
	// A version 1 certificate can be an anchor, never an intermediate.
	if (!isAnchor || c.Version >= 3) && (!c.BasicConstraintsValid || !c.IsCA) {
		return fail(ErrNotCA, c, "the issuer is no CA")
	}
	if c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0 {
		return fail(ErrKeyUsage, c, "key usage of the issuer lacks keyCertSign")
	}
	if c.MaxPathLen > 0 || c.MaxPathLenZero {
		below := 0 // intermediates that are not self-issued (RFC 5280, Section 6.1.4 (l))
		for _, d := range chain[1:i] {
			if !selfIssued(d) {
				below++
			}
		}
		if below > c.MaxPathLen {
			return fail(ErrLength, c, "pathLenConstraint %d with %d CAs below", c.MaxPathLen, below)
		}
	}
	if !isAnchor && !hasPurpose(c, o.Purposes) {
		return fail(ErrExtKeyUsage, c, "extended key usage of an issuer does not permit this use")
	}
	return nil
}

func selfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, c.RawIssuer) }

// hasPurpose reports whether c may be used for one of purposes.
func hasPurpose(c *x509.Certificate, purposes []asn1.ObjectIdentifier) bool {
	if len(purposes) == 0 {
		return true
	}
	for _, e := range c.Extensions {
		if !e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 37}) {
			continue
		}
		var ids []asn1.ObjectIdentifier
		if rest, err := asn1.Unmarshal(e.Value, &ids); err != nil || len(rest) > 0 {
			return false
		}
		return slices.ContainsFunc(ids, func(id asn1.ObjectIdentifier) bool {
			return id.Equal(oidAnyPurpose) || slices.ContainsFunc(purposes, id.Equal)
		})
	}
	return true // no extended key usage: any purpose
}

// checkPolicies runs the policy processing of crypto/x509 (RFC 5280, Section
// 6.1.2 ff.) where a certificate demands an explicit policy; elsewhere its
// outcome is never wanted.
func checkPolicies(chain []*x509.Certificate, o *Options) error {
	demanded := slices.ContainsFunc(chain, func(c *x509.Certificate) bool {
		return slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 36}) })
	})
	if !demanded || len(chain) < 2 {
		return nil
	}
	// Copies, so that names and critical extensions that were judged above do
	// not fail there for being unknown.
	plain := make([]*x509.Certificate, len(chain))
	for i, c := range chain {
		d := *c
		d.UnhandledCriticalExtensions = nil
		d.PermittedDNSDomains, d.ExcludedDNSDomains = nil, nil
		d.PermittedEmailAddresses, d.ExcludedEmailAddresses = nil, nil
		d.PermittedURIDomains, d.ExcludedURIDomains = nil, nil
		d.PermittedIPRanges, d.ExcludedIPRanges = nil, nil
		plain[i] = &d
	}
	roots, middle := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(plain[len(plain)-1])
	for _, c := range plain[1 : len(plain)-1] {
		middle.AddCert(c)
	}
	_, err := plain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: middle, CurrentTime: o.At, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return &Error{Code: ErrPolicy, Detail: "certificate policies", Certificate: chain[0], Err: err}
	}
	return nil
}
