// Package softagent is an agent.Agent in software for tests: real keys in memory, PINs,
// one-time use of SADs, and CA keys that sign recorded drafts only.
package softagent

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/kyso-vn/kyso/internal/agent"
)

const (
	maxTries = 5
	lockTime = 15 * time.Minute
	sadLife  = 2 * time.Minute
)

// Ledger says which drafts a CA key may sign; *store.Store does.
type Ledger interface {
	DraftRecorded(ctx context.Context, key string, tbsHash []byte) (bool, error)
}

// Agent is in memory; the zero value with a Ledger is ready to use. One-time passwords are
// the word OTP.
type Agent struct {
	Ledger Ledger
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	mu       sync.Mutex
	keys     map[string]*key
	services map[string]*ecdsa.PrivateKey
	sads     map[string]*sad
}

// OTP passes every check of a one-time password.
const OTP = "000000"

var _ agent.Agent = (*Agent)(nil)

type key struct {
	id, subject string
	unlock      agent.Unlock
	private     *ecdsa.PrivateKey
	secret      string // code, then PIN
	active      bool
	tries       int
	locked      time.Time
}

type sad struct {
	key, subject string
	binding      [32]byte
	expires      time.Time
	used         bool
}

func (a *Agent) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

// CreateKey implements agent.Agent.
func (a *Agent) CreateKey(_ context.Context, req agent.KeyRequest) (agent.Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return agent.Key{}, err
	}
	k := &key{id: uuid.NewString(), subject: req.SubjectID, unlock: req.Unlock, private: private, active: true}
	if req.Unlock == agent.UnlockPIN {
		code := make([]byte, 10)
		rand.Read(code) // never fails since Go 1.24
		k.secret, k.active = base32.StdEncoding.EncodeToString(code), false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keys == nil {
		a.keys = map[string]*key{}
	}
	a.keys[k.id] = k
	return agent.Key{CredentialID: k.id, Public: private.Public(), ActivationCode: k.secret}, nil
}

// Keys returns how many keys there are.
func (a *Agent) Keys() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.keys)
}

// DiscardKey implements agent.Agent.
func (a *Agent) DiscardKey(_ context.Context, credentialID string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.keys, credentialID)
	return nil
}

// try counts a try of k and then compares; a.mu is held.
func (a *Agent) try(k *key, secret string, wrong error) error {
	now := a.now()
	if now.Before(k.locked) {
		return agent.ErrLocked.Format(k.locked)
	}
	if k.tries++; k.tries >= maxTries {
		k.tries, k.locked = 0, now.Add(lockTime)
	}
	if secret != k.secret {
		return wrong
	}
	k.tries, k.locked = 0, time.Time{}
	return nil
}

func weak(pin string) bool {
	for _, r := range pin {
		if r < '0' || r > '9' {
			return true
		}
	}
	return len(pin) < 8 || pin == "12345678"
}

// Activate implements agent.Agent.
func (a *Agent) Activate(_ context.Context, credentialID, code, pin string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.keys[credentialID]
	switch {
	case weak(pin):
		return agent.ErrWeakPIN
	case k == nil:
		return agent.ErrNoCredential
	case k.active:
		return agent.ErrAlreadyActive
	}
	if err := a.try(k, code, agent.ErrWrongCode); err != nil {
		return err
	}
	k.secret, k.active = pin, true
	return nil
}

// ChangePIN implements agent.Agent.
func (a *Agent) ChangePIN(_ context.Context, credentialID, oldPIN, newPIN string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.keys[credentialID]
	switch {
	case weak(newPIN):
		return agent.ErrWeakPIN
	case k == nil:
		return agent.ErrNoCredential
	case !k.active:
		return agent.ErrNotActive
	}
	if err := a.try(k, oldPIN, agent.ErrWrongPIN); err != nil {
		return err
	}
	k.secret = newPIN
	return nil
}

// Credential implements agent.Agent.
func (a *Agent) Credential(_ context.Context, credentialID string) (agent.Credential, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.keys[credentialID]
	if k == nil {
		return agent.Credential{}, agent.ErrNoCredential
	}
	return agent.Credential{ID: k.id, SubjectID: k.subject, Unlock: k.unlock, Public: k.private.Public(), Active: k.active,
		TriesLeft: maxTries - k.tries, LockedUntil: k.locked}, nil
}

// EnrolTOTP implements agent.Agent.
func (a *Agent) EnrolTOTP(context.Context, string) (string, error) {
	return base32.StdEncoding.EncodeToString([]byte("softagent")), nil
}

