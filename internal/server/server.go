// Package server listens, and holds what every door shares: who is calling, resends,
// problems, headers, shutting down. The doors themselves are api, csc and web below it.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Listener is one address with its handler.
type Listener struct {
	Name    string // "public", "plain" or "admin", for the log
	Addr    string // host:port; port 0 takes a free one
	Handler http.Handler
}

// Listen opens every address before anything is served, so that a taken port is an error at
// the start.
func Listen(listeners []Listener) ([]net.Listener, error) {
	var open []net.Listener
	for _, l := range listeners {
		ln, err := net.Listen("tcp", l.Addr)
		if err != nil {
			for _, o := range open {
				err = errors.Join(err, o.Close())
			}
			return nil, fmt.Errorf("listen for %s on %s: %w", l.Name, l.Addr, err)
		}
		open = append(open, ln)
	}
	return open, nil
}

// grace is how long requests may finish after the end was asked for.
const grace = 10 * time.Second

// Serve answers on the open listeners until ctx ends, then lets requests finish for grace and
// cuts off the rest: what they stand on is closed next.
func Serve(ctx context.Context, log *slog.Logger, listeners []Listener, open []net.Listener) error {
	done := make(chan error, len(open))
	servers := make([]*http.Server, len(open))
	for i, ln := range open {
		s := &http.Server{
			Handler:           listeners[i].Handler,
			ReadHeaderTimeout: 10 * time.Second,
			ReadTimeout:       5 * time.Minute, // a large upload on a bad line
			WriteTimeout:      5 * time.Minute,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    32 << 10,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		}
		servers[i] = s
		log.Info("listening", "listener", listeners[i].Name, "addr", ln.Addr().String())
		go func() { done <- s.Serve(ln) }()
	}
	var err error
	running := len(open)
	select {
	case <-ctx.Done():
	case err = <-done:
		running--
	}
	stop, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	for _, s := range servers {
		if e := s.Shutdown(stop); e != nil {
			err = errors.Join(err, e, s.Close())
		}
	}
	for range running {
		if e := <-done; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}
