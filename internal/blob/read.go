package blob

import (
	"context"
	"crypto/cipher"
	"fmt"
	"io"
	"sync"

	"gocloud.dev/gcerrors"
)

// Reading goes ahead when it is sequential: this many chunks in one request.
const (
	spanChunks  = 16
	cacheChunks = 32
)

// Reader reads a blob at any place. It is safe for use by many goroutines.
type Reader struct {
	s      *Store
	ctx    context.Context // of Open: io.ReaderAt has none
	id     string
	aead   cipher.AEAD
	size   int64
	chunks int64

	mu    sync.Mutex
	cache map[int64][]byte
	order []int64 // of the cache, oldest first
	next  int64   // the chunk after the one read last
}

// Reader opens a blob; ctx ends its reads. Close it.
func (s *Store) Reader(ctx context.Context, id string) (*Reader, error) {
	attrs, err := s.bucket.Attributes(ctx, path(id))
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, fmt.Errorf("open blob %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", id, err)
	}
	size, ok := plainSize(attrs.Size)
	if !ok {
		return nil, fmt.Errorf("open blob %s of %d bytes: %w", id, attrs.Size, ErrChanged)
	}
	r := &Reader{s: s, ctx: ctx, id: id, size: size, chunks: chunksOf(size), cache: make(map[int64][]byte)}
	head, err := r.stored(0, int64(headSize))
	if err != nil {
		return nil, err
	}
	if string(head[:len(magic)]) != magic {
		return nil, fmt.Errorf("open blob %s: %w", id, ErrChanged)
	}
	if r.aead, err = s.aead(id, head[len(magic):]); err != nil {
		return nil, fmt.Errorf("open blob %s: %w", id, err)
	}
	return r, nil
}

// Size is the number of plain bytes.
func (r *Reader) Size() int64 { return r.size }

// Close forgets what was read.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cache, r.order = nil, nil
	return nil
}

// ReadAt implements io.ReaderAt.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read blob at %d", off)
	}
	var n int
	for n < len(p) {
		if off >= r.size {
			return n, io.EOF
		}
		plain, err := r.chunk(off / chunkSize)
		if err != nil {
			return n, err
		}
		k := copy(p[n:], plain[off%chunkSize:])
		n, off = n+k, off+int64(k)
	}
	return n, nil
}

// chunk returns a chunk's plain bytes, which nobody changes.
func (r *Reader) chunk(i int64) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok := r.cache[i]; ok {
		r.next = i + 1
		return b, nil
	}
	if r.cache == nil {
		return nil, fmt.Errorf("read blob %s after it was closed", r.id)
	}
	count := int64(1)
	if i == r.next && i > 0 {
		count = min(spanChunks, r.chunks-i)
	}
	from := int64(headSize) + i*(chunkSize+tagSize)
	until := min(int64(headSize)+(i+count)*(chunkSize+tagSize), int64(headSize)+r.size+r.chunks*tagSize)
	sealed, err := r.stored(from, until-from)
	if err != nil {
		return nil, err
	}
	for k := range count {
		part := sealed[k*(chunkSize+tagSize) : min((k+1)*(chunkSize+tagSize), int64(len(sealed)))]
		plain, err := r.aead.Open(part[:0], nonce(i+k, i+k == r.chunks-1), part, nil)
		if err != nil {
			return nil, fmt.Errorf("read blob %s: %w", r.id, ErrChanged)
		}
		r.keep(i+k, plain)
	}
	r.next = i + 1
	return r.cache[i], nil
}

// keep puts a chunk into the cache in place of the oldest.
func (r *Reader) keep(i int64, plain []byte) {
	if _, ok := r.cache[i]; ok {
		return
	}
	if len(r.order) == cacheChunks {
		delete(r.cache, r.order[0])
		r.order = append(r.order[:0], r.order[1:]...)
	}
	r.cache[i] = plain
	r.order = append(r.order, i)
}

// stored reads n encrypted bytes.
func (r *Reader) stored(off, n int64) ([]byte, error) {
	rd, err := r.s.bucket.NewRangeReader(r.ctx, path(r.id), off, n, nil)
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", r.id, err)
	}
	defer rd.Close()
	b := make([]byte, n)
	if _, err := io.ReadFull(rd, b); err != nil {
		return nil, fmt.Errorf("read blob %s: %w", r.id, err)
	}
	return b, nil
}
