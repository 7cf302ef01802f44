package cms

import (
	"bytes"
	"crypto"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// VerifyOptions loosen or widen what [SignedData.Verify] demands. The zero value
// is the strict PAdES rule.
type VerifyOptions struct {
	// ContentType that must be signed; nil means id-data.
	ContentType asn1.ObjectIdentifier

	// Certificates among which the signer's may be found beside those inside.
	Certificates []*x509.Certificate

	// AllowNoSignedAttrs takes signatures made directly over the content, as
	// old adbe.pkcs7.detached files have them (RFC 5652, Section 5.4).
	AllowNoSignedAttrs bool

	// AllowNoSigningCertificate takes signatures without an ESS attribute.
	AllowNoSigningCertificate bool

	// AllowWeak reports SHA-1 and RSA below 2048 bits in Result.Weaknesses
	// instead of refusing them. RSA below 1024 bits and MD5 stay refused.
	AllowWeak bool
}

// Result is what a verified SignedData says. It says nothing of whether the
// certificate is to be trusted: that is pki/path.
type Result struct {
	Certificate *x509.Certificate // whose key made the signature
	Hash        crypto.Hash
	Scheme      Scheme
	ESSVersion  int       // 2, 1 (SHA-1 reference, old), or 0 when absent and allowed
	SigningTime time.Time // the claimed signing-time attribute; zero when absent, as PAdES demands
	Weaknesses  []Code    // ErrWeakHash, ErrWeakKey; only with AllowWeak
}

// Verify checks a detached signature over content whose digest, by
// [SignedData.Hash], is messageDigest. Each reason to refuse has its own Code.
func (sd *SignedData) Verify(messageDigest []byte, o VerifyOptions) (*Result, error) {
	if sd.Content != nil {
		return nil, fail(ErrContent, "eContent in a detached signature")
	}
	return sd.verify(messageDigest, o)
}

// VerifyContent checks a signature over the content that is inside.
func (sd *SignedData) VerifyContent(o VerifyOptions) (*Result, error) {
	if sd.Content == nil {
		return nil, fail(ErrContent, "no eContent")
	}
	h := sd.Hash()
	if h == 0 {
		return nil, fail(ErrAlgorithm, "digest algorithm %s", sd.Signer.DigestAlgorithm)
	}
	digest := h.New()
	digest.Write(sd.Content)
	return sd.verify(digest.Sum(nil), o)
}

func (sd *SignedData) verify(digest []byte, o VerifyOptions) (*Result, error) {
	si, r := &sd.Signer, &Result{Hash: sd.Hash()}

	// 1. The content is of the expected type.
	if o.ContentType == nil {
		o.ContentType = OIDData
	}
	if !sd.ContentType.Equal(o.ContentType) {
		return nil, fail(ErrContentType, "eContentType %s, want %s", sd.ContentType, o.ContentType)
	}

	// 2. The digest algorithm is known, announced and strong.
	if r.Hash == 0 {
		return nil, fail(ErrAlgorithm, "digest algorithm %s", si.DigestAlgorithm)
	}
	if !slices.ContainsFunc(sd.DigestAlgorithms, si.DigestAlgorithm.Equal) {
		return nil, fail(ErrAlgorithmMix, "digest algorithm of the signer is not in digestAlgorithms")
	}
	if err := r.weak(!strongHash(r.Hash), o, ErrWeakHash, "digest algorithm "+r.Hash.String()); err != nil {
		return nil, err
	}

	// 3. The signed attributes speak of this content.
	signed := digest
	if si.SignedAttrsDER != nil {
		if err := sd.checkSignedAttrs(digest, r); err != nil {
			return nil, err
		}
		h := r.Hash.New()
		h.Write(si.SignedAttrsDER)
		signed = h.Sum(nil)
	} else if !o.AllowNoSignedAttrs {
		return nil, fail(ErrNoSignedAttrs, "signed attributes are required")
	} else if len(digest) != r.Hash.Size() {
		return nil, fail(ErrDigestMismatch, "digest of %d bytes for %v", len(digest), r.Hash)
	}

	// 4. The certificate is at hand and is the one that was signed.
	if err := sd.findCertificate(r, o); err != nil {
		return nil, err
	}

	// 5. The algorithms fit the key and each other.
	pub := PublicKey(r.Certificate)
	v, err := parseSignatureAlgorithm(si.SignatureAlgorithm, si.SignatureParams, r.Hash)
	if err != nil {
		return nil, err
	}
	r.Scheme = v.scheme
	weak, err := v.checkKey(pub)
	if err != nil {
		return nil, err
	}
	if err := r.weak(weak, o, ErrWeakKey, "key of the signer"); err != nil {
		return nil, err
	}

	// 6. The signature value.
	if err := v.verify(pub, signed, si.Signature); err != nil {
		return nil, err
	}
	return r, nil
}

// weak refuses a weakness or, where the options allow, notes it.
func (r *Result) weak(is bool, o VerifyOptions, c Code, detail string) error {
	if !is {
		return nil
	}
	if !o.AllowWeak {
		return fail(c, "%s is too weak", detail)
	}
	r.Weaknesses = append(r.Weaknesses, c)
	return nil
}

// checkSignedAttrs checks content-type, message-digest, algorithm protection,
// and reads signing-time (RFC 5652, Sections 5.3 and 11; RFC 6211).
func (sd *SignedData) checkSignedAttrs(digest []byte, r *Result) error {
	attrs := sd.Signer.SignedAttrs
	ct, err := contentType(attrs)
	if err != nil {
		return err
	}
	if !ct.Equal(sd.ContentType) {
		return fail(ErrContentType, "signed content-type %s differs from eContentType %s", ct, sd.ContentType)
	}
	md, err := messageDigest(attrs)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(md, digest) != 1 {
		return fail(ErrDigestMismatch, "message-digest is not the digest of the content")
	}
	value, found, err := single(attrs, OIDSigningTime)
	if err != nil {
		return err
	}
	if found {
		if _, err := asn1.Unmarshal(value, &r.SigningTime); err != nil {
			return failErr(ErrAttribute, err, "signing-time")
		}
	}
	return sd.checkAlgorithmProtection()
}

// checkAlgorithmProtection compares, where the attribute is present.
//
//	CMSAlgorithmProtection ::= SEQUENCE {
//	  digestAlgorithm    DigestAlgorithmIdentifier,
//	  signatureAlgorithm [1] IMPLICIT SignatureAlgorithmIdentifier OPTIONAL,
//	  macAlgorithm       [2] IMPLICIT MessageAuthenticationCodeAlgorithm OPTIONAL }
func (sd *SignedData) checkAlgorithmProtection() error {
	value, found, err := single(sd.Signer.SignedAttrs, OIDAlgorithmProtection)
	if err != nil || !found {
		return err
	}
	in := cryptobyte.String(value)
	var seq, sig cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) {
		return fail(ErrAttribute, "unreadable CMSAlgorithmProtection")
	}
	digest, _ := readAlgorithm(&seq)
	if digest == nil || !seq.ReadASN1(&sig, ctx(1)) || !sig.ReadASN1ObjectIdentifier(&oid) {
		return fail(ErrAttribute, "unreadable CMSAlgorithmProtection")
	}
	if !digest.Equal(sd.Signer.DigestAlgorithm) || !oid.Equal(sd.Signer.SignatureAlgorithm) {
		return fail(ErrAlgorithmAttr, "algorithms differ from the signed ones")
	}
	return nil
}

