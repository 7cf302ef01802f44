package pki

import (
	"bytes"
	"crypto/x509"
)

// SignatureAlgorithm names the scheme of a DER AlgorithmIdentifier. It knows
// what is accepted from others: ECDSA, RSA PKCS#1 v1.5 and RSASSA-PSS (with MGF1
// of the same hash and a salt of its length), each with SHA-256, SHA-384 and
// SHA-512. All else, among it everything with MD5 and SHA-1, is
// x509.UnknownSignatureAlgorithm.
func SignatureAlgorithm(identifier []byte) x509.SignatureAlgorithm {
	for _, hash := range []struct {
		rsa, ecdsa, sha2, size byte // last arc of each object identifier; octets
		schemes                [3]x509.SignatureAlgorithm
	}{
		{11, 2, 1, 32, [3]x509.SignatureAlgorithm{x509.SHA256WithRSA, x509.ECDSAWithSHA256, x509.SHA256WithRSAPSS}},
		{12, 3, 2, 48, [3]x509.SignatureAlgorithm{x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS}},
		{13, 4, 3, 64, [3]x509.SignatureAlgorithm{x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS}},
	} {
		switch {
		case bytes.Equal(identifier, rsaPKCS1(hash.rsa)):
			return hash.schemes[0]
		case bytes.Equal(identifier, ecdsaWith(hash.ecdsa)):
			return hash.schemes[1]
		case bytes.Equal(identifier, rsaPSS(hash.sha2, hash.size)):
			return hash.schemes[2]
		}
	}
	return x509.UnknownSignatureAlgorithm
}

// ecdsaWith: SEQUENCE { 1.2.840.10045.4.3.arc }, parameters absent (RFC 5758,
// Section 3.2).
func ecdsaWith(arc byte) []byte {
	return []byte{0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, arc}
}

// rsaPKCS1: SEQUENCE { 1.2.840.113549.1.1.arc, NULL } (RFC 4055, Section 5).
func rsaPKCS1(arc byte) []byte {
	return []byte{0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, arc, 0x05, 0x00}
}

// rsaPSS is RSASSA-PSS with the parameters of RFC 4055, Section 3.1, where arc
// is the last of the hash's identifier 2.16.840.1.101.3.4.2.arc:
//
//	SEQUENCE { 1.2.840.113549.1.1.10,
//	  SEQUENCE { [0] hash, [1] MGF1 with the hash, [2] INTEGER salt } }
func rsaPSS(arc, salt byte) []byte {
	return []byte{
		0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a,
		0x30, 0x34,
		0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, arc, 0x05, 0x00,
		0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08,
		0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, arc, 0x05, 0x00,
		0xa2, 0x03, 0x02, 0x01, salt,
	}
}
