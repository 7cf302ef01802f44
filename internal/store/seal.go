package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// sealer protects personal data at rest: AES-256-GCM with a random nonce in front, bound to
// the column it stands in, and a keyed hash to find it by.
type sealer struct {
	aead  cipher.AEAD
	index []byte
}

func newSealer(dataKey, indexKey []byte) (*sealer, error) {
	if len(dataKey) != 32 || len(indexKey) != 32 {
		return nil, errors.New("data key and index key have 32 bytes")
	}
	block, err := aes.NewCipher(dataKey)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead: aead, index: append([]byte(nil), indexKey...)}, nil
}

// seal encrypts plain for column ("table.column"); nil stays nil.
func (s *sealer) seal(column string, plain []byte) []byte {
	if plain == nil {
		return nil
	}
	nonce := make([]byte, s.aead.NonceSize(), s.aead.NonceSize()+len(plain)+s.aead.Overhead())
	rand.Read(nonce) // never fails since Go 1.24
	return s.aead.Seal(nonce, nonce, plain, []byte(column))
}

// open decrypts what seal made for the same column.
func (s *sealer) open(column string, sealed []byte) ([]byte, error) {
	if sealed == nil {
		return nil, nil
	}
	n := s.aead.NonceSize()
	if len(sealed) < n {
		return nil, fmt.Errorf("sealed %s is too short", column)
	}
	plain, err := s.aead.Open(nil, sealed[:n], sealed[n:], []byte(column))
	if err != nil {
		return nil, fmt.Errorf("open sealed %s: %w", column, err)
	}
	return plain, nil
}

// hash returns the keyed hash by which value is found in column.
func (s *sealer) hash(column, value string) []byte {
	m := hmac.New(sha256.New, s.index)
	m.Write([]byte(column))
	m.Write([]byte{0})
	m.Write([]byte(value))
	return m.Sum(nil)
}
