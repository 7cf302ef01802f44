package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/server"
)

// maxTokenForm limits the body of a token request, in bytes.
const maxTokenForm = 16 << 10

// tokenAnswer is the answer of RFC 6749, Section 5.1, or with Error that of Section 5.2.
type tokenAnswer struct {
	AccessToken string `json:"access_token,omitempty"`
	TokenType   string `json:"token_type,omitempty"`
	ExpiresIn   int    `json:"expires_in,omitempty"` // seconds

	Error       string `json:"error,omitempty"`
	Description string `json:"error_description,omitempty"`
}

// Token is the token endpoint for system clients: the client credentials grant (RFC 6749,
// Section 4.4) with client_secret_basic or client_secret_post.
func Token(svc *auth.Service, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Pragma", "no-cache")
		h.Set("Content-Type", mediaJSON)
		status, out := token(svc, log, w, r)
		if status == http.StatusUnauthorized {
			h.Set("WWW-Authenticate", `Basic realm="kyso"`)
		}
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out) // the client may be gone
	})
}

func token(svc *auth.Service, log *slog.Logger, w http.ResponseWriter, r *http.Request) (int, tokenAnswer) {
	invalid := func(why string) (int, tokenAnswer) {
		return http.StatusBadRequest, tokenAnswer{Error: "invalid_request", Description: why}
	}
	// 1. The form. Nothing may stand in the address, where it would be logged.
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, tokenAnswer{Error: "invalid_request", Description: "POST only"}
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		return invalid("the body is application/x-www-form-urlencoded")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenForm)
	if err := r.ParseForm(); err != nil {
		return invalid("the form can't be read")
	}
	for _, values := range r.PostForm {
		if len(values) > 1 {
			return invalid("a parameter stands twice")
		}
	}
	// 2. The client, authenticated in one way.
	id, secret, err := clientOf(r)
	if err != nil {
		return invalid(err.Error())
	}
	switch r.PostForm.Get("grant_type") {
	case "client_credentials":
	case "":
		return invalid("grant_type is missing")
	default:
		return http.StatusBadRequest, tokenAnswer{Error: "unsupported_grant_type"}
	}
	// 3. The token.
	access, expires, err := svc.ClientToken(r.Context(), id, secret)
	if errors.Is(err, auth.ErrClient) {
		return http.StatusUnauthorized, tokenAnswer{Error: "invalid_client"}
	}
	if err != nil {
		log.Error("fault", "err", err, "request_id", server.RequestID(r.Context()), "path", r.URL.Path)
		return http.StatusInternalServerError, tokenAnswer{Error: "server_error"}
	}
	return http.StatusOK, tokenAnswer{AccessToken: access, TokenType: "Bearer", ExpiresIn: int(expires.Sub(svc.Now()).Seconds())}
}

// clientOf returns the credentials of the Authorization header, form-encoded as RFC 6749,
// Section 2.3.1 wants, or of the form.
func clientOf(r *http.Request) (id, secret string, err error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return r.PostForm.Get("client_id"), r.PostForm.Get("client_secret"), nil
	}
	if r.PostForm.Has("client_secret") {
		return "", "", errors.New("the client authenticates in two ways")
	}
	user, pass, ok := r.BasicAuth()
	if !ok || !strings.HasPrefix(header, "Basic ") {
		return "", "", errors.New("the Authorization header can't be read")
	}
	id, err1 := url.QueryUnescape(user)
	secret, err2 := url.QueryUnescape(pass)
	if err1 != nil || err2 != nil {
		return "", "", errors.New("the Authorization header can't be read")
	}
	return id, secret, nil
}
