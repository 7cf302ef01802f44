// Package blob keeps document bytes: encrypted, under random ids, durable once committed,
// and readable at any place without holding a file in memory.
//
// A stored object is a 36-byte header (magic, 32 random bytes of salt) and chunks of 64 KiB,
// each sealed by AES-256-GCM under a key derived for this object alone. A chunk's nonce is
// its number and whether it is the last one, so that chunks can't be exchanged, repeated or
// cut off (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015).
package blob

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/memblob" // scheme mem://, for tests
	"gocloud.dev/gcerrors"
)

const (
	magic     = "KYB1"
	saltSize  = 32
	headSize  = len(magic) + saltSize
	chunkSize = 64 << 10
	tagSize   = 16
	idSize    = 16
)

// Errors of reading.
var (
	// ErrNotFound is an object that isn't there.
	ErrNotFound = errors.New("no such blob")
	// ErrChanged is an object whose bytes are not those that were written under its id.
	ErrChanged = errors.New("the blob's bytes were changed")
)

// Ref names committed bytes.
type Ref struct {
	ID     string
	Size   int64
	SHA256 []byte // of the plain bytes
}

// Store keeps blobs in a bucket. It is safe for use by many goroutines.
type Store struct {
	bucket *blob.Bucket
	dir    string // of a file bucket, whose writes must be synced; else empty
	key    []byte
}

// Open opens the bucket at rawURL: "file:///var/lib/kyso/blobs" (made when missing) or any
// scheme of gocloud.dev/blob that the program links. key has 32 bytes.
func Open(ctx context.Context, rawURL string, key []byte) (*Store, error) {
	if len(key) != 32 {
		return nil, errors.New("the blob key has 32 bytes")
	}
	s := &Store{key: append([]byte(nil), key...)}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("blob address: %w", err)
	}
	if u.Scheme != "file" {
		s.bucket, err = blob.OpenBucket(ctx, rawURL)
		if err != nil {
			return nil, fmt.Errorf("open blobs: %w", err)
		}
		return s, nil
	}
	s.dir = filepath.FromSlash(u.Path)
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the blob folder: %w", err)
	}
	s.bucket, err = fileblob.OpenBucket(s.dir, &fileblob.Options{DirFileMode: 0o700, NoTempDir: true, Metadata: fileblob.MetadataDontWrite})
	if err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	return s, nil
}

// Close closes the bucket.
func (s *Store) Close() error { return s.bucket.Close() }

// Delete removes a blob; one that isn't there is no error.
func (s *Store) Delete(ctx context.Context, id string) error {
	err := s.bucket.Delete(ctx, path(id))
	if err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("delete blob %s: %w", id, err)
	}
	return nil
}

// newID returns 16 random bytes in hex.
func newID() string {
	b := make([]byte, idSize)
	rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

// validID reports whether id is one of ours, so that it can never be a path.
func validID(id string) bool {
	return len(id) == 2*idSize && strings.Trim(id, "0123456789abcdef") == ""
}

// path spreads blobs over 256 folders.
func path(id string) string {
	if !validID(id) {
		return "invalid"
	}
	return id[:2] + "/" + id[2:]
}

// aead derives the object's own key, so that chunk numbers can be nonces.
func (s *Store) aead(id string, salt []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, s.key, salt, "kyso blob "+id, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// nonce is 11 bytes of chunk number and one that is 1 in the last chunk.
func nonce(chunk int64, last bool) []byte {
	n := make([]byte, 12)
	binary.BigEndian.PutUint64(n[3:], uint64(chunk))
	if last {
		n[11] = 1
	}
	return n
}

// plainSize is the size of what is inside an object of stored bytes; ok is false when no
// object has that size. An empty one has a chunk, too.
func plainSize(stored int64) (size int64, ok bool) {
	body := stored - int64(headSize)
	if body < tagSize {
		return 0, false
	}
	chunks := (body + chunkSize + tagSize - 1) / (chunkSize + tagSize)
	size = body - chunks*tagSize
	return size, size >= 0 && chunksOf(size) == chunks
}

// chunksOf is the number of chunks that hold size bytes, at least one.
func chunksOf(size int64) int64 { return max(1, (size+chunkSize-1)/chunkSize) }
