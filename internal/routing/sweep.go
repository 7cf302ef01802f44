package routing

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

// orphanAge is older than any request that stores bytes before it names them.
const orphanAge = 24 * time.Hour

// SweepEvery is how often orphans are looked for.
const SweepEvery = 6 * time.Hour

// SweepArgs asks to delete bytes that belong to no document.
type SweepArgs struct{}

// Kind implements job.Args.
func (SweepArgs) Kind() string { return "routing.sweep" }

// InsertOpts tries once: the next one comes anyway.
func (SweepArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

// Sweep deletes blobs that no document names a day after they were written: a process was
// killed, or it could not delete them. It may run at once in several places.
func (s *Service) Sweep(ctx context.Context) error {
	n, err := s.o.Blobs.Sweep(ctx, s.o.Now().Add(-orphanAge), s.o.Store.KnownBlobs)
	if n > 0 {
		s.o.Log.InfoContext(ctx, "orphans were deleted", "count", n)
	}
	return err
}

type sweepWorker struct {
	river.WorkerDefaults[SweepArgs]
	s *Service
}

func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[SweepArgs]) error { return w.s.Sweep(ctx) }

func (w *sweepWorker) Timeout(*river.Job[SweepArgs]) time.Duration { return 5 * time.Minute }
