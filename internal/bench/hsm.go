package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"runtime"

	"golang.org/x/crypto/argon2"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/hsm/keyring"
	"github.com/kyso-vn/kyso/hsm/p11"
	"github.com/kyso-vn/kyso/hsm/p11/p11bench"
	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/testkit/token"
)

const (
	tokenLabel = "bench"
	tokenPIN   = "benchmark-pin"
)

// openToken makes a SoftHSM token in the temporary folder and opens it.
func openToken(ctx context.Context, o options) (*p11.Token, p11bench.Target, error) {
	dir := filepath.Join(o.dir, "token")
	module, err := token.Module()
	if err != nil {
		return nil, p11bench.Target{}, err
	}
	if err := token.Init(dir, tokenLabel, tokenPIN, "so-"+tokenPIN); err != nil {
		return nil, p11bench.Target{}, err
	}
	if err := token.Use(dir); err != nil {
		return nil, p11bench.Target{}, err
	}
	t, err := p11.Open(ctx, p11.Config{Module: module, Label: tokenLabel, PIN: tokenPIN})
	return t, p11bench.Target{Module: module, Label: tokenLabel, PIN: tokenPIN, Goroutines: o.parallel, Duration: o.seconds}, err
}

// hsmSign measures signing with a token key through hsm/p11.
func hsmSign(alg hsm.Algorithm) func(context.Context, options) (line, error) {
	return func(ctx context.Context, o options) (line, error) {
		t, bare, err := openToken(ctx, o)
		if err != nil {
			return line{}, err
		}
		key, err := t.GenerateKey(ctx, hsm.KeyRef{Label: "sign"}, alg)
		if err != nil {
			return line{}, err
		}
		digest := sha256.Sum256([]byte("bench"))
		l, err := measure(ctx, o.parallel, o.seconds, func(ctx context.Context, _ int) error {
			_, err := key.SignContext(ctx, digest[:], crypto.SHA256)
			return err
		})
		if err != nil {
			return l, err
		}
		limit, err := p11bench.Sign(ctx, bare, "sign", alg)
		l.Unit, l.Limit = "signs/s", limit.PerSecond()
		return l, err
	}
}

// unwrapSign measures hsm/keyring: a person's key unwrapped, used once and destroyed.
func unwrapSign(ctx context.Context, o options) (line, error) {
	t, bare, err := openToken(ctx, o)
	if err != nil {
		return line{}, err
	}
	if err := agent.SetUp(ctx, t); err != nil {
		return line{}, err
	}
	ring, err := keyring.New(keyring.Config{Token: t, KEKID: agent.WrapKeyLabel, MACKey: hsm.KeyRef{Label: agent.MACKeyLabel}})
	if err != nil {
		return line{}, err
	}
	rec, err := ring.Create(ctx, keyring.Request{KeyID: "k", SubjectID: "s", Secret: keyring.Role()})
	if err != nil {
		return line{}, err
	}
	kek, err := ring.DeriveKEK(ctx, &rec, keyring.Role())
	if err != nil {
		return line{}, err
	}
	digest := sha256.Sum256([]byte("bench"))
	l, err := measure(ctx, o.parallel, o.seconds, func(ctx context.Context, _ int) error {
		_, err := ring.SignWithKEK(ctx, &rec, kek, [][]byte{digest[:]}, crypto.SHA256)
		return err
	})
	if err != nil {
		return l, err
	}
	wrapped, err := t.GenerateWrapped(ctx, hsm.KeyRef{Label: agent.WrapKeyLabel}, hsm.P256)
	if err != nil {
		return l, err
	}
	limit, err := p11bench.UnwrapSign(ctx, bare, agent.WrapKeyLabel, wrapped)
	l.Unit, l.Limit = "signs/s", limit.PerSecond()
	return l, err
}

// authorizePIN measures opening a key by its PIN: counter, Argon2id and the HSM's pepper.
func authorizePIN(ctx context.Context, o options) (line, error) {
	w, err := newWorld(ctx, o, "sqlite:"+filepath.Join(o.dir, "kyso.db"))
	if err != nil {
		return line{}, err
	}
	defer w.close()
	const pin = "48151623"
	hash := sha256.Sum256([]byte("bench"))
	var who []signatory
	for i := range o.parallel {
		s, err := w.signatory(ctx, fmt.Sprintf("person-%d", i), pin)
		if err != nil {
			return line{}, err
		}
		who = append(who, s)
	}
	l, err := measure(ctx, o.parallel, o.seconds, func(ctx context.Context, worker int) error {
		s := who[worker]
		otp, err := s.otp()
		if err != nil {
			return err
		}
		_, err = s.agent.Authorize(ctx, agent.Authorization{CredentialID: s.credential, SubjectID: s.subject, PIN: pin, OTP: otp,
			Hashes: [][]byte{hash[:]}, HashAlg: crypto.SHA256})
		return err
	})
	if err != nil {
		return l, err
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	limit, err := measure(ctx, min(o.parallel, runtime.GOMAXPROCS(0)), o.seconds, func(context.Context, int) error {
		argon2.IDKey([]byte(pin), salt, 2, 19*1024, 1, 32)
		return nil
	})
	l.Unit, l.Limit = "authorisations/s", limit.Value
	return l, err
}
