// Package ocsp answers and asks for the status of certificates (RFC 6960, and
// the HTTP profile of RFC 5019).
//
// The responder is a function of a StatusSource, which knows what the CA
// issued. A serial number that the source doesn't know is unknown, never good.
package ocsp

import (
	"bytes"
	"crypto"
	"crypto/sha1" // identifiers only: CertID and ResponderID
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"time"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/kyso-vn/kyso/pki"
)

// Refusals of this package; see pki.Code.
const (
	// ErrTooLarge: more bytes than the limit.
	ErrTooLarge pki.Code = "ocsp_too_large"
	// ErrMalformed: not a request or response that this package reads.
	ErrMalformed pki.Code = "ocsp_malformed"
	// ErrTooMany: a request for more certificates than the limit.
	ErrTooMany pki.Code = "ocsp_too_many"
	// ErrNonce: a nonce that is empty, over 128 octets, or not the one sent.
	ErrNonce pki.Code = "ocsp_nonce"
	// ErrNotAuthorized: no certificate asked for is of this responder's CA.
	ErrNotAuthorized pki.Code = "ocsp_unauthorized"
	// ErrConfig: a responder that can't work.
	ErrConfig pki.Code = "ocsp_config"
	// ErrSource: the source of statuses didn't answer, or wrongly.
	ErrSource pki.Code = "ocsp_source"
	// ErrStatus: the responder answered with an error: see ResponseStatus.
	ErrStatus pki.Code = "ocsp_status"
	// ErrResponder: a response signed by nobody entitled to.
	ErrResponder pki.Code = "ocsp_responder"
	// ErrStale: a response that isn't valid at the time in question.
	ErrStale pki.Code = "ocsp_stale"
	// ErrAbsent: a response without the certificate in question.
	ErrAbsent pki.Code = "ocsp_absent"
)

// ResponseStatus is the OCSPResponseStatus of RFC 6960, Section 4.2.1.
type ResponseStatus int

// The response statuses. 4 is not used by the standard.
const (
	Successful       ResponseStatus = 0
	MalformedRequest ResponseStatus = 1
	InternalError    ResponseStatus = 2
	TryLater         ResponseStatus = 3
	SigRequired      ResponseStatus = 5
	Unauthorized     ResponseStatus = 6
)

// State is what is known of one certificate. The zero value is Unknown.
type State int

// The states of RFC 6960, Section 2.2. A held certificate is Revoked, with
// pki.CertificateHold as the reason.
const (
	Unknown State = iota
	Good
	Revoked
)

// Status is the status of one certificate. The zero value is unknown.
type Status struct {
	State State
	// RevokedAt and Reason count for Revoked only.
	RevokedAt time.Time
	Reason    pki.Reason
}

// CertID names a certificate by its issuer's name and key and its serial
// number (RFC 6960, Section 4.1.1). Its hashes are identifiers: SHA-1 is no
// weakness there.
type CertID struct {
	// Hash is crypto.SHA1 or crypto.SHA256; zero for any other, which no
	// certificate here answers to.
	Hash     crypto.Hash
	NameHash []byte
	KeyHash  []byte
	Serial   pki.Serial

	raw []byte // as it came, to be repeated byte for byte
}

// NewCertID names the certificate with that serial number under issuer. hash is
// crypto.SHA1, which every responder knows, or crypto.SHA256.
func NewCertID(issuer *x509.Certificate, serial pki.Serial, hash crypto.Hash) (CertID, error) {
	key, err := publicKeyBits(issuer.RawSubjectPublicKeyInfo)
	if err != nil {
		return CertID{}, err
	}
	id := CertID{Hash: hash, Serial: serial}
	switch hash {
	case crypto.SHA1:
		name, key := sha1.Sum(issuer.RawSubject), sha1.Sum(key)
		id.NameHash, id.KeyHash = name[:], key[:]
	case crypto.SHA256:
		name, key := sha256.Sum256(issuer.RawSubject), sha256.Sum256(key)
		id.NameHash, id.KeyHash = name[:], key[:]
	default:
		return CertID{}, &pki.Error{Code: ErrConfig, Field: "hash", Detail: "want SHA-1 or SHA-256"}
	}
	var b cryptobyte.Builder
	id.encode(&b)
	if id.raw, err = b.Bytes(); err != nil {
		return CertID{}, &pki.Error{Code: ErrConfig, Err: err}
	}
	return id, nil
}

