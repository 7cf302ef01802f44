package blob

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"

	"gocloud.dev/blob"
)

// Writer takes the bytes of a new blob, which exists only after Commit. It is used by one
// goroutine.
type Writer struct {
	s      *Store
	id     string
	w      *blob.Writer
	cancel context.CancelFunc
	aead   cipher.AEAD
	sum    hash.Hash
	size   int64
	chunk  int64
	buf    []byte // plain bytes of the chunk that is being filled
	out    []byte
	err    error
	done   bool
}

// Create starts a new blob. Call Abort when done, also after Commit.
func (s *Store) Create(ctx context.Context) (*Writer, error) {
	id, salt := newID(), make([]byte, saltSize)
	rand.Read(salt)
	aead, err := s.aead(id, salt)
	if err != nil {
		return nil, fmt.Errorf("key of a new blob: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	w, err := s.bucket.NewWriter(ctx, path(id), &blob.WriterOptions{ContentType: "application/octet-stream", DisableContentTypeDetection: true})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("create blob: %w", err)
	}
	b := &Writer{s: s, id: id, w: w, cancel: cancel, aead: aead, sum: sha256.New(),
		buf: make([]byte, 0, chunkSize), out: make([]byte, 0, chunkSize+tagSize)}
	if _, err := w.Write(append([]byte(magic), salt...)); err != nil {
		b.Abort()
		return nil, fmt.Errorf("write blob: %w", err)
	}
	return b, nil
}

// Write implements io.Writer.
func (b *Writer) Write(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n := len(p)
	b.sum.Write(p)
	b.size += int64(n)
	for len(p) > 0 {
		if len(b.buf) == chunkSize { // only when more follows: the last chunk has its own nonce
			if b.err = b.flush(false); b.err != nil {
				return 0, b.err
			}
		}
		k := min(chunkSize-len(b.buf), len(p))
		b.buf = append(b.buf, p[:k]...)
		p = p[k:]
	}
	return n, nil
}

func (b *Writer) flush(last bool) error {
	b.out = b.aead.Seal(b.out[:0], nonce(b.chunk, last), b.buf, nil)
	if _, err := b.w.Write(b.out); err != nil {
		return fmt.Errorf("write blob: %w", err)
	}
	b.chunk++
	b.buf = b.buf[:0]
	return nil
}

// Commit makes the blob exist, durably.
func (b *Writer) Commit() (Ref, error) {
	if b.done {
		return Ref{}, errors.New("commit a blob twice")
	}
	if b.err == nil {
		b.err = b.flush(true)
	}
	if b.err != nil {
		b.Abort()
		return Ref{}, b.err
	}
	b.done = true
	defer b.cancel()
	if err := b.w.Close(); err != nil {
		return Ref{}, fmt.Errorf("close blob: %w", err)
	}
	if b.s.dir != "" {
		if err := b.s.sync(b.id); err != nil {
			return Ref{}, err
		}
	}
	return Ref{ID: b.id, Size: b.size, SHA256: b.sum.Sum(nil)}, nil
}

// Abort leaves nothing behind; after Commit it does nothing.
func (b *Writer) Abort() {
	if b.done {
		return
	}
	b.done = true
	b.cancel()      // a closed writer whose context ended writes nothing
	_ = b.w.Close() // its error says only that it was cancelled
}

// sync brings a file and the folders that name it to disk.
func (s *Store) sync(id string) error {
	file := filepath.Join(s.dir, filepath.FromSlash(path(id)))
	for _, name := range []string{file, filepath.Dir(file), s.dir} {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("sync blob: %w", err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("sync blob: %w", err)
		}
	}
	return nil
}
