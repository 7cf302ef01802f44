// Package admin serves health, metrics and profiles on a listener of their own, which is
// not for the public.
package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Check tells whether a part that the service needs answers.
type Check struct {
	Name string
	Do   func(context.Context) error
}

// New returns the handler of the admin listener.
func New(gatherer prometheus.Gatherer, checks []Check) http.Handler {
	r := chi.NewRouter()
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n"))
	})
	r.Get("/readyz", func(w http.ResponseWriter, r *http.Request) { ready(w, r, checks) })
	r.Handle("/metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}))
	r.HandleFunc("/debug/pprof/*", pprof.Index)
	r.HandleFunc("/debug/pprof/profile", pprof.Profile)
	r.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return r
}

// ready answers 200 when every part does, else 503; each is named with its state.
func ready(w http.ResponseWriter, r *http.Request, checks []Check) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	states, status := map[string]string{}, http.StatusOK
	for _, c := range checks {
		states[c.Name] = "ok"
		if err := c.Do(ctx); err != nil {
			states[c.Name], status = "down", http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(states) // the client may be gone
}
