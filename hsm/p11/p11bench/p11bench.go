// Package p11bench measures how fast a PKCS#11 token is by itself: bare loops of
// library calls through the same binding as hsm/p11, without its pool, caches,
// encodings and checks. They are the limits that hsm/p11 and hsm/keyring are
// compared with.
//
// Nothing here is for production: the loops do not verify what they sign. When
// an hsm/p11 Token of the same module is open in the process, keep it open for
// the whole run; its login is used.
package p11bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/kyso-vn/kyso/hsm"
)

// Target says what to measure and for how long.
type Target struct {
	Module string // path of the PKCS#11 library
	Label  string // of the token
	PIN    string

	Goroutines int           // each with a session of its own; zero: 1
	Duration   time.Duration // zero: 1 s
	// Limit ends the loops after that many operations; zero: none.
	Limit int64

	// WrapMechanism is the number of AES key wrap with padding; zero: 0x210A.
	WrapMechanism uint
}

// Result is how many operations were done in what time.
type Result struct {
	Operations int64
	Elapsed    time.Duration
}

// PerSecond is the rate.
func (r Result) PerSecond() float64 { return float64(r.Operations) / r.Elapsed.Seconds() }

// Sign repeats C_SignInit and C_Sign with the token key of that label: CKM_ECDSA
// on 32 bytes, or CKM_RSA_PKCS on a DigestInfo of 51.
func Sign(ctx context.Context, t Target, key string, alg hsm.Algorithm) (Result, error) {
	return t.run(ctx, func(w *worker) (func() error, error) {
		h, err := w.find(key, pkcs11.CKO_PRIVATE_KEY)
		return func() error { return w.sign(h, alg) }, err
	})
}

// UnwrapSign repeats C_UnwrapKey, C_SignInit, C_Sign and C_DestroyObject with
// one wrapped key.
func UnwrapSign(ctx context.Context, t Target, wrap string, key hsm.WrappedKey) (Result, error) {
	typ := pkcs11.CKK_EC
	if key.Algorithm.RSABits() != 0 {
		typ = pkcs11.CKK_RSA
	}
	template := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, typ),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_SIGN, true),
	}
	return t.run(ctx, func(w *worker) (func() error, error) {
		if len(key.Blob) == 0 {
			return nil, hsm.ErrBlobInvalid
		}
		h, err := w.find(wrap, pkcs11.CKO_SECRET_KEY)
		return func() error {
			k, err := w.lib.UnwrapKey(w.s, w.wrap(), h, key.Blob, template)
			if err != nil {
				return err
			}
			return errors.Join(w.sign(k, key.Algorithm), w.lib.DestroyObject(w.s, k))
		}, err
	})
}

// GenerateWrap repeats C_GenerateKeyPair, C_WrapKey and C_DestroyObject of both
// halves, for P-256.
func GenerateWrap(ctx context.Context, t Target, wrap string) (Result, error) {
	public := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false),
		pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, []byte{0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07})}
	private := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SIGN, true)}
	generate := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_EC_KEY_PAIR_GEN, nil)}
	return t.run(ctx, func(w *worker) (func() error, error) {
		h, err := w.find(wrap, pkcs11.CKO_SECRET_KEY)
		return func() error {
			pub, priv, err := w.lib.GenerateKeyPair(w.s, generate, public, private)
			if err != nil {
				return err
			}
			_, err = w.lib.WrapKey(w.s, w.wrap(), h, priv)
			return errors.Join(err, w.lib.DestroyObject(w.s, pub), w.lib.DestroyObject(w.s, priv))
		}, err
	})
}

// worker is one goroutine's session.
type worker struct {
	lib  *pkcs11.Ctx
	s    pkcs11.SessionHandle
	kwp  uint
	data [51]byte
}

func (w *worker) wrap() []*pkcs11.Mechanism {
	return []*pkcs11.Mechanism{pkcs11.NewMechanism(w.kwp, nil)}
}

