package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"

	"github.com/kyso-vn/kyso/pki"
)

// throwAway signs drafts so that lints see a whole certificate. Its key is of
// the CA's kind, lives in memory only, and certifies nothing: what it signs
// never leaves this package.
type throwAway struct {
	key crypto.Signer
}

// newThrowAway makes the key: on the CA's curve, or RSA of 2048 bits for any
// RSA key, since making a larger one takes seconds and no lint can tell.
func newThrowAway(public crypto.PublicKey) (*throwAway, error) {
	if _, err := pki.SignatureFor(public, false); err != nil {
		return nil, err
	}
	var key crypto.Signer
	var err error
	switch public := public.(type) {
	case *ecdsa.PublicKey:
		key, err = ecdsa.GenerateKey(public.Curve, rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		return nil, &pki.Error{Code: ErrConfig, Detail: "making a throw-away key", Err: err}
	}
	return &throwAway{key}, nil
}

// certificate builds the certificate for public; issuer is nil for a root.
func (t *throwAway) certificate(template, issuer *x509.Certificate, public crypto.PublicKey) ([]byte, error) {
	// crypto/x509 takes name and key identifier from the parent, and wants its
	// key to be the one that signs.
	parent := &x509.Certificate{RawSubject: template.RawSubject, SubjectKeyId: template.SubjectKeyId}
	if issuer != nil {
		parent = &x509.Certificate{RawSubject: issuer.RawSubject, SubjectKeyId: issuer.SubjectKeyId}
	}
	return x509.CreateCertificate(rand.Reader, template, parent, public, t.key)
}
