package p11

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"github.com/miekg/pkcs11"

	"github.com/kyso-vn/kyso/hsm"
)

// Object identifiers of the curves (RFC 5480, Section 2.1.1.1), DER.
var (
	oidP256 = []byte{0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07}
	oidP384 = []byte{0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22}
)

// publicOf finds the public key of a private one: the public key object of the
// same CKA_ID, else a certificate of the same CKA_ID, else, for RSA, what the
// private key object itself tells.
func (s *session) publicOf(private pkcs11.ObjectHandle, ref hsm.KeyRef) (crypto.PublicKey, error) {
	if len(ref.ID) != 0 {
		public, err := s.search([]*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY)}, hsm.KeyRef{ID: ref.ID}, 1)
		if err != nil {
			return nil, err
		}
		if len(public) == 1 {
			return s.readPublic(public[0])
		}
		cert, err := s.certificate(ref.ID)
		if err != nil {
			return nil, err
		}
		if cert != nil {
			return cert.PublicKey, nil
		}
	}
	pub, err := s.readPublic(private)
	if err != nil && classOf(err) != classLogin {
		return nil, &hsm.Error{Code: hsm.CodeKeyNotFound, Op: "find public key of", Subject: ref.String(), Err: err}
	}
	return pub, err
}

// certificate reads the one certificate of that CKA_ID, nil when there is none.
func (s *session) certificate(id []byte) (*x509.Certificate, error) {
	found, err := s.search([]*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_CERTIFICATE)}, hsm.KeyRef{ID: id}, 1)
	if err != nil || len(found) != 1 {
		return nil, err
	}
	v, err := s.attributes(found[0], pkcs11.CKA_VALUE)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(v[0])
	if err != nil {
		return nil, &hsm.Error{Code: hsm.CodeFailed, Op: "read certificate on token", Err: err}
	}
	return cert, nil
}

// readPublic reads the public half from a key object.
func (s *session) readPublic(h pkcs11.ObjectHandle) (crypto.PublicKey, error) {
	v, err := s.attributes(h, pkcs11.CKA_KEY_TYPE)
	if err != nil {
		return nil, err
	}
	switch typ, _ := ulong(v[0]); typ {
	case pkcs11.CKK_EC:
		if v, err = s.attributes(h, pkcs11.CKA_EC_PARAMS, pkcs11.CKA_EC_POINT); err != nil {
			return nil, err
		}
		return parseECPublic(v[0], v[1])
	case pkcs11.CKK_RSA:
		return s.readRSA(h)
	default:
		return nil, &hsm.Error{Code: hsm.CodeUnsupported, Op: "read public key", Err: fmt.Errorf("key type 0x%X", typ)}
	}
}

// readNew reads the public key of a pair just made, whose algorithm is known:
// in one call, since keys for people are made by the million.
func (s *session) readNew(h pkcs11.ObjectHandle, alg hsm.Algorithm) (crypto.PublicKey, error) {
	if alg.RSABits() != 0 {
		return s.readRSA(h)
	}
	v, err := s.attributes(h, pkcs11.CKA_EC_POINT)
	if err != nil {
		return nil, err
	}
	return parseECPublic(curveOID(alg), v[0])
}

func (s *session) readRSA(h pkcs11.ObjectHandle) (crypto.PublicKey, error) {
	v, err := s.attributes(h, pkcs11.CKA_MODULUS, pkcs11.CKA_PUBLIC_EXPONENT)
	if err != nil {
		return nil, err
	}
	return parseRSAPublic(v[0], v[1])
}

// attributes reads the values of an object.
func (s *session) attributes(h pkcs11.ObjectHandle, types ...uint) ([][]byte, error) {
	template := make([]*pkcs11.Attribute, len(types))
	for i, typ := range types {
		template[i] = pkcs11.NewAttribute(typ, nil)
	}
	attrs, err := s.lib.GetAttributeValue(s.h, h, template)
	if err != nil {
		return nil, err
	}
	values := make([][]byte, len(attrs))
	for i, a := range attrs {
		values[i] = a.Value
	}
	return values, nil
}

// curveOID is CKA_EC_PARAMS of an algorithm.
func curveOID(alg hsm.Algorithm) []byte {
	if alg == hsm.P384 {
		return oidP384
	}
	return oidP256
}

// parseECPublic reads CKA_EC_PARAMS (an object identifier) and CKA_EC_POINT: an
// uncompressed point in an OCTET STRING (PKCS#11 v2.40, Section 2.3.3), or bare,
// as some modules give it.
func parseECPublic(params, point []byte) (*ecdsa.PublicKey, error) {
	var curve elliptic.Curve
	switch {
	case bytes.Equal(params, oidP256):
		curve = elliptic.P256()
	case bytes.Equal(params, oidP384):
		curve = elliptic.P384()
	default:
		return nil, badPublic(errors.New("curve is neither P-256 nor P-384"))
	}
	size := 1 + 2*((curve.Params().BitSize+7)/8) // 04 || X || Y
	if len(point) != size {
		var inner []byte
		if rest, err := asn1.Unmarshal(point, &inner); err != nil || len(rest) != 0 {
			return nil, badPublic(errors.New("point is not an OCTET STRING"))
		}
		point = inner
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, badPublic(err)
	}
	return pub, nil
}

// parseRSAPublic reads CKA_MODULUS and CKA_PUBLIC_EXPONENT, big-endian.
func parseRSAPublic(modulus, exponent []byte) (*rsa.PublicKey, error) {
	n, e := new(big.Int).SetBytes(modulus), new(big.Int).SetBytes(exponent)
	if n.BitLen() < 2048 || n.BitLen() > 4096 || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
		return nil, badPublic(fmt.Errorf("RSA modulus of %d bits, exponent of %d bits", n.BitLen(), e.BitLen()))
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

func badPublic(err error) error {
	return &hsm.Error{Code: hsm.CodeUnsupported, Op: "read public key", Err: err}
}
