package cms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Scheme is the signature scheme of a key. The zero value lets the key decide:
// ECDSA for elliptic curves, PSS for RSA.
type Scheme string

// The schemes. PKCS1v15 is for partners whose old software knows nothing else.
const (
	PKCS1v15 Scheme = "rsa-pkcs1v15" // RSASSA-PKCS1-v1_5, RFC 8017, Section 8.2
	PSS      Scheme = "rsa-pss"      // RSASSA-PSS, salt as long as the hash, RFC 8017, Section 8.1
	ECDSA    Scheme = "ecdsa"        // DER-encoded ECDSA, RFC 5753, Section 2.1
)

const minRSABits = 2048

// schemeFor completes scheme and hash for a key and refuses what does not fit
// together.
func schemeFor(pub crypto.PublicKey, s Scheme, h crypto.Hash) (Scheme, crypto.Hash, error) {
	switch key := pub.(type) {
	case *rsa.PublicKey:
		if s == "" {
			s = PSS
		}
		if h == 0 {
			h = crypto.SHA256
		}
		if s != PSS && s != PKCS1v15 {
			return "", 0, fail(ErrInvalidArgument, "scheme %q does not fit an RSA key", s)
		}
		if key.N.BitLen() < minRSABits {
			return "", 0, fail(ErrWeakKey, "RSA key of %d bits", key.N.BitLen())
		}
	case *ecdsa.PublicKey:
		if s == "" {
			s = ECDSA
		}
		if s != ECDSA {
			return "", 0, fail(ErrInvalidArgument, "scheme %q does not fit an EC key", s)
		}
		def, ok := curveHash(key.Curve)
		if !ok {
			return "", 0, fail(ErrWeakKey, "curve %s", key.Curve.Params().Name)
		}
		if h == 0 {
			h = def
		}
	default:
		return "", 0, fail(ErrAlgorithm, "public key type %T", pub)
	}
	if !strongHash(h) {
		return "", 0, fail(ErrWeakHash, "hash %v", h)
	}
	return s, h, nil
}

// curveHash pairs the accepted curves with the hash of their strength.
func curveHash(c elliptic.Curve) (crypto.Hash, bool) {
	switch c {
	case elliptic.P256():
		return crypto.SHA256, true
	case elliptic.P384():
		return crypto.SHA384, true
	case elliptic.P521():
		return crypto.SHA512, true
	}
	return 0, false
}

// maxSignatureSize is the length in bytes of the longest signature value the
// key can make: the modulus for RSA, both integers with a sign byte for ECDSA.
func maxSignatureSize(pub crypto.PublicKey) int {
	switch key := pub.(type) {
	case *rsa.PublicKey:
		return key.Size()
	case *ecdsa.PublicKey:
		// Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }
		n := key.Curve.Params().N.BitLen()
		ints := 2 * (2 + n/8 + 1)
		if ints < 128 {
			return 2 + ints
		}
		return 3 + ints
	}
	return 0
}

// algorithmID is an AlgorithmIdentifier whose parameters are absent, or NULL.
//
//	AlgorithmIdentifier ::= SEQUENCE {
//	  algorithm   OBJECT IDENTIFIER,
//	  parameters  ANY DEFINED BY algorithm OPTIONAL }
func addAlgorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, null bool) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if null {
			b.AddASN1NULL()
		}
	})
}

// addSignatureAlgorithm writes SignerInfo.signatureAlgorithm: rsaEncryption
// with NULL (RFC 3370, Section 3.2), id-RSASSA-PSS with full parameters (RFC
// 4056, Section 2.2) or ecdsa-with-SHA2 without parameters (RFC 5754, Section 3.3).
//
//	RSASSA-PSS-params ::= SEQUENCE {
//	  hashAlgorithm    [0] HashAlgorithm,
//	  maskGenAlgorithm [1] MaskGenAlgorithm,
//	  saltLength       [2] INTEGER,
//	  trailerField     [3] INTEGER DEFAULT 1 }
func addSignatureAlgorithm(b *cryptobyte.Builder, s Scheme, h crypto.Hash) {
	switch s {
	case PKCS1v15:
		addAlgorithm(b, oidRSA, true)
	case ECDSA:
		oid := oidECDSAWithSHA256
		switch h {
		case crypto.SHA384:
			oid = oidECDSAWithSHA384
		case crypto.SHA512:
			oid = oidECDSAWithSHA512
		}
		addAlgorithm(b, oid, false)
	case PSS:
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidPSS)
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(ctx(0), func(b *cryptobyte.Builder) { addAlgorithm(b, HashOID(h), true) })
				b.AddASN1(ctx(1), func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(oidMGF1)
						addAlgorithm(b, HashOID(h), true)
					})
				})
				b.AddASN1(ctx(2), func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(h.Size())) })
			})
		})
	}
}

// ctx is the constructed context-specific tag [n].
func ctx(n uint8) cbasn1.Tag { return cbasn1.Tag(n).Constructed().ContextSpecific() }

// signerOpts are the options that make a crypto.Signer sign by scheme and hash.
func signerOpts(s Scheme, h crypto.Hash) crypto.SignerOpts {
	if s == PSS {
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}
	}
	return h
}

// PublicKey returns the key of a certificate. Unlike cert.PublicKey it also
// knows keys marked id-RSASSA-PSS (RFC 4055, Section 1.2), which crypto/x509
// leaves out; the restrictions in their parameters are not applied.
func PublicKey(cert *x509.Certificate) crypto.PublicKey {
	if cert.PublicKey != nil {
		return cert.PublicKey
	}
	var spki, alg cryptobyte.String
	var oid asn1.ObjectIdentifier
	var bits []byte
	in := cryptobyte.String(cert.RawSubjectPublicKeyInfo)
	if !in.ReadASN1(&spki, cbasn1.SEQUENCE) || !spki.ReadASN1(&alg, cbasn1.SEQUENCE) ||
		!alg.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidPSS) || !spki.ReadASN1BitStringAsBytes(&bits) {
		return nil
	}
	key, err := x509.ParsePKCS1PublicKey(bits)
	if err != nil {
		return nil
	}
	return key
}
