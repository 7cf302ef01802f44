package path

import (
	"context"
	"crypto/x509"
	"slices"
	"time"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/pki/ocsp"
)

// checker finds the status of certificates for one call of Validate.
type checker struct {
	ctx   context.Context
	o     *Options
	ocsps []*ocsp.Response
	crls  []*crlList
	bad   []error // evidence at hand that could not be read
	used  Evidence
}

// fact is what one piece of evidence proves about one certificate. Its
// signature was verified.
type fact struct {
	revoked    bool
	revokedAt  time.Time
	reason     pki.Reason
	source     string
	raw        []byte
	thisUpdate time.Time
	nextUpdate time.Time
	fetched    bool
	support    Evidence // what is needed to check the evidence itself
}

const (
	sourceOCSP = "ocsp"
	sourceCRL  = "crl"

	maxOCSPURLs       = 2
	maxCRLURLs        = 3
	maxResponderDepth = 1 // responders whose own status is looked up
)

func newChecker(ctx context.Context, o *Options) *checker {
	c := &checker{ctx: ctx, o: o}
	for _, der := range o.Evidence.OCSPs {
		if r, err := parseOCSP(der); err != nil {
			c.bad = append(c.bad, err)
		} else {
			c.ocsps = append(c.ocsps, r)
		}
	}
	for _, der := range o.Evidence.CRLs {
		if l, err := parseCRL(der); err != nil {
			c.bad = append(c.bad, err)
		} else {
			c.crls = append(c.crls, l)
		}
	}
	return c
}

// status establishes what is known of cert, issued by issuer: from all evidence
// at hand; if that proves nothing from its OCSP responders, then from its CRLs.
func (c *checker) status(cert, issuer *x509.Certificate, depth int) CertificateStatus {
	s := CertificateStatus{Certificate: cert, Problems: slices.Clone(c.bad)}
	var facts []fact
	note := func(f fact, err error) {
		if err != nil {
			s.Problems = append(s.Problems, err)
		} else if f.source != "" {
			facts = append(facts, f)
		}
	}
	for _, r := range c.ocsps {
		note(c.fromOCSP(r, cert, issuer, depth))
	}
	for _, l := range c.crls {
		note(c.fromCRL(l, cert, issuer))
	}
	c.decide(&s, facts)
	if s.Status != Unknown || c.o.Fetcher == nil {
		return s
	}
	for _, u := range usableURLs(cert.OCSPServer, maxOCSPURLs) {
		note(c.fetchOCSP(u, cert, issuer, depth))
		if c.decide(&s, facts); s.Status != Unknown {
			return s
		}
	}
	for _, u := range usableURLs(cert.CRLDistributionPoints, maxCRLURLs) {
		note(c.fetchCRL(u, cert, issuer))
		if c.decide(&s, facts); s.Status != Unknown {
			return s
		}
	}
	return s
}

// decide weighs the facts.
func (c *checker) decide(s *CertificateStatus, facts []fact) {
	var good, bad *fact
	for i := range facts {
		f := &facts[i]
		switch {
		case f.revoked && !f.revokedAt.After(c.o.At):
			if f.reason == pki.CertificateHold && released(f, facts, c.o.At) {
				continue
			}
			if bad == nil || f.revokedAt.Before(bad.revokedAt) {
				bad = f
			}
		case good == nil || (good.source == f.source && f.thisUpdate.After(good.thisUpdate)):
			good = f // facts come OCSP first; the newest of a kind proves most
		}
		if f.revoked && f.revokedAt.After(c.o.At) && (s.RevokedAt.IsZero() || f.revokedAt.Before(s.RevokedAt)) {
			s.RevokedAt, s.Reason = f.revokedAt, f.reason
		}
	}
	chosen := good
	switch {
	case bad != nil:
		chosen, s.Status, s.RevokedAt, s.Reason = bad, Revoked, bad.revokedAt, bad.reason
	case good != nil:
		s.Status = Good
	default:
		return
	}
	s.Source, s.Evidence, s.Fetched = chosen.source, chosen.raw, chosen.fetched
	s.ThisUpdate, s.NextUpdate = chosen.thisUpdate, chosen.nextUpdate
	c.used.Merge(chosen.support)
	if chosen.source == sourceOCSP {
		addOnce(&c.used.OCSPs, chosen.raw)
	} else {
		addOnce(&c.used.CRLs, chosen.raw)
	}
}

// released reports whether a later look, still before at, found the hold ended.
func released(hold *fact, facts []fact, at time.Time) bool {
	return slices.ContainsFunc(facts, func(f fact) bool {
		return !f.revoked && f.thisUpdate.After(hold.thisUpdate) && !f.thisUpdate.After(at)
	})
}

// timely says why evidence with these dates proves nothing about cert at the
// time in question, or "". Evidence made later proves good too, but not when it
// may have dropped the certificate after its end: keptSince is from when on
// ended ones were kept (archiveCutoff, expiredCertsOnCRL), zero if unknown.
func (c *checker) timely(cert *x509.Certificate, this, next, keptSince time.Time, maxAge time.Duration, revoked bool) string {
	at := c.o.At
	switch {
	case this.After(c.o.Now.Add(clockTolerance)):
		return "dated in the future"
	case !next.IsZero() && next.Before(this):
		return "nextUpdate before thisUpdate"
	case this.After(at):
		kept := !keptSince.IsZero() && !keptSince.After(cert.NotAfter)
		if !revoked && this.After(cert.NotAfter) && !kept {
			return "made after the certificate ended"
		}
	case next.IsZero() && at.Sub(this) > maxAge:
		return "without nextUpdate and too old"
	case !next.IsZero() && next.Before(at):
		return "expired at that time"
	}
	return ""
}

// signedBy verifies a signed structure under the algorithm policy.
func (c *checker) signedBy(der []byte, signer, about *x509.Certificate) error {
	weak, err := verifySigned(der, signer)
	if err != nil {
		return &Error{Code: ErrSignature, Detail: "evidence is not signed by whom it should be", Certificate: about, Err: err}
	}
	if !c.o.Algorithms.AllowWeak && slices.Contains(weak, cms.ErrWeakHash) {
		return fail(ErrWeakAlgorithm, about, "evidence signed with a weak hash")
	}
	return nil
}
