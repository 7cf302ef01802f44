package agent_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/hsm/p11"
	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/testkit/token"
)

const pin = "28461937"

// drafts is a ledger in memory over the real store.
type drafts struct {
	*store.Store
	mu   sync.Mutex
	seen map[string]bool
}

func (d *drafts) DraftRecorded(_ context.Context, key string, hash []byte) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen[key+string(hash)], nil
}

type rig struct {
	*agent.Local
	t     *testing.T
	token hsm.Token
	d     *drafts
	now   atomic.Int64
}

func newRig(t *testing.T, s *store.Store) *rig {
	t.Helper()
	tok := token.New(t)
	p, err := p11.Open(t.Context(), p11.Config{Module: tok.Module, Label: tok.Label, PIN: tok.PIN})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := agent.SetUp(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := agent.SetUp(t.Context(), p); err != nil {
		t.Fatalf("second set-up: %v", err)
	}
	r := &rig{t: t, token: p, d: &drafts{Store: s, seen: map[string]bool{}}}
	r.now.Store(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC).Unix())
	r.Local, err = agent.NewLocal(t.Context(), agent.LocalConfig{Token: p, Now: func() time.Time { return time.Unix(r.now.Load(), 0) }})
	if err != nil {
		t.Fatal(err)
	}
	r.UseStore(r.d)
	return r
}

// active makes a credential whose owner has chosen the PIN, and the owner's OTP secret.
func (r *rig) active(subject string) (credential, otpSecret string) {
	r.t.Helper()
	ctx := r.t.Context()
	k, err := r.CreateKey(ctx, agent.KeyRequest{SubjectID: subject, Unlock: agent.UnlockPIN})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.Activate(ctx, k.CredentialID, k.ActivationCode, pin); err != nil {
		r.t.Fatal(err)
	}
	secret, err := r.EnrolTOTP(ctx, subject)
	if err != nil {
		r.t.Fatal(err)
	}
	return k.CredentialID, secret
}

func (r *rig) otp(secret string) string {
	r.t.Helper()
	r.now.Add(30) // the next step: none is taken twice
	code, err := totp.GenerateCode(secret, time.Unix(r.now.Load(), 0))
	if err != nil {
		r.t.Fatal(err)
	}
	return code
}

func digests(texts ...string) [][]byte {
	out := make([][]byte, len(texts))
	for i, s := range texts {
		h := sha256.Sum256([]byte(s))
		out[i] = h[:]
	}
	return out
}

func TestAPersonSignsWithPINAndOTPExactlyWhatWasAuthorised(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		r, ctx := newRig(t, s), t.Context()
		cred, secret := r.active("p1")
		hs := digests("a", "b", "c")
		auth := agent.Authorization{CredentialID: cred, SubjectID: "p1", PIN: pin, OTP: r.otp(secret), Hashes: hs, HashAlg: crypto.SHA256}
		grant, err := r.Authorize(ctx, auth)
		if err != nil {
			t.Fatal(err)
		}
		good := agent.SignRequest{SAD: grant.SAD, CredentialID: cred, SubjectID: "p1", Hashes: hs, HashAlg: crypto.SHA256}
		for name, c := range map[string]struct {
			change func(*agent.SignRequest)
			want   error
		}{
			"wrong order":        {func(q *agent.SignRequest) { q.Hashes = digests("b", "a", "c") }, agent.ErrSADMismatch},
			"one hash more":      {func(q *agent.SignRequest) { q.Hashes = digests("a", "b", "c", "d") }, agent.ErrSADMismatch},
			"one hash less":      {func(q *agent.SignRequest) { q.Hashes = hs[:2] }, agent.ErrSADMismatch},
			"another subject":    {func(q *agent.SignRequest) { q.SubjectID = "p2" }, agent.ErrSADMismatch},
			"another credential": {func(q *agent.SignRequest) { q.CredentialID = "x" }, agent.ErrSADMismatch},
			"no SAD":             {func(q *agent.SignRequest) { q.SAD = "" }, agent.ErrSADUnknown},
			"invented SAD":       {func(q *agent.SignRequest) { q.SAD = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }, agent.ErrSADUnknown},
		} {
			q := good
			c.change(&q)
			if _, err := r.SignHashes(ctx, q); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		var signed, used atomic.Int32
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				sigs, err := r.SignHashes(ctx, good)
				switch {
				case errors.Is(err, agent.ErrSADUsed):
					used.Add(1)
				case err != nil:
					t.Errorf("sign: %v", err)
				default:
					signed.Add(1)
					c, err := r.Credential(ctx, cred)
					if err != nil {
						t.Error(err)
						return
					}
					for i, sig := range sigs {
						if !ecdsa.VerifyASN1(c.Public.(*ecdsa.PublicKey), hs[i], sig) {
							t.Errorf("signature %d does not verify", i)
						}
					}
				}
			})
		}
		wg.Wait()
		if signed.Load() != 1 || used.Load() != 15 {
			t.Fatalf("%d signed, %d refused as used", signed.Load(), used.Load())
		}
		auth.OTP = r.otp(secret)
		late, err := r.Authorize(ctx, auth)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Authorize(ctx, auth); !errors.Is(err, agent.ErrWrongOTP) {
			t.Fatalf("the same one-time password passed twice: %v", err)
		}
		r.now.Add(int64(agent.SADLife.Seconds()) + 1)
		good.SAD = late.SAD
		if _, err := r.SignHashes(ctx, good); !errors.Is(err, agent.ErrSADExpired) {
			t.Fatalf("expired SAD: %v", err)
		}
	})
}

