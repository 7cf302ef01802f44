package cms

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Options say how to sign. Only Certificate is required.
type Options struct {
	Certificate *x509.Certificate   // the signer's
	Chain       []*x509.Certificate // put inside beside the signer's; any order, doubles are dropped
	Scheme      Scheme              // "" = ECDSA or PSS, by the key
	Hash        crypto.Hash         // 0 = the curve's, SHA-256 for RSA

	// ContentType is the type of what is signed; nil means id-data (PAdES).
	ContentType asn1.ObjectIdentifier

	// ExtraSigned are more signed attributes, such as a commitment type.
	// PAdES forbids signing-time there (EN 319 142-1, Section 6.3).
	ExtraSigned []Attribute

	// OmitCertificates leaves the certificates out (RFC 3161, certReq false).
	OmitCertificates bool
}

// Template holds all that is the same for every signature by one certificate.
// It is made once, is never changed and may be shared by goroutines.
type Template struct {
	certs       []*x509.Certificate // signer first
	hash        crypto.Hash
	scheme      Scheme
	contentType asn1.ObjectIdentifier
	omitCerts   bool

	fixedAttrs [][]byte // DER of every signed attribute but message-digest
	digestAlg  []byte   // DER AlgorithmIdentifier
	sigAlg     []byte   // DER AlgorithmIdentifier
	sid        []byte   // DER IssuerAndSerialNumber
	certSet    []byte   // DER [0] IMPLICIT CertificateSet, or empty
}

// NewTemplate checks the options and encodes what can be encoded beforehand.
func NewTemplate(o Options) (*Template, error) {
	if o.Certificate == nil {
		return nil, fail(ErrInvalidArgument, "no certificate")
	}
	scheme, hash, err := schemeFor(PublicKey(o.Certificate), o.Scheme, o.Hash)
	if err != nil {
		return nil, err
	}
	t := &Template{hash: hash, scheme: scheme, contentType: o.ContentType, omitCerts: o.OmitCertificates}
	if t.contentType == nil {
		t.contentType = OIDData
	}
	for _, c := range append([]*x509.Certificate{o.Certificate}, o.Chain...) {
		if c != nil && !slices.ContainsFunc(t.certs, c.Equal) {
			t.certs = append(t.certs, c)
		}
	}
	if err := t.encodeAttributes(o.ExtraSigned); err != nil {
		return nil, err
	}
	return t, t.encodeParts()
}

// encodeAttributes prepares content-type, signing-certificate-v2 and the extras.
func (t *Template) encodeAttributes(extra []Attribute) error {
	ct, err := oidValue(t.contentType)
	if err != nil {
		return err
	}
	ess, err := SigningCertificateV2(t.certs[0])
	if err != nil {
		return err
	}
	seen := []asn1.ObjectIdentifier{OIDMessageDigest, OIDSigningCertificate}
	for _, a := range append([]Attribute{{Type: OIDContentType, Values: [][]byte{ct}}, ess}, extra...) {
		if slices.ContainsFunc(seen, a.Type.Equal) {
			return fail(ErrInvalidArgument, "signed attribute %s may not be given twice or by the caller", a.Type)
		}
		seen = append(seen, a.Type)
		der, err := a.Marshal()
		if err != nil {
			return err
		}
		t.fixedAttrs = append(t.fixedAttrs, der)
	}
	return nil
}

// encodeParts prepares the pieces of SignerInfo and the certificate set.
//
//	IssuerAndSerialNumber ::= SEQUENCE { issuer Name, serialNumber INTEGER }
func (t *Template) encodeParts() error {
	var alg, sig, sid, certs cryptobyte.Builder
	addAlgorithm(&alg, HashOID(t.hash), false) // parameters absent: RFC 5754, Section 2
	addSignatureAlgorithm(&sig, t.scheme, t.hash)
	sid.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(t.certs[0].RawIssuer)
		b.AddASN1BigInt(t.certs[0].SerialNumber)
	})
	if !t.omitCerts {
		addSetOf(&certs, ctx(0), t.rawCerts())
	}
	for _, p := range []struct {
		to *[]byte
		b  *cryptobyte.Builder
	}{{&t.digestAlg, &alg}, {&t.sigAlg, &sig}, {&t.sid, &sid}, {&t.certSet, &certs}} {
		der, err := buildBytes(p.b)
		if err != nil {
			return err
		}
		*p.to = der
	}
	return nil
}

func (t *Template) rawCerts() [][]byte {
	raw := make([][]byte, len(t.certs))
	for i, c := range t.certs {
		raw[i] = c.Raw
	}
	return raw
}

// Hash is the digest algorithm that content must be hashed with.
func (t *Template) Hash() crypto.Hash { return t.hash }

// Scheme is the signature scheme that was chosen.
func (t *Template) Scheme() Scheme { return t.scheme }

// Draft fixes the signed attributes for a detached signature over content whose
// digest, by [Template.Hash], is messageDigest.
func (t *Template) Draft(messageDigest []byte) (*Draft, error) {
	if len(messageDigest) != t.hash.Size() {
		return nil, fail(ErrInvalidArgument, "message digest of %d bytes for %v", len(messageDigest), t.hash)
	}
	attrs := make([][]byte, 0, len(t.fixedAttrs)+1)
	attrs = append(attrs, t.fixedAttrs...)
	md, err := digestAttribute(messageDigest)
	if err != nil {
		return nil, err
	}
	attrs = append(attrs, md)
	slices.SortFunc(attrs, bytes.Compare)
	return &Draft{tmpl: t, attrs: bytes.Join(attrs, nil)}, nil
}

// DraftContent is like Draft, but content (DER, such as a TSTInfo) goes inside
// the SignedData as eContent, and its digest is computed here.
func (t *Template) DraftContent(content []byte) (*Draft, error) {
	if len(content) == 0 {
		return nil, fail(ErrInvalidArgument, "no content")
	}
	h := t.hash.New()
	h.Write(content)
	d, err := t.Draft(h.Sum(nil))
	if err != nil {
		return nil, err
	}
	d.content = append([]byte{}, content...)
	return d, nil
}

// Prepare is NewTemplate and Template.Draft in one step, for a single signature.
func Prepare(o Options, messageDigest []byte) (*Draft, error) {
	t, err := NewTemplate(o)
	if err != nil {
		return nil, err
	}
	return t.Draft(messageDigest)
}

// digestAttribute encodes the message-digest attribute, MessageDigest ::= OCTET STRING.
func digestAttribute(digest []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(OIDMessageDigest)
		b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest) })
	})
	return buildBytes(&b)
}

func oidValue(oid asn1.ObjectIdentifier) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1ObjectIdentifier(oid)
	return buildBytes(&b)
}
