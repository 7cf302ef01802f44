package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/kyso-vn/kyso/internal/server"
	"github.com/kyso-vn/kyso/internal/server/admin"
	"github.com/kyso-vn/kyso/internal/server/plain"
)

// serve runs the service until it is told to stop.
func serve(ctx context.Context, e env, args []string) error {
	flags := newFlags(e, "serve")
	file := flags.String("config", "", "configuration file")
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	e.level = slog.LevelInfo
	a, err := openApp(ctx, e, *file)
	if err != nil {
		return err
	}
	err = a.run(ctx)
	return errors.Join(err, a.close())
}

// run serves the three listeners, works jobs, and keeps CRLs fresh.
func (a *app) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// 1. What must be there before anybody is answered.
	service := asService(ctx, "serve")
	if err := a.status.open(service); err != nil {
		return err
	}
	if _, err := a.desk.BuildCRLs(service, false); err != nil {
		return err
	}
	public, err := a.publicHandler()
	if err != nil {
		return err
	}
	listeners := []server.Listener{
		{Name: "public", Addr: a.cfg.Listen.Public, Handler: public},
		{Name: "plain", Addr: a.cfg.Listen.Plain, Handler: a.plainHandler()},
		{Name: "admin", Addr: a.cfg.Listen.Admin, Handler: server.Base(a.log, a.adminHandler())},
	}
	open, err := server.Listen(listeners)
	if err != nil {
		return err
	}
	if a.cfg.TLS.Cert != "" {
		if open[0], err = withTLS(open[0], a.cfg.TLS); err != nil {
			return errors.Join(err, closeAll(open))
		}
	}
	// 2. The work that nobody asks for.
	if err := a.jobs.Start(context.WithoutCancel(ctx)); err != nil { // Stop ends them
		return errors.Join(err, closeAll(open))
	}
	var background sync.WaitGroup
	background.Go(func() {
		a.desk.Run(service, func(err error) { a.log.Error("background", "err", err) })
	})
	background.Go(func() { a.status.run(service) })
	background.Go(func() { a.tidy(ctx) })
	// 3. Answer until the end.
	err = server.Serve(ctx, a.log, listeners, open)
	cancel()
	background.Wait()
	stop, done := context.WithTimeout(context.Background(), 20*time.Second)
	defer done()
	return errors.Join(err, a.jobs.Stop(stop))
}

// tidy forgets what has ended, every minute.
func (a *app) tidy(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		if err := a.store.Tidy(ctx, time.Now()); err != nil && ctx.Err() == nil {
			a.log.Error("tidy", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func closeAll(open []net.Listener) error {
	var err error
	for _, l := range open {
		err = errors.Join(err, l.Close())
	}
	return err
}

func (a *app) plainHandler() http.Handler {
	o := plain.Options{Published: published{a.desk}, OCSP: a.status.ocspHandler, Log: a.log}
	if a.status.stamps() != nil {
		o.TSA = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.status.stamps().ServeHTTP(w, r) })
	}
	return server.Base(a.log, plain.New(o))
}

func (a *app) adminHandler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return admin.New(registry, []admin.Check{{Name: "database", Do: a.store.Ping}, {Name: "hsm", Do: a.agent.Check}})
}

// newFlags makes the flags of a command; -h prints them to stderr.
func newFlags(e env, name string) *flag.FlagSet {
	f := flag.NewFlagSet("kyso "+name, flag.ContinueOnError)
	f.SetOutput(e.stderr)
	return f
}

// parse reads flags; more than max words behind them are refused, fewer than zero means any.
func parse(f *flag.FlagSet, args []string, max int) error {
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitError{code: 0}
		}
		return exitError{code: 1, err: usageError("%s: %v", f.Name(), err)}
	}
	if max >= 0 && f.NArg() > max {
		return usageError("%s: unexpected %q", f.Name(), f.Arg(max))
	}
	return nil
}
