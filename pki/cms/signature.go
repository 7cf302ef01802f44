package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// verifier is a signature algorithm with its parameters settled.
type verifier struct {
	scheme     Scheme
	hash       crypto.Hash
	saltLength int // PSS only; a declared 0 makes crypto/rsa take any length
}

// derNull is the DER of NULL.
var derNull = []byte{0x05, 0x00}

// parseSignatureAlgorithm reads SignerInfo.signatureAlgorithm, whose hash, if it
// names one, must be the digest algorithm.
func parseSignatureAlgorithm(oid asn1.ObjectIdentifier, params []byte, digest crypto.Hash) (verifier, error) {
	if oid.Equal(oidPSS) {
		return parsePSS(params, digest)
	}
	scheme, hash, ok := namedAlgorithm(oid)
	switch {
	case !ok:
		return verifier{}, fail(ErrAlgorithm, "signature algorithm %s", oid)
	case hash != 0 && hash != digest:
		return verifier{}, fail(ErrAlgorithmMix, "signature algorithm with %v, digest algorithm %v", hash, digest)
	case scheme == PKCS1v15 && len(params) > 0 && !bytes.Equal(params, derNull):
		return verifier{}, fail(ErrAlgorithm, "parameters of %s are not NULL", oid)
	}
	return verifier{scheme: scheme, hash: digest}, nil
}

// namedAlgorithm is what an object identifier alone says, PSS left out. A hash
// of 0 means that the digest algorithm decides.
func namedAlgorithm(oid asn1.ObjectIdentifier) (Scheme, crypto.Hash, bool) {
	for _, a := range []struct {
		oid    asn1.ObjectIdentifier
		scheme Scheme
		hash   crypto.Hash
	}{
		{oidECDSAWithSHA256, ECDSA, crypto.SHA256},
		{oidECDSAWithSHA384, ECDSA, crypto.SHA384},
		{oidECDSAWithSHA512, ECDSA, crypto.SHA512},
		{oidRSA, PKCS1v15, 0},
		{oidRSAWithSHA256, PKCS1v15, crypto.SHA256},
		{oidRSAWithSHA384, PKCS1v15, crypto.SHA384},
		{oidRSAWithSHA512, PKCS1v15, crypto.SHA512},
		{oidRSAWithSHA1, PKCS1v15, crypto.SHA1},
		{oidECDSAWithSHA1, ECDSA, crypto.SHA1},
		{oidECPublicKey, ECDSA, 0},
	} {
		if oid.Equal(a.oid) {
			return a.scheme, a.hash, true
		}
	}
	return "", 0, false
}

// VerifyMessage checks a signature as certificates, CRLs and OCSP responses
// carry it: algorithm is the DER of the AlgorithmIdentifier, which names the
// hash (RFC 4055, RFC 5754, RFC 5758). Weaknesses (ErrWeakHash, ErrWeakKey) are
// returned for the caller to judge, they are no error here.
func VerifyMessage(pub crypto.PublicKey, algorithm, message, signature []byte) (weak []Code, err error) {
	in := cryptobyte.String(algorithm)
	oid, params := readAlgorithm(&in)
	if oid == nil || !in.Empty() {
		return nil, fail(ErrMalformed, "AlgorithmIdentifier")
	}
	var v verifier
	if oid.Equal(oidPSS) {
		hash := pssHash(params)
		if hash == 0 {
			return nil, fail(ErrPSSParameters, "RSASSA-PSS parameters: hashAlgorithm")
		}
		v, err = parsePSS(params, hash)
	} else {
		_, hash, ok := namedAlgorithm(oid)
		if !ok || hash == 0 {
			return nil, fail(ErrAlgorithm, "signature algorithm %s", oid)
		}
		v, err = parseSignatureAlgorithm(oid, params, hash)
	}
	if err != nil {
		return nil, err
	}
	weakKey, err := v.checkKey(pub)
	if err != nil {
		return nil, err
	}
	if weakKey {
		weak = append(weak, ErrWeakKey)
	}
	if !strongHash(v.hash) {
		weak = append(weak, ErrWeakHash)
	}
	h := v.hash.New()
	h.Write(message)
	return weak, v.verify(pub, h.Sum(nil), signature)
}

