package p11

import (
	"context"
	"sync"
)

// gate lets many callers into the module, or one alone who initialises it
// again. Unlike sync.RWMutex it gives up waiting when ctx ends. The zero gate
// is open.
type gate struct {
	mu     sync.Mutex
	inside int
	shut   chan struct{} // not nil while someone is, or waits to be, alone; closed when done
	empty  chan struct{} // closed when the last of inside left, while shut
}

// enter waits until nobody is alone inside.
func (g *gate) enter(ctx context.Context) error {
	for {
		g.mu.Lock()
		if g.shut == nil {
			g.inside++
			g.mu.Unlock()
			return nil
		}
		shut := g.shut
		g.mu.Unlock()
		select {
		case <-shut:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	g.inside--
	if g.inside == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
	g.mu.Unlock()
}

// alone runs fn with nobody else inside. It stops others from entering first,
// so that it does not wait for ever.
func (g *gate) alone(ctx context.Context, fn func() error) error {
	// 1. Be the only one who wants to be alone.
	shut := make(chan struct{})
	for {
		g.mu.Lock()
		if g.shut == nil {
			break
		}
		other := g.shut
		g.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	g.shut = shut
	// 2. Wait for those inside to leave.
	var empty chan struct{}
	if g.inside > 0 {
		empty = make(chan struct{})
		g.empty = empty
	}
	g.mu.Unlock()
	// 3. Open again, whatever happens.
	defer func() {
		g.mu.Lock()
		g.shut, g.empty = nil, nil
		g.mu.Unlock()
		close(shut)
	}()
	if empty != nil {
		select {
		case <-empty:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fn()
}