func TestParallelWrongPINsAreAllCountedAndFiveAreEvaluated(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		r, ctx := newRig(t, s), t.Context()
		cred, secret := r.active("p1")
		otp := r.otp(secret)
		var evaluated atomic.Int32
		guess := func() {
			_, err := r.Authorize(ctx, agent.Authorization{CredentialID: cred, SubjectID: "p1", PIN: "11992288", OTP: otp, Hashes: digests("a"), HashAlg: crypto.SHA256})
			switch {
			case errors.Is(err, agent.ErrWrongPIN):
				evaluated.Add(1)
			case errors.Is(err, agent.ErrLocked), errors.Is(err, agent.ErrOTPLocked):
			default:
				t.Errorf("got %v", err)
			}
		}
		var wg sync.WaitGroup
		for range 25 {
			wg.Go(guess)
		}
		wg.Wait()
		for range agent.PINTries {
			guess()
		}
		if evaluated.Load() != agent.PINTries {
			t.Fatalf("%d of 30 guesses were evaluated", evaluated.Load())
		}
		right := agent.Authorization{CredentialID: cred, SubjectID: "p1", PIN: pin, OTP: otp, Hashes: digests("a"), HashAlg: crypto.SHA256}
		if _, err := r.Authorize(ctx, right); !errors.Is(err, agent.ErrLocked) {
			t.Fatalf("right PIN while locked: %v", err)
		}
		r.now.Add(int64(agent.PINLock.Seconds()) + 1)
		right.OTP = r.otp(secret)
		if _, err := r.Authorize(ctx, right); err != nil {
			t.Fatalf("after the lock: %v", err)
		}
		if c, err := r.Credential(ctx, cred); err != nil || c.TriesLeft != agent.PINTries {
			t.Fatalf("%+v %v", c, err)
		}
	})
}

func TestWithoutTheOneTimePasswordNothingIsLearntOfThePIN(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t, db.SQLite(t)), t.Context()
	cred, secret := r.active("p1")
	a := agent.Authorization{CredentialID: cred, SubjectID: "p1", OTP: "000000", Hashes: digests("a"), HashAlg: crypto.SHA256}
	for _, try := range []string{pin, "11992288"} {
		a.PIN = try
		if _, err := r.Authorize(ctx, a); !errors.Is(err, agent.ErrWrongOTP) {
			t.Fatalf("PIN %v: %v", try == pin, err)
		}
	}
	if c, err := r.Credential(ctx, cred); err != nil || c.TriesLeft != agent.PINTries {
		t.Fatalf("a PIN was evaluated: %+v %v", c, err)
	}
	// A mistyped PIN costs no one-time password.
	a.PIN, a.OTP = "11992288", r.otp(secret)
	if _, err := r.Authorize(ctx, a); !errors.Is(err, agent.ErrWrongPIN) {
		t.Fatal(err)
	}
	a.PIN = pin
	if _, err := r.Authorize(ctx, a); err != nil {
		t.Fatalf("the right PIN with the same code: %v", err)
	}
}

func TestATryWhileTheHSMIsAwayIsNotHeldAgainstItsOwner(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t, db.SQLite(t)), t.Context()
	k, err := r.CreateKey(ctx, agent.KeyRequest{SubjectID: "p1", Unlock: agent.UnlockPIN})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.token.Close(); err != nil {
		t.Fatal(err)
	}
	for range agent.PINTries + 1 {
		if err := r.Activate(ctx, k.CredentialID, k.ActivationCode, pin); !errors.Is(err, agent.ErrUnavailable) {
			t.Fatalf("token closed: %v", err)
		}
	}
	if c, err := r.Credential(ctx, k.CredentialID); err != nil || c.TriesLeft != agent.PINTries || !c.LockedUntil.IsZero() {
		t.Fatalf("%+v %v", c, err)
	}
}

