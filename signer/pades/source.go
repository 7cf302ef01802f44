package pades

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// Source is a PDF file. Its bytes must not change while it is used; Finish finds out when
// they did.
type Source interface {
	io.ReaderAt
	Size() int64
}

// FromBytes is a Source of bytes in memory, which must not change while it is used.
func FromBytes(b []byte) Source { return memory(b) }

// memory is read without being copied.
type memory []byte

// Size implements Source.
func (m memory) Size() int64 { return int64(len(m)) }

// ReadAt implements io.ReaderAt.
func (m memory) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(m)) {
		return 0, io.EOF
	}
	n := copy(p, m[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Slice returns n bytes at off; see pdf.Open.
func (m memory) Slice(off int64, n int) []byte { return m[off : off+int64(n) : off+int64(n)] }

// File is a Source of an open file.
type File struct {
	*os.File
	size  int64
	mtime time.Time
}

// OpenFile opens a file for reading.
func OpenFile(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &File{File: f, size: info.Size(), mtime: info.ModTime()}, nil
}

// Unchanged returns an error of code signer.CodeInputChanged when the file was written to
// since it was opened, as far as its size and time tell.
func (f *File) Unchanged() error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != f.size || !info.ModTime().Equal(f.mtime) {
		return refuse(signer.CodeInputChanged, "the file was written to while it was read")
	}
	return nil
}

// unchanged asks a Source that can tell whether it is still what it was.
func unchanged(in Source) error {
	if s, ok := in.(interface{ Unchanged() error }); ok {
		return s.Unchanged()
	}
	return nil
}

// Size returns the length of the file when it was opened.
func (f *File) Size() int64 { return f.size }

// open reads a file's structure and refuses what has no place in a document to be signed.
func open(in Source, password string) (*pdf.Reader, error) {
	r, err := pdf.Open(in, in.Size(), pdf.Options{Password: password})
	if err != nil {
		return nil, err
	}
	return r, nil
}

func refuse(code, format string, args ...any) error {
	return &signer.Error{ErrCode: code, Message: fmt.Sprintf(format, args...)}
}
