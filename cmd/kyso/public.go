package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/server"
)

// publicHandler is the public listener: the API and the pages.
func (a *app) publicHandler() (http.Handler, error) {
	r := chi.NewRouter()
	return server.Base(a.log, server.Headers(server.SameOrigin(a.log, r))), nil
}
