package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/argon2"
)

// Argon2id parameters of RFC 9106's second recommendation scaled to OWASP's minimum; they
// are kept in the PHC string, so that they can be raised.
const (
	argonTime    = 2
	argonMemory  = 19 * 1024 // KiB
	argonThreads = 1
)

// decoyHash is evaluated for unknown logins, so that they take as long as known ones.
const decoyHash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// maxPassword bounds a password, in bytes.
const maxPassword = 1024

// argonWait is how long a login waits for its turn.
const argonWait = 5 * time.Second

// argonSlots bounds how many hashes are computed at once: each needs 19 MiB and a core.
var argonSlots = make(chan struct{}, runtime.GOMAXPROCS(0))

// argonSlot waits for a turn to compute one hash. A flood of logins is told ErrBusy rather
// than queued for minutes.
func argonSlot(ctx context.Context) (release func(), err error) {
	late := time.NewTimer(argonWait)
	defer late.Stop()
	select {
	case argonSlots <- struct{}{}:
		return func() { <-argonSlots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-late.C:
		return nil, ErrBusy
	}
}

// hashPassword needs an argonSlot.
func hashPassword(password string) (string, error) {
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	key := deriveKey(password, salt, argonTime, argonMemory, argonThreads)
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads,
		enc.EncodeToString(salt), enc.EncodeToString(key)), nil
}

// checkPassword needs an argonSlot.
func checkPassword(phc, password string) bool {
	if len(password) > maxPassword {
		return false
	}
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	var memory, passes uint32
	var threads uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads); err != nil {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) != 32 {
		return false
	}
	return sameHash(want, deriveKey(password, salt, passes, memory, threads))
}

func deriveKey(password string, salt []byte, passes, memory uint32, threads uint8) []byte {
	return argon2.IDKey([]byte(password), salt, passes, memory, threads, 32)
}

func sameHash(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// newID returns a time-ordered UUID (RFC 9562, version 7).
func newID() string { return uuid.Must(uuid.NewV7()).String() }
