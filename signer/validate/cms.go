package validate

import (
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"errors"

	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/pki/tsa"
)

// cmsFailures maps what pki/cms refuses to EN 319 102-1, Section 5.2. Codes that are not
// here are failures of format.
var cmsFailures = map[cms.Code]struct {
	indication Indication
	sub        SubIndication
	code       string
}{
	cms.ErrDigestMismatch: {Failed, HashFailure, "digest_mismatch"},
	cms.ErrSignature:      {Failed, SigCryptoFailure, "signature_wrong"},
	cms.ErrNoCertificate:  {Indeterminate, NoCertificateFound, "certificate_missing"},
	cms.ErrSigningCert:    {Indeterminate, NoCertificateFound, "ess_mismatch"},
	cms.ErrNoSigningCert:  {Indeterminate, SigConstraints, "ess_missing"},
	cms.ErrAlgorithm:      {Indeterminate, CryptoConstraints, "algorithm_unknown"},
	cms.ErrPSSParameters:  {Indeterminate, CryptoConstraints, "algorithm_unknown"},
	cms.ErrWeakHash:       {Indeterminate, CryptoConstraints, "algorithm_weak"},
	cms.ErrWeakKey:        {Indeterminate, CryptoConstraints, "algorithm_weak"},
}

// checkCMS verifies the signature value over what was hashed.
func (c *candidate) checkCMS() {
	if c.sd == nil {
		return
	}
	if c.digest == nil {
		c.describeUnverified()
		return
	}
	c.sig.Digest, c.sig.DigestAlgorithm = hex.EncodeToString(c.digest), c.hash.String()
	if c.timestamp {
		c.checkToken()
		return
	}
	old := c.old()
	r, err := c.sd.Verify(c.digest, cms.VerifyOptions{AllowNoSigningCertificate: old, AllowWeak: true, Certificates: c.v.o.Certificates})
	if err != nil {
		c.refuseCMS(err)
		c.describeUnverified()
		return
	}
	c.result = r
	c.sig.Scheme = string(r.Scheme)
	for range r.Weaknesses {
		c.sig.judge(Indeterminate, CryptoNoPOE, "algorithm_weak")
		break
	}
	c.describe(r.Certificate)
}

// checkToken verifies a document time-stamp (EN 319 142-1, Section 5.4.3): its imprint is of
// what the ByteRange covers.
func (c *candidate) checkToken() {
	got, err := c.token.Verify(c.digest, tsa.VerifyOptions{AllowWeak: true, Certificates: c.v.o.Certificates})
	if err != nil {
		c.refuseToken(err)
		c.describeUnverified()
		return
	}
	c.stamped = got
	if len(got.Weaknesses) > 0 {
		c.sig.judge(Indeterminate, CryptoNoPOE, "algorithm_weak")
	}
	c.describe(got.Certificate)
}

func (c *candidate) refuseToken(err error) {
	switch {
	case errors.Is(err, tsa.ErrImprint):
		c.sig.judge(Failed, HashFailure, "imprint_mismatch")
	case errors.Is(err, cms.ErrSignature):
		c.sig.judge(Failed, SigCryptoFailure, "signature_wrong")
	case errors.Is(err, tsa.ErrUsage):
		c.sig.judge(Indeterminate, ChainConstraints, "tsa_usage")
	case errors.Is(err, tsa.ErrGenTime):
		c.sig.judge(Indeterminate, OutOfBoundsNoPOE, "tsa_time")
	default:
		c.refuseCMS(err)
	}
}

func (c *candidate) refuseCMS(err error) {
	f, ok := cmsFailures[cms.CodeOf(err)]
	if !ok {
		c.sig.judge(Failed, FormatFailure, "cms_format", err)
		return
	}
	c.sig.judge(f.indication, f.sub, f.code)
}

// describeUnverified names the certificate that the signature claims, for the reader's eyes.
func (c *candidate) describeUnverified() {
	for _, cert := range c.sd.Certificates {
		if c.sd.Signer.Serial != nil && cert.SerialNumber.Cmp(c.sd.Signer.Serial) == 0 {
			c.describe(cert)
			return
		}
	}
}

// describe copies who signed from the certificate.
func (c *candidate) describe(cert *x509.Certificate) {
	s := c.sig
	s.Signer, s.Issuer, s.Subject = shortName(cert.Subject), shortName(cert.Issuer), cert.Subject.String()
	s.Serial = hex.EncodeToString(cert.SerialNumber.Bytes())
	s.Unit = unitOf(cert)
	from, to := cert.NotBefore.UTC(), cert.NotAfter.UTC()
	s.NotBefore, s.NotAfter = &from, &to
	if s.DigestAlgorithm == "" && c.hash != crypto.Hash(0) {
		s.DigestAlgorithm = c.hash.String()
	}
}
