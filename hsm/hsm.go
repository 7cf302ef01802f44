// Package hsm names what a key token can do: keys, signers, wrapped keys, and
// the errors that callers tell apart.
//
// It holds words only. Package hsm/p11 implements [Token] on PKCS#11 v2.40,
// package hsm/keyring keeps people's keys with it.
package hsm

import (
	"context"
	"crypto"
	"encoding/hex"
)

// KeyRef names a key on a token by CKA_LABEL, CKA_ID, or both. Where both are
// given, both must match. The zero KeyRef names nothing and is refused.
type KeyRef struct {
	Label string
	ID    []byte
}

// IsZero tells whether r names nothing.
func (r KeyRef) IsZero() bool { return r.Label == "" && len(r.ID) == 0 }

// String is for messages: the label, else the ID in hexadecimal.
func (r KeyRef) String() string {
	switch {
	case r.Label != "":
		return r.Label
	case len(r.ID) != 0:
		return "id:" + hex.EncodeToString(r.ID)
	}
	return "(no key)"
}

// Kind tells a token's keys apart by what they are for. Every key has exactly
// one use.
type Kind int

const (
	KindSign Kind = iota // a key pair that signs
	KindWrap             // an AES key that wraps and unwraps key pairs
	KindMAC              // an HMAC-SHA-256 key
)

// Signer is a private key on a token.
//
// Sign (of [crypto.Signer]) takes a digest; it ignores rand, since the token
// draws its own randomness. RSA keys sign PKCS #1 v1.5, or PSS when opts is
// *rsa.PSSOptions; ECDSA values are DER (RFC 3279, Section 2.2.3). Digests are
// SHA-256, SHA-384 or SHA-512. A Signer may be used by many goroutines and
// stays valid when the token was lost and found again.
type Signer interface {
	crypto.Signer
	// SignContext is Sign, given up while waiting for the token when ctx ends.
	SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error)
	Ref() KeyRef
	Algorithm() Algorithm
}

// WrappedKey is a key pair whose private half exists only as Blob: a PKCS #8
// PrivateKeyInfo (RFC 5208) under AES key wrap with padding (RFC 5649).
type WrappedKey struct {
	Algorithm Algorithm
	Public    crypto.PublicKey // *ecdsa.PublicKey or *rsa.PublicKey
	Blob      []byte           // 80 bytes for P-256, 1,232 for RSA-2048
}

// Token is a logged-in key token. All methods may be called by many goroutines.
//
// Errors are *[Error]. [ErrUnavailable] says when to try again; [ErrPINIncorrect]
// and [ErrPINLocked] stay until the Token is opened anew, so that no PIN is tried twice.
type Token interface {
	// Signer finds a key pair. It never creates one.
	Signer(ctx context.Context, ref KeyRef) (Signer, error)
	// Has tells whether the token holds exactly one key of this kind.
	Has(ctx context.Context, kind Kind, ref KeyRef) (bool, error)

	// GenerateKey makes a key pair that never leaves the token and can only
	// sign. An existing label or ID is refused with ErrKeyExists. An empty
	// ref.ID is drawn at random.
	GenerateKey(ctx context.Context, ref KeyRef, alg Algorithm) (Signer, error)
	// GenerateWrapKey makes an AES-256 key that can wrap key pairs, and unwraps
	// them only into keys that cannot be extracted.
	GenerateWrapKey(ctx context.Context, ref KeyRef) error
	// GenerateMACKey makes a 256-bit key for MAC.
	GenerateMACKey(ctx context.Context, ref KeyRef) error

	// MAC is HMAC-SHA-256 (RFC 2104) of data under a token key: 32 bytes.
	MAC(ctx context.Context, key KeyRef, data []byte) ([]byte, error)

	// GenerateWrapped makes a key pair, wraps it under the key wrap, and
	// destroys it on the token.
	GenerateWrapped(ctx context.Context, wrap KeyRef, alg Algorithm) (WrappedKey, error)
	// SignWrapped unwraps key, signs every digest in order, destroys the key,
	// and checks each value with key.Public before it returns any. All or none.
	SignWrapped(ctx context.Context, wrap KeyRef, key WrappedKey, digests [][]byte, opts crypto.SignerOpts) ([][]byte, error)

	// Close gives the sessions back. Operations in flight end first.
	Close() error
}
