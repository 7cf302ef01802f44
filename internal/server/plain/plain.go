// Package plain serves what is signed already, over plain HTTP: CA certificates, CRLs, OCSP
// answers and time-stamps (RFC 5280, Section 8; RFC 6960, Appendix A; RFC 3161, Section 3.4).
package plain

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/server"
)

// Published is what the register gives to everybody. Unknown names are auth.ErrNotFound.
type Published interface {
	// CACertificate returns a CA's certificate, DER.
	CACertificate(ctx context.Context, ca string) ([]byte, error)
	// CRL returns a CA's newest CRL, DER; shard 0 of a CA whose CRL is whole.
	CRL(ctx context.Context, ca string, shard int) (der []byte, thisUpdate, nextUpdate time.Time, err error)
}

// Options are the parts of the listener.
type Options struct {
	Published Published
	// OCSP returns the responder of a CA, nil when it has none.
	OCSP func(ca string) http.Handler
	// TSA answers time-stamp queries; nil when there is no authority here.
	TSA http.Handler
	Log *slog.Logger
}

// New returns the handler of the plain listener.
func New(o Options) http.Handler {
	r := chi.NewRouter()
	h := &handler{Options: o}
	r.Get("/ca/{name}", h.certificate)
	r.Get("/crl/{name}", h.whole)
	r.Get("/crl/{ca}/{name}", h.shard)
	r.HandleFunc("/ocsp/{ca}", h.ocsp)
	r.HandleFunc("/ocsp/{ca}/*", h.ocsp)
	if o.TSA != nil {
		r.Post("/tsa", o.TSA.ServeHTTP)
	}
	return r
}

type handler struct{ Options }

func (h *handler) certificate(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutSuffix(chi.URLParam(r, "name"), ".cer")
	if !ok {
		http.NotFound(w, r)
		return
	}
	der, err := h.Published.CACertificate(r.Context(), name)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/pkix-cert")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	_, _ = w.Write(der) // the client may be gone
}

func (h *handler) whole(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutSuffix(chi.URLParam(r, "name"), ".crl")
	if !ok {
		http.NotFound(w, r)
		return
	}
	h.crl(w, r, name, 0)
}

func (h *handler) shard(w http.ResponseWriter, r *http.Request) {
	text, ok := strings.CutSuffix(chi.URLParam(r, "name"), ".crl")
	n, err := strconv.ParseUint(text, 10, 16)
	if !ok || err != nil || strconv.FormatUint(n, 10) != text {
		http.NotFound(w, r)
		return
	}
	h.crl(w, r, chi.URLParam(r, "ca"), int(n))
}

func (h *handler) crl(w http.ResponseWriter, r *http.Request, ca string, shard int) {
	der, thisUpdate, nextUpdate, err := h.Published.CRL(r.Context(), ca, shard)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	// A new one may come any second, so caches may hold it for a minute only.
	w.Header().Set("Content-Type", "application/pkix-crl")
	w.Header().Set("Cache-Control", "public, max-age=60")
	w.Header().Set("Last-Modified", thisUpdate.UTC().Format(http.TimeFormat))
	w.Header().Set("Expires", nextUpdate.UTC().Format(http.TimeFormat))
	_, _ = w.Write(der) // the client may be gone
}

func (h *handler) ocsp(w http.ResponseWriter, r *http.Request) {
	ca := chi.URLParam(r, "ca")
	responder := h.OCSP(ca)
	if responder == nil {
		http.NotFound(w, r)
		return
	}
	http.StripPrefix("/ocsp/"+ca, responder).ServeHTTP(w, r)
}

func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, auth.ErrNotFound) {
		http.NotFound(w, r)
		return
	}
	server.WriteProblem(w, r, h.Log, err)
}
