// Package web is the door for people: the counter, the inbox, verification and reports as
// pages that the server renders whole and that work without scripts.
package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/report"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/server"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/signer/validate"
)

// Verifier judges a PDF file that anybody hands in. The error is for faults of ours: a bad
// file is a report.
type Verifier func(ctx context.Context, name string, file io.ReaderAt, size int64) (*validate.Report, error)

// Options are the services behind the pages; all but Log, Now and ConsentText are needed.
type Options struct {
	Auth *auth.Service
	// Authenticator sets and reads the session cookie.
	Authenticator *server.Authenticator
	Desk          *issuance.Desk
	Routing       *routing.Service
	Report        *report.Service
	Units         *unit.Service
	Verify        Verifier
	PINs          PINChanger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Log gets faults; nil discards them.
	Log *slog.Logger
	// ConsentText is the version of the text on personal data that the counter shows;
	// empty is "2026-01".
	ConsentText string
}

// pages is the handler.
type pages struct {
	o       Options
	tmpl    map[string]*template.Template
	assets  assets
	painter painter
	// turns lets one request at a time confirm a batch.
	turns turns
	// pinDone holds the last change of a PIN that succeeded, by actor.
	pinDone sync.Map
	// verifying bounds how many files are judged at once.
	verifying chan struct{}
}

// Pages is the handler of every page.
type Pages struct {
	http.Handler
	pages *pages
}

// Verified shows a report on a file to people. The caller has answered nothing yet.
func (s *Pages) Verified(w http.ResponseWriter, r *http.Request, report *validate.Report) error {
	return s.pages.verified(w, r, report)
}

// New returns the pages. It reads the session cookie itself; what every answer of the
// listener shares (server.Base, server.Headers, server.SameOrigin) is put around it by the
// caller.
func New(o Options) (*Pages, error) {
	if o.Auth == nil || o.Authenticator == nil || o.Desk == nil || o.Routing == nil || o.Report == nil || o.Units == nil || o.Verify == nil || o.PINs == nil {
		return nil, errors.New("web: a service is missing")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.ConsentText == "" {
		o.ConsentText = "2026-01"
	}
	p := &pages{o: o, painter: newPainter(), verifying: make(chan struct{}, 2)}
	var err error
	if p.assets, err = readAssets(); err != nil {
		return nil, fmt.Errorf("web: assets: %w", err)
	}
	if p.tmpl, err = p.templates(); err != nil {
		return nil, fmt.Errorf("web: templates: %w", err)
	}
	return &Pages{Handler: p.router(), pages: p}, nil
}

func (p *pages) router() http.Handler {
	r := chi.NewRouter()
	r.Use(p.session)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) { p.fail(w, r, auth.ErrNotFound) })
	r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) { p.fail(w, r, auth.ErrNotFound) })
	r.Get("/static/{file}", p.static)
	r.Get("/", p.handle(p.home))
	r.Get("/help", p.handle(p.help))
	p.loginRoutes(r)
	p.verifyRoutes(r)
	p.activateRoutes(r)
	r.Group(func(r chi.Router) {
		r.Use(p.needActor)
		p.counterRoutes(r)
		p.approvalRoutes(r)
		p.certificateRoutes(r)
		p.inboxRoutes(r)
		p.signRoutes(r)
		p.reportRoutes(r)
		p.pinRoutes(r)
	})
	return r
}

// handler is a page: it writes an answer, or returns why it can't.
type handler func(w http.ResponseWriter, r *http.Request) error

func (p *pages) handle(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, no-cache")
		if err := h(w, r); err != nil {
			p.fail(w, r, err)
		}
	}
}

// form is handle for a POST of a small form.
func (p *pages) form(h handler) http.HandlerFunc {
	return p.handle(func(w http.ResponseWriter, r *http.Request) error {
		r.Body = http.MaxBytesReader(w, r.Body, 256<<10)
		if err := r.ParseForm(); err != nil {
			return errBadForm.Wrap(err)
		}
		return h(w, r)
	})
}

// see answers a POST: what comes next is at to.
func see(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
