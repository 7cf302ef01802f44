package job

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"
)

// How the jobs of a process that died are found: every client counts its beats, and jobs of
// a client that stands still belong to nobody. The time a job has run tells nothing, since a
// time-stamp authority may take two minutes.
const (
	beatEvery   = 3 * time.Second
	deadAfter   = 10 * time.Second
	maxPostpone = time.Hour // of a job whose processes die again and again
	maxRescued  = 1000      // jobs looked at in one round
)

// Pulse is where clients count their beats for each other to see.
type Pulse interface {
	// Beat adds one to the client's beats and returns those of all clients.
	Beat(ctx context.Context, client string) (map[string]int64, error)
	// Forget removes a client.
	Forget(ctx context.Context, client string) error
}

// Watch lets the client, once started, take over the jobs of clients that died: at the
// latest about 15 s later somebody works them again. Call it before Start.
func (c *Client) Watch(p Pulse) { c.pulse = p }

// lives remembers what was seen of other clients. Only the own clock is used, and only for
// how long nothing happened, so clocks of several machines need not agree.
type lives struct {
	beats map[string]int64
	since map[string]time.Time
}

// seen takes note of a client's beats, -1 when it has none, and reports whether the client
// has stood still for too long.
func (l *lives) seen(client string, beats int64, now time.Time, limit time.Duration) (dead bool) {
	if old, ok := l.beats[client]; !ok || old != beats {
		l.beats[client], l.since[client] = beats, now
		return false
	}
	return now.Sub(l.since[client]) >= limit
}

// watch beats and rescues until ctx ends.
func (c *Client) watch(ctx context.Context) {
	l := &lives{beats: make(map[string]int64), since: make(map[string]time.Time)}
	tick := time.NewTicker(c.beatEvery)
	defer tick.Stop()
	for {
		if err := c.round(ctx, l); err != nil && ctx.Err() == nil {
			c.log.ErrorContext(ctx, "look after jobs", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// round beats once and rescues the running jobs of the dead.
func (c *Client) round(ctx context.Context, l *lives) error {
	beats, err := c.pulse.Beat(ctx, c.river.ID())
	if err != nil {
		return fmt.Errorf("beat: %w", err)
	}
	now := time.Now()
	dead := make(map[string]bool)
	for id, n := range beats {
		dead[id] = id != c.river.ID() && l.seen(id, n, now, c.deadAfter)
	}
	running, err := c.driver.GetExecutor().JobGetStuck(ctx, &riverdriver.JobGetStuckParams{Max: maxRescued, StuckHorizon: now})
	if err != nil {
		return fmt.Errorf("list running jobs: %w", err)
	}
	var lost []*rivertype.JobRow
	for _, j := range running {
		owner := ""
		if n := len(j.AttemptedBy); n > 0 {
			owner = j.AttemptedBy[n-1]
		}
		if _, known := beats[owner]; !known { // forgotten before its jobs were
			dead[owner] = l.seen(owner, -1, now, c.deadAfter)
		}
		if dead[owner] {
			lost = append(lost, j)
		}
	}
	if err := c.rescue(ctx, lost, now); err != nil {
		return err
	}
	for id := range dead {
		if _, known := beats[id]; known && dead[id] {
			if err := c.pulse.Forget(ctx, id); err != nil {
				return fmt.Errorf("forget client %s: %w", id, err)
			}
		}
	}
	return nil
}

// rescue makes jobs available again. They count as tried, and one whose processes die each
// time waits longer and longer; none is given up, for nobody would tell its service.
func (c *Client) rescue(ctx context.Context, lost []*rivertype.JobRow, now time.Time) error {
	if len(lost) == 0 {
		return nil
	}
	var p riverdriver.JobRescueManyParams
	for _, j := range lost {
		what, err := json.Marshal(rivertype.AttemptError{At: now.UTC(), Attempt: j.Attempt, Error: "the process that worked it ended"})
		if err != nil {
			return fmt.Errorf("encode the error of job %d: %w", j.ID, err)
		}
		at, state := now.Add(postpone(j.Attempt)), rivertype.JobStateRetryable
		if !at.After(now) {
			state = rivertype.JobStateAvailable
		}
		p.ID, p.Error, p.FinalizedAt = append(p.ID, j.ID), append(p.Error, what), append(p.FinalizedAt, nil)
		p.ScheduledAt, p.State = append(p.ScheduledAt, at.UTC()), append(p.State, string(state))
		c.log.LogAttrs(ctx, slog.LevelWarn, "a job is taken over", slog.Int64("job", j.ID), slog.String("kind", j.Kind), slog.Int("attempt", j.Attempt))
	}
	if _, err := c.driver.GetExecutor().JobRescueMany(ctx, &p); err != nil {
		return fmt.Errorf("rescue jobs: %w", err)
	}
	return nil
}

// postpone is how long a job waits whose process died in its attempt-th try: nothing the
// first time, then 1, 16, 81, … seconds to an hour.
func postpone(attempt int) time.Duration {
	n := time.Duration(min(max(attempt-1, 0), 10))
	return min(maxPostpone, n*n*n*n*time.Second)
}
