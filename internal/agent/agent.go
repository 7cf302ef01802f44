// Package agent is the only way to a key. It speaks in purposes, never in raw unwrap or
// sign: a person's key signs what that person authorised, a CA key signs what the ledger
// has recorded, and nothing else can be asked for.
package agent

import (
	"context"
	"crypto"
	"time"

	"github.com/kyso-vn/kyso/internal/errs"
)

// Agent holds the keys, the PIN counters and the signature activation data (SAD). All
// methods may be called at once by many goroutines. Errors are *errs.Error: the HSM gone is
// ErrUnavailable with a RetryAfter.
type Agent interface {
	// CreateKey makes a key of a person or an organisation in the HSM, wraps it, tests it,
	// and keeps it. It is unusable until Activate when Unlock is UnlockPIN.
	CreateKey(ctx context.Context, req KeyRequest) (Key, error)
	// DiscardKey forgets a key that no certificate names. Unknown IDs are no error.
	DiscardKey(ctx context.Context, credentialID string) error
	// Activate re-wraps a key from the activation code to the owner's PIN.
	Activate(ctx context.Context, credentialID, code, pin string) error
	// ChangePIN re-wraps a key from the old PIN to a new one.
	ChangePIN(ctx context.Context, credentialID, oldPIN, newPIN string) error
	// Credential tells the state of a key without using it.
	Credential(ctx context.Context, credentialID string) (Credential, error)

	// EnrolTOTP makes a new time-based one-time password secret (RFC 6238) for subjectID
	// and returns it in base32 for the authenticator app; an older one is void.
	EnrolTOTP(ctx context.Context, subjectID string) (secret string, err error)
	// VerifyTOTP spends a one-time password: the same one never passes twice.
	VerifyTOTP(ctx context.Context, subjectID, otp string) error

	// Authorize checks PIN and one-time password and returns the SAD for exactly these
	// hashes in this order. The try is counted before it is evaluated.
	Authorize(ctx context.Context, req Authorization) (Grant, error)
	// SignHashes spends a SAD: unwraps the key once, signs every hash, destroys the key.
	// The intent is recorded, and the SAD spent, before the HSM signs.
	SignHashes(ctx context.Context, req SignRequest) ([][]byte, error)

	// Service returns the signer of a key of the service, bound to its purpose. The signer
	// implements crypto.MessageSigner; for PurposeCA it signs only a TBSCertificate or
	// TBSCertList recorded as a draft, for the others only messages of their own form.
	Service(ctx context.Context, key string, purpose Purpose) (crypto.Signer, error)
	// DataKey derives a 32-byte key of the service (encryption at rest, blind index) from
	// the HSM. The same purpose gives the same key for the life of the token.
	DataKey(ctx context.Context, purpose string) ([]byte, error)
	// Check reports whether the HSM answers.
	Check(ctx context.Context) error
}

// Unlock says what opens a key.
type Unlock string

// A key of a person is opened by the PIN, one of an organisation by role and approval.
const (
	UnlockPIN  Unlock = "pin"
	UnlockRole Unlock = "role"
)

// KeyRequest asks for a key.
type KeyRequest struct {
	// SubjectID is the person's or the organisation's id; it is bound into the wrapping.
	SubjectID string
	Unlock    Unlock
}

// Key is a key just made.
type Key struct {
	CredentialID string
	Public       crypto.PublicKey
	// ActivationCode is shown once, to the owner only; empty when Unlock is UnlockRole.
	ActivationCode string
}

// Credential is the state of a key.
type Credential struct {
	ID        string
	SubjectID string
	Unlock    Unlock
	Public    crypto.PublicKey
	// Active is false until the owner has chosen a PIN.
	Active bool
	// TriesLeft counts the wrong PINs that are still allowed before the key locks.
	TriesLeft int
	// LockedUntil is zero when the key is not locked.
	LockedUntil time.Time
}

// Authorization is what a signer agrees to.
type Authorization struct {
	CredentialID string
	// SubjectID is who agrees; it must own the credential, or hold the role for a seal.
	SubjectID string
	PIN, OTP  string
	// Hashes are the ordered message digests to sign, HashAlg their algorithm.
	Hashes  [][]byte
	HashAlg crypto.Hash
}

