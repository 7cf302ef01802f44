package api_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/blob"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/report"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/safehttp"
	"github.com/kyso-vn/kyso/internal/server"
	"github.com/kyso-vn/kyso/internal/server/api"
	"github.com/kyso-vn/kyso/internal/signing"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
	"github.com/kyso-vn/kyso/internal/testkit/softagent"
	"github.com/kyso-vn/kyso/internal/testkit/stamps"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/signer/validate"
)

const (
	pin      = "28461937"
	password = "một mật khẩu dài"
)

// rig is the API over real services, with a ward's people and a document system.
type rig struct {
	*desk.Rig
	url              string
	auth             *auth.Service
	routing          *routing.Service
	logged           *journal
	clientID, secret string
	dms              string            // access token
	sessions         map[string]string // by login
	people           map[string]string // person ids by login
}

// pins changes PINs as the service does, without its checks.
type pins struct{ *softagent.Agent }

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

func newRig(t testing.TB, s *store.Store) *rig {
	t.Helper()
	r := &rig{Rig: desk.New(t, s), logged: new(journal), sessions: map[string]string{}, people: map[string]string{}}
	r.auth = &auth.Service{Store: s, Second: r.Soft, Now: r.Now}
	r.url = r.serve(t)
	setup := auth.WithActor(t.Context(), auth.Actor{Name: "setup", Grants: []auth.Grant{{Role: auth.RoleCityAdmin, UnitID: auth.WholeCity}}})
	for login, who := range map[string]struct {
		role     auth.Role
		unit     string
		identity string
	}{
		"lan": {auth.RoleCounter, r.Ward.ID, "001190000501"}, "minh": {auth.RoleApprover, r.Ward.ID, "001090000502"},
		"head": {auth.RoleUnitAdmin, r.Ward.ID, "001090000503"}, "vuong": {auth.RoleSigner, r.Ward.ID, "001090000504"},
		"hoa": {auth.RoleClerk, r.Ward.ID, "001090000505"}, "la": {auth.RoleCounter, r.Other.ID, "001090000506"},
		"tp": {auth.RoleCounter, auth.WholeCity, "001090000508"}, "xa": {auth.RoleClerk, r.Other.ID, "001090000507"},
	} {
		var err error
		_, r.people[login], err = r.auth.CreateAccount(setup, auth.NewAccount{Login: login, Password: password, DisplayName: login,
			Person: auth.Person{Identity: "CCCD:" + who.identity, Name: login}, Grants: []auth.Grant{{Role: who.role, UnitID: who.unit}}})
		must(t, err)
		var full bool
		r.sessions[login], full, err = r.auth.Login(t.Context(), login, password)
		if must(t, err); !full {
			t.Fatal("the login needs a second factor")
		}
	}
	var err error
	r.clientID, r.secret, _, err = r.auth.CreateClient(setup, "DMS", "", []auth.Grant{{Role: auth.RoleClient, UnitID: r.Ward.ID}})
	must(t, err)
	r.dms, _, err = r.auth.ClientToken(t.Context(), r.clientID, r.secret)
	must(t, err)
	return r
}

// serve wires the services as the program does and starts the API.
func (r *rig) serve(t testing.TB) string {
	t.Helper()
	blobs, err := blob.Open(t.Context(), "file://"+t.TempDir(), bytes.Repeat([]byte{9}, 32))
	must(t, err)
	t.Cleanup(func() { must(t, blobs.Close()) })
	sign, err := signing.New(signing.Options{Agent: r.Soft, Store: r.Store, Now: r.Now})
	must(t, err)
	engine, verify := r.engine(t)
	r.routing, err = routing.New(routing.Options{Store: r.Store, Blobs: blobs, Signing: sign, Engine: engine, Now: r.Now, FinishLimit: time.Minute})
	must(t, err)
	log := slog.New(slog.NewTextHandler(r.logged, nil))
	fetch, err := safehttp.New(safehttp.Options{Allow: []string{"127.0.0.1"}})
	must(t, err)
	h, err := api.New(api.Options{Desk: r.Desk, Routing: r.routing, Signing: sign, Units: r.Units, Report: &report.Service{Store: r.Store, Now: r.Now},
		PINs: pins{r.Soft}, Auth: &server.Authenticator{Auth: r.auth, Log: log}, Requests: r.Store, Fetch: fetch, Log: log,
		Verify: verify, MaxVerifyBytes: 16 << 20, TempDir: t.TempDir(), Version: "test",
		Page: func(w http.ResponseWriter, _ *http.Request, report *validate.Report) error {
			_, err := io.WriteString(w, "<p>"+string(report.Verdict))
			return err
		}})
	must(t, err)
	mux := http.NewServeMux()
	mux.Handle(api.Prefix+"/", h)
	mux.Handle("/oauth2/token", api.Token(r.auth, log))
	srv := httptest.NewServer(server.Base(log, mux))
	t.Cleanup(srv.Close)
	return srv.URL
}

// journal is the log; requests write it while tests read it.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

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

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// code is the problem's, "" for none.
func (a answer) code() string {
	var p struct{ Code string }
	_ = json.Unmarshal(a.body, &p) // what is no JSON has no code
	return p.Code
}

