package web_test

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
	"io"
	"log/slog"
	"math/big"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/blob"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/report"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/server"
	"github.com/kyso-vn/kyso/internal/server/web"
	"github.com/kyso-vn/kyso/internal/signing"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
	"github.com/kyso-vn/kyso/internal/testkit/stamps"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/pki/tsa"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/validate"
)

const (
	pin      = "28461937"
	password = "một mật khẩu dài"
)

// rig is the pages over real services: a ward with its people, and a document system.
type rig struct {
	*desk.Rig
	url     string
	routing *routing.Service
	signing *signing.Service
	pages   *web.Pages
	anchors []path.AnchorList
	people  map[string]string // person ids by login
	client  context.Context
	logged  journal
	// fault, when set, is what verifying ends with.
	fault error
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRig(t testing.TB) *rig {
	t.Helper()
	s := db.SQLite(t)
	r := &rig{Rig: desk.New(t, s), people: map[string]string{}}
	users := &auth.Service{Store: s, Second: r.Soft, Now: r.Now}
	stamper := newTSA(t, r.Now)
	r.anchors = []path.AnchorList{{Name: "Kyso", Certificates: []*x509.Certificate{r.Root, stamper.certificate}}}
	blobs, err := blob.Open(t.Context(), "file://"+t.TempDir(), bytes.Repeat([]byte{9}, 32))
	must(t, err)
	t.Cleanup(func() { must(t, blobs.Close()) })
	sign, err := signing.New(signing.Options{Agent: r.Soft, Store: s, Now: r.Now})
	must(t, err)
	r.signing = sign
	engine := &routing.PAdES{TSA: stamper, Augment: pades.AugmentOptions{Anchors: r.anchors, Fetcher: published{r}, Now: r.Now}}
	r.routing, err = routing.New(routing.Options{Store: s, Blobs: blobs, Signing: sign, Engine: engine, Now: r.Now, FinishLimit: time.Minute})
	must(t, err)
	r.serve(t, users)
	r.staff(t, users)
	return r
}

// serve starts the pages with everything that stands around them in the program.
func (r *rig) serve(t testing.TB, users *auth.Service) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(&r.logged, nil))
	pages, err := web.New(web.Options{Auth: users, Authenticator: &server.Authenticator{Auth: users, Log: log}, Desk: r.Desk, Routing: r.routing,
		Report: &report.Service{Store: r.Store, Now: r.Now}, Units: r.Units, PINs: r.signing, Now: r.Now, Log: log,
		Verify: func(ctx context.Context, name string, f io.ReaderAt, size int64) (*validate.Report, error) {
			if r.fault != nil {
				return nil, r.fault
			}
			return validate.File(ctx, f, size, validate.Options{Name: name, Anchors: r.anchors, Now: r.Now, Fetcher: published{r}})
		}})
	must(t, err)
	r.pages = pages
	srv := httptest.NewServer(server.Base(log, server.Headers(server.SameOrigin(log, pages))))
	t.Cleanup(srv.Close)
	r.url = srv.URL
}

