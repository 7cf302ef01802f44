package agent

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/hsm/keyring"
	"github.com/kyso-vn/kyso/internal/errs"
)

// Limits of guessing and of a SAD's life.
const (
	PINTries  = 5
	PINLock   = 15 * time.Minute
	SADLife   = 120 * time.Second
	MaxHashes = 1000
)

// Labels of the token keys that the agent needs.
const (
	WrapKeyLabel = "kyso-wrap-1"
	MACKeyLabel  = "kyso-mac"
)

// Local is the Agent in this process, on a token.
type Local struct {
	token hsm.Token
	ring  *keyring.Keyring
	mac   keyring.MACKey
	store Store
	now   func() time.Time
}

var _ Agent = (*Local)(nil)

// LocalConfig is what a Local stands on.
type LocalConfig struct {
	Token hsm.Token
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Argon2 is the cost for new PINs; zero is keyring's default.
	Argon2 keyring.Argon2
}

// NewLocal checks that the token has the agent's keys.
func NewLocal(ctx context.Context, cfg LocalConfig) (*Local, error) {
	mac := hsm.KeyRef{Label: MACKeyLabel}
	for kind, ref := range map[hsm.Kind]hsm.KeyRef{hsm.KindWrap: {Label: WrapKeyLabel}, hsm.KindMAC: mac} {
		ok, err := cfg.Token.Has(ctx, kind, ref)
		if err != nil {
			return nil, unavailable(err)
		}
		if !ok {
			return nil, fmt.Errorf("the token has no key %s; was it set up?", ref)
		}
	}
	ring, err := keyring.New(keyring.Config{Token: cfg.Token, KEKID: WrapKeyLabel, MACKey: mac, Argon2: cfg.Argon2})
	if err != nil {
		return nil, err
	}
	l := &Local{token: cfg.Token, ring: ring, mac: keyring.MACKey{Token: cfg.Token, Ref: mac}, now: cfg.Now}
	if l.now == nil {
		l.now = time.Now
	}
	return l, nil
}

// SetUp makes the agent's keys on a new token; those that exist are left alone.
func SetUp(ctx context.Context, token hsm.Token) error {
	err := token.GenerateWrapKey(ctx, hsm.KeyRef{Label: WrapKeyLabel})
	if err != nil && !errors.Is(err, hsm.ErrKeyExists) {
		return fmt.Errorf("make wrapping key: %w", err)
	}
	err = token.GenerateMACKey(ctx, hsm.KeyRef{Label: MACKeyLabel})
	if err != nil && !errors.Is(err, hsm.ErrKeyExists) {
		return fmt.Errorf("make MAC key: %w", err)
	}
	return nil
}

// UseStore gives the agent its memory. The store needs DataKey to open, so it comes after
// NewLocal and before anything but DataKey and Check.
func (l *Local) UseStore(s Store) { l.store = s }

// CreateKey implements Agent.
func (l *Local) CreateKey(ctx context.Context, req KeyRequest) (Key, error) {
	id := uuid.Must(uuid.NewV7()).String()
	secret, code := keyring.Role(), ""
	if req.Unlock == UnlockPIN {
		code = keyring.NewCode()
		secret = keyring.Code(code)
	}
	rec, err := l.ring.Create(ctx, keyring.Request{KeyID: id, SubjectID: req.SubjectID, Secret: secret})
	if err != nil {
		return Key{}, unavailable(fmt.Errorf("create key: %w", err))
	}
	stored, err := storedKey(&rec, req.Unlock, 1, req.Unlock == UnlockRole, l.now())
	if err != nil {
		return Key{}, err
	}
	if err := l.store.InsertKey(ctx, stored); err != nil {
		return Key{}, err
	}
	pub, err := rec.Public()
	return Key{CredentialID: id, Public: pub, ActivationCode: code}, err
}

