package validate_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/validate"
)

func TestFiftySignaturesAreJudgedInTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := read(t, "to-trinh.pdf")
	for i := range 51 {
		file = w.sign(t, file, w.leader, signer.LevelB, pades.Options{Field: fmt.Sprint("chu_ky_", i), Create: true, Active: pades.ActiveUnchecked})
	}
	o := w.options(t)
	start := time.Now()
	r := judge(t, file, o)
	t.Logf("%d signatures, %d bytes: %v", len(r.Signatures), len(file), time.Since(start))
	if r.Verdict != validate.VerdictPassed || len(r.Signatures) != 51 {
		t.Error(show(r))
	}
	if d := time.Since(start); d > 4*time.Second { // 1 s on a machine of its own
		t.Errorf("took %v", d)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.sign(t, read(t, "to-trinh.pdf"), w.leader, signer.LevelB, pades.Options{})
	o := w.options(t)
	o.MaxBytes = int64(len(file)) - 1
	expect(t, judge(t, file, o), validate.VerdictRefused, "size_limit")
	o = w.options(t)
	o.Timeout = time.Nanosecond
	expect(t, judge(t, file, o), validate.VerdictRefused, "time_limit")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := validate.File(ctx, nil, 0, o); err == nil {
		t.Error("no file is no error")
	}
	o.Timeout = 0
	if _, err := validate.File(ctx, readerAt(file), int64(len(file)), o); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ended: %v", err)
	}
}

func TestReadersThatFailAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.sign(t, read(t, "to-trinh.pdf"), w.leader, signer.LevelB, pades.Options{})
	for _, from := range []int64{0, 100, 8000, int64(len(file)) - 10} {
		r, err := validate.File(t.Context(), failing{readerAt(file), from}, int64(len(file)), w.options(t))
		if err != nil || r.Verdict != validate.VerdictRefused {
			t.Errorf("from %d: %v, %s", from, err, show(r))
		}
	}
}
