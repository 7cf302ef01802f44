// Package desk sets up a counter for tests: a store, an agent, a small PKI under it, a unit
// with a point, and people with roles.
package desk

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/job"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/softagent"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/lint"
	"github.com/kyso-vn/kyso/pki/profile"
)

// Base is where the PKI publishes.
const Base = "http://pki.example.vn"

// Rig is a working counter.
type Rig struct {
	*issuance.Desk
	Store *store.Store
	Soft  *softagent.Agent
	Units *unit.Service
	// Ward and Other are units with a point each; Ward asks for no approval.
	Ward, Other unit.Unit
	Point       unit.Point
	// CA issues to everybody, under Root.
	Root, CA *x509.Certificate

	clock   atomic.Int64
	mu      sync.Mutex
	notices map[string]issuance.Notice
	people  atomic.Int64
}

// Now is the rig's clock, which stands until Advance.
func (r *Rig) Now() time.Time { return time.UnixMicro(r.clock.Load()).UTC() }

// Advance moves the clock.
func (r *Rig) Advance(d time.Duration) { r.clock.Add(d.Microseconds()) }

// Notify keeps a notice, as issuance.Notifier.
func (r *Rig) Notify(_ context.Context, n issuance.Notice) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notices[n.ID] = n
	return nil
}

// The linter is shared: making one takes long.
var linter = sync.OnceValues(lint.New)

// New sets up a counter on s at a fixed time in 2026.
func New(t testing.TB, s *store.Store) *Rig {
	t.Helper()
	r := &Rig{Store: s, notices: map[string]issuance.Notice{}}
	r.clock.Store(time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC).UnixMicro())
	r.Soft = &softagent.Agent{Ledger: s, Now: r.Now}
	r.Units = &unit.Service{Store: s, Now: r.Now}
	profiles, err := profile.Builtin(profile.Options{})
	must(t, err)
	lints, err := linter()
	must(t, err)
	r.Desk = &issuance.Desk{Store: s, Agent: r.Soft, Units: s, Profiles: profiles, Linter: lints, Base: Base, Notifier: r, Now: r.Now}

	admin := r.As("admin", auth.RoleCityAdmin, auth.WholeCity)
	r.Ward, err = r.Units.CreateUnit(admin, unit.Unit{Code: "00004", Name: "Phường Ba Đình", Level: unit.Commune, From: "2025-07-01"})
	must(t, err)
	r.Other, err = r.Units.CreateUnit(admin, unit.Unit{Code: "00070", Name: "Phường Hoàn Kiếm", Level: unit.Commune, From: "2025-07-01"})
	must(t, err)
	r.Point, err = r.Units.CreatePoint(admin, unit.Point{UnitID: r.Ward.ID, Name: "Điểm phục vụ số 1", Address: "2 phố Trúc Bạch"})
	must(t, err)
	r.ceremony(t)
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ceremony makes a root and one issuing CA for all kinds of subject.
func (r *Rig) ceremony(t testing.TB) {
	t.Helper()
	ctx := r.As("ceremony", auth.RoleOperator, auth.WholeCity)
	rootKey, err := r.Soft.Service(ctx, "root-key", agent.PurposeCA)
	must(t, err)
	unborn, err := ca.New(ca.Config{Signer: rootKey, Linter: r.Linter, Now: r.Now})
	must(t, err)
	r.Root = r.sign(t, unborn, "root-key", "root", "Kyso Root CA", rootKey.Public())
	must(t, r.RegisterCA(ctx, issuance.Authority{Name: "root", KeyName: "root-key", DER: r.Root.Raw}))
	root, err := ca.New(ca.Config{Certificate: r.Root, Signer: rootKey, Addresses: pki.Addresses{Base: Base, CA: "root"}, Linter: r.Linter, Now: r.Now})
	must(t, err)
	key, err := r.Soft.Service(ctx, "ca-key", agent.PurposeCA)
	must(t, err)
	r.CA = r.sign(t, root, "root-key", "issuing", "Kyso CA", key.Public())
	must(t, r.RegisterCA(ctx, issuance.Authority{Name: "hanoi", KeyName: "ca-key", Parent: "root", DER: r.CA.Raw, Shards: 8,
		Serves: []pki.Kind{pki.Citizen, pki.Officer, pki.Organisation}}))
	must(t, r.RecordOwn(ctx, "root", "ca", r.CA.Raw))
}

