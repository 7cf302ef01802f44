package cms

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// SignedData is a parsed ContentInfo of type id-signedData with exactly one
// SignerInfo (RFC 5652, Section 5). Byte slices point into Raw. Nothing in it is
// to be believed before [SignedData.Verify].
type SignedData struct {
	Raw              []byte // the whole ContentInfo, DER
	Version          int
	DigestAlgorithms []asn1.ObjectIdentifier
	ContentType      asn1.ObjectIdentifier // eContentType
	Content          []byte                // eContent; nil when detached

	// RawCertificates are all X.509 certificates inside; Certificates those of
	// them that crypto/x509 can read. Attribute certificates are left out.
	RawCertificates [][]byte
	Certificates    []*x509.Certificate
	CRLs            [][]byte // DER of the CertificateLists inside

	Signer SignerInfo
}

// SignerInfo is the only signer of a SignedData (RFC 5652, Section 5.3). It is
// named by Issuer and Serial, or by SubjectKeyID.
type SignerInfo struct {
	Version      int
	Issuer       []byte // DER of the Name; nil when SubjectKeyID is used
	Serial       *big.Int
	SubjectKeyID []byte

	DigestAlgorithm    asn1.ObjectIdentifier
	SignedAttrsDER     []byte // as signed: under the SET OF tag; nil when absent
	SignedAttrs        []Attribute
	SignatureAlgorithm asn1.ObjectIdentifier
	SignatureParams    []byte // DER element of the parameters, empty when absent
	Signature          []byte // also what a signature time-stamp stamps
	UnsignedAttrs      []Attribute
}

// Hash is the digest algorithm the content must be hashed with; 0 if unknown.
func (sd *SignedData) Hash() crypto.Hash { return HashByOID(sd.Signer.DigestAlgorithm) }

// Unsigned returns the values of every unsigned attribute of a type.
func (sd *SignedData) Unsigned(oid asn1.ObjectIdentifier) [][]byte {
	return values(sd.Signer.UnsignedAttrs, oid)
}

// Signed returns the values of every signed attribute of a type.
func (sd *SignedData) Signed(oid asn1.ObjectIdentifier) [][]byte {
	return values(sd.Signer.SignedAttrs, oid)
}

func values(attrs []Attribute, oid asn1.ObjectIdentifier) (out [][]byte) {
	for _, a := range attrs {
		if a.Type.Equal(oid) {
			out = append(out, a.Values...)
		}
	}
	return out
}

// Parse reads exactly one ContentInfo and refuses anything behind it. It makes
// a copy of nothing: der must not change afterwards.
func Parse(der []byte, limits Limits) (*SignedData, error) {
	limits = limits.withDefaults()
	in, err := checked(der, limits)
	if err != nil {
		return nil, err
	}
	sd := &SignedData{Raw: in}
	var info, explicit, body cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1ObjectIdentifier(&oid) {
		return nil, fail(ErrMalformed, "not a ContentInfo")
	}
	if !oid.Equal(OIDSignedData) {
		return nil, fail(ErrNotSignedData, "content type %s", oid)
	}
	if !info.ReadASN1(&explicit, ctx(0)) || !info.Empty() ||
		!explicit.ReadASN1(&body, cbasn1.SEQUENCE) || !explicit.Empty() {
		return nil, fail(ErrMalformed, "ContentInfo without one SignedData")
	}
	if err := sd.parseBody(body, limits); err != nil {
		return nil, err
	}
	return sd, nil
}

func (sd *SignedData) parseBody(in cryptobyte.String, limits Limits) error {
	var digests, signers, signer cryptobyte.String
	if !in.ReadASN1Integer(&sd.Version) || sd.Version < 1 || sd.Version > 5 || !in.ReadASN1(&digests, cbasn1.SET) {
		return fail(ErrMalformed, "version or digest algorithms of SignedData")
	}
	for !digests.Empty() {
		oid, _ := readAlgorithm(&digests)
		if oid == nil || len(sd.DigestAlgorithms) >= limits.Attributes {
			return fail(ErrMalformed, "digest algorithms of SignedData")
		}
		sd.DigestAlgorithms = append(sd.DigestAlgorithms, oid)
	}
	if err := sd.parseContent(&in); err != nil {
		return err
	}
	if err := sd.parseCertificates(&in, limits); err != nil {
		return err
	}
	if !in.ReadASN1(&signers, cbasn1.SET) || !in.Empty() {
		return fail(ErrMalformed, "signerInfos")
	}
	if !signers.ReadASN1(&signer, cbasn1.SEQUENCE) || !signers.Empty() {
		return fail(ErrSignerCount, "want exactly one SignerInfo")
	}
	return sd.Signer.parse(signer, limits)
}

func (sd *SignedData) parseContent(in *cryptobyte.String) error {
	var encap, explicit, content cryptobyte.String
	var has bool
	if !in.ReadASN1(&encap, cbasn1.SEQUENCE) || !encap.ReadASN1ObjectIdentifier(&sd.ContentType) ||
		!encap.ReadOptionalASN1(&explicit, &has, ctx(0)) || !encap.Empty() {
		return fail(ErrMalformed, "encapContentInfo")
	}
	if !has {
		return nil
	}
	if !explicit.ReadASN1(&content, cbasn1.OCTET_STRING) || !explicit.Empty() {
		return fail(ErrMalformed, "eContent is not an OCTET STRING")
	}
	sd.Content = append([]byte{}, content...)
	return nil
}

