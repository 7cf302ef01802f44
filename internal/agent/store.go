package agent

import (
	"context"
	"time"
)

// Store is where the agent keeps what it must remember. Every method is one transaction,
// durable when it returns.
type Store interface {
	// InsertKey adds a wrapped key.
	InsertKey(ctx context.Context, k StoredKey) error
	// Key returns a wrapped key, or ErrNoCredential.
	Key(ctx context.Context, credentialID string) (StoredKey, error)
	// ReplaceKey stores k if the stored version is still k.Version-1, else ErrConflict.
	ReplaceKey(ctx context.Context, k StoredKey) error
	// DeleteKey forgets a key that no certificate names.
	DeleteKey(ctx context.Context, credentialID string) error

	// CountTry adds a try to credentialID's counter before the secret is evaluated and
	// returns the counter after. When the key is locked at now it changes nothing and ok
	// is false; when this try reaches max the counter is locked until now+lock in the same
	// statement, and a right secret clears it again.
	CountTry(ctx context.Context, credentialID string, now time.Time, max int, lock time.Duration) (c PINCounter, ok bool, err error)
	// TakeBackTry undoes a CountTry whose secret was never evaluated; Total stays.
	TakeBackTry(ctx context.Context, credentialID string) error
	// ClearTries sets the counter back after a right secret.
	ClearTries(ctx context.Context, credentialID string) error
	// PINCounter reads the counter.
	PINCounter(ctx context.Context, credentialID string) (PINCounter, error)

	// PutTOTP stores the sealed secret of subjectID and forgets the last used step.
	PutTOTP(ctx context.Context, subjectID string, sealed []byte) error
	// TOTP returns the sealed secret of subjectID, or ErrWrongOTP when there is none.
	TOTP(ctx context.Context, subjectID string) (sealed []byte, err error)
	// CountOTPTry adds a try before a one-time password is evaluated. ok is false when
	// subjectID is locked at now; the max-th try since the last right one locks it.
	CountOTPTry(ctx context.Context, subjectID string, now time.Time, max int, lock time.Duration) (ok bool, err error)
	// ClearOTPTries sets the tries back after a right code that was not spent.
	ClearOTPTries(ctx context.Context, subjectID string) error
	// SpendTOTP records step as used if it is newer than the last used one, and clears the
	// tries; ok is false when it is not.
	SpendTOTP(ctx context.Context, subjectID string, step int64) (ok bool, err error)

	// InsertSAD stores a SAD's hash with what it is bound to.
	InsertSAD(ctx context.Context, s StoredSAD) error
	// SAD returns the SAD whose hash is given, or ErrSADUnknown.
	SAD(ctx context.Context, hash []byte) (StoredSAD, error)
	// SpendSAD marks the SAD used at now and wipes its sealed KEK; ok is false when it was
	// used before. Of any number of callers exactly one is told true.
	SpendSAD(ctx context.Context, hash []byte, now time.Time) (ok bool, err error)

	// DraftRecorded reports whether a TBSCertificate or TBSCertList with this SHA-256 is
	// recorded by the ledger, in the state in which it may be signed, for the CA key named
	// key, and was not signed yet.
	DraftRecorded(ctx context.Context, key string, tbsHash []byte) (bool, error)
}

// StoredKey is a person's or an organisation's wrapped key. Record is keyring.Record in
// JSON; it is useless without the HSM and the owner's secret.
type StoredKey struct {
	CredentialID string
	SubjectID    string
	Unlock       Unlock
	SPKI         []byte // DER SubjectPublicKeyInfo
	Active       bool
	Version      int // 1 when made, +1 with each re-wrap
	Record       []byte
	CreatedAt    time.Time
}

// PINCounter counts the tries since the last success.
type PINCounter struct {
	Tries       int
	Total       int64 // never goes down; compared with the agent's high-water mark
	LockedUntil time.Time
}

// StoredSAD is what a SAD is bound to.
type StoredSAD struct {
	Hash         []byte // SHA-256 of the SAD
	CredentialID string
	SubjectID    string
	Binding      []byte // SHA-256 over the algorithm and the ordered hashes
	Count        int
	SealedKEK    []byte // under HKDF(SAD ‖ HMAC in the HSM)
	ExpiresAt    time.Time
	UsedAt       time.Time // zero when not used
}
