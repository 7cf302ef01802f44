package cms

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// SigningCertificateV2 builds the signing-certificate-v2 attribute that names
// cert by its SHA-256 (RFC 5035, Section 3; EN 319 122-1, Section 5.2.2.3).
//
//	SigningCertificateV2 ::= SEQUENCE { certs SEQUENCE OF ESSCertIDv2 }
//	ESSCertIDv2 ::= SEQUENCE {
//	  hashAlgorithm AlgorithmIdentifier DEFAULT {algorithm id-sha256},
//	  certHash      OCTET STRING,
//	  issuerSerial  SEQUENCE { issuer GeneralNames, serialNumber INTEGER } OPTIONAL }
func SigningCertificateV2(cert *x509.Certificate) (Attribute, error) {
	hash := sha256.Sum256(cert.Raw)
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1OctetString(hash[:])
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						// GeneralName ::= CHOICE { directoryName [4] Name }, explicit as Name is a CHOICE
						b.AddASN1(ctx(4), func(b *cryptobyte.Builder) { b.AddBytes(cert.RawIssuer) })
					})
					b.AddASN1BigInt(cert.SerialNumber)
				})
			})
		})
	})
	der, err := buildBytes(&b)
	return Attribute{Type: OIDSigningCertificateV2, Values: [][]byte{der}}, err
}

// essCertID is the first ESSCertID or ESSCertIDv2 of an attribute: by RFC 5035,
// Section 3 it is the signer's.
type essCertID struct {
	hash     crypto.Hash
	certHash []byte
	issuer   []byte   // DER of the Name; nil when issuerSerial is absent
	serial   *big.Int // nil when issuerSerial is absent
}

// parseESS reads a SigningCertificate (v2 false) or SigningCertificateV2 value.
func parseESS(der []byte, v2 bool) (essCertID, error) {
	bad := func() (essCertID, error) {
		return essCertID{}, fail(ErrAttribute, "unreadable signing-certificate attribute")
	}
	id := essCertID{hash: crypto.SHA1}
	in := cryptobyte.String(der)
	var outer, certs, first cryptobyte.String
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() ||
		!outer.ReadASN1(&certs, cbasn1.SEQUENCE) || !certs.ReadASN1(&first, cbasn1.SEQUENCE) {
		return bad()
	}
	if v2 {
		id.hash = crypto.SHA256
		if first.PeekASN1Tag(cbasn1.SEQUENCE) {
			var oid asn1.ObjectIdentifier
			if oid, _ = readAlgorithm(&first); oid == nil {
				return bad()
			}
			if id.hash = HashByOID(oid); id.hash == 0 {
				return essCertID{}, fail(ErrAlgorithm, "hash %s in signing-certificate-v2", oid)
			}
		}
	}
	if !first.ReadASN1Bytes(&id.certHash, cbasn1.OCTET_STRING) {
		return bad()
	}
	if first.Empty() {
		return id, nil
	}
	var is, names, name cryptobyte.String
	id.serial = new(big.Int)
	if !first.ReadASN1(&is, cbasn1.SEQUENCE) || !first.Empty() ||
		!is.ReadASN1(&names, cbasn1.SEQUENCE) || !names.ReadASN1(&name, ctx(4)) ||
		!is.ReadASN1Integer(id.serial) || !is.Empty() {
		return bad()
	}
	id.issuer = name
	return id, nil
}

// names reports whether the reference names cert.
func (id essCertID) names(cert *x509.Certificate) bool {
	h := id.hash.New()
	h.Write(cert.Raw)
	if subtle.ConstantTimeCompare(h.Sum(nil), id.certHash) != 1 {
		return false
	}
	return id.serial == nil || (id.serial.Cmp(cert.SerialNumber) == 0 && bytes.Equal(id.issuer, cert.RawIssuer))
}

// readAlgorithm reads an AlgorithmIdentifier; oid is nil if there is none.
// params is the full element of the parameters, empty when absent.
func readAlgorithm(s *cryptobyte.String) (oid asn1.ObjectIdentifier, params cryptobyte.String) {
	var alg cryptobyte.String
	var id asn1.ObjectIdentifier
	if !s.ReadASN1(&alg, cbasn1.SEQUENCE) || !alg.ReadASN1ObjectIdentifier(&id) {
		return nil, nil
	}
	if alg.Empty() {
		return id, nil
	}
	var tag cbasn1.Tag
	if !alg.ReadAnyASN1Element(&params, &tag) || !alg.Empty() {
		return nil, nil
	}
	return id, params
}
