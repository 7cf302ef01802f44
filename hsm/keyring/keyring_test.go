package keyring_test

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/hsm/keyring"
	"github.com/kyso-vn/kyso/hsm/p11"
	"github.com/kyso-vn/kyso/internal/testkit/token"
)

const (
	pinA = "48151623"
	pinB = "90210177"
)

// rig is a keyring on a token of its own.
type rig struct {
	*keyring.Keyring
	token *p11.Token
	tok   *token.Token
}

func newRig(t testing.TB) rig {
	t.Helper()
	ctx := context.Background()
	tok := token.New(t)
	p, err := p11.Open(ctx, p11.Config{Module: tok.Module, Label: tok.Label, PIN: tok.PIN})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	if err := errors.Join(p.GenerateWrapKey(ctx, hsm.KeyRef{Label: "wrap-1"}), p.GenerateMACKey(ctx, hsm.KeyRef{Label: "mac"})); err != nil {
		t.Fatal(err)
	}
	k, err := keyring.New(keyring.Config{Token: p, KEKID: "wrap-1", MACKey: hsm.KeyRef{Label: "mac"},
		Argon2: keyring.Argon2{MemoryKiB: 8 * 1024, Time: 1, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return rig{k, p, tok}
}

func (r rig) create(t testing.TB, id string, s keyring.Secret) keyring.Record {
	t.Helper()
	rec, err := r.Create(context.Background(), keyring.Request{KeyID: id, SubjectID: "subject of " + id, Secret: s})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// sign opens rec by s and signs; it checks the values with rec's public key.
func (r rig) sign(rec *keyring.Record, s keyring.Secret, texts ...string) error {
	ctx := context.Background()
	kek, err := r.DeriveKEK(ctx, rec, s)
	if err != nil {
		return err
	}
	defer kek.Destroy()
	var digests [][]byte
	for _, text := range texts {
		d := sha256.Sum256([]byte(text))
		digests = append(digests, d[:])
	}
	values, err := r.SignWithKEK(ctx, rec, kek, digests, crypto.SHA256)
	if err != nil {
		return err
	}
	pub, err := x509.ParsePKIXPublicKey(rec.SPKI)
	if err != nil {
		return err
	}
	for i, v := range values {
		if err := hsm.Verify(pub, digests[i], v, crypto.SHA256); err != nil {
			return err
		}
	}
	if len(values) != len(texts) {
		return fmt.Errorf("%d values for %d texts", len(values), len(texts))
	}
	return nil
}

func TestKeyLivesFromCodeToPINToPIN(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	code := keyring.NewCode()
	first := r.create(t, "k1", keyring.Code(code))
	if err := r.sign(&first, keyring.Code(strings.ToLower(code)), "a"); err != nil {
		t.Errorf("by code: %v", err)
	}
	// The record survives storage.
	b, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	var stored keyring.Record
	if err := json.Unmarshal(b, &stored); err != nil {
		t.Fatal(err)
	}
	second, err := r.Rewrap(t.Context(), &stored, keyring.Code(code), keyring.PIN(pinA))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.sign(&second, keyring.PIN(pinA), "a", "b", "c"); err != nil {
		t.Errorf("by PIN: %v", err)
	}
	if err := r.sign(&second, keyring.Code(code), "a"); !errors.Is(err, keyring.ErrSecretKind) {
		t.Errorf("by code after activation: %v", err)
	}
	third, err := r.Rewrap(t.Context(), &second, keyring.PIN(pinA), keyring.PIN(pinB))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.sign(&third, keyring.PIN(pinB), "a"); err != nil {
		t.Errorf("by new PIN: %v", err)
	}
	if err := r.sign(&third, keyring.PIN(pinA), "a"); !errors.Is(err, keyring.ErrWrongSecret) {
		t.Errorf("by old PIN: %v", err)
	}
	if string(third.SPKI) != string(first.SPKI) {
		t.Error("re-wrapping changed the public key")
	}
}

func TestRoleKeySignsAndIsNotRewrapped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rec := r.create(t, "seal", keyring.Role())
	if err := r.sign(&rec, keyring.Role(), "a"); err != nil {
		t.Error(err)
	}
	if _, err := r.Rewrap(t.Context(), &rec, keyring.Role(), keyring.PIN(pinA)); !errors.Is(err, keyring.ErrSecretKind) {
		t.Errorf("re-wrapped: %v", err)
	}
}

func TestDeviceShareIsNeeded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	share := []byte("sixteen bytes or more")
	rec := r.create(t, "k", keyring.PIN(pinA).WithShare(share))
	if err := r.sign(&rec, keyring.PIN(pinA).WithShare(share), "a"); err != nil {
		t.Error(err)
	}
	if err := r.sign(&rec, keyring.PIN(pinA), "a"); !errors.Is(err, keyring.ErrSecretKind) {
		t.Errorf("without share: %v", err)
	}
	if err := r.sign(&rec, keyring.PIN(pinA).WithShare([]byte("another share of 24 byte")), "a"); !errors.Is(err, keyring.ErrWrongSecret) {
		t.Errorf("another share: %v", err)
	}
}

func TestChangedRecordDoesNotOpen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if err := r.token.GenerateWrapKey(t.Context(), hsm.KeyRef{Label: "wrap-2"}); err != nil {
		t.Fatal(err)
	}
	rec, other := r.create(t, "k1", keyring.PIN(pinA)), r.create(t, "k2", keyring.PIN(pinA))
	for name, change := range map[string]func(*keyring.Record){
		"key id":          func(c *keyring.Record) { c.KeyID = "k2" },
		"subject":         func(c *keyring.Record) { c.SubjectID = "somebody else" },
		"wrapping key":    func(c *keyring.Record) { c.KEKID = "wrap-2" },
		"public key":      func(c *keyring.Record) { c.SPKI = other.SPKI },
		"salt":            func(c *keyring.Record) { c.Salt = other.Salt },
		"seal":            func(c *keyring.Record) { c.Sealed = other.Sealed },
		"cheaper Argon2":  func(c *keyring.Record) { c.Argon2.Time++ },
		"bit of the seal": func(c *keyring.Record) { c.Sealed = append([]byte{}, c.Sealed...); c.Sealed[20] ^= 1 },
		"cut seal":        func(c *keyring.Record) { c.Sealed = c.Sealed[:5] },
	} {
		changed := rec
		change(&changed)
		if err := r.sign(&changed, keyring.PIN(pinA), "a"); !errors.Is(err, keyring.ErrWrongSecret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*keyring.Record){
		"version":       func(c *keyring.Record) { c.Version = 2 },
		"mode":          func(c *keyring.Record) { c.Mode = "none" },
		"Argon2 memory": func(c *keyring.Record) { c.Argon2.MemoryKiB = 1 << 31 },
		"Argon2 zero":   func(c *keyring.Record) { c.Argon2 = keyring.Argon2{} },
		"no seal":       func(c *keyring.Record) { c.Sealed = nil },
		"algorithm":     func(c *keyring.Record) { c.Algorithm = hsm.P384 },
		"SPKI":          func(c *keyring.Record) { c.SPKI = []byte{0x30, 0x81} },
	} {
		changed := rec
		change(&changed)
		if err := r.sign(&changed, keyring.PIN(pinA), "a"); !errors.Is(err, keyring.ErrRecordInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// swapped is a token that answers generation with another key's public key, as
// a token with reused handles would.
type swapped struct {
	keyring.Token
	public crypto.PublicKey
}

func (s swapped) GenerateWrapped(ctx context.Context, wrap hsm.KeyRef, alg hsm.Algorithm) (hsm.WrappedKey, error) {
	w, err := s.Token.GenerateWrapped(ctx, wrap, alg)
	w.Public = s.public
	return w, err
}

func TestSelfTestFindsAnotherPublicKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other := r.create(t, "other", keyring.Role())
	pub, err := other.Public()
	if err != nil {
		t.Fatal(err)
	}
	k, err := keyring.New(keyring.Config{Token: swapped{r.token, pub}, KEKID: "wrap-1", MACKey: hsm.KeyRef{Label: "mac"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Create(t.Context(), keyring.Request{KeyID: "k", SubjectID: "s", Secret: keyring.Role()})
	if !errors.Is(err, hsm.ErrKeyMismatch) {
		t.Errorf("%v", err)
	}
}

func TestKEKIsCarriedAsBytesAndDestroyed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rec := r.create(t, "k", keyring.PIN(pinA))
	kek, err := r.DeriveKEK(t.Context(), &rec, keyring.PIN(pinA))
	if err != nil {
		t.Fatal(err)
	}
	carried, err := keyring.KEKFromBytes(kek.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	d := sha256.Sum256(nil)
	if _, err := r.SignWithKEK(t.Context(), &rec, carried, [][]byte{d[:]}, crypto.SHA256); err != nil {
		t.Error(err)
	}
	kek.Destroy()
	for name, dead := range map[string]keyring.KEK{"destroyed": kek, "zero": {}} {
		if _, err := r.SignWithKEK(t.Context(), &rec, dead, [][]byte{d[:]}, crypto.SHA256); !errors.Is(err, keyring.ErrWrongSecret) {
			t.Errorf("%s KEK: %v", name, err)
		}
	}
	if _, err := keyring.KEKFromBytes(nil); err == nil {
		t.Error("an empty KEK is taken")
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	kek, err := keyring.KEKFromBytes([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	inside := struct {
		s keyring.Secret
		k keyring.KEK
	}{keyring.PIN(pinA).WithShare([]byte("share share share")), kek}
	for _, v := range []any{inside.s, inside.k, inside} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			out := fmt.Sprintf(verb, v)
			for _, secret := range []string{pinA, "share share", "456789ab", fmt.Sprintf("%x", pinA), "34353637"} {
				if strings.Contains(out, secret) {
					t.Errorf("%s of %T prints a secret", verb, v)
				}
			}
		}
		if _, err := json.Marshal(v); err == nil && v != any(inside) {
			t.Errorf("%T can be stored", v)
		}
	}
}

func TestManyPeopleAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			id := fmt.Sprint("k", i)
			rec, err := r.Create(t.Context(), keyring.Request{KeyID: id, SubjectID: id, Secret: keyring.PIN(pinA)})
			if err == nil {
				err = r.sign(&rec, keyring.PIN(pinA), "a", "b")
			}
			if err != nil {
				t.Error(err)
			}
			if err := r.sign(&rec, keyring.PIN(pinB), "a"); !errors.Is(err, keyring.ErrWrongSecret) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestWaitingForACoreEndsWithTheContext(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rec := r.create(t, "k", keyring.PIN(pinA))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.DeriveKEK(ctx, &rec, keyring.PIN(pinA)); err == nil {
		t.Error("a cancelled request was served")
	}
}

func TestRSAKeyOfAPartner(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rec, err := r.Create(t.Context(), keyring.Request{KeyID: "rsa", SubjectID: "s", Algorithm: hsm.RSA2048, Secret: keyring.Role()})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.sign(&rec, keyring.Role(), "a", "b"); err != nil {
		t.Error(err)
	}
}