func storedKey(rec *keyring.Record, unlock Unlock, version int, active bool, now time.Time) (StoredKey, error) {
	b, err := json.Marshal(rec)
	if err != nil {
		return StoredKey{}, fmt.Errorf("encode key record: %w", err)
	}
	return StoredKey{CredentialID: rec.KeyID, SubjectID: rec.SubjectID, Unlock: unlock, SPKI: rec.SPKI, Active: active,
		Version: version, Record: b, CreatedAt: now}, nil
}

// DiscardKey implements Agent.
func (l *Local) DiscardKey(ctx context.Context, credentialID string) error {
	return l.store.DeleteKey(ctx, credentialID)
}

// Activate implements Agent.
func (l *Local) Activate(ctx context.Context, credentialID, code, pin string) error {
	if keyring.CheckPIN(pin) != nil {
		return ErrWeakPIN
	}
	if _, err := keyring.ParseCode(code); err != nil {
		return ErrWrongCode
	}
	k, err := l.store.Key(ctx, credentialID)
	if err != nil {
		return err
	}
	if k.Active {
		return ErrAlreadyActive
	}
	return l.rewrap(ctx, k, keyring.Code(code), pin, func(int) error { return ErrWrongCode })
}

// ChangePIN implements Agent.
func (l *Local) ChangePIN(ctx context.Context, credentialID, oldPIN, newPIN string) error {
	if keyring.CheckPIN(newPIN) != nil {
		return ErrWeakPIN
	}
	k, err := l.store.Key(ctx, credentialID)
	if err != nil {
		return err
	}
	if k.Unlock != UnlockPIN {
		return ErrPurpose
	}
	if !k.Active {
		return ErrNotActive
	}
	return l.rewrap(ctx, k, keyring.PIN(oldPIN), newPIN, wrongPIN)
}

// rewrap opens k with the old secret and stores it under the new PIN.
func (l *Local) rewrap(ctx context.Context, k StoredKey, old keyring.Secret, pin string, wrong func(left int) error) error {
	rec, err := readRecord(k)
	if err != nil {
		return err
	}
	fresh, err := try(ctx, l, k, wrong, func() (keyring.Record, error) { return l.ring.Rewrap(ctx, rec, old, keyring.PIN(pin)) })
	if err != nil {
		return err
	}
	stored, err := storedKey(&fresh, k.Unlock, k.Version+1, true, k.CreatedAt)
	if err != nil {
		return err
	}
	return l.store.ReplaceKey(ctx, stored)
}

// try does what a secret is needed for. The try is committed before the secret is looked at
// and taken back only when it was never evaluated, as while the HSM is away; a right secret
// clears the counter. Keys without a secret have no counter.
func try[T any](ctx context.Context, l *Local, k StoredKey, wrong func(left int) error, do func() (T, error)) (T, error) {
	var zero T
	if k.Unlock == UnlockRole {
		v, err := do()
		return v, unavailable(err)
	}
	c, err := l.countTry(ctx, k.CredentialID)
	if err != nil {
		return zero, err
	}
	v, err := do()
	switch {
	case errors.Is(err, keyring.ErrWrongSecret), errors.Is(err, keyring.ErrWeakPIN):
		return zero, wrong(PINTries - c.Tries)
	case err != nil:
		err = unavailable(fmt.Errorf("open key: %w", err))
		return zero, errors.Join(err, l.store.TakeBackTry(context.WithoutCancel(ctx), k.CredentialID))
	}
	return v, l.store.ClearTries(ctx, k.CredentialID)
}

func readRecord(k StoredKey) (*keyring.Record, error) {
	var rec keyring.Record
	if err := json.Unmarshal(k.Record, &rec); err != nil {
		return nil, fmt.Errorf("read key record: %w", err)
	}
	if rec.KeyID != k.CredentialID || rec.SubjectID != k.SubjectID {
		return nil, errors.New("key record belongs to another credential")
	}
	return &rec, nil
}

func wrongPIN(left int) error { return ErrWrongPIN.Format(left) }

