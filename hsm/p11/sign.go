package p11

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/kyso-vn/kyso/hsm"
)

// signer is a key pair on the token.
type signer struct {
	t *Token
	k *key
}

// Signer finds a key pair by label, ID, or both.
func (t *Token) Signer(ctx context.Context, ref hsm.KeyRef) (hsm.Signer, error) {
	var k *key
	err := t.again(ctx, "find key", ref.String(), func(s *session) (err error) {
		k, err = t.lookup(s, hsm.KindSign, ref)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &signer{t: t, k: k}, nil
}

// Certificate reads the certificate that has the same CKA_ID as the key; nil
// when the token holds none.
func (t *Token) Certificate(ctx context.Context, key hsm.Signer) (cert *x509.Certificate, err error) {
	ref := key.Ref()
	err = t.again(ctx, "find certificate of", ref.String(), func(s *session) (err error) {
		cert, err = s.certificate(ref.ID)
		return err
	})
	return cert, err
}

func (g *signer) Public() crypto.PublicKey { return g.k.pub }
func (g *signer) Ref() hsm.KeyRef          { return g.k.ref }
func (g *signer) Algorithm() hsm.Algorithm { return g.k.alg }

func (g *signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return g.SignContext(context.Background(), digest, opts)
}

func (g *signer) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	how, err := newMethod(g.k.pub, opts)
	if err != nil {
		return nil, err
	}
	var sig []byte
	var first *handle
	err = g.t.again(ctx, "sign with", g.k.ref.String(), func(s *session) error {
		f, err := g.t.handleOf(s, g.k)
		if err != nil {
			return err
		}
		sig, err = s.sign(how, f.h, digest)
		if !f.verified.Load() {
			first = f
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if first != nil {
		if err := hsm.Verify(g.k.pub, digest, sig, opts); err != nil {
			return nil, fmt.Errorf("first signature of %s: %w", g.k.ref, err)
		}
		first.verified.Store(true)
	}
	return sig, nil
}

// method is how a kind of signature is asked for and what comes back.
type method struct {
	mechanism []*pkcs11.Mechanism
	hash      crypto.Hash
	prefix    []byte         // RSA PKCS #1 v1.5: DigestInfo up to the digest
	curve     elliptic.Curve // ECDSA, else nil
}

// hashes are the digests we sign, with the head of their DigestInfo (RFC 8017,
// Section 9.2, note 1) and their PKCS#11 names.
var hashes = map[crypto.Hash]struct {
	prefix    []byte
	mechanism uint
	mgf       uint
}{
	crypto.SHA256: {digestInfo(0x01, 32), pkcs11.CKM_SHA256, pkcs11.CKG_MGF1_SHA256},
	crypto.SHA384: {digestInfo(0x02, 48), pkcs11.CKM_SHA384, pkcs11.CKG_MGF1_SHA384},
	crypto.SHA512: {digestInfo(0x03, 64), pkcs11.CKM_SHA512, pkcs11.CKG_MGF1_SHA512},
}

// digestInfo is the DER of
//
//	DigestInfo ::= SEQUENCE {
//	    digestAlgorithm SEQUENCE { OBJECT IDENTIFIER 2.16.840.1.101.3.4.2.arc, NULL },
//	    digest          OCTET STRING }
//
// without the digest itself, which has size bytes.
func digestInfo(arc, size byte) []byte {
	return []byte{
		0x30, 17 + size, // DigestInfo
		0x30, 0x0D, // AlgorithmIdentifier
		0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, arc,
		0x05, 0x00, // NULL
		0x04, size, // OCTET STRING
	}
}

// newMethod chooses the mechanism: CKM_ECDSA, CKM_RSA_PKCS on a DigestInfo, or
// CKM_RSA_PKCS_PSS on the digest. A PSS salt of PSSSaltLengthAuto has the
// length of the digest, the longest that FIPS 186-5, Section 5.4 allows.
func newMethod(pub crypto.PublicKey, opts crypto.SignerOpts) (*method, error) {
	if opts == nil {
		return nil, unsupported(errors.New("no hash named"))
	}
	hash := opts.HashFunc()
	h, ok := hashes[hash]
	if !ok {
		return nil, unsupported(fmt.Errorf("hash %d; use SHA-256, SHA-384 or SHA-512", uint(hash)))
	}
	m := &method{hash: hash}
	pss, isPSS := opts.(*rsa.PSSOptions)
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		if isPSS {
			return nil, unsupported(errors.New("PSS with an elliptic curve key"))
		}
		m.curve = k.Curve
		m.mechanism = []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_ECDSA, nil)}
	case *rsa.PublicKey:
		if !isPSS {
			m.prefix = h.prefix
			m.mechanism = []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS, nil)}
			break
		}
		salt := pss.SaltLength
		if salt == rsa.PSSSaltLengthAuto || salt == rsa.PSSSaltLengthEqualsHash {
			salt = hash.Size()
		}
		if salt < 0 || salt > hash.Size() {
			return nil, unsupported(fmt.Errorf("PSS salt of %d bytes", salt))
		}
		m.mechanism = []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS_PSS,
			pkcs11.NewPSSParams(h.mechanism, h.mgf, uint(salt)))}
	default:
		return nil, unsupported(fmt.Errorf("public key of type %T", pub))
	}
	return m, nil
}

func unsupported(err error) error {
	return &hsm.Error{Code: hsm.CodeUnsupported, Op: "choose signature", Err: err}
}

// sign makes one signature value.
func (s *session) sign(how *method, key pkcs11.ObjectHandle, digest []byte) ([]byte, error) {
	if len(digest) != how.hash.Size() {
		return nil, unsupported(fmt.Errorf("digest of %d bytes for %v", len(digest), how.hash))
	}
	input := digest
	switch {
	case how.prefix != nil:
		input = append(append(make([]byte, 0, len(how.prefix)+len(digest)), how.prefix...), digest...)
	case how.curve != nil:
		// The leftmost bits of the digest, as many as the order has (FIPS 186-5,
		// Section 6.4.1); modules differ in whether they cut it themselves.
		input = digest[:min(len(digest), how.curve.Params().BitSize/8)]
	}
	if err := s.lib.SignInit(s.h, how.mechanism, key); err != nil {
		return nil, err
	}
	raw, err := s.lib.Sign(s.h, input)
	if err != nil {
		return nil, err
	}
	if how.curve != nil {
		return derSignature(raw, how.curve)
	}
	return raw, nil
}

// derSignature turns r || s (PKCS#11 v2.40, Section 2.3.1) into
//
//	ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }
func derSignature(raw []byte, curve elliptic.Curve) ([]byte, error) {
	half := (curve.Params().BitSize + 7) / 8
	if len(raw) != 2*half {
		return nil, &hsm.Error{Code: hsm.CodeFailed, Op: "read ECDSA value", Err: fmt.Errorf("%d bytes", len(raw))}
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(raw[:half]))
		b.AddASN1BigInt(new(big.Int).SetBytes(raw[half:]))
	})
	return b.Bytes()
}
