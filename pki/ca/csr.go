package ca

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/profile"
)

// Refusals of certification requests.
const (
	// ErrCSRTooLarge: more bytes than the limit.
	ErrCSRTooLarge pki.Code = "csr_too_large"
	// ErrCSRMalformed: not one PKCS#10 request.
	ErrCSRMalformed pki.Code = "csr_malformed"
	// ErrCSRAlgorithm: signed with MD5, SHA-1 or an algorithm not used here.
	ErrCSRAlgorithm pki.Code = "csr_algorithm"
	// ErrCSRSignature: the sender doesn't show possession of the private key.
	ErrCSRSignature pki.Code = "csr_signature"
	// ErrCSRTooManyNames: more alternative names than anybody needs.
	ErrCSRTooManyNames pki.Code = "csr_too_many_names"
)

// CSRRules are the limits of a certification request. The zero value takes no
// key; the rest has defaults.
type CSRRules struct {
	// Keys the profile accepts.
	Keys profile.KeyRules
	// MaxBytes of the request, PEM or DER; 0 is 16 kB.
	MaxBytes int
	// MaxNames is how many subject alternative names may stand in it; 0 is 8.
	MaxNames int
}

// CSR is a certification request that passed CheckCSR. Only its key is proven:
// names in it are the sender's wish.
type CSR struct {
	// DER of the whole request.
	DER []byte
	// PublicKey is *ecdsa.PublicKey or *rsa.PublicKey.
	PublicKey crypto.PublicKey
	// SPKIHash is the SHA-256 of the SubjectPublicKeyInfo: what tells whether a
	// key was seen before for someone else, or is known to be compromised.
	SPKIHash [sha256.Size]byte
	// RawSubject is the DER of the Name asked for; see pki.ParseSubject and
	// pki.DisplayName.
	RawSubject []byte
	// EmailAddresses asked for as rfc822Name.
	EmailAddresses []string
}

// CheckCSR reads a PKCS#10 request (RFC 2986), DER or PEM, and refuses, each
// with its own code, what is too large, malformed, signed by a weak algorithm
// or not by its own key, and keys that CheckKey refuses.
func CheckCSR(request []byte, rules CSRRules) (*CSR, error) {
	// 1. Limits before parsers.
	if rules.MaxBytes == 0 {
		rules.MaxBytes = 16 << 10
	}
	if rules.MaxNames == 0 {
		rules.MaxNames = 8
	}
	if len(request) > rules.MaxBytes {
		return nil, &pki.Error{Code: ErrCSRTooLarge}
	}
	der, err := csrDER(request)
	if err != nil {
		return nil, err
	}
	// 2. Shape.
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		if offCurve(der) {
			return nil, &pki.Error{Code: ErrKeyPoint}
		}
		return nil, &pki.Error{Code: ErrCSRMalformed, Err: err}
	}
	if len(r.DNSNames)+len(r.EmailAddresses)+len(r.IPAddresses)+len(r.URIs) > rules.MaxNames {
		return nil, &pki.Error{Code: ErrCSRTooManyNames}
	}
	// 3. The key, before its signature: a monstrous key takes long to verify by.
	if err := CheckKey(r.PublicKey, rules.Keys); err != nil {
		return nil, err
	}
	// 4. Possession. crypto/x509 would take SHA-1.
	switch r.SignatureAlgorithm {
	case x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512,
		x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA,
		x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS:
	default:
		return nil, &pki.Error{Code: ErrCSRAlgorithm}
	}
	if err := r.CheckSignature(); err != nil {
		return nil, &pki.Error{Code: ErrCSRSignature, Err: err}
	}
	return &CSR{DER: der, PublicKey: r.PublicKey, SPKIHash: sha256.Sum256(r.RawSubjectPublicKeyInfo),
		RawSubject: r.RawSubject, EmailAddresses: r.EmailAddresses}, nil
}

// csrDER takes the PEM armour off, if there is one (RFC 7468, Section 7).
func csrDER(request []byte) ([]byte, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(request), []byte("-----BEGIN ")) {
		return bytes.Clone(request), nil
	}
	block, rest := pem.Decode(request)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 ||
		block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" {
		return nil, &pki.Error{Code: ErrCSRMalformed, Detail: "not one PEM certificate request"}
	}
	return block.Bytes, nil
}

// offCurve tells whether all that is wrong with a request is its key:
// crypto/x509 refuses a point off its curve while parsing, without a type.
//
//	CertificationRequestInfo ::= SEQUENCE { version, subject, subjectPKInfo, [0] attributes }
func offCurve(der []byte) bool {
	var request struct {
		Info struct {
			Version    int
			Subject    asn1.RawValue
			SPKI       asn1.RawValue
			Attributes asn1.RawValue `asn1:"optional,tag:0"`
		}
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if rest, err := asn1.Unmarshal(der, &request); err != nil || len(rest) > 0 {
		return false
	}
	var spki struct {
		Algorithm struct {
			ID    asn1.ObjectIdentifier
			Curve asn1.ObjectIdentifier
		}
		Point asn1.BitString
	}
	if _, err := asn1.Unmarshal(request.Info.SPKI.FullBytes, &spki); err != nil {
		return false
	}
	p256 := asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	p384 := asn1.ObjectIdentifier{1, 3, 132, 0, 34}
	named := spki.Algorithm.Curve.Equal(p256) || spki.Algorithm.Curve.Equal(p384)
	_, err := x509.ParsePKIXPublicKey(request.Info.SPKI.FullBytes)
	return named && err != nil
}
