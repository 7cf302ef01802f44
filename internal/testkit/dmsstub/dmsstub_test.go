package dmsstub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/blob"
	"github.com/kyso-vn/kyso/internal/dms"
	"github.com/kyso-vn/kyso/internal/report"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/safehttp"
	"github.com/kyso-vn/kyso/internal/server"
	"github.com/kyso-vn/kyso/internal/server/api"
	"github.com/kyso-vn/kyso/internal/signing"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
	"github.com/kyso-vn/kyso/internal/testkit/dmsstub"
	"github.com/kyso-vn/kyso/signer/validate"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is the API over real services and a document system that speaks with it.
type world struct {
	*desk.Rig
	*dmsstub.Stub
	routing *routing.Service
	back    *dms.Service
	options dmsstub.Options
	clerk   context.Context
}

func newWorld(t *testing.T, s *store.Store) *world {
	t.Helper()
	w := &world{Rig: desk.New(t, s)}
	accounts := &auth.Service{Store: s, Second: w.Soft, Now: w.Now}
	blobs, err := blob.Open(t.Context(), "file://"+t.TempDir(), bytes.Repeat([]byte{9}, 32))
	must(t, err)
	t.Cleanup(func() { must(t, blobs.Close()) })
	sign, err := signing.New(signing.Options{Agent: w.Soft, Store: s, Now: w.Now})
	must(t, err)
	w.routing, err = routing.New(routing.Options{Store: s, Blobs: blobs, Signing: sign, Engine: &routing.PAdES{}, Now: w.Now})
	must(t, err)
	client, err := safehttp.New(safehttp.Options{Allow: []string{"127.0.0.1"}})
	must(t, err)
	w.back, err = dms.New(dms.Options{Store: s, Client: client})
	must(t, err)
	log := slog.New(slog.DiscardHandler)
	h, err := api.New(api.Options{Desk: w.Desk, Routing: w.routing, Signing: sign, Units: w.Units, Report: &report.Service{Store: s, Now: w.Now},
		PINs: noPINs{}, Auth: &server.Authenticator{Auth: accounts, Log: log}, Requests: s, Fetch: client, Log: log, TempDir: t.TempDir(),
		Verify: func(context.Context, io.ReaderAt, int64) (*validate.Report, error) {
			return nil, errors.New("not part of this test")
		}})
	must(t, err)
	mux := http.NewServeMux()
	mux.Handle(api.Prefix+"/", h)
	mux.Handle("/oauth2/token", api.Token(accounts, log))
	srv := httptest.NewServer(server.Base(log, mux))
	t.Cleanup(srv.Close)

	setup := auth.WithActor(t.Context(), auth.Actor{Name: "setup", Grants: []auth.Grant{{Role: auth.RoleCityAdmin, UnitID: auth.WholeCity}}})
	id, secret, key, err := accounts.CreateClient(setup, "DMS", "", []auth.Grant{{Role: auth.RoleClient, UnitID: w.Ward.ID}})
	must(t, err)
	w.options = dmsstub.Options{Kyso: srv.URL, ClientID: id, Secret: secret, CallbackKey: key}
	w.Stub, err = dmsstub.Start(w.options)
	must(t, err)
	t.Cleanup(func() { must(t, w.Close()) })
	_, personID, err := accounts.CreateAccount(setup, auth.NewAccount{Login: "vuong", Password: "một mật khẩu dài", DisplayName: "Trần Quốc Vượng",
		Person: auth.Person{Identity: "CCCD:001090000502", Name: "Trần Quốc Vượng"}, Grants: []auth.Grant{{Role: auth.RoleSigner, UnitID: w.Ward.ID}}})
	must(t, err)
	w.clerk = auth.WithClock(auth.WithActor(t.Context(), auth.Actor{AccountID: "a", PersonID: personID, Name: "vuong",
		Grants: []auth.Grant{{Role: auth.RoleSigner, UnitID: w.Ward.ID}}}), w.Now)
	return w
}

// noPINs changes none.
type noPINs struct{}

func (noPINs) ChangePIN(context.Context, string, string, string) error {
	return errors.New("no PIN here")
}

const file = "../../../testdata/pdf/to-trinh.pdf"

func (w *world) metadata(t *testing.T, id string) []byte {
	t.Helper()
	b, err := json.Marshal(routing.Intake{ExternalID: id, UnitID: w.Ward.ID, CallbackURL: w.CallbackURL(),
		Metadata:    routing.Metadata{Subject: "Tờ trình", Notation: "TTr-UBND"},
		Steps:       []routing.StepSpec{{Kind: routing.Leader, Signer: "vuong"}},
		Attachments: []routing.Attachment{{Name: "Phụ lục", SameFile: true}, {Name: "phu-luc.pdf", MediaType: "application/pdf"}}})
	must(t, err)
	return b
}

