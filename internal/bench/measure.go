package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// measure repeats op in parallel goroutines for d and returns rate and percentiles. The
// first error ends it.
func measure(ctx context.Context, parallel int, d time.Duration, op func(ctx context.Context, worker int) error) (line, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	times := make([][]time.Duration, parallel)
	var wg sync.WaitGroup
	start := time.Now()
	for w := range parallel {
		wg.Go(func() {
			for ctx.Err() == nil && time.Since(start) < d {
				t := time.Now()
				if err := op(ctx, w); err != nil {
					cancel(err)
					return
				}
				times[w] = append(times[w], time.Since(t))
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	if err := context.Cause(ctx); err != nil {
		return line{}, err
	}
	all := slices.Concat(times...)
	slices.Sort(all)
	l := line{N: int64(len(all)), Value: float64(len(all)) / elapsed.Seconds()}
	if len(all) > 0 {
		at := func(q float64) float64 { return all[int(q*float64(len(all)-1))].Seconds() * 1000 }
		l.P50, l.P95, l.P99 = at(0.50), at(0.95), at(0.99)
	}
	return l, nil
}
