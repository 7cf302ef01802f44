package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/hsm/p11"
	"github.com/kyso-vn/kyso/hsm/p11/p11bench"
	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/job"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/lint"
	"github.com/kyso-vn/kyso/pki/profile"
)

// world is token, agent, database and counter, as the service has them.
type world struct {
	token *p11.Token
	bare  p11bench.Target
	agent *agent.Local
	store *store.Store
	desk  *issuance.Desk
	ward  unit.Unit
	point unit.Point
}

func newWorld(ctx context.Context, o options, dsn string) (*world, error) {
	w := &world{}
	var err error
	if w.token, w.bare, err = openToken(ctx, o); err != nil {
		return nil, err
	}
	if err := agent.SetUp(ctx, w.token); err != nil {
		return nil, err
	}
	if w.agent, err = agent.NewLocal(ctx, agent.LocalConfig{Token: w.token}); err != nil {
		return nil, err
	}
	data, err := w.agent.DataKey(ctx, "data")
	if err != nil {
		return nil, err
	}
	index, err := w.agent.DataKey(ctx, "index")
	if err != nil {
		return nil, err
	}
	if w.store, err = store.Open(ctx, store.Options{DSN: dsn, DataKey: data, IndexKey: index}); err != nil {
		return nil, err
	}
	if err := w.store.Migrate(ctx); err != nil {
		return nil, err
	}
	w.agent.UseStore(w.store)
	jobs, err := job.NewClient(w.store.JobDriver(), nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	w.store.UseJobs(jobs)
	return w, w.counter(ctx)
}

func (w *world) close() error { return errors.Join(w.store.Close(), w.token.Close()) }

// counter makes a root, a CA for citizens, and a ward that asks for no approval.
func (w *world) counter(ctx context.Context) error {
	profiles, err := profile.Builtin(profile.Options{})
	if err != nil {
		return err
	}
	linter, err := lint.New()
	if err != nil {
		return err
	}
	w.desk = &issuance.Desk{Store: w.store, Agent: w.agent, Units: w.store, Profiles: profiles, Linter: linter, Base: "http://pki.example.vn"}
	service := asService(ctx)
	root, err := w.authority(service, profiles, nil, "root")
	if err != nil {
		return err
	}
	if _, err := w.authority(service, profiles, root, "citizen"); err != nil {
		return err
	}
	units := &unit.Service{Store: w.store, Now: time.Now}
	if w.ward, err = units.CreateUnit(service, unit.Unit{Code: "99001", Name: "Phường Đo Lường", Level: unit.Commune}); err != nil {
		return err
	}
	w.point, err = units.CreatePoint(service, unit.Point{UnitID: w.ward.ID, Name: "Điểm đo", Address: "Hà Nội", From: w.ward.From})
	return err
}

func asService(ctx context.Context) context.Context {
	return auth.WithActor(ctx, auth.Actor{Name: "bench", Grants: []auth.Grant{
		{Role: auth.RoleOperator, UnitID: auth.WholeCity}, {Role: auth.RoleCityAdmin, UnitID: auth.WholeCity}}})
}

// authority makes a CA under parent, or a root, and registers it.
func (w *world) authority(ctx context.Context, profiles *profile.Set, parent *ca.CA, name string) (*ca.CA, error) {
	key, err := w.token.GenerateKey(ctx, hsm.KeyRef{Label: name}, hsm.P256)
	if err != nil {
		return nil, err
	}
	profileName, parentName, by := "issuing", "root", parent
	if parent == nil {
		profileName, parentName = "root", ""
		if by, err = ca.New(ca.Config{Signer: hsm.Checked(key)}); err != nil {
			return nil, err
		}
	}
	p, err := profiles.Get(profileName)
	if err != nil {
		return nil, err
	}
	draft, err := by.Prepare(ca.Request{Profile: p, PublicKey: key.Public(), Subject: p.Arrange(pki.Subject{
		{Type: pki.Country, Value: "VN"}, {Type: pki.OrganizationName, Value: "Kyso"}, {Type: pki.CommonName, Value: "Bench " + name}})})
	if err != nil {
		return nil, err
	}
	cert, err := by.Issue(ctx, draft)
	if err != nil {
		return nil, err
	}
	a := issuance.Authority{Name: name, KeyName: name, Parent: parentName, DER: cert.Raw}
	if parent != nil {
		a.Serves, a.Shards = []pki.Kind{pki.Citizen}, pki.DefaultShards
	}
	if err := w.desk.RegisterCA(ctx, a); err != nil {
		return nil, err
	}
	return ca.New(ca.Config{Certificate: cert, Signer: hsm.Checked(key), Addresses: pki.Addresses{Base: "http://pki.example.vn", CA: name}})
}

// signatory is a person with an active key, served by an agent whose clock is the person's
// own, so that one-time passwords don't run out.
type signatory struct {
	agent                       *agent.Local
	credential, subject, secret string
	ahead                       *atomic.Int64
}

func (w *world) signatory(ctx context.Context, subject, pin string) (signatory, error) {
	s := signatory{subject: subject, ahead: new(atomic.Int64)}
	var err error
	if s.agent, err = agent.NewLocal(ctx, agent.LocalConfig{Token: w.token, Now: s.now}); err != nil {
		return s, err
	}
	s.agent.UseStore(w.store)
	k, err := s.agent.CreateKey(ctx, agent.KeyRequest{SubjectID: subject, Unlock: agent.UnlockPIN})
	if err != nil {
		return s, err
	}
	s.credential = k.CredentialID
	if err := s.agent.Activate(ctx, k.CredentialID, k.ActivationCode, pin); err != nil {
		return s, err
	}
	s.secret, err = s.agent.EnrolTOTP(ctx, subject)
	return s, err
}

func (s signatory) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// otp moves the clock to the next time step and returns its password.
func (s signatory) otp() (string, error) {
	s.ahead.Add(int64(30 * time.Second))
	return totp.GenerateCode(s.secret, s.now())
}
