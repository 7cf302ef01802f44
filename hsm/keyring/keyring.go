package keyring

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"runtime"

	"github.com/kyso-vn/kyso/hsm"
)

// Token is what a Keyring needs of [hsm.Token].
type Token interface {
	MAC(ctx context.Context, key hsm.KeyRef, data []byte) ([]byte, error)
	GenerateWrapped(ctx context.Context, wrap hsm.KeyRef, alg hsm.Algorithm) (hsm.WrappedKey, error)
	SignWrapped(ctx context.Context, wrap hsm.KeyRef, key hsm.WrappedKey, digests [][]byte, opts crypto.SignerOpts) ([][]byte, error)
}

// Config of a Keyring.
type Config struct {
	Token Token
	// KEKID is the label of the token's wrapping key for new records. Records
	// name their own, so several may be alive.
	KEKID string
	// MACKey is the token's key for the HMAC in every KEK.
	MACKey hsm.KeyRef
	// Argon2 is the cost for new PINs. Zero: 19 MiB, two passes, one thread.
	Argon2 Argon2
}

// Keyring makes and uses records. It holds no keys. Its methods may be called
// by many goroutines.
type Keyring struct {
	cfg   Config
	mac   MACKey
	cores chan struct{} // one for each Argon2 that may run
}

// New checks the configuration; it does not touch the token.
func New(cfg Config) (*Keyring, error) {
	if cfg.Token == nil || cfg.KEKID == "" || cfg.MACKey.IsZero() {
		return nil, errors.New("make keyring: token, wrapping key and MAC key must be named")
	}
	if cfg.Argon2 == (Argon2{}) {
		cfg.Argon2 = defaultArgon2
	}
	if err := cfg.Argon2.check(); err != nil {
		return nil, fmt.Errorf("make keyring: %w", err)
	}
	return &Keyring{
		cfg:   cfg,
		mac:   MACKey{Token: cfg.Token, Ref: cfg.MACKey},
		cores: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}, nil
}

// MACKey computes HMAC-SHA-256 in the token under one key for many purposes.
type MACKey struct {
	Token interface {
		MAC(ctx context.Context, key hsm.KeyRef, data []byte) ([]byte, error)
	}
	Ref hsm.KeyRef
}

// Sum is the MAC of [Encode](purpose, parts...): 32 bytes. Purposes that begin
// with kyso/keyring/ belong to this package.
func (m MACKey) Sum(ctx context.Context, purpose string, parts ...[]byte) ([]byte, error) {
	data := Encode(purpose, parts...)
	defer clear(data)
	return m.Token.MAC(ctx, m.Ref, data)
}

// Request asks for a new key.
type Request struct {
	KeyID     string
	SubjectID string
	Algorithm hsm.Algorithm // zero: P-256
	Secret    Secret        // usually Code or Role
}

// Create makes a key and proves that it works before anyone certifies it.
func (k *Keyring) Create(ctx context.Context, req Request) (Record, error) {
	if req.Algorithm == "" {
		req.Algorithm = hsm.P256
	}
	if err := checkNew(req.Secret); err != nil {
		return Record{}, err
	}
	// 1. The key, wrapped by the token.
	wrapped, err := k.cfg.Token.GenerateWrapped(ctx, hsm.KeyRef{Label: k.cfg.KEKID}, req.Algorithm)
	if err != nil {
		return Record{}, fmt.Errorf("create key %s: %w", req.KeyID, err)
	}
	defer clear(wrapped.Blob)
	spki, err := x509.MarshalPKIXPublicKey(wrapped.Public)
	if err != nil {
		return Record{}, fmt.Errorf("create key %s: %w", req.KeyID, err)
	}
	r := Record{Version: recordVersion, KeyID: req.KeyID, SubjectID: req.SubjectID, KEKID: k.cfg.KEKID,
		Algorithm: req.Algorithm, SPKI: spki}
	// 2. Sealed under its owner's secret.
	kek, err := k.seal(ctx, &r, wrapped.Blob, req.Secret)
	if err != nil {
		return Record{}, fmt.Errorf("create key %s: %w", req.KeyID, err)
	}
	defer kek.Destroy()
	// 3. Self-test: from the record, as later, a value that its public key accepts.
	digest := make([]byte, 32)
	rand.Read(digest) // never fails
	if _, err := k.SignWithKEK(ctx, &r, kek, [][]byte{digest}, crypto.SHA256); err != nil {
		return Record{}, fmt.Errorf("self-test of key %s: %w", req.KeyID, err)
	}
	return r, nil
}

