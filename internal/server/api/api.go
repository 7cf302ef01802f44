// Package api is the JSON API under /api/v1: it decodes a request, calls one method of a
// service and encodes the answer. Its OpenAPI 3.1 description is made from the same code.
//
// Who calls is known by a bearer token or by the session cookie; who may do what is the
// services' to decide. Every POST of a caller carries an Idempotency-Key, but that of
// /verify, which keeps nothing.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/report"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/server"
	"github.com/kyso-vn/kyso/internal/signing"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/signer/validate"
)

// Prefix is where every route of the API begins.
const Prefix = "/api/v1"

// PINChanger changes the PIN of a key.
type PINChanger interface {
	// ChangePIN refuses credentials that are not the actor's own as ones that don't exist,
	// and writes the audit record.
	ChangePIN(ctx context.Context, credentialID, oldPIN, newPIN string) error
}

// Verifier judges the signatures of a file; it keeps to a time limit of its own.
type Verifier func(ctx context.Context, file io.ReaderAt, size int64) (*validate.Report, error)

// Options are the parts of the API. All but Page, the limits and Version are needed.
type Options struct {
	Desk    *issuance.Desk
	Routing *routing.Service
	Signing *signing.Service
	Units   *unit.Service
	Report  *report.Service
	PINs    PINChanger
	Verify  Verifier
	// Page shows a report to people, to whom asks for HTML; nil answers JSON to everybody.
	Page func(w http.ResponseWriter, r *http.Request, report *validate.Report) error

	Auth     *server.Authenticator
	Requests server.IdempotencyStore
	// Fetch gets documents that are handed over by URL. It must guard the target's address
	// and follow no redirects (internal/safehttp); its own limit of size holds too.
	Fetch *http.Client
	Log   *slog.Logger

	// MaxVerifyBytes limits a file to be verified; zero means 100 MB.
	MaxVerifyBytes int64
	// MaxDocumentBytes limits a document that is fetched; zero means 100 MB. Those that are
	// uploaded are limited by routing and by server.MaxBody.
	MaxDocumentBytes int64
	// TempDir holds uploads for the length of a request; empty means the system's.
	TempDir string
	// Version of the program, for the description.
	Version string
}

func (o *Options) check() error {
	if o.Desk == nil || o.Routing == nil || o.Signing == nil || o.Units == nil || o.Report == nil || o.PINs == nil || o.Verify == nil {
		return errors.New("api: a service is missing")
	}
	if o.Auth == nil || o.Requests == nil || o.Fetch == nil || o.Log == nil {
		return errors.New("api: a part is missing")
	}
	if o.MaxVerifyBytes <= 0 {
		o.MaxVerifyBytes = 100 << 20
	}
	if o.MaxDocumentBytes <= 0 {
		o.MaxDocumentBytes = 100 << 20
	}
	if o.Version == "" {
		o.Version = "0"
	}
	return nil
}

// api is the handler's parts.
type api struct {
	Options
	mux    *chi.Mux
	huma   huma.API
	verify verifyGate
}

// New makes the handler of everything under Prefix. It is mounted with its whole path, below
// server.Base.
func New(o Options) (http.Handler, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	a := &api{Options: o, mux: chi.NewMux(), verify: newVerifyGate()}
	a.huma = huma.NewAPI(description(a, o.Version), adapter{a})
	// 1. The routes, one resource a file.
	a.applications()
	a.certificates()
	a.documents()
	a.intake()
	a.acts()
	a.evidence()
	a.credentials()
	a.verification()
	a.units()
	a.reports()
	// 2. What is on no route.
	a.mux.NotFound(func(w http.ResponseWriter, r *http.Request) { a.fail(w, r, errNoRoute) })
	a.mux.MethodNotAllowed(a.methodNotAllowed)
	// 3. The description of all this, made once.
	spec, err := a.spec()
	if err != nil {
		return nil, err
	}
	a.mux.Get(Prefix+"/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
		_, _ = w.Write(spec) // the client may be gone
	})
	// 4. What comes before any route.
	h := server.SameOrigin(o.Log, o.Auth.Handler(a.mux))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		// The path is matched whole, whatever router this is mounted on.
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, (*chi.Context)(nil))))
	}), nil
}

// methodNotAllowed tells which methods there are.
func (a *api) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	for _, m := range []string{http.MethodGet, http.MethodPost} {
		if a.mux.Match(chi.NewRouteContext(), m, r.URL.Path) {
			w.Header().Add("Allow", m)
		}
	}
	a.fail(w, r, errMethod)
}

// answer writes v as JSON.
func (a *api) answer(w http.ResponseWriter, r *http.Request, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // the client may be gone
}
