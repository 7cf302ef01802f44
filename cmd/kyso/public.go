package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/server"
	"github.com/kyso-vn/kyso/internal/server/api"
	"github.com/kyso-vn/kyso/internal/server/web"
	"github.com/kyso-vn/kyso/signer/validate"
)

// verifyTime is how long a file may take that somebody has judged at the door.
const verifyTime = 10 * time.Second

// publicHandler is the public listener: the API and the pages.
func (a *app) publicHandler() (http.Handler, error) {
	who := &server.Authenticator{Auth: a.auth, Log: a.log, Secure: strings.HasPrefix(a.cfg.URL.Public, "https://")}
	pages, err := web.New(web.Options{Auth: a.auth, Authenticator: who, Desk: a.desk, Routing: a.routing, Report: a.report, Units: a.units, PINs: a.signing,
		Verify: a.verify, Log: a.log})
	if err != nil {
		return nil, err
	}
	apis, err := api.New(api.Options{Desk: a.desk, Routing: a.routing, Signing: a.signing, Units: a.units, Report: a.report, PINs: a.signing,
		Verify: func(ctx context.Context, file io.ReaderAt, size int64) (*validate.Report, error) {
			return a.verify(ctx, "", file, size)
		}, Auth: who, Requests: a.store, Fetch: a.outgoing, Log: a.log, Version: version, Page: pages.Verified})
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Handle(api.Prefix+"/*", apis)
	r.Handle("/oauth2/token", api.Token(a.auth, a.log))
	r.Handle("/*", pages)
	return server.Base(a.log, server.Headers(server.SameOrigin(a.log, r))), nil
}

// verify judges a file that somebody brought, against our anchors, fetching status under
// the guard.
func (a *app) verify(ctx context.Context, name string, file io.ReaderAt, size int64) (*validate.Report, error) {
	return validate.File(ctx, file, size, validate.Options{Name: name, Anchors: a.anchors, Fetcher: a.fetcher(), Timeout: verifyTime})
}