func TestActivationAndPINChange(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t, db.SQLite(t)), t.Context()
	k, err := r.CreateKey(ctx, agent.KeyRequest{SubjectID: "p1", Unlock: agent.UnlockPIN})
	if err != nil {
		t.Fatal(err)
	}
	hs := digests("a")
	a := agent.Authorization{CredentialID: k.CredentialID, SubjectID: "p1", PIN: pin, Hashes: hs, HashAlg: crypto.SHA256}
	if _, err := r.Authorize(ctx, a); !errors.Is(err, agent.ErrNotActive) {
		t.Fatalf("before activation: %v", err)
	}
	if err := r.Activate(ctx, k.CredentialID, "AAAA-AAAA-AAAA-AAAA", pin); !errors.Is(err, agent.ErrWrongCode) {
		t.Fatalf("wrong code: %v", err)
	}
	if err := r.Activate(ctx, k.CredentialID, k.ActivationCode, "12345678"); !errors.Is(err, agent.ErrWeakPIN) {
		t.Fatalf("weak PIN: %v", err)
	}
	if err := r.Activate(ctx, k.CredentialID, k.ActivationCode, pin); err != nil {
		t.Fatal(err)
	}
	if err := r.Activate(ctx, k.CredentialID, k.ActivationCode, "58203174"); !errors.Is(err, agent.ErrAlreadyActive) {
		t.Fatalf("second activation: %v", err)
	}
	if err := r.ChangePIN(ctx, k.CredentialID, "11992288", "58203174"); !errors.Is(err, agent.ErrWrongPIN) {
		t.Fatalf("wrong old PIN: %v", err)
	}
	if err := r.ChangePIN(ctx, k.CredentialID, pin, "58203174"); err != nil {
		t.Fatal(err)
	}
	secret, err := r.EnrolTOTP(ctx, "p1")
	if err != nil {
		t.Fatal(err)
	}
	a.OTP = r.otp(secret)
	if _, err := r.Authorize(ctx, a); !errors.Is(err, agent.ErrWrongPIN) {
		t.Fatalf("old PIN: %v", err)
	}
	a.PIN = "58203174"
	if _, err := r.Authorize(ctx, a); err != nil {
		t.Fatalf("new PIN: %v", err)
	}
	a.SubjectID, a.OTP = "p2", r.otp(secret)
	if _, err := r.Authorize(ctx, a); !errors.Is(err, agent.ErrNoCredential) {
		t.Fatalf("somebody else's key: %v", err)
	}
}

func TestASealIsOpenedByRoleAndTheClerksOTP(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t, db.SQLite(t)), t.Context()
	k, err := r.CreateKey(ctx, agent.KeyRequest{SubjectID: "org1", Unlock: agent.UnlockRole})
	if err != nil || k.ActivationCode != "" {
		t.Fatalf("%+v %v", k, err)
	}
	secret, err := r.EnrolTOTP(ctx, "clerk")
	if err != nil {
		t.Fatal(err)
	}
	hs := digests("a")
	a := agent.Authorization{CredentialID: k.CredentialID, SubjectID: "clerk", OTP: "000000", Hashes: hs, HashAlg: crypto.SHA256}
	if _, err := r.Authorize(ctx, a); !errors.Is(err, agent.ErrWrongOTP) {
		t.Fatalf("wrong one-time password: %v", err)
	}
	a.OTP = r.otp(secret)
	g, err := r.Authorize(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	sigs, err := r.SignHashes(ctx, agent.SignRequest{SAD: g.SAD, CredentialID: k.CredentialID, SubjectID: "clerk", Hashes: hs, HashAlg: crypto.SHA256})
	if err != nil || !ecdsa.VerifyASN1(k.Public.(*ecdsa.PublicKey), hs[0], sigs[0]) {
		t.Fatalf("%v", err)
	}
}

func TestAServiceKeySignsOnlyItsPurpose(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t, db.SQLite(t)), t.Context()
	if _, err := r.token.GenerateKey(ctx, hsm.KeyRef{Label: "ca-citizen"}, hsm.P256); err != nil {
		t.Fatal(err)
	}
	tbs := []byte{0x30, 0x03, 0x02, 0x01, 0x05}
	signer, err := r.Service(ctx, "ca-citizen", agent.PurposeCA)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(tbs)
	if _, err := signer.Sign(nil, sum[:], crypto.SHA256); !errors.Is(err, agent.ErrPurpose) {
		t.Fatalf("a bare digest was signed: %v", err)
	}
	if _, err := crypto.SignMessage(signer, nil, tbs, crypto.SHA256); !errors.Is(err, agent.ErrNotRecorded) {
		t.Fatalf("an unrecorded draft was signed: %v", err)
	}
	r.d.seen["ca-citizen"+string(sum[:])] = true
	sig, err := crypto.SignMessage(signer, nil, tbs, crypto.SHA256)
	if err != nil || !ecdsa.VerifyASN1(signer.Public().(*ecdsa.PublicKey), sum[:], sig) {
		t.Fatalf("recorded draft: %v", err)
	}
	for _, purpose := range []agent.Purpose{agent.PurposeOCSP, agent.PurposeTSA, agent.PurposeCheckpoint} {
		other, err := r.Service(ctx, "ca-citizen", purpose)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := crypto.SignMessage(other, nil, tbs, crypto.SHA256); !errors.Is(err, agent.ErrPurpose) {
			t.Errorf("%s signed a certificate: %v", purpose, err)
		}
	}
	if _, err := r.Service(ctx, "ca-citizen", "any"); !errors.Is(err, agent.ErrPurpose) {
		t.Fatalf("unknown purpose: %v", err)
	}
	if _, err := r.DataKey(ctx, "kyso/agent/sad-kek"); !errors.Is(err, agent.ErrPurpose) {
		t.Fatalf("unknown data purpose: %v", err)
	}
}
