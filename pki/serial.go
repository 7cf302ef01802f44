package pki

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
)

// SerialBytes is the length of the serial numbers drawn by NewSerial.
const SerialBytes = 16

// maxSerialBytes is the longest serial number (RFC 5280, Section 4.1.2.2).
const maxSerialBytes = 20

// Serial is a certificate's serial number: a positive integer of at most 20
// octets, big-endian, padded with zeros on the left. It is comparable and can
// key a map. The zero value is no serial number.
//
// RFC 5280, Section 4.1.2.2.
type Serial [maxSerialBytes]byte

// NewSerial draws a serial number of exactly 16 octets from rand: 119 random
// bits and a first octet drawn evenly from 1 to 127, so that the number is
// positive and its length never gives anything away. rand must be
// cryptographically strong; crypto/rand.Reader is meant.
func NewSerial(rand io.Reader) (Serial, error) {
	var s Serial
	own := s[maxSerialBytes-SerialBytes:]
	for {
		if _, err := io.ReadFull(rand, own); err != nil {
			return Serial{}, fmt.Errorf("drawing a serial number: %w", err)
		}
		own[0] &= 0x7f
		if own[0] != 0 { // drawing again keeps the other 127 values even
			return s, nil
		}
	}
}

// SerialFromBig converts n, refusing with ErrSerial what is not positive or
// longer than 20 octets.
func SerialFromBig(n *big.Int) (Serial, error) {
	var s Serial
	// An INTEGER of 20 octets holds 159 bits of a positive number.
	if n == nil || n.Sign() <= 0 || n.BitLen() > 8*maxSerialBytes-1 {
		return s, &Error{Code: ErrSerial, Detail: "want a positive integer of at most 20 octets"}
	}
	n.FillBytes(s[:])
	return s, nil
}

// ParseSerial reads the form that String writes; upper case is accepted.
func ParseSerial(text string) (Serial, error) {
	if len(text) == 0 || len(text) > 2*maxSerialBytes || len(text)%2 != 0 {
		return Serial{}, &Error{Code: ErrSerial, Detail: "want 2 to 40 hexadecimal digits, an even count"}
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		return Serial{}, &Error{Code: ErrSerial, Err: err}
	}
	return SerialFromBig(new(big.Int).SetBytes(b))
}

// IsZero tells whether s is the zero value, which is no serial number.
func (s Serial) IsZero() bool { return s == Serial{} }

// Big returns the number as crypto/x509 wants it.
func (s Serial) Big() *big.Int { return new(big.Int).SetBytes(s[:]) }

// Bytes returns the number big-endian without leading zeros: 16 octets for a
// serial number of ours.
func (s Serial) Bytes() []byte {
	i := 0
	for i < len(s) && s[i] == 0 {
		i++
	}
	return append([]byte(nil), s[i:]...)
}

// String returns lower-case hexadecimal digits, an even count: 32 for a
// serial number of ours.
func (s Serial) String() string { return hex.EncodeToString(s.Bytes()) }

// MarshalText implements encoding.TextMarshaler in the form of String.
func (s Serial) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler in the form of ParseSerial.
func (s *Serial) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSerial(string(text))
	return err
}

// Shard returns which of n CRL shards the certificate belongs to, 0 to n-1:
// the last four octets modulo n. It depends on nothing else, is fixed at
// issuance, and must never change for a CA that has issued. n below 2 gives 0.
func (s Serial) Shard(n int) int {
	if n < 2 {
		return 0
	}
	return int(uint64(binary.BigEndian.Uint32(s[maxSerialBytes-4:])) % uint64(n))
}
