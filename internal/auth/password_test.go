package auth

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Not parallel: it takes every slot.
func TestALoginThatGetsNoTurnEndsWithItsRequestAndTouchesNothing(t *testing.T) {
	for range cap(argonSlots) {
		release, err := argonSlot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer release()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	s := &Service{Now: time.Now} // no store: a try that is counted panics
	if _, _, err := s.Login(ctx, "lan", "x"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}
