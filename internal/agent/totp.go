package agent

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// totpStep is the length of a time step (RFC 6238, Section 5.2).
const totpStep = 30 * time.Second

// EnrolTOTP implements Agent. The secret has 160 bits (RFC 4226, Section 4, R6).
func (l *Local) EnrolTOTP(ctx context.Context, subjectID string) (string, error) {
	key := make([]byte, 20)
	rand.Read(key) // never fails since Go 1.24
	secret := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key)
	k, err := l.DataKey(ctx, "totp")
	if err != nil {
		return "", err
	}
	aead, err := newAEAD(k)
	if err != nil {
		return "", err
	}
	if err := l.store.PutTOTP(ctx, subjectID, seal(aead, []byte(secret), []byte(subjectID))); err != nil {
		return "", err
	}
	return secret, nil
}

// VerifyTOTP implements Agent. A code of the step before or after is taken, for clocks that
// differ; a step is taken once, and never one before the last taken.
func (l *Local) VerifyTOTP(ctx context.Context, subjectID, code string) error {
	step, err := l.checkTOTP(ctx, subjectID, code)
	if err != nil {
		return err
	}
	return l.spendTOTP(ctx, subjectID, step)
}

// checkTOTP finds the step of a code, which is not spent yet. The try is counted before the
// code is looked at, and not at all while the HSM is away.
func (l *Local) checkTOTP(ctx context.Context, subjectID, code string) (step int64, err error) {
	now := l.now()
	sealed, err := l.store.TOTP(ctx, subjectID)
	if err != nil {
		return 0, err
	}
	k, err := l.DataKey(ctx, "totp")
	if err != nil {
		return 0, err
	}
	aead, err := newAEAD(k)
	if err != nil {
		return 0, err
	}
	secret, err := open(aead, sealed, []byte(subjectID))
	if err != nil {
		return 0, fmt.Errorf("open one-time password secret: %w", err)
	}
	ok, err := l.store.CountOTPTry(ctx, subjectID, now, PINTries, PINLock)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, ErrOTPLocked
	}
	step, ok = matchTOTP(string(secret), strings.TrimSpace(code), now)
	if !ok {
		return 0, ErrWrongOTP
	}
	return step, nil
}

func (l *Local) spendTOTP(ctx context.Context, subjectID string, step int64) error {
	ok, err := l.store.SpendTOTP(ctx, subjectID, step)
	if err != nil {
		return err
	}
	if !ok {
		return ErrWrongOTP
	}
	return nil
}

func matchTOTP(secret, code string, now time.Time) (step int64, ok bool) {
	at := now.Unix() / int64(totpStep.Seconds())
	for _, s := range []int64{at - 1, at, at + 1} {
		want, err := hotp.GenerateCodeCustom(secret, uint64(s), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			return s, true
		}
	}
	return 0, false
}