func TestTheStubSpeaksWithTheAPI(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		ctx, done := context.WithTimeout(t.Context(), time.Minute)
		defer done()
		// 1. Handed over, and again: one document.
		var ids []string
		for range 2 {
			d, err := w.Submit(ctx, w.metadata(t, "TTr-1"), file, "key-1", "../../../testdata/pdf/phu-luc.pdf")
			must(t, err)
			if d.State != "waiting" || d.ExternalID != "TTr-1" {
				t.Fatalf("accepted %+v", d)
			}
			ids = append(ids, d.ID)
		}
		if ids[0] != ids[1] {
			t.Fatalf("two documents: %v", ids)
		}
		// 2. The callback that is turned down first is sent again.
		w.FailNext(1)
		if err := w.back.Return(ctx, ids[0]); err == nil {
			t.Fatal("a callback that was answered 503 counts as sent")
		}
		must(t, w.back.Return(ctx, ids[0]))
		c, err := w.Wait(ctx, ids[0], "document.accepted")
		if err != nil || c.Sequence != 1 || c.Document.ID != ids[0] {
			t.Fatalf("callback %+v, %v", c, err)
		}
		// 3. Its links lead to the bytes, also when the token has expired.
		w.Advance(auth.ClientTokenTTL + time.Minute)
		for link, want := range map[string]string{c.Links.Content: file, c.Links.Document + "/attachments/2": "../../../testdata/pdf/phu-luc.pdf"} {
			to := filepath.Join(t.TempDir(), "fetched")
			must(t, w.Fetch(ctx, link, to))
			got, err := os.ReadFile(to)
			must(t, err)
			sent, err := os.ReadFile(want)
			must(t, err)
			if !bytes.HasPrefix(got, sent) {
				t.Errorf("%s is not %s", link, filepath.Base(want))
			}
		}
		// 4. Sent back by the leader: told by callback, and seen by polling.
		if _, err := w.routing.Return(w.clerk, ids[0], "Sửa thể thức"); err != nil {
			t.Fatal(err)
		}
		must(t, w.back.Return(ctx, ids[0]))
		if c, err = w.Wait(ctx, ids[0], "document.returned"); err != nil || c.Document.State != "returned" {
			t.Fatalf("callback %+v, %v", c, err)
		}
		if d, err := w.Get(ctx, ids[0]); err != nil || d.State != "returned" {
			t.Fatalf("polled %+v, %v", d, err)
		}
		if got, rejected, repeated := w.Received(); len(got) != 2 || rejected != 0 || repeated != 0 {
			t.Errorf("%d callbacks, %d rejected, %d repeated", len(got), rejected, repeated)
		}
	})
}

func TestTheStubSaysWhyTheAPIRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, db.SQLite(t))
	if _, err := w.Submit(t.Context(), w.metadata(t, "TTr-1"), file, ""); err == nil || !strings.Contains(err.Error(), "metadata_invalid") {
		t.Errorf("without the attachment's file: %v", err)
	}
	to := filepath.Join(t.TempDir(), "fetched")
	if err := w.Fetch(t.Context(), "/api/v1/documents/none/content", to); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("an unknown document: %v", err)
	}
	if _, err := os.Stat(to); !os.IsNotExist(err) {
		t.Errorf("a file was left: %v", err)
	}
	o := w.options
	o.Secret = "wrong"
	stranger, err := dmsstub.Start(o)
	must(t, err)
	t.Cleanup(func() { must(t, stranger.Close()) })
	if _, err := stranger.Get(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "get a token") {
		t.Errorf("a wrong secret: %v", err)
	}
}

func TestTheStubTurnsDownForgedCallbacks(t *testing.T) {
	t.Parallel()
	s, err := dmsstub.Start(dmsstub.Options{CallbackKey: []byte("key")})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	for name, key := range map[string]string{"another key": "other", "none": ""} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.CallbackURL(), strings.NewReader(`{"id":"1"}`))
		must(t, err)
		req.Header.Set(dms.HeaderEvent, "1")
		if key != "" {
			req.Header.Set(dms.HeaderTimestamp, "1700000000")
			req.Header.Set(dms.HeaderSignature, dms.Sign([]byte(key), "1700000000", "1", []byte(`{"id":"1"}`)))
		}
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	if got, rejected, _ := s.Received(); len(got) != 0 || rejected != 2 {
		t.Errorf("%d callbacks, %d rejected", len(got), rejected)
	}
}
