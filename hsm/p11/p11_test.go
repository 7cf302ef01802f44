package p11_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/hsm/p11"
	"github.com/kyso-vn/kyso/internal/testkit/token"
)

// open makes a token of its own for the test and logs in.
func open(t testing.TB) (*p11.Token, *token.Token) {
	t.Helper()
	tok := token.New(t)
	return openAgain(t, tok), tok
}

func openAgain(t testing.TB, tok *token.Token) *p11.Token {
	t.Helper()
	p, err := p11.Open(context.Background(), p11.Config{Module: tok.Module, Label: tok.Label, PIN: tok.PIN})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// schemes are the kinds of signature of one key.
func schemes(alg hsm.Algorithm) map[string]crypto.SignerOpts {
	all := map[string]crypto.SignerOpts{"sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512}
	if alg.RSABits() != 0 {
		for name, h := range map[string]crypto.Hash{"pss256": crypto.SHA256, "pss384": crypto.SHA384, "pss512": crypto.SHA512} {
			all[name] = &rsa.PSSOptions{Hash: h, SaltLength: rsa.PSSSaltLengthEqualsHash}
		}
		all["pss-auto"] = &rsa.PSSOptions{Hash: crypto.SHA256}
	}
	return all
}

func digest(h crypto.Hash, text string) []byte {
	d := h.New()
	d.Write([]byte(text))
	return d.Sum(nil)
}

func TestTokenKeySignsInEveryScheme(t *testing.T) {
	t.Parallel()
	p, _ := open(t)
	for _, alg := range []hsm.Algorithm{hsm.P256, hsm.P384, hsm.RSA2048} {
		key := must(p.GenerateKey(t.Context(), hsm.KeyRef{Label: string(alg)}, alg))(t)
		if key.Algorithm() != alg {
			t.Errorf("algorithm is %s, want %s", key.Algorithm(), alg)
		}
		for name, opts := range schemes(alg) {
			d := digest(opts.HashFunc(), name)
			sig, err := key.Sign(rand.Reader, d, opts)
			if err != nil {
				t.Errorf("%s %s: %v", alg, name, err)
				continue
			}
			if err := hsm.Verify(key.Public(), d, sig, opts); err != nil {
				t.Errorf("%s %s: %v", alg, name, err)
			}
			d[0] ^= 1
			if err := hsm.Verify(key.Public(), d, sig, opts); !errors.Is(err, hsm.ErrKeyMismatch) {
				t.Errorf("%s %s: another digest verifies: %v", alg, name, err)
			}
		}
	}
}

func TestWrappedKeySignsInEveryScheme(t *testing.T) {
	t.Parallel()
	p, _ := open(t)
	wrap := hsm.KeyRef{Label: "wrap"}
	if err := p.GenerateWrapKey(t.Context(), wrap); err != nil {
		t.Fatal(err)
	}
	for _, alg := range []hsm.Algorithm{hsm.P256, hsm.P384, hsm.RSA2048} {
		key := must(p.GenerateWrapped(t.Context(), wrap, alg))(t)
		for name, opts := range schemes(alg) {
			ds := [][]byte{digest(opts.HashFunc(), "a"), digest(opts.HashFunc(), "b"), digest(opts.HashFunc(), "c")}
			sigs, err := p.SignWrapped(t.Context(), wrap, key, ds, opts)
			if err != nil {
				t.Errorf("%s %s: %v", alg, name, err)
				continue
			}
			for i := range ds {
				if err := hsm.Verify(key.Public, ds[i], sigs[i], opts); err != nil {
					t.Errorf("%s %s: value %d: %v", alg, name, i, err)
				}
			}
		}
	}
}

func TestMissingModuleIsNamed(t *testing.T) {
	t.Parallel()
	notALibrary := filepath.Join(t.TempDir(), "lib.so")
	if err := os.WriteFile(notALibrary, []byte("not ELF"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/nowhere/libsofthsm2.so", notALibrary, t.TempDir(), "", "no-such-library.so"} {
		_, err := p11.Open(t.Context(), p11.Config{Module: path, Label: "x", PIN: "1"})
		if !errors.Is(err, hsm.ErrModuleMissing) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestUnknownTokenIsNamed(t *testing.T) {
	t.Parallel()
	tok := token.New(t)
	_, err := p11.Open(t.Context(), p11.Config{Module: tok.Module, Label: "no-such-token", PIN: tok.PIN})
	if !errors.Is(err, hsm.ErrTokenNotFound) || !strings.Contains(err.Error(), "no-such-token") {
		t.Errorf("%v", err)
	}
}

func TestTokenMadeAfterOthersWereOpenedIsFound(t *testing.T) {
	t.Parallel()
	first, _ := open(t)
	key := must(first.GenerateKey(t.Context(), hsm.KeyRef{Label: "k"}, hsm.P256))(t)
	second, _ := open(t) // initialises the module again below the first
	must(second.GenerateKey(t.Context(), hsm.KeyRef{Label: "k"}, hsm.P256))(t)

	d := sha256.Sum256([]byte("still there"))
	sig := must(key.Sign(nil, d[:], crypto.SHA256))(t)
	if err := hsm.Verify(key.Public(), d[:], sig, crypto.SHA256); err != nil {
		t.Error(err)
	}
}

func TestSameTokenOpenedTwiceAndClosedOnce(t *testing.T) {
	t.Parallel()
	a, tok := open(t)
	key := must(a.GenerateKey(t.Context(), hsm.KeyRef{Label: "k"}, hsm.P256))(t)
	b := openAgain(t, tok)
	b.Close()
	b.Close()
	d := sha256.Sum256(nil)
	must(key.Sign(nil, d[:], crypto.SHA256))(t)
	if _, err := b.Signer(t.Context(), hsm.KeyRef{Label: "k"}); !errors.Is(err, hsm.ErrClosed) {
		t.Errorf("closed token: %v", err)
	}
}

func TestSixteenGoroutinesSign(t *testing.T) {
	t.Parallel()
	p, _ := open(t)
	wrap := hsm.KeyRef{Label: "wrap"}
	if err := p.GenerateWrapKey(t.Context(), wrap); err != nil {
		t.Fatal(err)
	}
	key := must(p.GenerateKey(t.Context(), hsm.KeyRef{Label: "k"}, hsm.P256))(t)
	wrapped := must(p.GenerateWrapped(t.Context(), wrap, hsm.P256))(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := range 25 {
				d := sha512.Sum384([]byte{byte(i)})
				sig, err := key.SignContext(t.Context(), d[:], crypto.SHA384)
				if err == nil {
					err = hsm.Verify(key.Public(), d[:], sig, crypto.SHA384)
				}
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := p.SignWrapped(t.Context(), wrap, wrapped, [][]byte{d[:]}, crypto.SHA384); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