func (r *Rig) sign(t testing.TB, c *ca.CA, key, profile, name string, public any) *x509.Certificate {
	t.Helper()
	p, err := r.Profiles.Get(profile)
	must(t, err)
	draft, err := c.Prepare(ca.Request{Profile: p, PublicKey: public, Subject: pki.Subject{{Type: pki.Country, Value: "VN"},
		{Type: pki.OrganizationName, Value: issuance.DefaultOrganisation}, {Type: pki.CommonName, Value: name}}})
	must(t, err)
	must(t, r.Store.RecordTBS(context.Background(), key, draft.TBSHash(), r.Now()))
	cert, err := c.Issue(context.Background(), draft)
	must(t, err)
	must(t, r.Store.TBSSigned(context.Background(), key, draft.TBSHash()))
	return cert
}

// As returns a context in which login acts with a role in a unit; the person has the same
// name, unless login is "person/account".
func (r *Rig) As(login string, role auth.Role, unitID string) context.Context {
	a := auth.Actor{AccountID: login, PersonID: "person-" + login, Name: login, RequestID: "req",
		Grants: []auth.Grant{{Role: role, UnitID: unitID}}}
	return auth.WithClock(auth.WithActor(context.Background(), a), r.Now)
}

// Op returns ctx in which the actor's operation has the key op.
func Op(ctx context.Context, op string) context.Context {
	a, _ := auth.ActorFrom(ctx)
	a.OpKey = op
	return auth.WithActor(ctx, a)
}

// Counter acts as staff of Ward.
func (r *Rig) Counter() context.Context { return r.As("lan", auth.RoleCounter, r.Ward.ID) }

// Citizen returns the complete form of a new person at Ward.
func (r *Rig) Citizen() issuance.Form {
	return issuance.Form{Kind: pki.Citizen, UnitID: r.Ward.ID, PointID: r.Point.ID,
		Identity: fmt.Sprintf("001090%06d", r.people.Add(1)), Name: "Nguyễn Văn Đức", BirthDate: "1990-05-19", Sex: issuance.Male,
		Address: "12 Phố Huế, Hà Nội", Phone: "0912345678",
		Proof:    issuance.Proof{Method: issuance.ProofChip},
		Contract: issuance.Contract{Signed: true, Number: "HD-1"},
		Consent:  issuance.Consent{Given: true, Text: "2026-01"}}
}

// Issue submits a form that needs no approval.
func (r *Rig) Issue(t testing.TB, f issuance.Form) issuance.ApplicationView {
	t.Helper()
	v, err := r.Submit(r.Counter(), f)
	must(t, err)
	if v.Certificate == nil {
		t.Fatalf("application is %s, want issued", v.State)
	}
	return v
}

// Code delivers all notices and returns the activation code of an application.
func (r *Rig) Code(t testing.TB, applicationID string) string {
	t.Helper()
	db, _ := r.Store.DB()
	rows, err := db.Query(`SELECT id FROM notices WHERE sent_at = 0`)
	must(t, err)
	var ids []string
	for rows.Next() {
		var id string
		must(t, rows.Scan(&id))
		ids = append(ids, id)
	}
	must(t, rows.Err())
	must(t, rows.Close())
	for _, id := range ids {
		must(t, r.SendNotice(context.Background(), issuance.SendNotice{NoticeID: id}))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.notices {
		var body issuance.Activation
		must(t, json.Unmarshal([]byte(n.Body), &body))
		if body.ApplicationID == applicationID {
			return body.Code
		}
	}
	t.Fatalf("no activation code for %s", applicationID)
	return ""
}

// NoJobs returns a job client for a store that was opened without testkit/db; nobody works
// its jobs.
func NoJobs(t testing.TB, s *store.Store) *job.Client {
	t.Helper()
	c, err := job.NewClient(s.JobDriver(), nil, slog.New(slog.DiscardHandler))
	must(t, err)
	return c
}
