package cms

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Draft is a SignedData that lacks only its signature value. It is made by a
// [Template], never changes, and can be stored as JSON and finished elsewhere.
type Draft struct {
	tmpl    *Template
	attrs   []byte // contents of the SET OF signed attributes, sorted
	content []byte // eContent, nil when detached
}

// SignedAttrs returns the message to be signed: the DER of the signed
// attributes under an explicit SET OF tag (RFC 5652, Section 5.4).
func (d *Draft) SignedAttrs() []byte {
	return prependHeader(0x31, d.attrs)
}

// Digest returns the hash of SignedAttrs, for signers that take a digest.
func (d *Draft) Digest() []byte {
	h := d.tmpl.hash.New()
	h.Write(d.SignedAttrs())
	return h.Sum(nil)
}

// SignerOpts returns what crypto.SignMessage (with SignedAttrs) or
// crypto.Signer.Sign (with Digest) must be given.
func (d *Draft) SignerOpts() crypto.SignerOpts { return signerOpts(d.tmpl.scheme, d.tmpl.hash) }

// Hash is the digest algorithm of the draft.
func (d *Draft) Hash() crypto.Hash { return d.tmpl.hash }

// Scheme is the signature scheme of the draft.
func (d *Draft) Scheme() Scheme { return d.tmpl.scheme }

// Certificate is the signer's certificate.
func (d *Draft) Certificate() *x509.Certificate { return d.tmpl.certs[0] }

// Chain is the signer's certificate and those put inside beside it.
func (d *Draft) Chain() []*x509.Certificate {
	return append([]*x509.Certificate(nil), d.tmpl.certs...)
}

// MessageDigest is the digest of the content that was given to Template.Draft.
func (d *Draft) MessageDigest() []byte {
	attrs, err := parseAttributes(d.attrs, maxDraftAttributes)
	if err != nil {
		return nil
	}
	digest, _ := messageDigest(attrs)
	return digest
}

// CheckSignature verifies a signature value over the draft in software.
func (d *Draft) CheckSignature(signature []byte) error {
	v := verifier{scheme: d.tmpl.scheme, hash: d.tmpl.hash, saltLength: d.tmpl.hash.Size()}
	return v.verify(PublicKey(d.tmpl.certs[0]), d.Digest(), signature)
}

// Assemble returns the finished ContentInfo, DER. It checks the shape of the
// signature but not its value: see CheckSignature. unsigned attributes, such as
// a signature time-stamp, may also be added later with [WithUnsigned].
func (d *Draft) Assemble(signature []byte, unsigned ...Attribute) ([]byte, error) {
	if n := maxSignatureSize(PublicKey(d.tmpl.certs[0])); len(signature) == 0 || len(signature) > n ||
		(d.tmpl.scheme != ECDSA && len(signature) != n) {
		return nil, fail(ErrInvalidArgument, "signature value of %d bytes, want at most %d", len(signature), n)
	}
	var extra [][]byte
	for _, a := range unsigned {
		der, err := a.Marshal()
		if err != nil {
			return nil, err
		}
		extra = append(extra, der)
	}
	return d.encode(signature, extra)
}

// encode writes the structure (RFC 5652, Sections 3, 5.1 and 5.3).
//
//	ContentInfo ::= SEQUENCE {
//	  contentType id-signedData,
//	  content [0] EXPLICIT SignedData }
//	SignedData ::= SEQUENCE {
//	  version          1, or 3 when eContentType is not id-data,
//	  digestAlgorithms SET OF AlgorithmIdentifier,
//	  encapContentInfo SEQUENCE { eContentType OBJECT IDENTIFIER,
//	                              eContent [0] EXPLICIT OCTET STRING OPTIONAL },
//	  certificates     [0] IMPLICIT SET OF Certificate OPTIONAL,
//	  signerInfos      SET OF SignerInfo }
//	SignerInfo ::= SEQUENCE {
//	  version            1,
//	  sid                IssuerAndSerialNumber,
//	  digestAlgorithm    AlgorithmIdentifier,
//	  signedAttrs        [0] IMPLICIT SET OF Attribute,
//	  signatureAlgorithm AlgorithmIdentifier,
//	  signature          OCTET STRING,
//	  unsignedAttrs      [1] IMPLICIT SET OF Attribute OPTIONAL }
func (d *Draft) encode(signature []byte, unsigned [][]byte) ([]byte, error) {
	t := d.tmpl
	version := int64(1)
	if !t.contentType.Equal(OIDData) {
		version = 3
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(OIDSignedData)
		b.AddASN1(ctx(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(version)
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(t.digestAlg) })
				addEncapsulated(b, t.contentType, d.content)
				b.AddBytes(t.certSet)
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1Int64(1)
						b.AddBytes(t.sid)
						b.AddBytes(t.digestAlg)
						b.AddASN1(ctx(0), func(b *cryptobyte.Builder) { b.AddBytes(d.attrs) })
						b.AddBytes(t.sigAlg)
						b.AddASN1OctetString(signature)
						if len(unsigned) > 0 {
							addSetOf(b, ctx(1), unsigned)
						}
					})
				})
			})
		})
	})
	return buildBytes(&b)
}

func addEncapsulated(b *cryptobyte.Builder, contentType asn1.ObjectIdentifier, content []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(contentType)
		if content != nil {
			b.AddASN1(ctx(0), func(b *cryptobyte.Builder) { b.AddASN1OctetString(content) })
		}
	})
}

// Size returns an upper bound, in bytes, of what Assemble will return for any
// signature by this key, by a dry run with the longest one. timestampAllowance
// is the size of the largest time-stamp token that will be added later; 0 means
// that none will be.
func (d *Draft) Size(timestampAllowance int) (int, error) {
	var unsigned []Attribute
	if timestampAllowance > 0 {
		// An OCTET STRING stands for the token: a header of up to 5 bytes more
		// than the allowance, so the bound never falls short.
		var b cryptobyte.Builder
		b.AddASN1OctetString(make([]byte, timestampAllowance))
		token, err := buildBytes(&b)
		if err != nil {
			return 0, err
		}
		unsigned = append(unsigned, Attribute{Type: OIDSignatureTimeStamp, Values: [][]byte{token}})
	}
	der, err := d.Assemble(bytes.Repeat([]byte{0xFF}, maxSignatureSize(PublicKey(d.tmpl.certs[0]))), unsigned...)
	return len(der), err
}

// prependHeader puts a tag and a DER length in front of contents.
func prependHeader(tag byte, contents []byte) []byte {
	out := make([]byte, 0, len(contents)+6)
	return append(appendHeader(out, tag, len(contents)), contents...)
}

// appendHeader writes a one-byte tag and the shortest form of a length (X.690,
// Sections 8.1.3 and 10.1).
func appendHeader(out []byte, tag byte, n int) []byte {
	out = append(out, tag)
	switch {
	case n < 0x80:
		return append(out, byte(n))
	case n < 1<<8:
		return append(out, 0x81, byte(n))
	case n < 1<<16:
		return append(out, 0x82, byte(n>>8), byte(n))
	case n < 1<<24:
		return append(out, 0x83, byte(n>>16), byte(n>>8), byte(n))
	default:
		return append(out, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
}