// checkNew refuses a secret that must not become one.
func checkNew(s Secret) error {
	if text(s.share) != "" && len(text(s.share)) < 16 {
		return &hsm.Error{Code: codeSecretKind, Op: "check device share", Err: errors.New("fewer than 16 bytes")}
	}
	switch s.mode {
	case ModePIN:
		return CheckPIN(text(s.value))
	case ModeCode:
		_, err := ParseCode(text(s.value))
		return err
	case ModeRole:
		return nil
	}
	return &hsm.Error{Code: codeSecretKind, Op: "check secret", Err: errors.New("neither code, PIN nor role")}
}

// Rewrap gives the same key under a PIN: from the activation code, or from an
// older PIN. The old record is not changed; replace it in one transaction.
func (k *Keyring) Rewrap(ctx context.Context, r *Record, old, pin Secret) (Record, error) {
	if pin.mode != ModePIN || r.Mode == ModeRole {
		return Record{}, &hsm.Error{Code: codeSecretKind, Op: "re-wrap key", Subject: r.KeyID,
			Err: fmt.Errorf("from mode %q to %v", r.Mode, pin)}
	}
	if err := checkNew(pin); err != nil {
		return Record{}, err
	}
	if _, err := r.Public(); err != nil {
		return Record{}, err
	}
	kek, err := k.derive(ctx, r, old)
	if err != nil {
		return Record{}, err
	}
	defer kek.Destroy()
	blob, err := r.open(kek)
	if err != nil {
		return Record{}, err
	}
	defer clear(blob)
	next := *r
	fresh, err := k.seal(ctx, &next, blob, pin)
	if err != nil {
		return Record{}, err
	}
	fresh.Destroy()
	return next, nil
}

// DeriveKEK gives the KEK that opens r, or [ErrWrongSecret]. Count the try
// before calling it.
func (k *Keyring) DeriveKEK(ctx context.Context, r *Record, s Secret) (KEK, error) {
	if _, err := r.Public(); err != nil {
		return KEK{}, err
	}
	kek, err := k.derive(ctx, r, s)
	if err != nil {
		return KEK{}, err
	}
	blob, err := r.open(kek)
	clear(blob)
	if err != nil {
		kek.Destroy()
		return KEK{}, err
	}
	return kek, nil
}

// SignWithKEK unwraps the key in the token once, signs every digest in order,
// and destroys it there. Every value has been verified with the record's public
// key. All values or none.
func (k *Keyring) SignWithKEK(ctx context.Context, r *Record, kek KEK, digests [][]byte, opts crypto.SignerOpts) ([][]byte, error) {
	pub, err := r.Public()
	if err != nil {
		return nil, err
	}
	blob, err := r.open(kek)
	if err != nil {
		return nil, err
	}
	defer clear(blob)
	return k.cfg.Token.SignWrapped(ctx, hsm.KeyRef{Label: r.KEKID},
		hsm.WrappedKey{Algorithm: r.Algorithm, Public: pub, Blob: blob}, digests, opts)
}

// seal puts blob into r under s, with a new salt.
func (k *Keyring) seal(ctx context.Context, r *Record, blob []byte, s Secret) (KEK, error) {
	r.Mode, r.DeviceShare, r.Argon2 = s.mode, text(s.share) != "", Argon2{}
	if s.mode == ModePIN {
		r.Argon2 = k.cfg.Argon2
	}
	r.Salt = make([]byte, saltSize)
	rand.Read(r.Salt) // never fails
	kek, err := k.derive(ctx, r, s)
	if err != nil {
		return KEK{}, err
	}
	aead, err := newAEAD(kek)
	if err != nil {
		return KEK{}, err
	}
	r.Sealed = aead.Seal(nil, nil, blob, r.bound())
	return kek, nil
}

// open gives the wrapped blob. The caller clears it.
func (r *Record) open(kek KEK) ([]byte, error) {
	aead, err := newAEAD(kek)
	if err != nil {
		return nil, err
	}
	blob, err := aead.Open(nil, nil, r.Sealed, r.bound())
	if err != nil {
		return nil, &hsm.Error{Code: codeWrongSecret, Op: "open key", Subject: r.KeyID}
	}
	return blob, nil
}

// newAEAD is AES-256-GCM that draws its nonce and puts it in front. A KEK seals
// once: every sealing has a new salt.
func newAEAD(kek KEK) (cipher.AEAD, error) {
	if kek.key == nil {
		return nil, &hsm.Error{Code: codeWrongSecret, Op: "open key", Err: errors.New("no KEK")}
	}
	block, err := aes.NewCipher(kek.key[:])
	if err != nil {
		return nil, fmt.Errorf("open key: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}
