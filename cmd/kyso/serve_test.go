package main

import (
	"context"
	"crypto"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/config"
)

func TestAListenerWhoseCertificateCannotBeReadIsStillThereToClose(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got, err := withTLS(ln, config.TLS{Cert: "/nonexistent", Key: "/nonexistent"})
	if err == nil {
		t.Fatal("no certificate, no error")
	}
	if err := closeAll([]net.Listener{got}); err != nil {
		t.Fatal(err)
	}
}

func TestATimestampAuthorityThatHangsLeavesTimeForTheNext(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}))
	defer hangs.Close()
	defer close(over)
	var asked atomic.Int32
	second := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusTeapot)
	}))
	defer second.Close()
	a := &app{outgoing: http.DefaultClient, cfg: config.Config{Signing: config.Signing{TSA: []string{hangs.URL, second.URL}, TSATimeout: 200 * time.Millisecond}}}
	if _, err := (stamper{a}).Timestamp(t.Context(), crypto.SHA256, make([]byte, 32)); err == nil {
		t.Fatal("a teapot stamped")
	}
	if asked.Load() == 0 {
		t.Fatal("the second authority was not asked")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (stamper{a}).Timestamp(ctx, crypto.SHA256, make([]byte, 32)); !errors.Is(err, context.Canceled) {
		t.Fatalf("nobody waits any more: %v", err)
	}
}
