package hsm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
)

// Algorithm is a kind of key pair. P-256 is the one for people; RSA only where
// a partner asks for it.
type Algorithm string

const (
	P256    Algorithm = "P-256"
	P384    Algorithm = "P-384"
	RSA2048 Algorithm = "RSA-2048"
	RSA3072 Algorithm = "RSA-3072"
	RSA4096 Algorithm = "RSA-4096"
)

// Algorithms lists what a [Token] may be asked for.
func Algorithms() []Algorithm { return []Algorithm{P256, P384, RSA2048, RSA3072, RSA4096} }

// RSABits is the length of the modulus, 0 for an elliptic curve.
func (a Algorithm) RSABits() int {
	switch a {
	case RSA2048:
		return 2048
	case RSA3072:
		return 3072
	case RSA4096:
		return 4096
	}
	return 0
}

// Curve is nil for RSA.
func (a Algorithm) Curve() elliptic.Curve {
	switch a {
	case P256:
		return elliptic.P256()
	case P384:
		return elliptic.P384()
	}
	return nil
}

// Valid tells whether a is one of [Algorithms].
func (a Algorithm) Valid() bool { return a.Curve() != nil || a.RSABits() != 0 }

// AlgorithmOf names the algorithm of a public key, or gives [ErrUnsupported]
// for a curve or a length that is not in [Algorithms].
func AlgorithmOf(pub crypto.PublicKey) (Algorithm, error) {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return P256, nil
		case elliptic.P384():
			return P384, nil
		}
	case *rsa.PublicKey:
		for _, a := range []Algorithm{RSA2048, RSA3072, RSA4096} {
			if k.N.BitLen() == a.RSABits() {
				return a, nil
			}
		}
	}
	return "", &Error{Code: CodeUnsupported, Op: "name key algorithm", Err: fmt.Errorf("public key of type %T", pub)}
}
