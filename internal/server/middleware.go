package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
)

type requestIDKey struct{}

// RequestID returns the id that ties log, audit and error page together; ours, never the
// caller's.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// Base wraps a listener's handler: request id, recovery, access log.
func Base(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 8)
		rand.Read(b)
		id := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		w.Header().Set("X-Request-Id", id)
		sw := &statusWriter{ResponseWriter: w}
		start := time.Now()
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				log.Error("panic", "value", fmt.Sprint(p), "stack", string(debug.Stack()), "request_id", id)
				if sw.status != 0 {
					panic(http.ErrAbortHandler) // half an answer must not look like a whole one
				}
				WriteProblem(sw, r, log, fmt.Errorf("panic: %v", p))
			}
			log.Info("request", "method", r.Method, "path", r.URL.Path, "status", sw.status, "ms", time.Since(start).Milliseconds(), "request_id", id)
		}()
		next.ServeHTTP(sw, r)
	})
}

// statusWriter remembers the status; Unwrap lets http.ResponseController through.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Headers sets what every page and answer of the public listener carries.
func Headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		next.ServeHTTP(w, r)
	})
}

// SameOrigin refuses state-changing requests that a browser sends for another site
// (Sec-Fetch-Site and Origin). Requests of programs carry neither and pass: they need a
// bearer token, which no browser adds by itself.
func SameOrigin(log *slog.Logger, next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		WriteProblem(w, r, log, auth.ErrDenied.Wrap(errors.New("cross-origin request")))
	}))
	return p.Handler(next)
}

// Authenticator finds out who calls.
type Authenticator struct {
	Auth *auth.Service
	Log  *slog.Logger
	// Secure gives the session cookie the __Host- prefix and the Secure attribute; off only
	// for plain HTTP on loopback.
	Secure bool
}

// CookieName returns the name of the session cookie.
func (a *Authenticator) CookieName() string {
	if a.Secure {
		return "__Host-kyso"
	}
	return "kyso"
}

// SetSession sends the session cookie; an empty token clears it.
func (a *Authenticator) SetSession(w http.ResponseWriter, token string) {
	c := &http.Cookie{Name: a.CookieName(), Value: token, Path: "/", HttpOnly: true, Secure: a.Secure, SameSite: http.SameSiteLaxMode}
	if token == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// SessionToken returns the token of the session cookie, "" when there is none.
func (a *Authenticator) SessionToken(r *http.Request) string {
	c, err := r.Cookie(a.CookieName())
	if err != nil {
		return ""
	}
	return c.Value
}

// Handler puts the actor into the context when the request carries a valid bearer token or
// session cookie. It refuses only a bearer token that is not valid; whether an actor is
// needed is the service's to say.
func (a *Authenticator) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		var actor auth.Actor
		var err error
		if scheme, bearer, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
			actor, err = a.Auth.ClientActor(ctx, strings.TrimSpace(bearer))
			if err != nil {
				WriteProblem(w, r, a.Log, err)
				return
			}
		} else if token := a.SessionToken(r); token != "" {
			actor, _, err = a.Auth.Actor(ctx, token)
			if errors.Is(err, auth.ErrUnauthenticated) {
				next.ServeHTTP(w, r)
				return
			}
			if err != nil {
				WriteProblem(w, r, a.Log, err)
				return
			}
		} else {
			next.ServeHTTP(w, r)
			return
		}
		actor.RequestID = RequestID(ctx)
		next.ServeHTTP(w, r.WithContext(auth.WithActor(ctx, actor)))
	})
}

// OpKey names an operation across resends.
func OpKey(actor auth.Actor, route, key string) string {
	h := sha256.New()
	for _, s := range []string{actor.ID(), route, key} {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil))
}
