package pdf

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
)

// authenticate returns the file key when password is the user's or the
// owner's, else nil. Passwords of revisions 5 and 6 are taken as they are,
// without SASLprep.
func (h *standard) authenticate(password []byte) []byte {
	if h.r >= 5 {
		return h.authenticate256(password)
	}
	if key := h.tryUser(password); key != nil {
		return key
	}
	return h.tryUser(h.userPassword(password))
}

// passwordPad is the padding string of Algorithm 2 (ISO 32000-1, 7.6.3.3).
var passwordPad = []byte("\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08" +
	"\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A")

func padPassword(p []byte) []byte { return append(append([]byte(nil), p...), passwordPad...)[:32] }

// tryUser is Algorithms 2, 4, 5 and 6.
func (h *standard) tryUser(password []byte) []byte {
	m := md5.New()
	m.Write(padPassword(password))
	m.Write(h.o)
	m.Write(binary.LittleEndian.AppendUint32(nil, h.p))
	m.Write(h.id)
	if h.r >= 4 && !h.encryptMetadata {
		m.Write([]byte{0xff, 0xff, 0xff, 0xff})
	}
	key := m.Sum(nil)
	if h.r >= 3 {
		for range 50 {
			s := md5.Sum(key[:h.keyLen])
			key = s[:]
		}
	}
	key = key[:h.keyLen]
	if h.r == 2 {
		if bytes.Equal(rc4Xor(key, 0, passwordPad), h.u) {
			return key
		}
		return nil
	}
	s := md5.Sum(append(append([]byte(nil), passwordPad...), h.id...))
	u := s[:]
	for i := range 20 {
		u = rc4Xor(key, byte(i), u)
	}
	if bytes.Equal(u, h.u[:16]) {
		return key
	}
	return nil
}

// userPassword is Algorithm 7: the user password that an owner password hides.
func (h *standard) userPassword(owner []byte) []byte {
	s := md5.Sum(padPassword(owner))
	key := s[:]
	if h.r == 2 {
		return rc4Xor(key[:5], 0, h.o)
	}
	for range 50 {
		s := md5.Sum(key[:h.keyLen])
		key = s[:]
	}
	out := h.o
	for i := 19; i >= 0; i-- {
		out = rc4Xor(key[:h.keyLen], byte(i), out)
	}
	return out
}

// rc4Xor encrypts in with key, each byte of which is XORed with x.
func rc4Xor(key []byte, x byte, in []byte) []byte {
	k := make([]byte, len(key))
	for i := range key {
		k[i] = key[i] ^ x
	}
	c, err := rc4.NewCipher(k)
	if err != nil {
		return nil // never: keys are 5 to 16 bytes
	}
	out := make([]byte, len(in))
	c.XORKeyStream(out, in)
	return out
}

// authenticate256 is Algorithm 2.A of ISO 32000-2, Section 7.6.4.3.3.
func (h *standard) authenticate256(password []byte) []byte {
	password = password[:min(len(password), 127)]
	hash := h.hash2B
	if h.r == 5 {
		hash = func(p, salt, u []byte) []byte {
			s := sha256.Sum256(bytes.Join([][]byte{p, salt, u}, nil))
			return s[:]
		}
	}
	var fileKey, wrapped []byte
	switch {
	case bytes.Equal(hash(password, h.o[32:40], h.u), h.o[:32]):
		fileKey, wrapped = hash(password, h.o[40:48], h.u), h.oe
	case bytes.Equal(hash(password, h.u[32:40], nil), h.u[:32]):
		fileKey, wrapped = hash(password, h.u[40:48], nil), h.ue
	default:
		return nil
	}
	block, err := aes.NewCipher(fileKey)
	if err != nil {
		return nil // never: the key is 32 bytes
	}
	out := make([]byte, 32)
	cipher.NewCBCDecrypter(block, make([]byte, 16)).CryptBlocks(out, wrapped)
	return out
}

// hash2B is Algorithm 2.B of ISO 32000-2, Section 7.6.4.3.4.
func (h *standard) hash2B(password, salt, u []byte) []byte {
	s := sha256.Sum256(bytes.Join([][]byte{password, salt, u}, nil))
	k := s[:]
	for i := 0; ; i++ {
		e := bytes.Repeat(bytes.Join([][]byte{password, k, u}, nil), 64)
		block, err := aes.NewCipher(k[:16])
		if err != nil {
			return nil // never: the key is 16 bytes
		}
		cipher.NewCBCEncrypter(block, k[16:32]).CryptBlocks(e, e)
		mod := 0
		for _, b := range e[:16] {
			mod += int(b)
		}
		switch mod % 3 {
		case 0:
			s := sha256.Sum256(e)
			k = s[:]
		case 1:
			s := sha512.Sum384(e)
			k = s[:]
		default:
			s := sha512.Sum512(e)
			k = s[:]
		}
		if i >= 63 && int(e[len(e)-1]) <= i-31 {
			return k[:32]
		}
	}
}