func (w *worker) sign(key pkcs11.ObjectHandle, alg hsm.Algorithm) error {
	mechanism, data := uint(pkcs11.CKM_ECDSA), w.data[:32]
	if alg.RSABits() != 0 {
		mechanism, data = pkcs11.CKM_RSA_PKCS, w.data[:]
	}
	if err := w.lib.SignInit(w.s, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)}, key); err != nil {
		return err
	}
	_, err := w.lib.Sign(w.s, data)
	return err
}

func (w *worker) find(label string, class uint) (pkcs11.ObjectHandle, error) {
	err := w.lib.FindObjectsInit(w.s, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, class),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label)})
	if err != nil {
		return 0, err
	}
	found, _, err := w.lib.FindObjects(w.s, 2)
	if err = errors.Join(err, w.lib.FindObjectsFinal(w.s)); err != nil {
		return 0, err
	}
	if len(found) != 1 {
		return 0, &hsm.Error{Code: hsm.CodeKeyNotFound, Op: "find key", Subject: label}
	}
	return found[0], nil
}

// run prepares the workers, then lets them loop at once.
func (t Target) run(ctx context.Context, prepare func(*worker) (func() error, error)) (res Result, err error) {
	if t.Goroutines <= 0 {
		t.Goroutines = 1
	}
	if t.Duration <= 0 {
		t.Duration = time.Second
	}
	if t.WrapMechanism == 0 {
		t.WrapMechanism = pkcs11.CKM_AES_KEY_WRAP_PAD
	}
	// 1. The library, ours or already there.
	lib := pkcs11.New(t.Module)
	if lib == nil {
		return res, &hsm.Error{Code: hsm.CodeModuleMissing, Op: "load PKCS#11 module", Subject: t.Module}
	}
	switch err := lib.Initialize(); {
	case err == nil:
		defer func() { _ = lib.Finalize() }() // measured already
	case !errors.Is(err, pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED)):
		return res, fmt.Errorf("initialise %s: %w", t.Module, err)
	}
	slot, err := t.slot(lib)
	if err != nil {
		return res, err
	}
	// 2. A session and its key for each goroutine.
	steps := make([]func() error, t.Goroutines)
	for i := range steps {
		s, err := lib.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
		if err != nil {
			return res, fmt.Errorf("open session: %w", err)
		}
		defer func() { _ = lib.CloseSession(s) }() // measured already
		if err := lib.Login(s, pkcs11.CKU_USER, t.PIN); err != nil && !errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)) {
			return res, fmt.Errorf("log in: %w", err)
		}
		if steps[i], err = prepare(&worker{lib: lib, s: s, kwp: t.WrapMechanism}); err != nil {
			return res, fmt.Errorf("prepare loop: %w", err)
		}
	}
	// 3. The loops.
	return loop(ctx, t, steps)
}

func loop(ctx context.Context, t Target, steps []func() error) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Duration)
	defer cancel()
	var started, done atomic.Int64
	errs := make([]error, len(steps))
	var wg sync.WaitGroup
	begin := time.Now()
	for i, step := range steps {
		wg.Go(func() {
			for ctx.Err() == nil && (t.Limit == 0 || started.Add(1) <= t.Limit) {
				if errs[i] = step(); errs[i] != nil {
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return Result{Operations: done.Load(), Elapsed: time.Since(begin)}, errors.Join(errs...)
}

func (t Target) slot(lib *pkcs11.Ctx) (uint, error) {
	slots, err := lib.GetSlotList(true)
	if err != nil {
		return 0, fmt.Errorf("list slots: %w", err)
	}
	for _, slot := range slots {
		if info, err := lib.GetTokenInfo(slot); err == nil && info.Label == t.Label {
			return slot, nil
		}
	}
	return 0, &hsm.Error{Code: hsm.CodeTokenNotFound, Op: "find token", Subject: t.Label}
}