func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if a.status >= 300 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	must(t, json.Unmarshal(a.body, v))
}

// request is one request; the zero values are a GET without credentials.
type request struct {
	method, path, as, key, media string
	header                       map[string]string
	body                         io.Reader
}

// do sends q as somebody: a login by its session cookie, "dms" by its token, "" as nobody.
func (r *rig) do(t testing.TB, q request) answer {
	t.Helper()
	if q.method == "" {
		q.method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(t.Context(), q.method, r.url+q.path, q.body)
	must(t, err)
	switch q.as {
	case "":
	case "dms":
		req.Header.Set("Authorization", "Bearer "+r.dms)
	default:
		req.AddCookie(&http.Cookie{Name: "kyso", Value: r.sessions[q.as]})
	}
	if q.key != "" {
		req.Header.Set("Idempotency-Key", q.key)
	}
	if q.media != "" {
		req.Header.Set("Content-Type", q.media)
	}
	for k, v := range q.header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(t, err)
	return answer{res.StatusCode, res.Header, b}
}

func (r *rig) get(t testing.TB, as, path string) answer {
	t.Helper()
	return r.do(t, request{path: "/api/v1" + path, as: as})
}

// post sends v, or the JSON text v, with a new Idempotency-Key.
func (r *rig) post(t testing.TB, as, path string, v any) answer {
	t.Helper()
	text, ok := v.(string)
	if !ok {
		b, err := json.Marshal(v)
		must(t, err)
		text = string(b)
	}
	return r.do(t, request{method: http.MethodPost, path: "/api/v1" + path, as: as, key: rand.Text(), media: "application/json", body: strings.NewReader(text)})
}

// submit hands a document over by multipart.
func (r *rig) submit(t testing.TB, as string, intake any, files ...[]byte) answer {
	t.Helper()
	media, body := form(t, intake, files...)
	return r.do(t, request{method: http.MethodPost, path: "/api/v1/documents", as: as, key: rand.Text(), media: media, body: bytes.NewReader(body)})
}

// form makes a multipart body: metadata, the file, attachments.
func form(t testing.TB, intake any, files ...[]byte) (media string, body []byte) {
	t.Helper()
	meta, err := json.Marshal(intake)
	must(t, err)
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	must(t, m.WriteField("metadata", string(meta)))
	for i, f := range files {
		name := "file"
		if i > 0 {
			name = "attachments"
		}
		w, err := m.CreateFormFile(name, "../../etc/passwd")
		must(t, err)
		_, err = w.Write(f)
		must(t, err)
	}
	must(t, m.Close())
	return m.FormDataContentType(), b.Bytes()
}

func pdf(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../../../testdata/pdf/" + name + ".pdf")
	must(t, err)
	return b
}

// document is the usual intake: the deputy chairman signs, the clerk seals.
func (r *rig) document(id string) routing.Intake {
	return routing.Intake{ExternalID: id, UnitID: r.Ward.ID,
		Metadata: routing.Metadata{AgencyCode: "H26.12.01", Notation: "QĐ-UBND", Subject: "Về việc phân công phụ trách", Type: "Quyết định", Urgency: routing.UrgencyUrgent},
		Steps: []routing.StepSpec{{Kind: routing.Leader, Signer: "vuong", Capacity: "KT.", Post: "PHÓ CHỦ TỊCH", Name: "Trần Quốc Vượng"},
			{Kind: routing.Seal, SealDiameterMM: 36}}}
}

// staff gives the leader and the ward their certificates and pictures, over the API.
func (r *rig) staff(t *testing.T) (leader, seal string) {
	t.Helper()
	f := r.Citizen()
	f.Kind, f.Identity, f.Name, f.Title, f.Mail = pki.Officer, "001090000504", "Trần Quốc Vượng", "Phó Chủ tịch", "vuong@hanoi.gov.vn"
	var v issuance.ApplicationView
	r.post(t, "head", "/applications", f).into(t, &v)
	r.post(t, "", "/applications/"+v.ID+"/activate", map[string]any{"code": r.Code(t, v.ID), "pin": pin, "accept": true}).into(t, new(any))
	leader = v.Certificate.CredentialID
	r.post(t, "head", "/applications", issuance.Form{Kind: pki.Organisation, UnitID: r.Ward.ID,
		Proof: issuance.Proof{Method: issuance.ProofDecision, Reference: "12/QĐ-UBND"}, Contract: issuance.Contract{Signed: true}}).into(t, &v)
	r.post(t, "minh", "/applications/"+v.ID+"/approve", "").into(t, &v)
	head := r.As("head", auth.RoleUnitAdmin, r.Ward.ID)
	png, err := stamps.Signature("Trần Quốc Vượng")
	must(t, err)
	must(t, r.routing.SetPicture(head, r.Ward.ID, routing.Picture{OwnerID: r.people["vuong"], Kind: routing.PictureSignature, PNG: png}))
	png, err = stamps.Seal(36, stamps.SealText{Above: "PHƯỜNG BA ĐÌNH"})
	must(t, err)
	must(t, r.routing.SetPicture(head, r.Ward.ID, routing.Picture{OwnerID: r.Ward.ID, Kind: routing.PictureSeal, PNG: png, DiameterMM: 36}))
	return leader, v.Certificate.CredentialID
}
