package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/kyso-vn/kyso/internal/blob"
)

var key = bytes.Repeat([]byte{7}, 32)

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	_, _ = r.Read(b)
	return b
}

func put(t *testing.T, s *blob.Store, data []byte) blob.Ref {
	t.Helper()
	w, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if _, err := io.Copy(w, iotest.HalfReader(bytes.NewReader(data))); err != nil {
		t.Fatal(err)
	}
	ref, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func files(t *testing.T) (*blob.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "blobs")
	s, err := blob.Open(t.Context(), "file://"+dir, key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, dir
}

// stored lists the files of a folder, at any depth.
func stored(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestBytesComeBackWholeAndInPieces(t *testing.T) {
	t.Parallel()
	inFiles, _ := files(t)
	inMemory, err := blob.Open(t.Context(), "mem://", key)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*blob.Store{"file": inFiles, "mem": inMemory} {
		for _, n := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 3 << 20} {
			data := random(n)
			ref := put(t, s, data)
			sum := sha256.Sum256(data)
			if ref.Size != int64(n) || !bytes.Equal(ref.SHA256, sum[:]) {
				t.Fatalf("%s %d: ref %+v", name, n, ref)
			}
			r, err := s.Reader(t.Context(), ref.ID)
			if err != nil {
				t.Fatal(err)
			}
			if err := iotest.TestReader(io.NewSectionReader(r, 0, r.Size()), data); err != nil {
				t.Errorf("%s %d: %v", name, n, err)
			}
			for range 20 {
				if n == 0 {
					break
				}
				off := rand.IntN(n)
				p := make([]byte, 1+rand.IntN(min(n-off, 200<<10)))
				if _, err := r.ReadAt(p, int64(off)); err != nil || !bytes.Equal(p, data[off:off+len(p)]) {
					t.Fatalf("%s %d: read %d at %d: %v", name, n, len(p), off, err)
				}
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestStoredBytesShowNothing(t *testing.T) {
	t.Parallel()
	s, dir := files(t)
	put(t, s, bytes.Repeat([]byte("001190012345 "), 10_000))
	for _, p := range stored(t, dir) {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("001190012345")) {
			t.Fatalf("%s holds clear text", p)
		}
	}
}

func TestEveryChangeIsFound(t *testing.T) {
	t.Parallel()
	s, dir := files(t)
	data := random(200 << 10)
	ref, other := put(t, s, data), put(t, s, random(200<<10))
	file := func(id string) string { return filepath.Join(dir, id[:2], id[2:]) }
	good, err := os.ReadFile(file(ref.ID))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(file(other.ID))
	if err != nil {
		t.Fatal(err)
	}
	const chunk = 64<<10 + 16
	swapped := bytes.Clone(good)
	copy(swapped[36:], good[36+chunk:36+2*chunk])
	copy(swapped[36+chunk:], good[36:36+chunk])
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	salted := bytes.Clone(good)
	salted[10] ^= 1
	for name, b := range map[string][]byte{
		"bit flipped": flipped, "another blob's file": foreign, "chunks swapped": swapped, "salt changed": salted,
		"cut at a chunk": good[:36+2*chunk], "cut": good[:len(good)-5], "empty": {}, "head only": good[:36], "longer": append(bytes.Clone(good), 0),
	} {
		if err := os.WriteFile(file(ref.ID), b, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := s.Reader(t.Context(), ref.ID)
		if err == nil {
			_, err = io.Copy(io.Discard, io.NewSectionReader(r, 0, r.Size()))
		}
		if !errors.Is(err, blob.ErrChanged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAbortedAndCancelledWritesLeaveNothing(t *testing.T) {
	t.Parallel()
	s, dir := files(t)
	w, err := s.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(random(1 << 20)); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	ctx, cancel := context.WithCancel(t.Context())
	w, err = s.Create(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(random(1 << 10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := w.Commit(); err == nil {
		t.Fatal("a cancelled write was committed")
	}
	if left := stored(t, dir); len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
}

func TestDeletedAndStrangeIDsAreNotFound(t *testing.T) {
	t.Parallel()
	s, _ := files(t)
	ref := put(t, s, []byte("x"))
	for range 2 {
		if err := s.Delete(t.Context(), ref.ID); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{ref.ID, "", "../../etc/passwd", "AB"} {
		if _, err := s.Reader(t.Context(), id); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestOneReaderServesManyGoroutines(t *testing.T) {
	t.Parallel()
	s, _ := files(t)
	data := random(5 << 20)
	ref := put(t, s, data)
	r, err := s.Reader(t.Context(), ref.ID)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			p := make([]byte, 100<<10)
			for off := i * 1000; off+len(p) < len(data); off += 300 << 10 {
				if _, err := r.ReadAt(p, int64(off)); err != nil || !bytes.Equal(p, data[off:off+len(p)]) {
					t.Errorf("at %d: %v", off, err)
				}
			}
		})
	}
	wg.Wait()
}
