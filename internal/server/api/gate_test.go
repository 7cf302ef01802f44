package api

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestTwoLargeFilesAreJudgedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newVerifyGate()
		leave, err := g.enter(t.Context(), largeFile)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.enter(t.Context(), largeFile); err != nil {
			t.Fatal(err)
		}
		if _, err := g.enter(t.Context(), largeFile); !errors.Is(err, errVerifyBusy) {
			t.Fatalf("a third: %v", err)
		}
		small, err := g.enter(t.Context(), largeFile-1)
		if err != nil {
			t.Fatalf("a small one beside them: %v", err)
		}
		small()
		leave()
		if _, err := g.enter(t.Context(), largeFile); err != nil {
			t.Fatalf("after one has left: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.enter(ctx, largeFile); err == nil {
			t.Fatal("somebody who went away was let in")
		}
		if len(g.all) != 2 || len(g.large) != 2 {
			t.Fatalf("%d places taken, %d large", len(g.all), len(g.large))
		}
	})
}
