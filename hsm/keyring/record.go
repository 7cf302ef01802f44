package keyring

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/kyso-vn/kyso/hsm"
)

// Mode says what opens a record.
type Mode string

const (
	ModeCode Mode = "code" // the activation code, until the owner chooses a PIN
	ModePIN  Mode = "pin"  // the owner's PIN
	ModeRole Mode = "role" // role and approval, checked by the caller
)

// recordVersion is the only version there is.
const recordVersion = 1

// saltSize is in bytes.
const saltSize = 16

// Record is a person's key at rest. Every field but Sealed is authenticated by
// the seal, so a record whose fields were exchanged does not open.
type Record struct {
	Version   int           `json:"version"` // 1
	KeyID     string        `json:"key_id"`
	SubjectID string        `json:"subject_id"` // whose key it is
	KEKID     string        `json:"kek_id"`     // label of the token key that wraps
	Algorithm hsm.Algorithm `json:"algorithm"`
	// SPKI is the SubjectPublicKeyInfo (RFC 5280, Section 4.1), DER.
	SPKI []byte `json:"spki"`
	Mode Mode   `json:"mode"`
	Salt []byte `json:"salt"` // 16 bytes, new with every sealing
	// Argon2 is zero unless Mode is ModePIN.
	Argon2 Argon2 `json:"argon2"`
	// DeviceShare tells that the owner's device holds a part of the KEK.
	DeviceShare bool `json:"device_share"`
	// Sealed is nonce ‖ AES-256-GCM(KEK, wrapped PKCS #8) ‖ tag.
	Sealed []byte `json:"sealed"`
}

// Argon2 is the cost of trying a PIN (Argon2id, RFC 9106). It is kept with the
// key, so that it can be raised for new PINs.
type Argon2 struct {
	MemoryKiB uint32 `json:"memory_kib"`
	Time      uint32 `json:"time"`
	Threads   uint8  `json:"threads"`
}

// defaultArgon2 takes 29 ms of a core: 19 MiB, two passes.
var defaultArgon2 = Argon2{MemoryKiB: 19 * 1024, Time: 2, Threads: 1}

// check bounds what a record from the database may make us spend.
func (a Argon2) check() error {
	if a.MemoryKiB < 8*1024 || a.MemoryKiB > 1024*1024 || a.Time < 1 || a.Time > 16 || a.Threads < 1 || a.Threads > 8 {
		return fmt.Errorf("Argon2id parameters %d KiB, %d passes, %d threads", a.MemoryKiB, a.Time, a.Threads)
	}
	return nil
}

// Public reads the public key, and checks that the record can be one of ours.
func (r *Record) Public() (crypto.PublicKey, error) {
	fail := func(err error) (crypto.PublicKey, error) {
		return nil, &hsm.Error{Code: codeRecord, Op: "read key record", Subject: r.KeyID, Err: err}
	}
	if r.Version != recordVersion {
		return fail(fmt.Errorf("version %d", r.Version))
	}
	if r.KeyID == "" || r.SubjectID == "" || r.KEKID == "" {
		return fail(errors.New("key, subject or wrapping key is not named"))
	}
	if len(r.Salt) != saltSize || len(r.Sealed) == 0 || len(r.Sealed) > maxSealed {
		return fail(errors.New("salt or seal has a wrong length"))
	}
	switch r.Mode {
	case ModePIN:
		if err := r.Argon2.check(); err != nil {
			return fail(err)
		}
	case ModeCode, ModeRole:
	default:
		return fail(fmt.Errorf("mode %q", r.Mode))
	}
	pub, err := x509.ParsePKIXPublicKey(r.SPKI)
	if err != nil {
		return fail(err)
	}
	if alg, err := hsm.AlgorithmOf(pub); err != nil || alg != r.Algorithm {
		return fail(fmt.Errorf("public key is not %s", r.Algorithm))
	}
	return pub, nil
}

// maxSealed is more than RSA-4096 takes, in bytes.
const maxSealed = 8192

// bound is the additional data of the seal: everything that must not be
// exchanged between records.
func (r *Record) bound() []byte {
	spki := sha256.Sum256(r.SPKI)
	share := byte(0)
	if r.DeviceShare {
		share = 1
	}
	return Encode("kyso/keyring/record", number(uint64(r.Version)), []byte(r.KeyID), []byte(r.SubjectID), []byte(r.KEKID),
		[]byte(r.Algorithm), spki[:], []byte(r.Mode), r.Salt, []byte{share},
		number(uint64(r.Argon2.MemoryKiB)), number(uint64(r.Argon2.Time)), []byte{r.Argon2.Threads})
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// Encode joins a purpose and parts so that no two lists give the same bytes:
// each is preceded by its length, four bytes, big-endian.
func Encode(purpose string, parts ...[]byte) []byte {
	n := 4 + len(purpose)
	for _, p := range parts {
		n += 4 + len(p)
	}
	b := make([]byte, 0, n)
	b = binary.BigEndian.AppendUint32(b, uint32(len(purpose)))
	b = append(b, purpose...)
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}
