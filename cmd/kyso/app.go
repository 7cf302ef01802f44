package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/riverqueue/river"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/hsm/p11"
	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/blob"
	"github.com/kyso-vn/kyso/internal/config"
	"github.com/kyso-vn/kyso/internal/dms"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/job"
	"github.com/kyso-vn/kyso/internal/mail"
	"github.com/kyso-vn/kyso/internal/report"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/safehttp"
	"github.com/kyso-vn/kyso/internal/signing"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki/lint"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/pki/profile"
)

// app is the service, wired: each part gets what it needs of the configuration and of the
// parts below it.
type app struct {
	cfg   config.Config
	log   *slog.Logger
	token hsm.Token
	agent *agent.Local
	store *store.Store
	jobs  *job.Client

	auth    *auth.Service
	units   *unit.Service
	desk    *issuance.Desk
	report  *report.Service
	signing *signing.Service
	routing *routing.Service
	dms     *dms.Service
	// outgoing fetches what strangers name, under the guard.
	outgoing *http.Client
	// anchors are our roots.
	anchors []path.AnchorList
	status  *statusServer
}

// openApp opens HSM and database and wires the services. Jobs do not run until they are
// started.
func openApp(ctx context.Context, e env, configFile string) (a *app, err error) {
	cfg, err := loadConfig(e, configFile)
	if err != nil {
		return nil, err
	}
	a = &app{cfg: cfg, log: newLog(e.stderr, cfg.LogFormat, e.level)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
			a = nil
		}
	}()
	// 1. The HSM, and the keys of the data from it.
	if a.token, err = openToken(ctx, cfg.HSM); err != nil {
		return a, err
	}
	if a.agent, err = agent.NewLocal(ctx, agent.LocalConfig{Token: a.token}); err != nil {
		return a, err
	}
	keys := map[string][]byte{}
	for _, purpose := range []string{"data", "index", "documents"} {
		if keys[purpose], err = a.agent.DataKey(ctx, purpose); err != nil {
			return a, err
		}
	}
	// 2. The database.
	if a.store, err = store.Open(ctx, store.Options{DSN: cfg.Database, DataKey: keys["data"], IndexKey: keys["index"]}); err != nil {
		return a, err
	}
	if err = a.store.Migrate(ctx); err != nil {
		return a, err
	}
	a.agent.UseStore(a.store)
	// 3. The services, lowest first.
	return a, a.wire(ctx, keys["documents"])
}

func newLog(w io.Writer, format string, level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// openToken logs in to the configured token.
func openToken(ctx context.Context, c config.HSM) (hsm.Token, error) {
	if c.Config != "" {
		if err := os.Setenv("SOFTHSM2_CONF", c.Config); err != nil { // SoftHSM reads nothing else
			return nil, err
		}
	}
	pin, err := hsm.ReadPIN(c.PINFile)
	if err != nil {
		return nil, err
	}
	t, err := p11.Open(ctx, p11.Config{Module: c.Module, Label: c.Token, PIN: pin, WrapMechanism: c.WrapMechanism})
	if err != nil {
		return nil, err // not t: a nil *p11.Token in the interface would be no nil
	}
	return t, nil
}

func (a *app) wire(ctx context.Context, documentKey []byte) error {
	profiles, err := profile.Builtin(profile.Options{})
	if err != nil {
		return err
	}
	linter, err := lint.New()
	if err != nil {
		return err
	}
	if a.outgoing, err = safehttp.New(safehttp.Options{Allow: a.cfg.Outgoing.Allow}); err != nil {
		return err
	}
	a.auth = &auth.Service{Store: a.store, Second: a.agent, Now: time.Now}
	a.units = &unit.Service{Store: a.store, Now: time.Now}
	a.status = &statusServer{app: a}
	a.desk = &issuance.Desk{Store: a.store, Agent: a.agent, Units: a.store, Profiles: profiles, Linter: linter,
		Base: a.cfg.URL.Plain, Notifier: notifier{&mail.Outbox{Dir: a.cfg.Outbox}}, StatusChanged: a.status.forget}
	a.report = &report.Service{Store: a.store}
	if a.signing, err = signing.New(signing.Options{Store: a.store, Agent: a.agent}); err != nil {
		return err
	}
	if a.anchors, err = a.ownAnchors(ctx); err != nil {
		return err
	}
	dir, err := filepath.Abs(a.cfg.Documents)
	if err != nil {
		return err
	}
	blobs, err := blob.Open(ctx, "file://"+dir+"?create_dir=true", documentKey)
	if err != nil {
		return err
	}
	a.routing, err = routing.New(routing.Options{Store: a.store, Blobs: blobs, Signing: a.signing, Engine: a.engine(), Log: a.log,
		NoStamp: len(a.cfg.Signing.TSA) == 0})
	if err != nil {
		return err
	}
	if a.dms, err = dms.New(dms.Options{Store: a.store, Client: a.outgoing}); err != nil {
		return err
	}
	workers := river.NewWorkers()
	a.routing.AddWorkers(workers)
	a.dms.AddWorkers(workers)
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, j *river.Job[issuance.SendNotice]) error {
		return a.desk.SendNotice(ctx, j.Args)
	}))
	if a.jobs, err = job.NewClient(a.store.JobDriver(), workers, a.log); err != nil {
		return err
	}
	a.jobs.Watch(a.store)
	a.jobs.Every(routing.SweepEvery, routing.SweepArgs{})
	a.store.UseJobs(a.jobs)
	return nil
}

// ownAnchors are the roots of our register.
func (a *app) ownAnchors(ctx context.Context) ([]path.AnchorList, error) {
	list := path.AnchorList{Name: "kyso"}
	authorities, err := a.desk.Authorities(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range authorities {
		if r.Parent != "" {
			continue
		}
		cert, err := x509.ParseCertificate(r.DER)
		if err != nil {
			return nil, fmt.Errorf("root %s: %w", r.Name, err)
		}
		list.Certificates = append(list.Certificates, cert)
	}
	return []path.AnchorList{list}, nil
}

func (a *app) close() error {
	var err error
	if a.store != nil {
		err = a.store.Close()
	}
	if a.token != nil {
		err = errors.Join(err, a.token.Close())
	}
	return err
}

// notifier puts the counter's notices into the outbox.
type notifier struct{ box *mail.Outbox }

// Notify implements issuance.Notifier.
func (n notifier) Notify(_ context.Context, m issuance.Notice) error {
	return n.box.Put(mail.Message{ID: m.ID, Kind: m.Kind, To: m.To, Body: []byte(m.Body)})
}

// asService returns ctx in which the service itself acts, for set-up commands.
func asService(ctx context.Context, name string) context.Context {
	return auth.WithActor(ctx, auth.Actor{Name: name, Grants: []auth.Grant{
		{Role: auth.RoleOperator, UnitID: auth.WholeCity}, {Role: auth.RoleCityAdmin, UnitID: auth.WholeCity}}})
}
