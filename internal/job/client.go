package job

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
)

const pollInterval = 250 * time.Millisecond

// Client enqueues jobs and, once started, works them.
type Client struct {
	river *river.Client[*sql.Tx]
}

// NewClient makes a client on driver. Workers registered in workers are run by Start; a nil
// workers makes a client that only enqueues.
func NewClient(driver riverdriver.Driver[*sql.Tx], workers *river.Workers, log *slog.Logger) (*Client, error) {
	cfg := &river.Config{Logger: log, FetchPollInterval: pollInterval, FetchCooldown: 100 * time.Millisecond}
	if workers != nil {
		cfg.Workers = workers
		cfg.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 8}}
	}
	c, err := river.NewClient(driver, cfg)
	if err != nil {
		return nil, fmt.Errorf("job client: %w", err)
	}
	return &Client{river: c}, nil
}

// Enqueue adds args to tx: the job exists exactly when the transaction commits.
func (c *Client) Enqueue(ctx context.Context, tx *sql.Tx, args Args) error {
	_, err := c.river.InsertTx(ctx, tx, args, nil)
	return err
}

// Start begins to work jobs until Stop. The end of ctx ends the running ones at once.
func (c *Client) Start(ctx context.Context) error { return c.river.Start(ctx) }

// cancelTime is how long jobs that were told to end are waited for.
const cancelTime = 5 * time.Second

// Stop fetches no more and lets running jobs finish until ctx ends; then it ends them, and
// they are worked again another time.
func (c *Client) Stop(ctx context.Context) error {
	if err := c.river.Stop(ctx); err == nil || ctx.Err() == nil {
		return err
	}
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
	defer done()
	return c.river.StopAndCancel(ctx)
}