// Grant is the right to sign once.
type Grant struct {
	// SAD is 256 random bits, base64url; it must not be logged.
	SAD       string
	ExpiresAt time.Time
}

// SignRequest spends a SAD. Everything must equal what was authorised.
type SignRequest struct {
	SAD          string
	CredentialID string
	SubjectID    string
	Hashes       [][]byte
	HashAlg      crypto.Hash
}

// Purpose binds a service key to what it may sign.
type Purpose string

// The purposes of service keys.
const (
	PurposeCA         Purpose = "ca"
	PurposeOCSP       Purpose = "ocsp"
	PurposeTSA        Purpose = "tsa"
	PurposeCheckpoint Purpose = "checkpoint"
)

// Refusals. Messages about the PIN never say whether the credential exists.
var (
	ErrUnavailable = errs.New(errs.Unavailable, "hsm_unavailable",
		"Chưa ký được: thiết bị khóa không phản hồi. Thử lại sau.", "The key device does not answer. Try again later.").After(5 * time.Second)
	ErrWrongPIN = errs.New(errs.Denied, "pin_wrong",
		"Sai mã PIN. Còn %d lần.", "Wrong PIN. %d tries left.")
	ErrLocked = errs.New(errs.Denied, "pin_locked",
		"Khóa ký bị tạm khóa đến %s do nhập sai mã PIN nhiều lần.", "The key is locked until %s after too many wrong PINs.")
	ErrWrongCode = errs.New(errs.Denied, "activation_code_wrong",
		"Mã kích hoạt không đúng.", "The activation code is wrong.")
	ErrWrongOTP = errs.New(errs.Denied, "otp_wrong",
		"Mã xác thực không đúng hoặc đã dùng.", "The one-time password is wrong or was used.")
	ErrOTPLocked = errs.New(errs.RateLimited, "otp_locked",
		"Nhập sai mã xác thực nhiều lần. Thử lại sau 15 phút.", "Too many wrong one-time passwords. Try again in 15 minutes.").After(PINLock)
	ErrWeakPIN = errs.New(errs.Invalid, "pin_weak",
		"Mã PIN phải có từ 8 chữ số và không được là dãy dễ đoán.", "A PIN has 8 digits or more and is not a simple sequence.").On("pin")
	ErrNotActive = errs.New(errs.Conflict, "credential_not_active",
		"Chứng thư chưa được kích hoạt.", "The certificate is not activated yet.")
	ErrAlreadyActive = errs.New(errs.Conflict, "credential_already_active",
		"Chứng thư đã được kích hoạt.", "The certificate is already activated.")
	ErrNoCredential = errs.New(errs.NotFound, "credential_not_found",
		"Không tìm thấy khóa ký.", "There is no such key.")
	ErrSADUnknown = errs.New(errs.Denied, "sad_invalid",
		"Phiên ủy quyền ký không có hiệu lực.", "The signature activation data is not valid.")
	ErrSADUsed = errs.New(errs.Denied, "sad_used",
		"Phiên ủy quyền ký đã được dùng.", "The signature activation data was used already.")
	ErrSADExpired = errs.New(errs.Denied, "sad_expired",
		"Phiên ủy quyền ký đã hết hạn.", "The signature activation data has expired.")
	ErrSADMismatch = errs.New(errs.Denied, "sad_mismatch",
		"Nội dung cần ký khác với nội dung đã ủy quyền.", "What is to be signed is not what was authorised.")
	ErrNotRecorded = errs.New(errs.Denied, "draft_not_recorded",
		"Nội dung chưa được ghi sổ; không ký.", "The draft is not recorded; refused.")
	ErrConflict = errs.New(errs.Conflict, "credential_changed",
		"Khóa ký vừa được thay đổi. Thử lại.", "The key was changed meanwhile. Try again.")
	ErrPurpose = errs.New(errs.Denied, "purpose_denied",
		"Khóa không được dùng cho mục đích này.", "The key is not for this purpose.")
)
