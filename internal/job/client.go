package job

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
)

const pollInterval = 250 * time.Millisecond

// stuckAfter is when a job that hangs in a living process is given to another one. A worker
// that may take longer than jobTimeout says so by its Timeout, which must be less.
const (
	jobTimeout = time.Minute
	stuckAfter = 6 * time.Minute
)

// Client enqueues jobs and, once started, works them. Each job is worked at least once: a
// worker must stand being run again, also while another run of the same job still goes on.
type Client struct {
	river     *river.Client[*sql.Tx]
	driver    riverdriver.Driver[*sql.Tx]
	log       *slog.Logger
	pulse     Pulse // nil: the dead are not looked for
	beatEvery time.Duration
	deadAfter time.Duration
	stopWatch context.CancelFunc
	watching  sync.WaitGroup
}

// NewClient makes a client on driver. Workers registered in workers are run by Start; a nil
// workers makes a client that only enqueues.
func NewClient(driver riverdriver.Driver[*sql.Tx], workers *river.Workers, log *slog.Logger) (*Client, error) {
	cfg := &river.Config{Logger: log, FetchPollInterval: pollInterval, FetchCooldown: 100 * time.Millisecond,
		JobTimeout: jobTimeout, RescueStuckJobsAfter: stuckAfter}
	if workers != nil {
		cfg.Workers = workers
		cfg.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 8}}
	}
	c, err := river.NewClient(driver, cfg)
	if err != nil {
		return nil, fmt.Errorf("job client: %w", err)
	}
	return &Client{river: c, driver: driver, log: log, beatEvery: beatEvery, deadAfter: deadAfter}, nil
}

// Enqueue adds args to tx: the job exists exactly when the transaction commits.
func (c *Client) Enqueue(ctx context.Context, tx *sql.Tx, args Args) error {
	_, err := c.river.InsertTx(ctx, tx, args, nil)
	return err
}

// Every lets one of all clients enqueue args when it starts, and then at each interval. Call
// it before Start.
func (c *Client) Every(interval time.Duration, args Args) {
	c.river.PeriodicJobs().Add(river.NewPeriodicJob(river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) { return args, nil }, &river.PeriodicJobOpts{RunOnStart: true}))
}

// Start begins to work jobs until Stop. The end of ctx ends the running ones at once.
func (c *Client) Start(ctx context.Context) error {
	if err := c.river.Start(ctx); err != nil {
		return err
	}
	if c.pulse == nil {
		return nil
	}
	ctx, c.stopWatch = context.WithCancel(ctx)
	c.watching.Go(func() { c.watch(ctx) })
	return nil
}

// cancelTime is how long jobs that were told to end are waited for.
const cancelTime = 5 * time.Second

// Stop fetches no more and lets running jobs finish until ctx ends; then it ends them, and
// they are worked again another time.
func (c *Client) Stop(ctx context.Context) error {
	err := c.river.Stop(ctx)
	if err != nil && ctx.Err() != nil {
		ctx, done := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
		defer done()
		err = c.river.StopAndCancel(ctx)
	}
	if c.stopWatch != nil { // only now: until here the jobs were ours
		c.stopWatch()
		c.watching.Wait()
	}
	return err
}
