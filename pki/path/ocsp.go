package path

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"slices"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ocsp"
)

var oidOCSPNoCheck = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5} // RFC 6960, Section 4.2.2.2.1

// parseOCSP reads a response with a code of ours.
func parseOCSP(der []byte) (*ocsp.Response, error) {
	r, err := ocsp.Parse(der)
	if errors.Is(err, ocsp.ErrStatus) {
		return nil, failErr(ErrEvidence, err, "the OCSP responder gave no answer")
	}
	if err != nil {
		return nil, failErr(ErrMalformed, err, "OCSP response")
	}
	return r, nil
}

// about returns the newest answer about cert in r, nil when there is none.
func about(r *ocsp.Response, cert, issuer *x509.Certificate) *ocsp.Single {
	serial, err := pki.SerialFromBig(cert.SerialNumber)
	if err != nil {
		return nil
	}
	var found *ocsp.Single
	for i := range r.Responses {
		one := &r.Responses[i]
		if one.ID.Hash == 0 || one.ID.Serial != serial {
			continue
		}
		want, err := ocsp.NewCertID(issuer, serial, one.ID.Hash)
		if err == nil && one.ID.Same(want) && (found == nil || one.ThisUpdate.After(found.ThisUpdate)) {
			found = one
		}
	}
	return found
}

// fromOCSP verifies a response as far as it concerns cert. A zero fact without
// error means that it does not.
func (c *checker) fromOCSP(r *ocsp.Response, cert, issuer *x509.Certificate, depth int) (fact, error) {
	s := about(r, cert, issuer)
	if s == nil {
		return fact{}, nil
	}
	if s.State == ocsp.Unknown {
		return fact{}, fail(ErrEvidence, cert, "the OCSP responder does not know the certificate")
	}
	f := fact{
		revoked: s.State == ocsp.Revoked, revokedAt: s.RevokedAt, reason: s.Reason,
		source: sourceOCSP, raw: r.DER, thisUpdate: s.ThisUpdate, nextUpdate: s.NextUpdate,
	}
	why := c.timely(cert, s.ThisUpdate, s.NextUpdate, s.ArchiveCutoff, c.o.MaxAge, f.revoked)
	if r.ProducedAt.After(c.o.Now.Add(clockTolerance)) {
		why = "produced in the future"
	}
	if why != "" {
		return fact{}, fail(ErrEvidence, cert, "OCSP response: %s", why)
	}
	signer, err := r.Signer(issuer, r.ProducedAt)
	if err != nil {
		return fact{}, &Error{Code: ErrSignature, Detail: "OCSP response by somebody not entitled", Certificate: cert, Err: err}
	}
	if signer.Equal(issuer) {
		return f, nil
	}
	f.support.addCertificate(signer)
	return f, c.checkResponder(signer, issuer, depth)
}

// checkResponder checks what pki/ocsp leaves to the caller: that a delegated
// responder's key is strong, and that it was not revoked (RFC 6960, Section
// 4.2.2.2.1).
func (c *checker) checkResponder(responder, issuer *x509.Certificate, depth int) error {
	if err := checkKey(responder, c.o.Algorithms); err != nil {
		return err
	}
	if slices.ContainsFunc(responder.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidOCSPNoCheck) }) {
		return nil
	}
	if depth >= maxResponderDepth {
		return fail(ErrUnknown, responder, "status of an OCSP responder")
	}
	if s := c.status(responder, issuer, depth+1); s.Status != Good {
		return fail(ErrUnknown, responder, "status of an OCSP responder is %s", s.Status)
	}
	return nil
}

// ocspRequest asks for one certificate. CertID is by SHA-1, which every
// responder knows (RFC 5019, Section 2.1.1); it is an identifier only.
func ocspRequest(cert, issuer *x509.Certificate) ([]byte, error) {
	serial, err := pki.SerialFromBig(cert.SerialNumber)
	if err != nil {
		return nil, err
	}
	id, err := ocsp.NewCertID(issuer, serial, crypto.SHA1)
	if err != nil {
		return nil, err
	}
	return (&ocsp.Request{IDs: []ocsp.CertID{id}}).DER()
}
