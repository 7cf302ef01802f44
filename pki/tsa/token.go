package tsa

import (
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"slices"

	"github.com/kyso-vn/kyso/pki/cms"
)

// Token is a parsed TimeStampToken: a SignedData over a TSTInfo (RFC 3161,
// Section 2.4.2). Nothing in it is to be believed before Verify.
type Token struct {
	Info
	SignedData *cms.SignedData
}

// Raw is the DER of the token.
func (t *Token) Raw() []byte { return t.SignedData.Raw }

// ParseToken reads exactly one token.
func ParseToken(der []byte, limits cms.Limits) (*Token, error) {
	sd, err := cms.Parse(der, limits)
	if err != nil {
		return nil, failErr(ErrMalformed, err, "token")
	}
	if !sd.ContentType.Equal(OIDTSTInfo) || sd.Content == nil {
		return nil, fail(ErrMalformed, "token holds no TSTInfo")
	}
	info, err := parseInfo(sd.Content)
	if err != nil {
		return nil, err
	}
	return &Token{Info: *info, SignedData: sd}, nil
}

// VerifyOptions say what a token must fulfil beyond its own consistency.
type VerifyOptions struct {
	Policy       asn1.ObjectIdentifier // nil: any
	Certificates []*x509.Certificate   // where the token omits the authority's
	AllowWeak    bool                  // SHA-1 and RSA below 2048 bits, see cms.VerifyOptions
}

// Verified is what a token says once it was verified. Whether its certificate
// leads to a trust anchor and was not revoked is the matter of pki/path.
type Verified struct {
	Certificate *x509.Certificate
	Weaknesses  []cms.Code // only with AllowWeak
}

// Verify checks that the token stamps digest (made by t.Hash), that its
// signature holds, and that its certificate may sign time-stamps and was valid
// at genTime.
func (t *Token) Verify(digest []byte, o VerifyOptions) (*Verified, error) {
	// 1. What was stamped.
	if t.Hash == 0 || subtle.ConstantTimeCompare(t.Digest, digest) != 1 {
		return nil, fail(ErrImprint, "the token stamps something else")
	}
	if o.Policy != nil && !o.Policy.Equal(t.Policy) {
		return nil, fail(ErrPolicy, "policy %s, want %s", t.Policy, o.Policy)
	}

	// 2. By whom.
	r, err := t.SignedData.VerifyContent(cms.VerifyOptions{
		ContentType: OIDTSTInfo, Certificates: o.Certificates, AllowWeak: o.AllowWeak,
	})
	if err != nil {
		return nil, failErr(ErrSignature, err, "token")
	}
	weak := r.Weaknesses
	if !slices.Contains(weak, cms.ErrWeakHash) && !strong(t.Hash) {
		if !o.AllowWeak {
			return nil, fail(ErrImprint, "imprint by %v", t.Hash)
		}
		weak = append(weak, cms.ErrWeakHash)
	}

	// 3. Whether he may, and when.
	if err := CheckUsage(r.Certificate); err != nil {
		return nil, err
	}
	if t.GenTime.Before(r.Certificate.NotBefore) || t.GenTime.After(r.Certificate.NotAfter) {
		return nil, fail(ErrGenTime, "genTime outside the validity of its certificate")
	}
	return &Verified{Certificate: r.Certificate, Weaknesses: weak}, nil
}

// CheckUsage checks that a certificate is one for time-stamps only: its
// extended key usage critical and nothing but timeStamping (RFC 3161, Section
// 2.3), its key usage, where present, only digitalSignature and nonRepudiation.
func CheckUsage(cert *x509.Certificate) error {
	if len(cert.ExtKeyUsage) != 1 || cert.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping || len(cert.UnknownExtKeyUsage) > 0 {
		return fail(ErrUsage, "extended key usage is not only timeStamping")
	}
	for _, e := range cert.Extensions {
		if e.Id.Equal(oidExtKeyUsage) && !e.Critical {
			return fail(ErrUsage, "extended key usage is not critical")
		}
	}
	if ku := cert.KeyUsage; ku != 0 && (ku&allowedUsage == 0 || ku&^allowedUsage != 0) {
		return fail(ErrUsage, "key usage is not one for signatures")
	}
	if cert.IsCA {
		return fail(ErrUsage, "a CA certificate signs no time-stamps")
	}
	return nil
}

const allowedUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment

var oidExtKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}

// sameNonce compares the nonce sent with the one that came back.
func sameNonce(req *Request, info *Info) bool {
	if req.Nonce == nil || info.Nonce == nil {
		return req.Nonce == info.Nonce
	}
	return req.Nonce.Cmp(info.Nonce) == 0
}
