package hsm_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/kyso-vn/kyso/hsm"
)

// soft is a Signer whose public key may be another than the one it signs with.
type soft struct {
	*ecdsa.PrivateKey
	public crypto.PublicKey
}

func (s soft) Public() crypto.PublicKey { return s.public }
func (s soft) Ref() hsm.KeyRef          { return hsm.KeyRef{Label: "soft"} }
func (s soft) Algorithm() hsm.Algorithm { return hsm.P256 }
func (s soft) SignContext(_ context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.Sign(rand.Reader, digest, opts)
}

func TestCheckedSignerGivesNothingThatDoesNotVerify(t *testing.T) {
	t.Parallel()
	var keys [2]*ecdsa.PrivateKey
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	digest := make([]byte, 32)
	good, bad := hsm.Checked(soft{keys[0], keys[0].Public()}), hsm.Checked(soft{keys[0], keys[1].Public()})
	if _, err := good.Sign(nil, digest, crypto.SHA256); err != nil {
		t.Error(err)
	}
	if sig, err := bad.Sign(nil, digest, crypto.SHA256); !errors.Is(err, hsm.ErrKeyMismatch) || sig != nil {
		t.Errorf("value of %d bytes, %v", len(sig), err)
	}
}

func TestAlgorithmsAreNamedByTheirKeys(t *testing.T) {
	t.Parallel()
	for _, alg := range hsm.Algorithms() {
		if !alg.Valid() || (alg.Curve() == nil) == (alg.RSABits() == 0) {
			t.Errorf("%s is neither a curve nor RSA", alg)
		}
	}
	for curve, want := range map[elliptic.Curve]hsm.Algorithm{elliptic.P256(): hsm.P256, elliptic.P384(): hsm.P384, elliptic.P521(): ""} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		got, err := hsm.AlgorithmOf(key.Public())
		if got != want || (want == "") != errors.Is(err, hsm.ErrUnsupported) {
			t.Errorf("%s is %q, %v", curve.Params().Name, got, err)
		}
	}
}