// countTry commits a try before it is evaluated.
func (l *Local) countTry(ctx context.Context, credentialID string) (PINCounter, error) {
	c, ok, err := l.store.CountTry(ctx, credentialID, l.now(), PINTries, PINLock)
	if err != nil {
		return c, err
	}
	if !ok {
		until := c.LockedUntil.In(hanoi).Format("15:04:05 02/01/2006")
		return c, ErrLocked.Format(until).After(c.LockedUntil.Sub(l.now()))
	}
	return c, nil
}

// hanoi is UTC+7 without daylight saving, whatever the server's zone.
var hanoi = time.FixedZone("+07", 7*3600)

// Credential implements Agent.
func (l *Local) Credential(ctx context.Context, credentialID string) (Credential, error) {
	k, err := l.store.Key(ctx, credentialID)
	if err != nil {
		return Credential{}, err
	}
	c, err := l.store.PINCounter(ctx, credentialID)
	if err != nil {
		return Credential{}, err
	}
	pub, err := x509.ParsePKIXPublicKey(k.SPKI)
	if err != nil {
		return Credential{}, fmt.Errorf("read public key of %s: %w", credentialID, err)
	}
	out := Credential{ID: k.CredentialID, SubjectID: k.SubjectID, Unlock: k.Unlock, Public: pub, Active: k.Active, TriesLeft: PINTries - c.Tries}
	if c.LockedUntil.After(l.now()) {
		out.LockedUntil, out.TriesLeft = c.LockedUntil, 0
	} else if c.Tries >= PINTries {
		out.TriesLeft = PINTries // the lock is over
	}
	return out, nil
}

// Authorize implements Agent.
func (l *Local) Authorize(ctx context.Context, req Authorization) (Grant, error) {
	binding, err := bind(req.CredentialID, req.SubjectID, req.HashAlg, req.Hashes)
	if err != nil {
		return Grant{}, err
	}
	// 1. The credential, which must be the subject's own unless a role opens it.
	k, err := l.store.Key(ctx, req.CredentialID)
	if err != nil {
		return Grant{}, err
	}
	if k.Unlock == UnlockPIN && k.SubjectID != req.SubjectID {
		return Grant{}, ErrNoCredential
	}
	if !k.Active {
		return Grant{}, ErrNotActive
	}
	rec, err := readRecord(k)
	if err != nil {
		return Grant{}, err
	}
	// 2. One-time password and PIN; a try is counted before it is looked at.
	kek, err := l.unlock(ctx, k, rec, req)
	if err != nil {
		return Grant{}, err
	}
	defer kek.Destroy()
	// 3. The SAD: random bits outside, the KEK sealed under them inside.
	sad := make([]byte, 32)
	rand.Read(sad) // never fails since Go 1.24
	hash := sha256.Sum256(sad)
	sealed, err := l.sealKEK(ctx, sad, binding, kek)
	if err != nil {
		return Grant{}, err
	}
	expires := l.now().Add(SADLife)
	err = l.store.InsertSAD(ctx, StoredSAD{Hash: hash[:], CredentialID: k.CredentialID, SubjectID: req.SubjectID,
		Binding: binding, Count: len(req.Hashes), SealedKEK: sealed, ExpiresAt: expires})
	if err != nil {
		return Grant{}, err
	}
	return Grant{SAD: base64.RawURLEncoding.EncodeToString(sad), ExpiresAt: expires}, nil
}

// unlock opens a key. The one-time password is looked at before the PIN, so that who does not
// have it learns nothing of the PIN, and spent after it, so that a mistyped PIN costs none.
func (l *Local) unlock(ctx context.Context, k StoredKey, rec *keyring.Record, req Authorization) (keyring.KEK, error) {
	step, err := l.checkTOTP(ctx, req.SubjectID, req.OTP)
	if err != nil {
		return keyring.KEK{}, err
	}
	secret, wrong := keyring.Role(), func(int) error { return ErrPurpose }
	if k.Unlock == UnlockPIN {
		secret, wrong = keyring.PIN(req.PIN), wrongPIN
	}
	kek, err := try(ctx, l, k, wrong, func() (keyring.KEK, error) { return l.ring.DeriveKEK(ctx, rec, secret) })
	if err != nil { // the code was right, so its try was no guess
		if cerr := l.store.ClearOTPTries(ctx, req.SubjectID); cerr != nil {
			err = errors.Join(err, cerr)
		}
		return keyring.KEK{}, err
	}
	if err := l.spendTOTP(ctx, req.SubjectID, step); err != nil {
		kek.Destroy()
		return keyring.KEK{}, err
	}
	return kek, nil
}

