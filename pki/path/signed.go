package path

import (
	"crypto/x509"
	"encoding/asn1"
	"time"

	"github.com/kyso-vn/kyso/pki/cms"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// verifySigned checks the outer signature of a Certificate, CertificateList or
// BasicOCSPResponse by issuer's key. What is weak is returned, not refused.
//
//	SIGNED ::= SEQUENCE {
//	  toBeSigned         ANY,
//	  signatureAlgorithm AlgorithmIdentifier,
//	  signature          BIT STRING, ... }
func verifySigned(der []byte, issuer *x509.Certificate) (weak []cms.Code, err error) {
	in := cryptobyte.String(der)
	var seq, tbs, alg cryptobyte.String
	var sig []byte
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1Element(&tbs, cbasn1.SEQUENCE) ||
		!seq.ReadASN1Element(&alg, cbasn1.SEQUENCE) || !seq.ReadASN1BitStringAsBytes(&sig) {
		return nil, fail(ErrMalformed, nil, "not a signed structure")
	}
	return cms.VerifyMessage(cms.PublicKey(issuer), alg, tbs, sig)
}

// extension is one of a CRL or an OCSP response.
//
//	Extension ::= SEQUENCE {
//	  extnID    OBJECT IDENTIFIER,
//	  critical  BOOLEAN DEFAULT FALSE,
//	  extnValue OCTET STRING }
type extension struct {
	id       asn1.ObjectIdentifier
	critical bool
	value    []byte
}

const maxExtensions = 64

// readExtensions reads the contents of an Extensions SEQUENCE.
func readExtensions(in cryptobyte.String) ([]extension, bool) {
	var out []extension
	for !in.Empty() {
		var seq cryptobyte.String
		var e extension
		if len(out) >= maxExtensions || !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&e.id) ||
			(seq.PeekASN1Tag(cbasn1.BOOLEAN) && !seq.ReadASN1Boolean(&e.critical)) ||
			!seq.ReadASN1Bytes(&e.value, cbasn1.OCTET_STRING) || !seq.Empty() {
			return nil, false
		}
		out = append(out, e)
	}
	return out, true
}

// readTime reads a Time: UTCTime or GeneralizedTime (RFC 5280, Section 4.1.2.5).
func readTime(s *cryptobyte.String, out *time.Time) bool {
	if s.PeekASN1Tag(cbasn1.UTCTime) {
		return s.ReadASN1UTCTime(out)
	}
	return s.ReadASN1GeneralizedTime(out)
}

// ctx is the constructed context-specific tag [n], prim the primitive one.
func ctx(n uint8) cbasn1.Tag  { return cbasn1.Tag(n).Constructed().ContextSpecific() }
func prim(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific() }

// readExplicitExtensions reads an optional [n] EXPLICIT Extensions.
func readExplicitExtensions(in *cryptobyte.String, tag cbasn1.Tag) ([]extension, bool) {
	var explicit, seq cryptobyte.String
	var has bool
	if !in.ReadOptionalASN1(&explicit, &has, tag) {
		return nil, false
	}
	if !has {
		return nil, true
	}
	if !explicit.ReadASN1(&seq, cbasn1.SEQUENCE) || !explicit.Empty() {
		return nil, false
	}
	return readExtensions(seq)
}
