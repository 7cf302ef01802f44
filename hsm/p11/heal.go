package p11

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kyso-vn/kyso/hsm"
)

// healer decides when a lost module is initialised again: by one caller, after
// a pause that doubles from 0.5 to 30 s. Everyone else is told when to come back.
type healer struct {
	sick  atomic.Bool  // fast path: false is healthy
	shaky atomic.Bool  // recovered, but nothing has succeeded yet
	maybe atomic.Int32 // classMaybe errors in a row

	mu    sync.Mutex
	busy  bool
	pause time.Duration // 0 is healthy
	next  time.Time
	seen  uint64 // generation in which the loss was noticed
}

// maybeLimit is how many vague errors in a row mean that the token is lost.
const maybeLimit = 3

// lost notes that the token of this generation does not answer any more.
func (h *healer) lost(now time.Time, generation uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sick.Load() {
		return
	}
	h.pause = min(max(firstPause, 2*h.pause), lastPause)
	h.next = now.Add(h.pause)
	h.seen = generation
	h.shaky.Store(true)
	h.sick.Store(true)
}

// well notes that the token did something: the next pause is short again.
func (h *healer) well() {
	if h.maybe.Load() != 0 {
		h.maybe.Store(0)
	}
	if h.shaky.Load() && !h.sick.Load() {
		h.mu.Lock()
		h.pause = 0
		h.shaky.Store(false)
		h.mu.Unlock()
	}
}

// recover is called before every operation, outside the gate.
func (m *module) recover(ctx context.Context, now time.Time) error {
	h := &m.heal
	if !h.sick.Load() {
		return nil
	}
	h.mu.Lock()
	if !h.sick.Load() {
		h.mu.Unlock()
		return nil
	}
	if wait := h.next.Sub(now); h.busy || wait > 0 {
		h.mu.Unlock()
		return unavailable(max(wait, firstPause), errors.New("token was lost"))
	}
	h.busy = true
	seen := h.seen
	h.mu.Unlock()

	err := m.reinitialise(ctx, seen)

	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy = false
	if err != nil {
		h.pause = min(2*h.pause, lastPause)
		h.next = now.Add(h.pause)
		return unavailable(h.pause, err)
	}
	h.maybe.Store(0)
	h.sick.Store(false)
	return nil
}

func unavailable(after time.Duration, cause error) error {
	return &hsm.Error{Code: hsm.CodeUnavailable, Op: "reach token", RetryAfter: after, Err: cause}
}
