package keyring

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"

	"github.com/kyso-vn/kyso/hsm"
)

// Secret is what opens a record. Make it with Code, PIN or Role. It prints as
// its mode only.
type Secret struct {
	mode  Mode
	value *string // pointers: fmt does not follow those of a struct in a struct
	share *string
}

// text is the value behind p, "" when there is none.
func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// Code opens a record by the activation code, as the person typed it.
func Code(text string) Secret { return Secret{mode: ModeCode, value: &text} }

// PIN opens a record by its owner's PIN.
func PIN(pin string) Secret { return Secret{mode: ModePIN, value: &pin} }

// Role opens an organisation's record. The caller has checked role and approval.
func Role() Secret { return Secret{mode: ModeRole} }

// WithShare adds the part of the KEK that the owner's device holds (WebAuthn
// PRF), of 16 bytes or more.
func (s Secret) WithShare(share []byte) Secret {
	text := string(share)
	s.share = &text
	return s
}

func (s Secret) String() string   { return "secret of mode " + string(s.mode) }
func (s Secret) GoString() string { return s.String() }

// MarshalJSON refuses: secrets are not stored.
func (s Secret) MarshalJSON() ([]byte, error) { return nil, errors.New("a secret is not stored") }

var _ json.Marshaler = Secret{}

// kekSize is in bytes: AES-256.
const kekSize = 32

// KEK opens one record, once derived from the owner's secret. It may be kept
// for the time between authorisation and signature, sealed under something that
// only the caller's caller has. Call Destroy when done.
type KEK struct{ key *[kekSize]byte }

// KEKFromBytes takes what Bytes gave, and keeps its own copy.
func KEKFromBytes(b []byte) (KEK, error) {
	if len(b) != kekSize {
		return KEK{}, &hsm.Error{Code: codeWrongSecret, Op: "read KEK", Err: fmt.Errorf("%d bytes", len(b))}
	}
	k := KEK{new([kekSize]byte)}
	copy(k.key[:], b)
	return k, nil
}

// Bytes is a copy of the 32 bytes, to be sealed and then cleared by the caller.
func (k KEK) Bytes() []byte {
	if k.key == nil {
		return nil
	}
	return append([]byte(nil), k.key[:]...)
}

// Destroy overwrites the key; all copies of this KEK value share it.
func (k KEK) Destroy() {
	if k.key != nil {
		clear(k.key[:])
	}
}

func (k KEK) String() string               { return "KEK" }
func (k KEK) GoString() string             { return "KEK" }
func (k KEK) MarshalJSON() ([]byte, error) { return nil, errors.New("a KEK is not stored in clear") }

// derive computes the KEK of r from s, whether or not it opens r.
func (k *Keyring) derive(ctx context.Context, r *Record, s Secret) (KEK, error) {
	if s.mode != r.Mode || (text(s.share) != "") != r.DeviceShare {
		return KEK{}, &hsm.Error{Code: codeSecretKind, Op: "open key", Subject: r.KeyID,
			Err: fmt.Errorf("record of mode %q, device share %t; %v", r.Mode, r.DeviceShare, s)}
	}
	// 1. What the person knows.
	known, err := k.known(ctx, r, s)
	if err != nil {
		return KEK{}, err
	}
	defer clear(known)
	// 2. What only the token can add.
	sum, err := k.mac.Sum(ctx, "kyso/keyring/kek/"+string(r.Mode), []byte(r.KeyID), []byte(r.SubjectID), []byte(r.KEKID), r.Salt, known)
	if err != nil {
		return KEK{}, err
	}
	defer clear(sum)
	// 3. Both, and the device's share.
	input := Encode("kek", known, sum, []byte(text(s.share)))
	defer clear(input)
	key, err := hkdf.Key(sha256.New, input, r.Salt, "kyso/keyring/v1/"+string(r.Mode), kekSize)
	if err != nil {
		return KEK{}, fmt.Errorf("derive KEK of %s: %w", r.KeyID, err)
	}
	defer clear(key)
	return KEKFromBytes(key)
}

// known is the code in its one form, the PIN after Argon2id, or nothing.
func (k *Keyring) known(ctx context.Context, r *Record, s Secret) ([]byte, error) {
	switch s.mode {
	case ModeCode:
		code, err := ParseCode(text(s.value))
		return []byte(code), err
	case ModePIN:
		return k.argon2(ctx, text(s.value), r.Salt, r.Argon2)
	}
	return nil, nil
}

// argon2 runs at most as many times at once as there are cores: more would only
// take memory.
func (k *Keyring) argon2(ctx context.Context, pin string, salt []byte, p Argon2) ([]byte, error) {
	if len(pin) > 64 {
		return nil, ErrWrongSecret
	}
	select {
	case k.cores <- struct{}{}:
		defer func() { <-k.cores }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("wait to check PIN: %w", err)
	}
	secret := []byte(pin)
	defer clear(secret)
	return argon2.IDKey(secret, salt, p.Time, p.MemoryKiB, p.Threads, kekSize), nil
}
