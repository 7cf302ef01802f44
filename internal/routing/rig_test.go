package routing_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/blob"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/signing"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
	"github.com/kyso-vn/kyso/internal/testkit/softagent"
	"github.com/kyso-vn/kyso/internal/testkit/stamps"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/tsa"
)

const pin = "28461937"

// person is somebody with an account, and perhaps a certificate.
type person struct {
	ctx                     context.Context
	id                      string
	credential, certificate string
}

// rig is a unit whose initialler, leader and clerk can act, and a document system.
type rig struct {
	*desk.Rig
	*routing.Service
	sign                     *signing.Service
	dir                      string // of the blobs
	tsa                      *switchable
	halt                     atomic.Bool  // no file is finished, as after a kill
	haltAfter                atomic.Int64 // that many files are finished, then none
	agent                    *gate
	client                   context.Context
	drafter, leader, clerk   person
	stranger                 person // clerk and signer of another unit
	sealCredential, sealCert string
}

// switchable is a time-stamp authority that can be down.
type switchable struct {
	*tsa.Server
	certificate *x509.Certificate
	down        atomic.Bool
	failures    atomic.Int64 // requests that get no answer before the authority is up
}

func (s *switchable) Timestamp(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
	if s.down.Load() || s.failures.Add(-1) >= 0 {
		return nil, errors.New("the authority does not answer")
	}
	return s.Server.Timestamp(ctx, h, digest)
}

// gate lets a test act between the authorisation and the values' release.
type gate struct {
	*softagent.Agent
	signed     atomic.Int64
	afterwards func()
}

func (g *gate) SignHashes(ctx context.Context, r agent.SignRequest) ([][]byte, error) {
	out, err := g.Agent.SignHashes(ctx, r)
	if err == nil {
		g.signed.Add(1)
	}
	if g.afterwards != nil {
		g.afterwards()
	}
	return out, err
}

func each(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	db.Each(t, func(t *testing.T, s *store.Store) { f(t, newRig(t, s)) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRig(t *testing.T, s *store.Store) *rig {
	t.Helper()
	r := &rig{Rig: desk.New(t, s), dir: t.TempDir()}
	r.agent = &gate{Agent: r.Soft}
	blobs, err := blob.Open(t.Context(), "file://"+r.dir, bytes.Repeat([]byte{9}, 32))
	must(t, err)
	t.Cleanup(func() { must(t, blobs.Close()) })
	r.sign, err = signing.New(signing.Options{Agent: r.agent, Store: s, Now: r.Now})
	must(t, err)
	r.tsa = newTSA(t, r.Now)
	r.Service, err = routing.New(routing.Options{Store: s, Blobs: blobs, Signing: r.sign, Engine: r.engine(), Now: r.Now, FinishLimit: time.Minute})
	must(t, err)
	must(t, s.InsertClient(t.Context(), auth.Client{ID: "dms", Name: "DMS", SecretHash: []byte("x"), CallbackURL: "http://dms.example.vn/kyso",
		CallbackKey: []byte("callback key")}, nil, r.Now(), event("dms")))
	r.client = auth.WithClock(auth.WithActor(t.Context(), auth.Actor{ClientID: "dms", Name: "DMS", RequestID: "req",
		Grants: []auth.Grant{{Role: auth.RoleClient, UnitID: r.Ward.ID}}}), r.Now)
	r.drafter = r.person(t, "thu", "001090000501", "Lê Thị Thu", auth.RoleSigner, r.Ward.ID)
	r.leader = r.person(t, "vuong", "001090000502", "Trần Quốc Vượng", auth.RoleSigner, r.Ward.ID)
	r.clerk = r.person(t, "hoa", "001090000503", "Phạm Thị Hoà", auth.RoleClerk, r.Ward.ID)
	r.stranger = r.person(t, "la", "001090000504", "Người Lạ", auth.RoleClerk, r.Other.ID)
	r.officer(t, &r.drafter, "001090000501", "Lê Thị Thu", "Chuyên viên")
	r.officer(t, &r.leader, "001090000502", "Trần Quốc Vượng", "Phó Chủ tịch")
	r.seal(t)
	r.pictures(t)
	return r
}

func event(name string) audit.Event {
	return audit.Event{At: time.Now(), Actor: "service:test", Action: "test.setup", Object: "test:" + name, Outcome: audit.OutcomeDone}
}

func (r *rig) person(t *testing.T, login, identity, name string, role auth.Role, unitID string) person {
	t.Helper()
	id, err := r.Store.InsertAccount(t.Context(), "acc-"+login, auth.NewAccount{Login: login, DisplayName: name,
		Person: auth.Person{Identity: "CCCD:" + identity, Name: name}}, "x", r.Now(), event(login))
	must(t, err)
	a := auth.Actor{AccountID: "acc-" + login, PersonID: id, Name: login, RequestID: "req", Grants: []auth.Grant{{Role: role, UnitID: unitID}}}
	return person{id: id, ctx: auth.WithClock(auth.WithActor(t.Context(), a), r.Now)}
}

// officer issues and activates a certificate.
func (r *rig) officer(t *testing.T, p *person, identity, name, title string) {
	t.Helper()
	f := r.Citizen()
	f.Kind, f.Identity, f.Name, f.Title, f.Mail = pki.Officer, identity, name, title, "x@hanoi.gov.vn"
	v, err := r.Submit(r.As("head", auth.RoleUnitAdmin, r.Ward.ID), f)
	must(t, err)
	if v.Certificate == nil {
		t.Fatalf("no certificate for %s: %+v", name, v)
	}
	p.credential, p.certificate = v.Certificate.CredentialID, v.CertificateID
	_, err = r.Activate(p.ctx, v.ID, r.Code(t, v.ID), pin, true)
	must(t, err)
}

func (r *rig) seal(t *testing.T) {
	t.Helper()
	s, err := r.Submit(r.As("head", auth.RoleUnitAdmin, r.Ward.ID), issuance.Form{Kind: pki.Organisation, UnitID: r.Ward.ID,
		Proof: issuance.Proof{Method: issuance.ProofDecision, Reference: "12/QĐ-UBND"}, Contract: issuance.Contract{Signed: true}})
	must(t, err)
	s, err = r.Approve(r.As("minh", auth.RoleApprover, r.Ward.ID), s.ID)
	must(t, err)
	r.sealCredential, r.sealCert = s.Certificate.CredentialID, s.CertificateID
}

func (r *rig) pictures(t *testing.T) {
	t.Helper()
	head := r.As("head", auth.RoleUnitAdmin, r.Ward.ID)
	png, err := stamps.Signature("Trần Quốc Vượng")
	must(t, err)
	must(t, r.SetPicture(head, r.Ward.ID, routing.Picture{OwnerID: r.leader.id, Kind: routing.PictureSignature, PNG: png}))
	png, err = stamps.Seal(36, stamps.SealText{Above: "PHƯỜNG CỬA NAM"})
	must(t, err)
	must(t, r.SetPicture(head, r.Ward.ID, routing.Picture{OwnerID: r.Ward.ID, Kind: routing.PictureSeal, PNG: png, DiameterMM: 36}))
}

// newTSA makes an authority under a root of its own.
func newTSA(t *testing.T, now func() time.Time) *switchable {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	eku, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	must(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "TSA"}, NotBefore: now().Add(-time.Hour), NotAfter: now().AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: eku}}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	srv, err := tsa.NewServer(tsa.ServerOptions{Certificate: cert, Signer: key, Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 55555, 1}, Now: now})
	must(t, err)
	return &switchable{Server: srv, certificate: cert}
}