// VerifyTOTP implements agent.Agent.
func (a *Agent) VerifyTOTP(_ context.Context, _, otp string) error {
	if otp != OTP {
		return agent.ErrWrongOTP
	}
	return nil
}

func bind(alg crypto.Hash, hashes [][]byte) [32]byte {
	h := sha256.New()
	h.Write([]byte(strconv.Itoa(int(alg))))
	for _, x := range hashes {
		h.Write([]byte{byte(len(x))})
		h.Write(x)
	}
	return [32]byte(h.Sum(nil))
}

// Authorize implements agent.Agent.
func (a *Agent) Authorize(ctx context.Context, req agent.Authorization) (agent.Grant, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.keys[req.CredentialID]
	switch {
	case k == nil, k.unlock == agent.UnlockPIN && k.subject != req.SubjectID:
		return agent.Grant{}, agent.ErrNoCredential
	case !k.active:
		return agent.Grant{}, agent.ErrNotActive
	}
	if k.unlock == agent.UnlockPIN {
		if err := a.try(k, req.PIN, agent.ErrWrongPIN.Format(maxTries-k.tries-1)); err != nil {
			return agent.Grant{}, err
		}
	}
	if err := a.VerifyTOTP(ctx, req.SubjectID, req.OTP); err != nil {
		return agent.Grant{}, err
	}
	raw := make([]byte, 32)
	rand.Read(raw) // never fails since Go 1.24
	g := agent.Grant{SAD: base64.RawURLEncoding.EncodeToString(raw), ExpiresAt: a.now().Add(sadLife)}
	if a.sads == nil {
		a.sads = map[string]*sad{}
	}
	a.sads[g.SAD] = &sad{key: k.id, subject: req.SubjectID, binding: bind(req.HashAlg, req.Hashes), expires: g.ExpiresAt}
	return g, nil
}

// SignHashes implements agent.Agent.
func (a *Agent) SignHashes(_ context.Context, req agent.SignRequest) ([][]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, k := a.sads[req.SAD], a.keys[req.CredentialID]
	switch {
	case s == nil:
		return nil, agent.ErrSADUnknown
	case k == nil || s.key != k.id || s.subject != req.SubjectID || s.binding != bind(req.HashAlg, req.Hashes):
		return nil, agent.ErrSADMismatch
	case s.used:
		return nil, agent.ErrSADUsed
	case !a.now().Before(s.expires):
		return nil, agent.ErrSADExpired
	}
	s.used = true
	out := make([][]byte, len(req.Hashes))
	for i, h := range req.Hashes {
		var err error
		if out[i], err = ecdsa.SignASN1(rand.Reader, k.private, h); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Service implements agent.Agent; a key is made when it is first asked for.
func (a *Agent) Service(_ context.Context, name string, purpose agent.Purpose) (crypto.Signer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.services == nil {
		a.services = map[string]*ecdsa.PrivateKey{}
	}
	private := a.services[name]
	if private == nil {
		var err error
		if private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
		a.services[name] = private
	}
	return &service{agent: a, name: name, purpose: purpose, private: private}, nil
}

// service signs messages; for a CA only what the ledger knows.
type service struct {
	agent   *Agent
	name    string
	purpose agent.Purpose
	private *ecdsa.PrivateKey
}

var _ crypto.MessageSigner = (*service)(nil)

// Public implements crypto.Signer.
func (s *service) Public() crypto.PublicKey { return s.private.Public() }

// Sign implements crypto.Signer and refuses: a digest does not show what it is of.
func (s *service) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, agent.ErrPurpose
}

// SignMessage implements crypto.MessageSigner.
func (s *service) SignMessage(_ io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s.purpose == agent.PurposeCA {
		hash := sha256.Sum256(msg)
		ok, err := s.agent.Ledger.DraftRecorded(context.Background(), s.name, hash[:])
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, agent.ErrNotRecorded
		}
	}
	h := opts.HashFunc().New()
	h.Write(msg)
	return ecdsa.SignASN1(rand.Reader, s.private, h.Sum(nil))
}

// DataKey implements agent.Agent.
func (a *Agent) DataKey(_ context.Context, purpose string) ([]byte, error) {
	k := sha256.Sum256([]byte("softagent " + purpose))
	return slices.Clone(k[:]), nil
}

// Check implements agent.Agent.
func (a *Agent) Check(context.Context) error { return nil }
