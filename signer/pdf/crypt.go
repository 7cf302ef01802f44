package pdf

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/rand"
	"crypto/rc4"
	"errors"
	"io"
)

// cryptMethod is how strings or streams are encrypted (ISO 32000-1, Table 25).
type cryptMethod uint8

const (
	methodIdentity cryptMethod = iota
	methodRC4
	methodAESV2
	methodAESV3
)

// crypt is the standard security handler's state once a password fitted.
// A nil crypt means that nothing is encrypted.
type crypt struct {
	key             []byte
	strings         cryptMethod
	streams         cryptMethod
	filters         map[Name]cryptMethod
	encryptMetadata bool
	dict            Ref // the Encrypt dictionary, whose strings are plain; may be zero
}

// objectKey returns the key for one object (Algorithm 1 of Section 7.6.2).
func (c *crypt) objectKey(ref Ref, m cryptMethod) []byte {
	if m == methodAESV3 {
		return c.key
	}
	h := md5.New()
	h.Write(c.key)
	h.Write([]byte{byte(ref.Num), byte(ref.Num >> 8), byte(ref.Num >> 16), byte(ref.Gen), byte(ref.Gen >> 8)})
	if m == methodAESV2 {
		h.Write([]byte("sAlT"))
	}
	return h.Sum(nil)[:min(len(c.key)+5, 16)]
}

// stringDecrypter returns what the parser applies to an object's strings.
func (c *crypt) stringDecrypter(ref Ref) func([]byte) ([]byte, error) {
	if c == nil || c.strings == methodIdentity || ref == c.dict {
		return nil
	}
	var key []byte
	return func(b []byte) ([]byte, error) {
		if key == nil {
			key = c.objectKey(ref, c.strings)
		}
		return decrypt(key, c.strings, b)
	}
}

func decrypt(key []byte, m cryptMethod, b []byte) ([]byte, error) {
	switch m {
	case methodRC4:
		s, err := rc4.NewCipher(key)
		if err != nil {
			return nil, err
		}
		out := make([]byte, len(b))
		s.XORKeyStream(out, b)
		return out, nil
	case methodAESV2, methodAESV3:
		if len(b) == 0 || len(b) == 16 {
			return nil, nil // some writers leave padding, or all, out of empty strings
		}
		if len(b)%16 != 0 {
			return nil, refuse(Damaged, "encrypted string of %d bytes", len(b))
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		out := make([]byte, len(b)-16)
		cipher.NewCBCDecrypter(block, b[:16]).CryptBlocks(out, b[16:])
		pad := int(out[len(out)-1])
		if pad < 1 || pad > 16 {
			return nil, refuse(Damaged, "encrypted string with malformed padding")
		}
		return out[:len(out)-pad], nil
	}
	return b, nil
}

// encrypt is the inverse of decrypt, with a fresh initialisation vector.
func encrypt(key []byte, m cryptMethod, b []byte) ([]byte, error) {
	switch m {
	case methodRC4:
		return decrypt(key, m, b)
	case methodAESV2, methodAESV3:
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		pad := 16 - len(b)%16
		out := make([]byte, 16+len(b)+pad)
		if _, err := rand.Read(out[:16]); err != nil {
			return nil, err
		}
		copy(out[16:], b)
		for i := len(out) - pad; i < len(out); i++ {
			out[i] = byte(pad)
		}
		cipher.NewCBCEncrypter(block, out[:16]).CryptBlocks(out[16:], out[16:])
		return out, nil
	}
	return b, nil
}

// stringEncrypter returns what a writer applies to an object's strings, or nil.
func (c *crypt) stringEncrypter(ref Ref) func([]byte) ([]byte, error) {
	if c == nil || c.strings == methodIdentity || ref == c.dict {
		return nil
	}
	key := c.objectKey(ref, c.strings)
	return func(b []byte) ([]byte, error) { return encrypt(key, c.strings, b) }
}

// streamMethod returns how a stream is encrypted: by its own Crypt filter or
// as all streams are.
func (c *crypt) streamMethod(d *Dict, filters []filter) (cryptMethod, error) {
	for _, f := range filters {
		if f.name == "Crypt" {
			if f.cryptName == "" || f.cryptName == "Identity" {
				return methodIdentity, nil
			}
			m, ok := c.filters[f.cryptName]
			if !ok {
				return 0, refuse(Damaged, "crypt filter %s is not declared", f.cryptName)
			}
			return m, nil
		}
	}
	switch d.Name("Type") {
	case "XRef":
		return methodIdentity, nil
	case "Metadata":
		if !c.encryptMetadata {
			return methodIdentity, nil
		}
	}
	return c.streams, nil
}

func (c *crypt) streamReader(src io.Reader, st *Stream, filters []filter) (io.Reader, error) {
	m, err := c.streamMethod(st.Dict, filters)
	if err != nil || m == methodIdentity {
		return src, err
	}
	key := c.objectKey(st.ref, m)
	if m == methodRC4 {
		s, err := rc4.NewCipher(key)
		return &cipher.StreamReader{S: s, R: src}, err
	}
	block, err := aes.NewCipher(key)
	return &cbcReader{src: src, block: block}, err
}

// encryptStream encrypts the encoded data of a stream that is to be written.
func (c *crypt) encryptStream(ref Ref, d *Dict, filters []filter, data []byte) ([]byte, error) {
	if c == nil {
		return data, nil
	}
	m, err := c.streamMethod(d, filters)
	if err != nil || m == methodIdentity {
		return data, err
	}
	return encrypt(c.objectKey(ref, m), m, data)
}

// cbcReader decrypts AES-CBC with the vector in front and PKCS#7 padding.
type cbcReader struct {
	src   io.Reader
	block cipher.Block
	mode  cipher.BlockMode
	buf   [4096]byte
	out   []byte // decrypted and known not to be padding
	last  [16]byte
	held  bool // last is a decrypted block that may be padding
	plain [4096 + 16]byte
	err   error
}

func (c *cbcReader) Read(b []byte) (int, error) {
	for len(c.out) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		c.err = c.fill()
	}
	n := copy(b, c.out)
	c.out = c.out[n:]
	return n, nil
}

// fill decrypts the next piece; the last block waits until it is known
// whether it is padding.
func (c *cbcReader) fill() error {
	if c.mode == nil {
		var iv [16]byte
		if _, err := io.ReadFull(c.src, iv[:]); err != nil {
			return ignoreUnexpected(err)
		}
		c.mode = cipher.NewCBCDecrypter(c.block, iv[:])
	}
	n, err := io.ReadFull(c.src, c.buf[:])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	if n%16 != 0 {
		return errors.New("encrypted stream is no multiple of 16 bytes")
	}
	out := c.plain[:0]
	if c.held {
		out = append(out, c.last[:]...)
	}
	at := len(out)
	out = out[:at+n]
	c.mode.CryptBlocks(out[at:], c.buf[:n])
	if err == nil { // more may come
		c.held = true
		copy(c.last[:], out[len(out)-16:])
		c.out = out[:len(out)-16]
		return nil
	}
	if len(out) > 0 {
		pad := int(out[len(out)-1])
		if pad < 1 || pad > 16 {
			return errors.New("encrypted stream with malformed padding")
		}
		out = out[:len(out)-pad]
	}
	c.out = out
	return io.EOF
}

// ignoreUnexpected turns a stream too short for a vector into an empty one.
func ignoreUnexpected(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("encrypted stream shorter than its initialisation vector")
	}
	return err
}