func pdf(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../../testdata/pdf/" + name + ".pdf")
	must(t, err)
	return b
}

// intake is the usual document: an initial, the deputy chairman, the seal.
func (r *rig) intake(id string) routing.Intake {
	return routing.Intake{ExternalID: id, UnitID: r.Ward.ID,
		Metadata: routing.Metadata{AgencyCode: "H26.12.01", Notation: "QĐ-UBND", Subject: "Về việc phân công phụ trách điểm phục vụ", Type: "Quyết định",
			Origin: "Phòng Kinh tế", Urgency: routing.UrgencyUrgent},
		Steps: []routing.StepSpec{{Kind: routing.Initial, Signer: "thu"},
			{Kind: routing.Leader, Signer: "vuong", Capacity: "KT.", Post: "PHÓ CHỦ TỊCH", Name: "Trần Quốc Vượng"}, {Kind: routing.Seal}}}
}

func (r *rig) accept(t *testing.T, in routing.Intake, file []byte) routing.View {
	t.Helper()
	v, created, err := r.Accept(r.client, in, routing.Files{Document: bytes.NewReader(file)})
	must(t, err)
	if !created {
		t.Fatal("the document was known already")
	}
	return v
}

// act prepares, authorises and signs as one would by hand.
func (r *rig) act(t *testing.T, p person, act routing.Act, seal map[string]routing.SealInput, docs ...string) (routing.BatchResult, error) {
	t.Helper()
	c, err := r.Prepare(p.ctx, routing.PrepareRequest{Act: act, Documents: docs, Seal: seal})
	if err != nil {
		return routing.BatchResult{}, err
	}
	g, err := r.Authorize(p.ctx, c.BatchID, pin, softagent.OTP)
	if err != nil {
		return routing.BatchResult{}, err
	}
	return r.Sign(p.ctx, routing.SignRequest{SAD: g.SAD, Documents: docs})
}

func (r *rig) mustAct(t *testing.T, p person, act routing.Act, docs ...string) routing.BatchResult {
	t.Helper()
	seal := map[string]routing.SealInput{}
	if act == routing.ActSeal {
		for i, d := range docs {
			seal[d] = routing.SealInput{Number: fmt.Sprintf("%d/QĐ-UBND", 123+i)}
		}
	}
	res, err := r.act(t, p, act, seal, docs...)
	must(t, err)
	if !res.Done {
		t.Fatalf("not done: %+v", res)
	}
	return res
}

func (r *rig) get(t *testing.T, ctx context.Context, id string) routing.View {
	t.Helper()
	v, err := r.Get(ctx, id)
	must(t, err)
	return v
}

func (r *rig) content(t *testing.T, id string, revision int) []byte {
	t.Helper()
	c, err := r.Content(r.client, id, revision)
	must(t, err)
	defer c.Close()
	b, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size))
	must(t, err)
	return b
}

// count runs a query that gives one number.
func (r *rig) count(t *testing.T, query string) (n int) {
	t.Helper()
	db, _ := r.Store.DB()
	must(t, db.QueryRow(query).Scan(&n))
	return n
}

// damage changes a byte of a document's newest revision.
func (r *rig) damage(t *testing.T, id string) {
	t.Helper()
	db, _ := r.Store.DB()
	var blobID string
	must(t, db.QueryRow(`SELECT r.blob_id FROM document_revisions r JOIN documents d ON d.id = r.document_id AND d.revision = r.n WHERE d.id = $1`, id).Scan(&blobID))
	file := filepath.Join(r.dir, blobID[:2], blobID[2:])
	b, err := os.ReadFile(file)
	must(t, err)
	b[len(b)/2] ^= 1
	must(t, os.WriteFile(file, b, 0o600))
}
