package p11

import (
	"bytes"
	"context"
	"crypto"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math"
	"math/big"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/kyso-vn/kyso/hsm"
)

func TestGateLetsOneInAloneAndGivesUpWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g gate
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		alone, release := make(chan struct{}), make(chan struct{})
		go func() {
			_ = g.alone(t.Context(), func() error { close(alone); <-release; return nil })
		}()
		synctest.Wait()
		select {
		case <-alone:
			t.Fatal("alone with someone inside")
		default:
		}
		// Who comes now waits behind the one who wants to be alone.
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.enter(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("entered a shut gate: %v", err)
		}
		g.leave()
		<-alone
		short, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.alone(short, func() error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("two alone: %v", err)
		}
		close(release)
		if err := g.enter(t.Context()); err != nil {
			t.Error(err)
		}
		// Giving up being alone opens the gate again.
		short, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.alone(short, func() error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("alone with someone inside: %v", err)
		}
		if err := g.enter(t.Context()); err != nil {
			t.Error(err)
		}
		g.leave()
		g.leave()
		if err := g.alone(t.Context(), func() error { return nil }); err != nil {
			t.Error(err)
		}
	})
}

func TestErrorsAreSortedByWhatHelps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rv    uint
		class class
		code  hsm.Code
	}{
		{pkcs11.CKR_SESSION_HANDLE_INVALID, classNewSession, hsm.CodeUnavailable},
		{pkcs11.CKR_OPERATION_ACTIVE, classNewSession, hsm.CodeUnavailable},
		{pkcs11.CKR_USER_NOT_LOGGED_IN, classLogin, hsm.CodeUnavailable},
		{pkcs11.CKR_KEY_HANDLE_INVALID, classLogin, hsm.CodeUnavailable},
		{pkcs11.CKR_DEVICE_ERROR, classReinit, hsm.CodeUnavailable},
		{pkcs11.CKR_TOKEN_NOT_PRESENT, classReinit, hsm.CodeUnavailable},
		{pkcs11.CKR_GENERAL_ERROR, classMaybe, hsm.CodeFailed},
		{pkcs11.CKR_PIN_INCORRECT, classStop, hsm.CodePINIncorrect},
		{pkcs11.CKR_PIN_LOCKED, classStop, hsm.CodePINLocked},
		{pkcs11.CKR_DATA_LEN_RANGE, classCaller, hsm.CodeFailed},
		{pkcs11.CKR_MECHANISM_INVALID, classCaller, hsm.CodeMechanismMissing},
		{pkcs11.CKR_SESSION_COUNT, classNone, hsm.CodeSessionLimit},
	} {
		err := fmt.Errorf("wrapped: %w", pkcs11.Error(c.rv))
		if classOf(err) != c.class || codeOf(err) != c.code {
			t.Errorf("%v: class %d, code %s", err, classOf(err), codeOf(err))
		}
		if got := fault("sign with", "k", err); classOf(got) != c.class || hsm.CodeOf(got) != c.code {
			t.Errorf("%v loses its class or code", got)
		}
	}
}

func TestPoolLeavesRoomForKeeperAndWriter(t *testing.T) {
	t.Parallel()
	for limit, want := range map[uint]int{0: 8, math.MaxUint: 8, math.MaxUint32: 8, 100: 8, 8: 6, 3: 1, 1: 1} {
		if got := poolSize(8, pkcs11.TokenInfo{MaxSessionCount: limit}); got != want {
			t.Errorf("limit %d: %d sessions, want %d", limit, got, want)
		}
	}
}

func TestPoolShrinksToOneWhenTheTokenGivesNoMoreSessions(t *testing.T) {
	t.Parallel()
	tok := &Token{}
	tok.size.Store(3)
	first, second, third := tok.shrink(), tok.shrink(), tok.shrink()
	if !first || !second || third || tok.size.Load() != 1 {
		t.Errorf("size is %d", tok.size.Load())
	}
}

func TestSignatureMethodsRefuseWhatTokensCannotDo(t *testing.T) {
	t.Parallel()
	ec, err := parseECPublic(oidP256, append([]byte{4}, append(elliptic.P256().Params().Gx.FillBytes(make([]byte, 32)),
		elliptic.P256().Params().Gy.FillBytes(make([]byte, 32))...)...))
	if err != nil {
		t.Fatal(err)
	}
	key := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537}
	for name, c := range map[string]struct {
		pub  crypto.PublicKey
		opts crypto.SignerOpts
	}{
		"no hash":      {ec, nil},
		"whole text":   {ec, crypto.Hash(0)},
		"SHA-1":        {key, crypto.SHA1},
		"PSS on EC":    {ec, &rsa.PSSOptions{Hash: crypto.SHA256}},
		"long salt":    {key, &rsa.PSSOptions{Hash: crypto.SHA256, SaltLength: 33}},
		"another type": {"key", crypto.SHA256},
	} {
		if _, err := newMethod(c.pub, c.opts); !errors.Is(err, hsm.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	how, err := newMethod(ec, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&session{}).sign(how, 0, make([]byte, 20)); !errors.Is(err, hsm.ErrUnsupported) {
		t.Errorf("short digest: %v", err)
	}
	if _, err := derSignature(make([]byte, 63), elliptic.P256()); err == nil {
		t.Error("a short ECDSA value is taken")
	}
}

func FuzzECPublic(f *testing.F) {
	g := append([]byte{4}, append(elliptic.P256().Params().Gx.FillBytes(make([]byte, 32)),
		elliptic.P256().Params().Gy.FillBytes(make([]byte, 32))...)...)
	f.Add(oidP256, g)
	f.Add(oidP256, append([]byte{4, 65}, g...))
	f.Add(oidP384, []byte{4, 0})
	f.Add([]byte{0x30, 0x81}, []byte{4, 0x84, 1})
	f.Fuzz(func(t *testing.T, params, point []byte) {
		pub, err := parseECPublic(params, point)
		if err != nil {
			return
		}
		bare, err := pub.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasSuffix(point, bare) {
			t.Fatalf("%x became %x", point, bare)
		}
		again, err := parseECPublic(params, bare)
		if err != nil || !again.Equal(pub) {
			t.Fatalf("%x: %v", bare, err)
		}
	})
}
