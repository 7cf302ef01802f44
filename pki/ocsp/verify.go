package ocsp

import (
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"slices"
	"time"

	"github.com/kyso-vn/kyso/pki"
)

// Check says what a response must be.
type Check struct {
	// Issuer is the CA's certificate. Required; the caller trusts it already.
	Issuer *x509.Certificate
	// Serial of the certificate in question. Required.
	Serial pki.Serial
	// At is when the response must be valid: now, or the time of a signature
	// for evidence kept with it. Required.
	At time.Time
	// Skew is how far the responder's clock may be ahead or behind; 0 is none.
	Skew time.Duration
	// Nonce that was sent: if not nil, the response must repeat it.
	Nonce []byte
}

// VerifyResponse reads a response and checks that it tells the status of one
// certificate: see Parse and Response.Verify.
func VerifyResponse(der []byte, c Check) (*Single, error) {
	r, err := Parse(der)
	if err != nil {
		return nil, err
	}
	return r.Verify(c)
}

// Verify checks r as RFC 6960, Section 3.2, says: signed by the issuer itself or
// by a responder that the issuer delegated directly (EKU OCSPSigning, valid at
// the time of the check), about the certificate in question, with thisUpdate
// and nextUpdate around the time in question. A response without nextUpdate is
// ErrStale, since nobody could tell when it is old. The outcome is what the
// response says of the certificate, which may be Unknown.
func (r *Response) Verify(c Check) (*Single, error) {
	// 1. Who signed?
	if _, err := r.Signer(c.Issuer, c.At); err != nil {
		return nil, err
	}
	// 2. Fresh for the one who asked?
	if c.Nonce != nil && !bytes.Equal(c.Nonce, r.Nonce) {
		return nil, &pki.Error{Code: ErrNonce, Detail: "not the one sent"}
	}
	// 3. About this certificate, at this time?
	one, err := r.find(c)
	if err != nil {
		return nil, err
	}
	if one.NextUpdate.IsZero() || c.At.Add(c.Skew).Before(one.ThisUpdate) || c.At.Add(-c.Skew).After(one.NextUpdate) {
		return nil, &pki.Error{Code: ErrStale}
	}
	return one, nil
}

// Signer returns whose signature r carries, after checking it and that the
// signer is entitled to speak for issuer at the given time: issuer itself, or a
// delegated responder. Otherwise ErrResponder, or pki.ErrSignature.
func (r *Response) Signer(issuer *x509.Certificate, at time.Time) (*x509.Certificate, error) {
	if r.algorithm == x509.UnknownSignatureAlgorithm {
		return nil, &pki.Error{Code: pki.ErrSignature, Field: "OCSP response", Detail: "algorithm not accepted"}
	}
	refusal := error(&pki.Error{Code: ErrResponder, Detail: "its certificate is neither the issuer's nor in the response"})
	for _, candidate := range append([]*x509.Certificate{issuer}, r.Certificates...) {
		if !r.named(candidate) {
			continue
		}
		// A responder whose certificate was renewed for the same key may send both.
		if refusal = r.signedBy(candidate, issuer, at); refusal == nil {
			return candidate, nil
		}
	}
	return nil, refusal
}

func (r *Response) signedBy(c, issuer *x509.Certificate, at time.Time) error {
	if !c.Equal(issuer) {
		if err := checkDelegate(c, issuer); err != nil {
			return err
		}
		if at.Before(c.NotBefore) || at.After(c.NotAfter) {
			return &pki.Error{Code: ErrResponder, Detail: "certificate not valid at the time"}
		}
	}
	if err := c.CheckSignature(r.algorithm, r.tbs, r.signature); err != nil {
		return &pki.Error{Code: pki.ErrSignature, Field: "OCSP response", Err: err}
	}
	return nil
}

// named tells whether the responderID means c.
func (r *Response) named(c *x509.Certificate) bool {
	if r.name != nil {
		return bytes.Equal(r.name, c.RawSubject)
	}
	key, err := publicKeyBits(c.RawSubjectPublicKeyInfo)
	if err != nil {
		return false
	}
	sum := sha1.Sum(key)
	return bytes.Equal(r.keyHash, sum[:])
}

// checkDelegate checks that issuer itself entitled c to answer (RFC 6960,
// Section 4.2.2.2).
func checkDelegate(c, issuer *x509.Certificate) error {
	refuse := func(detail string, err error) error {
		return &pki.Error{Code: ErrResponder, Detail: detail, Err: err}
	}
	switch {
	case !bytes.Equal(c.RawIssuer, issuer.RawSubject):
		return refuse("not issued by the CA", nil)
	case !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning):
		return refuse("extended key usage lacks OCSPSigning", nil)
	case c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0:
		return refuse("key usage lacks digitalSignature", nil)
	case len(c.UnhandledCriticalExtensions) > 0:
		return refuse("unknown critical extension", nil)
	}
	if err := c.CheckSignatureFrom(issuer); err != nil {
		return refuse("not signed by the CA", err)
	}
	return nil
}

// find returns the newest status of the certificate in question.
func (r *Response) find(c Check) (*Single, error) {
	var found *Single
	for i := range r.Responses {
		one := &r.Responses[i]
		if one.ID.Hash == 0 || one.ID.Serial != c.Serial {
			continue
		}
		want, err := NewCertID(c.Issuer, c.Serial, one.ID.Hash)
		if err != nil {
			return nil, err
		}
		if one.ID.Same(want) && (found == nil || one.ThisUpdate.After(found.ThisUpdate)) {
			found = one
		}
	}
	if found == nil {
		return nil, &pki.Error{Code: ErrAbsent}
	}
	return found, nil
}