// parseCertificates reads the optional certificates [0] and crls [1].
//
//	CertificateChoices ::= CHOICE { certificate Certificate, ... }      -- others are tagged
//	RevocationInfoChoice ::= CHOICE { crl CertificateList, other [1] ... }
func (sd *SignedData) parseCertificates(in *cryptobyte.String, limits Limits) error {
	for _, set := range []struct {
		tag cbasn1.Tag
		to  *[][]byte
	}{{ctx(0), &sd.RawCertificates}, {ctx(1), &sd.CRLs}} {
		var items cryptobyte.String
		var has bool
		if !in.ReadOptionalASN1(&items, &has, set.tag) {
			return fail(ErrMalformed, "certificates or crls of SignedData")
		}
		for n := 0; !items.Empty(); n++ {
			var item cryptobyte.String
			var tag cbasn1.Tag
			if n >= limits.Certificates {
				return fail(ErrTooManyCerts, "more than %d certificates or crls", limits.Certificates)
			}
			if !items.ReadAnyASN1Element(&item, &tag) {
				return fail(ErrMalformed, "certificates or crls of SignedData")
			}
			if tag == cbasn1.SEQUENCE {
				*set.to = append(*set.to, item)
			}
		}
	}
	for _, raw := range sd.RawCertificates {
		if c, err := x509.ParseCertificate(raw); err == nil {
			sd.Certificates = append(sd.Certificates, c)
		}
	}
	return nil
}

func (si *SignerInfo) parse(in cryptobyte.String, limits Limits) error {
	if !in.ReadASN1Integer(&si.Version) || (si.Version != 1 && si.Version != 3) {
		return fail(ErrMalformed, "version of SignerInfo")
	}
	if err := si.parseID(&in); err != nil {
		return err
	}
	if si.DigestAlgorithm, _ = readAlgorithm(&in); si.DigestAlgorithm == nil {
		return fail(ErrMalformed, "digestAlgorithm of SignerInfo")
	}
	attrs, err := readAttributes(&in, ctx(0), limits)
	if err != nil {
		return err
	}
	if attrs.found {
		si.SignedAttrs, si.SignedAttrsDER = attrs.list, prependHeader(0x31, attrs.contents)
	}
	var params cryptobyte.String
	if si.SignatureAlgorithm, params = readAlgorithm(&in); si.SignatureAlgorithm == nil {
		return fail(ErrMalformed, "signatureAlgorithm of SignerInfo")
	}
	si.SignatureParams = params
	if !in.ReadASN1Bytes(&si.Signature, cbasn1.OCTET_STRING) || len(si.Signature) == 0 {
		return fail(ErrMalformed, "signature of SignerInfo")
	}
	if attrs, err = readAttributes(&in, ctx(1), limits); err != nil {
		return err
	}
	si.UnsignedAttrs = attrs.list
	if !in.Empty() {
		return fail(ErrMalformed, "bytes behind the parts of SignerInfo")
	}
	return nil
}

// parseID reads the SignerIdentifier.
//
//	SignerIdentifier ::= CHOICE {
//	  issuerAndSerialNumber SEQUENCE { issuer Name, serialNumber INTEGER },
//	  subjectKeyIdentifier  [0] IMPLICIT OCTET STRING }
func (si *SignerInfo) parseID(in *cryptobyte.String) error {
	skid := cbasn1.Tag(0).ContextSpecific()
	if in.PeekASN1Tag(skid) {
		if !in.ReadASN1Bytes(&si.SubjectKeyID, skid) || len(si.SubjectKeyID) == 0 {
			return fail(ErrMalformed, "subject key identifier of SignerInfo")
		}
		return nil
	}
	var id, issuer cryptobyte.String
	si.Serial = new(big.Int)
	if !in.ReadASN1(&id, cbasn1.SEQUENCE) || !id.ReadASN1Element(&issuer, cbasn1.SEQUENCE) ||
		!id.ReadASN1Integer(si.Serial) || !id.Empty() {
		return fail(ErrMalformed, "issuer and serial number of SignerInfo")
	}
	si.Issuer = issuer
	return nil
}

type attributeSet struct {
	found    bool
	contents []byte
	list     []Attribute
}

// readAttributes reads an optional, non-empty [n] IMPLICIT SET OF Attribute.
func readAttributes(in *cryptobyte.String, tag cbasn1.Tag, limits Limits) (attributeSet, error) {
	var s attributeSet
	var contents cryptobyte.String
	if !in.ReadOptionalASN1(&contents, &s.found, tag) {
		return s, fail(ErrMalformed, "attributes of SignerInfo")
	}
	if s.found && contents.Empty() {
		return s, fail(ErrMalformed, "empty set of attributes")
	}
	s.contents = contents
	var err error
	s.list, err = parseAttributes(contents, limits.Attributes)
	return s, err
}
