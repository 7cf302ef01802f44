package blob_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/blob"
)

func TestSweepDeletesOldBlobsThatNobodyKnows(t *testing.T) {
	t.Parallel()
	s, dir := files(t)
	now := time.Now()
	names := map[string]string{}
	for _, name := range []string{"old, known", "old, orphan", "new, orphan"} {
		names[put(t, s, []byte(name)).ID] = name
	}
	part := filepath.Join(dir, "ab", "cdef.18a0.tmp")
	strange := filepath.Join(dir, "ab", "readme")
	for _, f := range []string{part, strange} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(f), 0o700), os.WriteFile(f, []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range stored(t, dir) {
		rel, err := filepath.Rel(dir, f)
		if err != nil {
			t.Fatal(err)
		}
		if names[filepath.Dir(rel)+filepath.Base(rel)] != "new, orphan" {
			if err := os.Chtimes(f, now, now.Add(-25*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	known := func(_ context.Context, ids []string) (map[string]bool, error) {
		have := map[string]bool{}
		for _, id := range ids {
			have[id] = names[id] == "old, known"
		}
		return have, nil
	}
	if n, err := s.Sweep(t.Context(), now.Add(-24*time.Hour), known); n != 2 || err != nil {
		t.Fatalf("deleted %d, %v", n, err)
	}
	for id, name := range names {
		r, err := s.Reader(t.Context(), id)
		if gone := errors.Is(err, blob.ErrNotFound); gone != (name == "old, orphan") {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			if b, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size())); err != nil || string(b) != name {
				t.Errorf("%s: reads %q, %v", name, b, err)
			}
		}
	}
	if _, err := os.Stat(part); !os.IsNotExist(err) {
		t.Errorf("what was left of writing: %v", err)
	}
	if _, err := os.Stat(strange); err != nil {
		t.Errorf("a file that is not ours: %v", err)
	}
	if n, err := s.Sweep(t.Context(), now.Add(-24*time.Hour), known); n != 0 || err != nil {
		t.Errorf("again: deleted %d, %v", n, err)
	}
}

func TestSweepDoesNotTrustAnotherDatabase(t *testing.T) {
	t.Parallel()
	s, dir := files(t)
	for range 101 {
		put(t, s, nil)
	}
	nobody := func(context.Context, []string) (map[string]bool, error) { return nil, nil }
	if _, err := s.Sweep(t.Context(), time.Now().Add(time.Hour), nobody); !errors.Is(err, blob.ErrManyOrphans) {
		t.Errorf("all are unknown: %v", err)
	}
	down := errors.New("down")
	if _, err := s.Sweep(t.Context(), time.Now().Add(time.Hour), func(context.Context, []string) (map[string]bool, error) { return nil, down }); !errors.Is(err, down) {
		t.Errorf("the database is down: %v", err)
	}
	if n := len(stored(t, dir)); n != 101 {
		t.Errorf("%d blobs are left", n)
	}
}
