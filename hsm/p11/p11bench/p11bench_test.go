package p11bench_test

import (
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/hsm/keyring"
	"github.com/kyso-vn/kyso/hsm/p11"
	"github.com/kyso-vn/kyso/hsm/p11/p11bench"
	"github.com/kyso-vn/kyso/internal/testkit/token"
)

// rig is a token with a CA key, a wrapping key and a MAC key.
type rig struct {
	*p11.Token
	bare p11bench.Target
	ca   hsm.Signer
}

func newRig(tb testing.TB) rig {
	tb.Helper()
	ctx := context.Background()
	tok := token.New(tb)
	p, err := p11.Open(ctx, p11.Config{Module: tok.Module, Label: tok.Label, PIN: tok.PIN})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	ca, err := p.GenerateKey(ctx, hsm.KeyRef{Label: "ca"}, hsm.P256)
	err = errors.Join(err, p.GenerateWrapKey(ctx, hsm.KeyRef{Label: "wrap"}), p.GenerateMACKey(ctx, hsm.KeyRef{Label: "mac"}))
	if err != nil {
		tb.Fatal(err)
	}
	return rig{p, p11bench.Target{Module: tok.Module, Label: tok.Label, PIN: tok.PIN, Goroutines: 2, Duration: time.Hour}, ca}
}

func (r rig) wrapped(tb testing.TB) hsm.WrappedKey {
	tb.Helper()
	key, err := r.GenerateWrapped(context.Background(), hsm.KeyRef{Label: "wrap"}, hsm.P256)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func TestBareLoopsWork(t *testing.T) {
	r := newRig(t)
	key := r.wrapped(t)
	r.bare.Limit = 10
	for name, run := range map[string]func() (p11bench.Result, error){
		"sign":     func() (p11bench.Result, error) { return p11bench.Sign(t.Context(), r.bare, "ca", hsm.P256) },
		"unwrap":   func() (p11bench.Result, error) { return p11bench.UnwrapSign(t.Context(), r.bare, "wrap", key) },
		"generate": func() (p11bench.Result, error) { return p11bench.GenerateWrap(t.Context(), r.bare, "wrap") },
	} {
		res, err := run()
		if err != nil || res.Operations != 10 || res.PerSecond() <= 0 {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
	if _, err := p11bench.Sign(t.Context(), r.bare, "none", hsm.P256); !errors.Is(err, hsm.ErrKeyNotFound) {
		t.Errorf("missing key: %v", err)
	}
}

func bare(b *testing.B, r rig, run func(p11bench.Target) (p11bench.Result, error)) {
	b.Helper()
	r.bare.Limit = int64(b.N)
	b.ResetTimer()
	res, err := run(r.bare)
	b.StopTimer()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(res.PerSecond(), "ops/s")
}

// two runs op b.N times in two goroutines, as the bare loops do.
func two(b *testing.B, op func() error) {
	b.Helper()
	b.SetParallelism(1)
	begin := time.Now()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := op(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/time.Since(begin).Seconds(), "ops/s")
}

func BenchmarkSignP256(b *testing.B) {
	r := newRig(b)
	d := sha256.Sum256(nil)
	two(b, func() error {
		_, err := r.ca.SignContext(context.Background(), d[:], crypto.SHA256)
		return err
	})
}

func BenchmarkSignP256Checked(b *testing.B) {
	r := newRig(b)
	ca := hsm.Checked(r.ca)
	d := sha256.Sum256(nil)
	two(b, func() error {
		_, err := ca.SignContext(context.Background(), d[:], crypto.SHA256)
		return err
	})
}

func BenchmarkBareSignP256(b *testing.B) {
	r := newRig(b)
	bare(b, r, func(t p11bench.Target) (p11bench.Result, error) {
		return p11bench.Sign(context.Background(), t, "ca", hsm.P256)
	})
}

func BenchmarkUnwrapSignP256(b *testing.B) {
	r := newRig(b)
	k, err := keyring.New(keyring.Config{Token: r.Token, KEKID: "wrap", MACKey: hsm.KeyRef{Label: "mac"}})
	if err != nil {
		b.Fatal(err)
	}
	rec, err := k.Create(context.Background(), keyring.Request{KeyID: "k", SubjectID: "s", Secret: keyring.Role()})
	if err != nil {
		b.Fatal(err)
	}
	kek, err := k.DeriveKEK(context.Background(), &rec, keyring.Role())
	if err != nil {
		b.Fatal(err)
	}
	d := sha256.Sum256(nil)
	two(b, func() error {
		_, err := k.SignWithKEK(context.Background(), &rec, kek, [][]byte{d[:]}, crypto.SHA256)
		return err
	})
}

func BenchmarkBareUnwrapSignP256(b *testing.B) {
	r := newRig(b)
	key := r.wrapped(b)
	bare(b, r, func(t p11bench.Target) (p11bench.Result, error) {
		return p11bench.UnwrapSign(context.Background(), t, "wrap", key)
	})
}

func BenchmarkGenerateWrappedP256(b *testing.B) {
	r := newRig(b)
	two(b, func() error {
		_, err := r.GenerateWrapped(context.Background(), hsm.KeyRef{Label: "wrap"}, hsm.P256)
		return err
	})
}

func BenchmarkBareGenerateWrapP256(b *testing.B) {
	r := newRig(b)
	bare(b, r, func(t p11bench.Target) (p11bench.Result, error) {
		return p11bench.GenerateWrap(context.Background(), t, "wrap")
	})
}
