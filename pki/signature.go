package pki

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of the schemes below
	_ "crypto/sha512"
	"crypto/x509"
	"fmt"
	"io"
)

// Signature is a signature scheme as this PKI uses it: its name in
// crypto/x509, its AlgorithmIdentifier and what a signer must be told.
type Signature struct {
	Algorithm x509.SignatureAlgorithm
	// Identifier is the DER of the AlgorithmIdentifier.
	Identifier []byte
	// Options go to the signer; its HashFunc is the scheme's hash.
	Options crypto.SignerOpts
}

// ContextSigner is a signer that wants the caller's context: its deadline,
// and what the signer's own records need. Sign prefers it to
// crypto.MessageSigner. message is the message itself, never its hash.
type ContextSigner interface {
	crypto.Signer
	SignMessageContext(ctx context.Context, rand io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error)
}

// SignatureFor chooses the scheme for a key: ECDSA P-256 with SHA-256 and
// P-384 with SHA-384 (RFC 5758, Section 3.2); RSA with SHA-256, by PKCS#1 v1.5
// (RFC 4055, Section 5) or, if pss, by RSASSA-PSS with MGF1 and a salt of 32
// octets (RFC 4055, Section 3.1). Other keys are ErrKeyType.
func SignatureFor(public crypto.PublicKey, pss bool) (Signature, error) {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return Signature{x509.ECDSAWithSHA256, ecdsaWith(2), crypto.SHA256}, nil
		case elliptic.P384():
			return Signature{x509.ECDSAWithSHA384, ecdsaWith(3), crypto.SHA384}, nil
		}
	case *rsa.PublicKey:
		if pss {
			return Signature{x509.SHA256WithRSAPSS, rsaPSS(1, 32), &rsa.PSSOptions{
				SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}}, nil
		}
		return Signature{x509.SHA256WithRSA, rsaPKCS1(11), crypto.SHA256}, nil
	}
	return Signature{}, &Error{Code: ErrKeyType, Detail: "want ECDSA on P-256 or P-384, or RSA"}
}

// Sign signs message with signer and verifies the outcome in software before
// returning it. A signer that implements ContextSigner or crypto.MessageSigner
// is given the message itself; any other gets its hash.
func (s Signature) Sign(ctx context.Context, signer crypto.Signer, message []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var value []byte
	var err error
	if cs, ok := signer.(ContextSigner); ok {
		value, err = cs.SignMessageContext(ctx, rand.Reader, message, s.Options)
	} else {
		value, err = crypto.SignMessage(signer, rand.Reader, message, s.Options)
	}
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	if err := s.Verify(signer.Public(), message, value); err != nil {
		return nil, fmt.Errorf("verifying what the signer returned: %w", err)
	}
	return value, nil
}

// Verify checks value over message; ErrSignature if it is not by public, and
// ErrKeyType if the key is not of the scheme's kind.
func (s Signature) Verify(public crypto.PublicKey, message, value []byte) error {
	h := s.Options.HashFunc()
	d := h.New()
	d.Write(message)
	digest := d.Sum(nil)
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		if _, pss := s.Options.(*rsa.PSSOptions); pss || !ecdsa.VerifyASN1(key, digest, value) {
			return &Error{Code: ErrSignature}
		}
	case *rsa.PublicKey:
		var err error
		if pss, ok := s.Options.(*rsa.PSSOptions); ok {
			err = rsa.VerifyPSS(key, h, digest, value, pss)
		} else {
			err = rsa.VerifyPKCS1v15(key, h, digest, value)
		}
		if err != nil {
			return &Error{Code: ErrSignature, Err: err}
		}
	default:
		return &Error{Code: ErrKeyType}
	}
	return nil
}