// pssHash is the hashAlgorithm that RSASSA-PSS-params name; 0 if unknown.
func pssHash(params []byte) crypto.Hash {
	in := cryptobyte.String(params)
	var seq, field cryptobyte.String
	var has bool
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadOptionalASN1(&field, &has, ctx(0)) {
		return 0
	}
	if !has {
		return crypto.SHA1
	}
	oid, _ := readAlgorithm(&field)
	return HashByOID(oid)
}

// parsePSS reads RSASSA-PSS-params (RFC 4055, Section 3.1) and demands one hash
// throughout, MGF1 and the usual trailer. Absent fields mean SHA-1 and a salt
// of 20 bytes, so they fail unless the digest algorithm is SHA-1.
func parsePSS(params []byte, digest crypto.Hash) (verifier, error) {
	bad := func(what string) (verifier, error) {
		return verifier{}, fail(ErrPSSParameters, "RSASSA-PSS parameters: %s", what)
	}
	in := cryptobyte.String(params)
	var seq, field cryptobyte.String
	var has bool
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() {
		return bad("absent or unreadable")
	}
	hash, mgf, salt, trailer := crypto.SHA1, crypto.SHA1, 20, 1
	if !seq.ReadOptionalASN1(&field, &has, ctx(0)) {
		return bad("hashAlgorithm")
	}
	if has {
		oid, _ := readAlgorithm(&field)
		if hash = HashByOID(oid); hash == 0 || !field.Empty() {
			return bad("hashAlgorithm")
		}
	}
	if !seq.ReadOptionalASN1(&field, &has, ctx(1)) {
		return bad("maskGenAlgorithm")
	}
	if has {
		oid, mgfParams := readAlgorithm(&field)
		inner, _ := readAlgorithm(&mgfParams)
		if mgf = HashByOID(inner); !oid.Equal(oidMGF1) || mgf == 0 || !field.Empty() || !mgfParams.Empty() {
			return bad("maskGenAlgorithm")
		}
	}
	if !readOptionalInt(&seq, ctx(2), &salt) || salt < 0 || salt > 1024 {
		return bad("saltLength")
	}
	if !readOptionalInt(&seq, ctx(3), &trailer) || trailer != 1 || !seq.Empty() {
		return bad("trailerField")
	}
	if hash != digest || mgf != digest {
		return verifier{}, fail(ErrAlgorithmMix, "RSASSA-PSS with %v and MGF1 with %v, digest algorithm %v", hash, mgf, digest)
	}
	return verifier{scheme: PSS, hash: digest, saltLength: salt}, nil
}

func readOptionalInt(s *cryptobyte.String, tag cbasn1.Tag, out *int) bool {
	var field cryptobyte.String
	var has bool
	if !s.ReadOptionalASN1(&field, &has, tag) {
		return false
	}
	return !has || (field.ReadASN1Integer(out) && field.Empty())
}

// checkKey reports whether the key fits the scheme, and whether it is weak.
func (v verifier) checkKey(pub crypto.PublicKey) (weak bool, err error) {
	switch key := pub.(type) {
	case *rsa.PublicKey:
		if v.scheme == ECDSA {
			return false, fail(ErrAlgorithmMix, "ECDSA with an RSA key")
		}
		return key.N.BitLen() < minRSABits, nil
	case *ecdsa.PublicKey:
		if v.scheme != ECDSA {
			return false, fail(ErrAlgorithmMix, "RSA with an EC key")
		}
		_, strong := curveHash(key.Curve)
		return !strong, nil
	}
	return false, fail(ErrAlgorithm, "public key type %T", pub)
}

// verify checks a signature value over a digest by v.hash.
func (v verifier) verify(pub crypto.PublicKey, digest, signature []byte) error {
	var err error
	switch key := pub.(type) {
	case *rsa.PublicKey:
		if v.scheme == PSS {
			err = rsa.VerifyPSS(key, v.hash, digest, signature, &rsa.PSSOptions{SaltLength: v.saltLength, Hash: v.hash})
		} else {
			err = rsa.VerifyPKCS1v15(key, v.hash, digest, signature)
		}
	case *ecdsa.PublicKey:
		if !ecdsa.VerifyASN1(key, digest, signature) {
			err = fail(ErrSignature, "ECDSA value does not verify")
		}
	default:
		return fail(ErrAlgorithm, "public key type %T", pub)
	}
	if err != nil && CodeOf(err) == "" {
		return failErr(ErrSignature, err, "RSA value does not verify")
	}
	return err
}