// SignHashes implements Agent.
func (l *Local) SignHashes(ctx context.Context, req SignRequest) ([][]byte, error) {
	binding, err := bind(req.CredentialID, req.SubjectID, req.HashAlg, req.Hashes)
	if err != nil {
		return nil, err
	}
	sad, err := base64.RawURLEncoding.DecodeString(req.SAD)
	if err != nil || len(sad) != 32 {
		return nil, ErrSADUnknown
	}
	// 1. Everything must equal what was authorised.
	hash := sha256.Sum256(sad)
	s, err := l.store.SAD(ctx, hash[:])
	if err != nil {
		return nil, err
	}
	switch {
	case !s.UsedAt.IsZero():
		return nil, ErrSADUsed
	case !l.now().Before(s.ExpiresAt):
		return nil, ErrSADExpired
	case s.CredentialID != req.CredentialID, s.SubjectID != req.SubjectID, string(s.Binding) != string(binding):
		return nil, ErrSADMismatch
	}
	kek, err := l.openKEK(ctx, sad, binding, s.SealedKEK)
	if err != nil {
		return nil, err
	}
	defer kek.Destroy()
	k, err := l.store.Key(ctx, req.CredentialID)
	if err != nil {
		return nil, err
	}
	rec, err := readRecord(k)
	if err != nil {
		return nil, err
	}
	// 2. Spend the SAD: of any number of callers one goes on.
	ok, err := l.store.SpendSAD(ctx, hash[:], l.now())
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrSADUsed
	}
	// 3. Unwrap once, sign all, destroy.
	sigs, err := l.ring.SignWithKEK(ctx, rec, kek, req.Hashes, req.HashAlg)
	return sigs, unavailable(err)
}

// bind returns what a SAD is bound to: credential, subject, algorithm, and the hashes in
// their order.
func bind(credentialID, subjectID string, alg crypto.Hash, hashes [][]byte) ([]byte, error) {
	switch alg {
	case crypto.SHA256, crypto.SHA384, crypto.SHA512:
	default:
		return nil, errs.New(errs.Invalid, "hash_algorithm", "Thuật toán băm không được hỗ trợ.", "The hash algorithm is not SHA-256, SHA-384 or SHA-512.")
	}
	if len(hashes) == 0 || len(hashes) > MaxHashes {
		return nil, errs.New(errs.Invalid, "hash_count", "Số lượng văn bản cần ký không hợp lệ.", "Between 1 and 1000 hashes can be signed at once.").On("hashes")
	}
	parts := [][]byte{[]byte(credentialID), []byte(subjectID), []byte(alg.String())}
	for _, h := range hashes {
		if len(h) != alg.Size() {
			return nil, errs.New(errs.Invalid, "hash_length", "Độ dài mã băm không đúng.", "A hash has not the length of its algorithm.").On("hashes")
		}
		parts = append(parts, h)
	}
	sum := sha256.Sum256(keyring.Encode("kyso/agent/sad", parts...))
	return sum[:], nil
}

// Check implements Agent.
func (l *Local) Check(ctx context.Context) error {
	_, err := l.mac.Sum(ctx, "kyso/agent/check")
	return unavailable(err)
}

// unavailable turns an error of the token into one that people can act on; nil stays nil.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*hsm.Error](err)
	if !ok {
		return err
	}
	switch e.Code {
	case hsm.CodeUnavailable, hsm.CodeSessionLimit, hsm.CodeFailed, hsm.CodeClosed, hsm.CodePINLocked, hsm.CodePINIncorrect:
		return ErrUnavailable.After(max(e.RetryAfter, time.Second)).Wrap(err)
	}
	return err
}