// staff makes the accounts, and for those who sign certificates and pictures.
func (r *rig) staff(t testing.TB, users *auth.Service) {
	t.Helper()
	setup := auth.WithActor(t.Context(), auth.Actor{Name: "setup", Grants: []auth.Grant{{Role: auth.RoleCityAdmin, UnitID: auth.WholeCity}}})
	for _, p := range []struct {
		login, name, identity string
		role                  auth.Role
		unit                  string
		totp                  bool
	}{
		{"lan", "Nguyễn Thị Lan", "001190000501", auth.RoleCounter, r.Ward.ID, true},
		{"minh", "Đỗ Quang Minh", "001090000502", auth.RoleApprover, r.Ward.ID, false},
		{"head", "Lê Văn Trưởng", "001090000503", auth.RoleUnitAdmin, r.Ward.ID, false},
		{"vuong", "Trần Quốc Vượng", "001090000504", auth.RoleSigner, r.Ward.ID, false},
		{"hoa", "Phạm Thị Hoà", "001190000505", auth.RoleClerk, r.Ward.ID, false},
		{"la", "Người Lạ", "001090000506", auth.RoleCounter, r.Other.ID, false},
		{"xa", "Người Xa", "001090000507", auth.RoleSigner, r.Other.ID, false},
	} {
		var err error
		_, r.people[p.login], err = users.CreateAccount(setup, auth.NewAccount{Login: p.login, Password: password, DisplayName: p.name, NeedsTOTP: p.totp,
			Person: auth.Person{Identity: "CCCD:" + p.identity, Name: p.name}, Grants: []auth.Grant{{Role: p.role, UnitID: p.unit}}})
		must(t, err)
	}
	head := r.As("head", auth.RoleUnitAdmin, r.Ward.ID)
	f := r.Citizen()
	f.Kind, f.Identity, f.Name, f.Title, f.Mail = pki.Officer, "001090000504", "Trần Quốc Vượng", "Phó Chủ tịch", "vuong@hanoi.gov.vn"
	v, err := r.Submit(head, f)
	must(t, err)
	_, err = r.Activate(t.Context(), v.ID, r.Code(t, v.ID), pin, true)
	must(t, err)
	s, err := r.Submit(head, issuance.Form{Kind: pki.Organisation, UnitID: r.Ward.ID,
		Proof: issuance.Proof{Method: issuance.ProofDecision, Reference: "12/QĐ-UBND"}, Contract: issuance.Contract{Signed: true}})
	must(t, err)
	_, err = r.Approve(r.As("minh", auth.RoleApprover, r.Ward.ID), s.ID)
	must(t, err)
	png, err := stamps.Signature("Trần Quốc Vượng")
	must(t, err)
	must(t, r.routing.SetPicture(head, r.Ward.ID, routing.Picture{OwnerID: r.people["vuong"], Kind: routing.PictureSignature, PNG: png}))
	png, err = stamps.Seal(36, stamps.SealText{Above: "PHƯỜNG BA ĐÌNH"})
	must(t, err)
	must(t, r.routing.SetPicture(head, r.Ward.ID, routing.Picture{OwnerID: r.Ward.ID, Kind: routing.PictureSeal, PNG: png, DiameterMM: 36}))
	must(t, r.Store.InsertClient(t.Context(), auth.Client{ID: "dms", Name: "DMS", SecretHash: []byte("x")}, nil, r.Now(),
		audit.Event{At: r.Now(), Actor: "service:test", Action: "test.setup", Object: "client:dms", Outcome: audit.OutcomeDone}))
	r.client = auth.WithActor(t.Context(), auth.Actor{ClientID: "dms", Name: "DMS", Grants: []auth.Grant{{Role: auth.RoleClient, UnitID: r.Ward.ID}}})
}

// document hands a document over, as the document system does.
func (r *rig) document(t testing.TB, id, subject string) routing.View {
	t.Helper()
	file, err := os.ReadFile("../../../testdata/pdf/quyet-dinh.pdf")
	must(t, err)
	annex, err := os.ReadFile("../../../testdata/pdf/phu-luc.pdf")
	must(t, err)
	v, _, err := r.routing.Accept(r.client, routing.Intake{ExternalID: id, Attachments: []routing.Attachment{{Name: "Phân công.pdf", MediaType: "application/pdf"}}, UnitID: r.Ward.ID,
		Metadata: routing.Metadata{AgencyCode: "H26.12.01", Notation: "QĐ-UBND", Subject: subject, Type: "Quyết định", Origin: "Phòng Kinh tế",
			Urgency: routing.UrgencyAtOnce, Deadline: r.Now().Add(30 * time.Hour)},
		Steps: []routing.StepSpec{{Kind: routing.Leader, Signer: "vuong", Capacity: "KT.", Post: "PHÓ CHỦ TỊCH", Name: "Trần Quốc Vượng"}, {Kind: routing.Seal}}},
		routing.Files{Document: bytes.NewReader(file), Attachments: []io.Reader{bytes.NewReader(annex)}})
	must(t, err)
	return v
}

// published gets CRLs as the plain listener would serve them; OCSP does not answer.
type published struct{ r *rig }

func (published) OCSP(context.Context, string, []byte) ([]byte, error) {
	return nil, errors.New("no responder")
}

func (p published) CRL(ctx context.Context, url string) ([]byte, error) {
	name := strings.TrimSuffix(strings.TrimPrefix(url, desk.Base+"/crl/"), ".crl")
	ca, shard, _ := strings.Cut(name, "/")
	n, _ := strconv.Atoi(shard) // none for a whole CRL
	if _, err := p.r.BuildCRLs(p.r.As("serve", auth.RoleOperator, auth.WholeCity), false); err != nil {
		return nil, err
	}
	s, err := p.r.Desk.CRL(ctx, ca, n)
	return s.DER, err
}

type stamper struct {
	*tsa.Server
	certificate *x509.Certificate
}

func (s *stamper) Timestamp(ctx context.Context, h crypto.Hash, digest []byte) ([]byte, error) {
	return s.Server.Timestamp(ctx, h, digest)
}

// newTSA makes a time-stamp authority that is its own root.
func newTSA(t testing.TB, now func() time.Time) *stamper {
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
	return &stamper{Server: srv, certificate: cert}
}

// journal is the log; requests write it while tests read it.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}
