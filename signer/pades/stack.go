package pades

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"hash"
	"io"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// stack is a file and the updates made to it since, which are small and stay in memory. It
// is a Source of all that together, and writes it to out as it grows, so that the file itself
// is copied once, however many updates follow it.
type stack struct {
	base Source
	tail []byte
	out  io.Writer
	// sum hashes what goes to out, for document time-stamps; nil when none is expected.
	sum    hash.Hash
	copied bool
}

// Size returns the length of the file as it is now.
func (s *stack) Size() int64 { return s.base.Size() + int64(len(s.tail)) }

// ReadAt implements io.ReaderAt.
func (s *stack) ReadAt(p []byte, off int64) (int, error) {
	if off >= s.base.Size() {
		return bytes.NewReader(s.tail).ReadAt(p, off-s.base.Size())
	}
	n, err := s.base.ReadAt(p[:min(int64(len(p)), s.base.Size()-off)], off)
	if (err != nil && !errors.Is(err, io.EOF)) || n == len(p) {
		return n, err
	}
	if off+int64(n) < s.base.Size() {
		return n, io.ErrUnexpectedEOF // the file got shorter
	}
	m, err := bytes.NewReader(s.tail).ReadAt(p[n:], 0)
	return n + m, err
}

// writer is out, hashed on the way.
func (s *stack) writer() io.Writer {
	if s.sum == nil {
		return s.out
	}
	return io.MultiWriter(s.out, s.sum)
}

// copyBase writes the file itself to out, the first time.
func (s *stack) copyBase(ctx context.Context) error {
	if s.copied {
		return nil
	}
	n, err := copyAll(ctx, s.writer(), s.base)
	if err != nil {
		return err
	}
	if n != s.base.Size() {
		return refuse(signer.CodeInputChanged, "the file is no longer %d bytes long", s.base.Size())
	}
	s.copied = true
	return nil
}

// add appends an update.
func (s *stack) add(ctx context.Context, inc *pdf.Increment) error {
	if err := s.copyBase(ctx); err != nil {
		return err
	}
	s.tail = append(s.tail, inc.Bytes...)
	_, err := s.writer().Write(inc.Bytes)
	return err
}

// digest is the SHA-256 of what the ByteRange of an update that is not added yet covers.
func (s *stack) digest(ctx context.Context, inc *pdf.Increment) ([]byte, error) {
	if err := s.copyBase(ctx); err != nil {
		return nil, err
	}
	c, ok := s.sum.(hash.Cloner)
	if !ok {
		return coveredDigest(ctx, s, inc, crypto.SHA256, io.Discard)
	}
	h, err := c.Clone()
	if err != nil {
		return nil, err
	}
	writeCovered(h, inc)
	return h.Sum(nil), nil
}

// finish ends the work on the file: it must still be what it was.
func (s *stack) finish(ctx context.Context) error {
	if err := s.copyBase(ctx); err != nil {
		return err
	}
	return unchanged(s.base)
}