// Same tells whether a and b name the same certificate in the same way.
func (id CertID) Same(other CertID) bool {
	return id.Hash == other.Hash && id.Hash != 0 && id.Serial == other.Serial && id.sameIssuer(other)
}

func (id CertID) sameIssuer(other CertID) bool {
	return id.Hash == other.Hash && bytes.Equal(id.NameHash, other.NameHash) && bytes.Equal(id.KeyHash, other.KeyHash)
}

func oidSHA1() asn1.ObjectIdentifier   { return asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26} }
func oidSHA256() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1} }

// encode writes the CertID, or repeats the one that was read:
//
//	SEQUENCE { hashAlgorithm AlgorithmIdentifier, issuerNameHash OCTET STRING,
//	  issuerKeyHash OCTET STRING, serialNumber INTEGER }
func (id CertID) encode(b *cryptobyte.Builder) {
	if id.raw != nil {
		b.AddBytes(id.raw)
		return
	}
	oid := oidSHA256()
	if id.Hash == crypto.SHA1 {
		oid = oidSHA1()
	}
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oid)
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(id.NameHash)
		b.AddASN1OctetString(id.KeyHash)
		b.AddASN1BigInt(id.Serial.Big())
	})
}

// readCertID reads one CertID from input.
func readCertID(input *cryptobyte.String) (CertID, bool) {
	var raw, body, algorithm, rest cryptobyte.String
	var oid asn1.ObjectIdentifier
	var id CertID
	var serial []byte
	if !input.ReadASN1Element(&raw, casn1.SEQUENCE) {
		return id, false
	}
	id.raw = bytes.Clone(raw)
	if !raw.ReadASN1(&body, casn1.SEQUENCE) ||
		!body.ReadASN1(&algorithm, casn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&oid) ||
		!body.ReadASN1Bytes(&id.NameHash, casn1.OCTET_STRING) || !body.ReadASN1Bytes(&id.KeyHash, casn1.OCTET_STRING) ||
		len(id.NameHash) > 64 || len(id.KeyHash) > 64 {
		return id, false
	}
	if !algorithm.Empty() && (!algorithm.ReadASN1(&rest, casn1.NULL) || !rest.Empty() || !algorithm.Empty()) {
		return id, false
	}
	var ok bool
	if serial, ok = readSerial(&body); !ok || !body.Empty() {
		return id, false
	}
	copy(id.Serial[len(id.Serial)-len(serial):], serial)
	switch {
	case oid.Equal(oidSHA1()) && len(id.NameHash) == sha1.Size && len(id.KeyHash) == sha1.Size:
		id.Hash = crypto.SHA1
	case oid.Equal(oidSHA256()) && len(id.NameHash) == sha256.Size && len(id.KeyHash) == sha256.Size:
		id.Hash = crypto.SHA256
	}
	id.NameHash, id.KeyHash = bytes.Clone(id.NameHash), bytes.Clone(id.KeyHash)
	return id, true
}

// readSerial reads a positive INTEGER of at most 20 octets, its shortest form.
func readSerial(input *cryptobyte.String) ([]byte, bool) {
	var n cryptobyte.String
	if !input.ReadASN1(&n, casn1.INTEGER) || len(n) == 0 || len(n) > len(pki.Serial{}) || n[0] > 0x7f {
		return nil, false
	}
	if n[0] == 0 {
		if len(n) == 1 || n[1] < 0x80 { // zero, or not the shortest form
			return nil, false
		}
		n = n[1:]
	}
	return n, true
}

// publicKeyBits returns the value of the BIT STRING in a SubjectPublicKeyInfo.
func publicKeyBits(spki []byte) ([]byte, error) {
	input := cryptobyte.String(spki)
	var body, algorithm cryptobyte.String
	var key []byte
	if !input.ReadASN1(&body, casn1.SEQUENCE) || !body.ReadASN1(&algorithm, casn1.SEQUENCE) || !body.ReadASN1BitStringAsBytes(&key) {
		return nil, &pki.Error{Code: ErrConfig, Field: "subjectPublicKeyInfo"}
	}
	return key, nil
}