// findCertificate picks the certificate that the SignerIdentifier names, and
// among several the one that the ESS attribute names.
func (sd *SignedData) findCertificate(r *Result, o VerifyOptions) error {
	var refused error
	for _, c := range slices.Concat(sd.Certificates, o.Certificates) {
		if !sd.Signer.isFrom(c) {
			continue
		}
		version, err := essVersion(sd.Signer.SignedAttrs, c)
		if err == nil && version == 0 && !o.AllowNoSigningCertificate {
			err = fail(ErrNoSigningCert, "no signing-certificate attribute")
		}
		if err == nil {
			r.Certificate, r.ESSVersion = c, version
			return nil
		}
		refused = err
	}
	if refused != nil {
		return refused
	}
	return fail(ErrNoCertificate, "the signer's certificate is not at hand")
}

// isFrom reports whether the SignerIdentifier names c.
func (si *SignerInfo) isFrom(c *x509.Certificate) bool {
	if si.SubjectKeyID != nil {
		return bytes.Equal(si.SubjectKeyID, c.SubjectKeyId)
	}
	return si.Serial.Cmp(c.SerialNumber) == 0 && bytes.Equal(si.Issuer, c.RawIssuer)
}

// essVersion checks every ESS attribute present against cert and returns the
// highest version, 0 when there is none.
func essVersion(attrs []Attribute, cert *x509.Certificate) (int, error) {
	version := 0
	for _, a := range []struct {
		oid     asn1.ObjectIdentifier
		version int
	}{{OIDSigningCertificate, 1}, {OIDSigningCertificateV2, 2}} {
		value, found, err := single(attrs, a.oid)
		if err != nil {
			return 0, err
		}
		if !found {
			continue
		}
		id, err := parseESS(value, a.version == 2)
		if err != nil {
			return 0, err
		}
		if !id.names(cert) {
			return 0, fail(ErrSigningCert, "signing-certificate names another certificate")
		}
		version = a.version
	}
	return version, nil
}

// checkESS demands a signing-certificate attribute that names cert.
func checkESS(attrs []Attribute, cert *x509.Certificate) error {
	version, err := essVersion(attrs, cert)
	if err == nil && version == 0 {
		err = fail(ErrNoSigningCert, "no signing-certificate attribute")
	}
	return err
}

func contentType(attrs []Attribute) (asn1.ObjectIdentifier, error) {
	value, found, err := single(attrs, OIDContentType)
	in := cryptobyte.String(value)
	var oid asn1.ObjectIdentifier
	if err != nil || !found || !in.ReadASN1ObjectIdentifier(&oid) || !in.Empty() {
		return nil, fail(ErrContentType, "content-type attribute is absent, double or unreadable")
	}
	return oid, nil
}

func messageDigest(attrs []Attribute) ([]byte, error) {
	value, found, err := single(attrs, OIDMessageDigest)
	in := cryptobyte.String(value)
	var digest []byte
	if err != nil || !found || !in.ReadASN1Bytes(&digest, cbasn1.OCTET_STRING) || !in.Empty() {
		return nil, fail(ErrMessageDigest, "message-digest attribute is absent, double or unreadable")
	}
	return digest, nil
}
