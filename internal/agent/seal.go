package agent

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/kyso-vn/kyso/hsm/keyring"
)

// dataPurposes are the keys that the service may have in its memory.
var dataPurposes = []string{"data", "index", "documents", "totp"}

// DataKey implements Agent.
func (l *Local) DataKey(ctx context.Context, purpose string) ([]byte, error) {
	if !slices.Contains(dataPurposes, purpose) {
		return nil, ErrPurpose
	}
	k, err := l.mac.Sum(ctx, "kyso/agent/data", []byte(purpose))
	return k, unavailable(err)
}

// sadKey is HKDF(SAD ‖ HMAC in the HSM of it): neither the database with the HSM nor the
// SAD without it opens a sealed KEK.
func (l *Local) sadKey(ctx context.Context, sad []byte) (cipher.AEAD, error) {
	mac, err := l.mac.Sum(ctx, "kyso/agent/sad-kek", sad)
	if err != nil {
		return nil, unavailable(err)
	}
	key, err := hkdf.Key(sha256.New, slices.Concat(sad, mac), nil, "kyso/agent/sad-kek", 32)
	if err != nil {
		return nil, err
	}
	return newAEAD(key)
}

func (l *Local) sealKEK(ctx context.Context, sad, binding []byte, kek keyring.KEK) ([]byte, error) {
	aead, err := l.sadKey(ctx, sad)
	if err != nil {
		return nil, err
	}
	plain := kek.Bytes()
	defer clear(plain)
	return seal(aead, plain, binding), nil
}

func (l *Local) openKEK(ctx context.Context, sad, binding, sealed []byte) (keyring.KEK, error) {
	aead, err := l.sadKey(ctx, sad)
	if err != nil {
		return keyring.KEK{}, err
	}
	plain, err := open(aead, sealed, binding)
	if err != nil {
		return keyring.KEK{}, ErrSADUnknown.Wrap(err)
	}
	defer clear(plain)
	return keyring.KEKFromBytes(plain)
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal returns nonce ‖ ciphertext ‖ tag.
func seal(aead cipher.AEAD, plain, aad []byte) []byte {
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	rand.Read(nonce) // never fails since Go 1.24
	return aead.Seal(nonce, nonce, plain, aad)
}

func open(aead cipher.AEAD, sealed, aad []byte) ([]byte, error) {
	n := aead.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("sealed value is too short")
	}
	plain, err := aead.Open(nil, sealed[:n], sealed[n:], aad)
	if err != nil {
		return nil, fmt.Errorf("open sealed value: %w", err)
	}
	return plain, nil
}
