package routing

import (
	"context"
	"time"

	"github.com/riverqueue/river"
)

// FinishArgs asks to finish a released signature.
type FinishArgs struct {
	SigningID string    `json:"signing_id"`
	At        time.Time `json:"at"`
}

// Kind implements job.Args.
func (FinishArgs) Kind() string { return "routing.finish" }

// InsertOpts lets the request that released the signature finish it first.
func (a FinishArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{ScheduledAt: a.At} }

// RaiseArgs asks to raise a document's level once the time-stamp authority answers again.
type RaiseArgs struct {
	DocumentID string `json:"document_id"`
}

// Kind implements job.Args.
func (RaiseArgs) Kind() string { return "routing.raise" }

// InsertOpts keeps trying for about a week: the pause grows to an hour.
func (RaiseArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 170} }

// ExpireArgs asks to end a document that was not signed by its deadline.
type ExpireArgs struct {
	DocumentID string    `json:"document_id"`
	At         time.Time `json:"at"`
}

// Kind implements job.Args.
func (ExpireArgs) Kind() string { return "routing.expire" }

// InsertOpts puts the job off to the deadline.
func (a ExpireArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{ScheduledAt: a.At} }

// ReturnArgs asks to tell the document system what it was not told yet.
type ReturnArgs struct {
	DocumentID string `json:"document_id"`
}

// Kind implements job.Args.
func (ReturnArgs) Kind() string { return "dms.return" }

// InsertOpts keeps trying for about five days: the pause grows to an hour.
func (ReturnArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 120} }

// ResendArgs asks to send one callback again, whatever became of it before.
type ResendArgs struct {
	CallbackID string `json:"callback_id"`
}

// Kind implements job.Args.
func (ResendArgs) Kind() string { return "dms.resend" }

// raiseRetry is how long a raise waits after the attempt-th failure: a minute, doubling to
// an hour.
func raiseRetry(attempt int) time.Duration {
	return min(time.Hour, time.Minute<<min(max(attempt-1, 0), 10))
}

// AddWorkers registers the service's jobs.
func (s *Service) AddWorkers(w *river.Workers) {
	river.AddWorker(w, &finishWorker{s: s})
	river.AddWorker(w, &raiseWorker{s: s})
	river.AddWorker(w, &expireWorker{s: s})
	river.AddWorker(w, &sweepWorker{s: s})
}

type finishWorker struct {
	river.WorkerDefaults[FinishArgs]
	s *Service
}

func (w *finishWorker) Work(ctx context.Context, j *river.Job[FinishArgs]) error {
	err := w.s.Finish(ctx, j.Args.SigningID)
	if err != nil && j.Attempt >= j.MaxAttempts {
		return w.s.giveUp(ctx, j.Args.SigningID, err)
	}
	return err
}

func (w *finishWorker) Timeout(*river.Job[FinishArgs]) time.Duration { return 5 * time.Minute }

type raiseWorker struct {
	river.WorkerDefaults[RaiseArgs]
	s *Service
}

func (w *raiseWorker) Work(ctx context.Context, j *river.Job[RaiseArgs]) error {
	return w.s.Raise(ctx, j.Args.DocumentID)
}

func (w *raiseWorker) Timeout(*river.Job[RaiseArgs]) time.Duration { return 5 * time.Minute }

func (w *raiseWorker) NextRetry(j *river.Job[RaiseArgs]) time.Time {
	return w.s.o.Now().Add(raiseRetry(j.Attempt))
}

type expireWorker struct {
	river.WorkerDefaults[ExpireArgs]
	s *Service
}

func (w *expireWorker) Work(ctx context.Context, j *river.Job[ExpireArgs]) error {
	return w.s.Expire(ctx, j.Args.DocumentID)
}
