package pdf

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// allocated returns the bytes that f allocated in total, an upper bound of its
// memory. Tests that use it don't run in parallel with others.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// largeFile writes a file with many small objects, or with a long hole inside
// a stream, and opens it.
func largeFile(t *testing.T, objects int, hole int64) (*os.File, int64) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "large.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	var offsets []int64
	off := int64(0)
	w := bufio.NewWriterSize(f, 1<<20)
	put := func(format string, args ...any) {
		n, err := fmt.Fprintf(w, format, args...)
		if err != nil {
			t.Fatal(err)
		}
		off += int64(n)
	}
	object := func(format string, args ...any) {
		offsets = append(offsets, off)
		put("%d 0 obj\n"+format+"\nendobj\n", append([]any{len(offsets)}, args...)...)
	}
	put("%%PDF-1.4\n")
	object("<</Type/Catalog/Pages 2 0 R>>")
	object("<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 595 842]>>")
	object("<</Type/Page/Parent 2 0 R>>")
	for i := range objects {
		object("<</Number %d/Text(some text)>>", i)
	}
	offsets = append(offsets, off)
	put("%d 0 obj\n<</Length %d>>\nstream\n", len(offsets), hole)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if off, err = f.Seek(hole, io.SeekCurrent); err != nil {
		t.Fatal(err)
	}
	put("\nendstream\nendobj\n")
	xref := off
	put("xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		put("%010d 00000 n \n", o)
	}
	put("trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, xref)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return f, off
}

func TestManyObjectsStayUnder100MB(t *testing.T) {
	f, size := largeFile(t, 450_000, 0)
	got := allocated(func() {
		r, err := Open(f, size, Options{})
		if err != nil {
			t.Fatal(err)
		}
		inc, err := signLike(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := inc.WriteFile(io.Discard, f); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("450,000 objects: %d kB allocated in total", got>>10)
	if got > 100<<20 {
		t.Errorf("%d bytes allocated", got)
	}
}

func TestLargeFilesTakeLittleMemory(t *testing.T) {
	for _, mb := range []int64{100, 1000} {
		f, size := largeFile(t, 10, mb<<20)
		got := allocated(func() {
			r, err := Open(f, size, Options{})
			if err != nil {
				t.Fatal(err)
			}
			inc, err := signLike(r)
			if err != nil {
				t.Fatal(err)
			}
			if mb > 100 {
				return // the copy takes the same memory, and much time
			}
			if err := inc.WriteFile(io.Discard, f); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%d MB: %d kB allocated in total", mb, got>>10)
		if got > 4<<20 {
			t.Errorf("%d MB: %d bytes allocated", mb, got)
		}
	}
}

func BenchmarkOpenAndUpdate(b *testing.B) {
	file := small().info().bytes()
	f := filepath.Join(b.TempDir(), "a.pdf")
	if err := os.WriteFile(f, file, 0o600); err != nil {
		b.Fatal(err)
	}
	src, err := os.Open(f)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	b.ReportAllocs()
	for b.Loop() {
		r, err := Open(src, int64(len(file)), Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := signLike(r); err != nil {
			b.Fatal(err)
		}
	}
}
