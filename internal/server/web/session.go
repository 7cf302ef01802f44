package web

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/server"
)

var errBadForm = errs.New(errs.Invalid, "form_invalid",
	"Biểu mẫu gửi lên không đọc được. Tải lại trang và gửi lại.", "The form could not be read. Reload the page.")

type displayNameKey struct{}

// session puts the actor of the session cookie into the context.
func (p *pages) session(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := p.o.Authenticator.SessionToken(r)
		if token == "" || strings.HasPrefix(r.URL.Path, "/static/") {
			next.ServeHTTP(w, r)
			return
		}
		actor, s, err := p.o.Auth.Actor(r.Context(), token)
		switch {
		case errors.Is(err, auth.ErrUnauthenticated):
		case err != nil:
			p.fail(w, r, err)
			return
		default:
			actor.RequestID = server.RequestID(r.Context())
			ctx := auth.WithActor(r.Context(), actor)
			r = r.WithContext(context.WithValue(ctx, displayNameKey{}, s.Account.DisplayName))
		}
		next.ServeHTTP(w, r)
	})
}

// needActor sends who is not logged in to the login, and back afterwards. What was POSTed is
// not kept; the login says so.
func (p *pages) needActor(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := auth.ActorFrom(r.Context()); ok {
			next.ServeHTTP(w, r)
			return
		}
		q := url.Values{"next": {r.URL.RequestURI()}}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			q.Set("next", backOf(r))
			q.Set("ended", "1")
		}
		http.Redirect(w, r, "/login?"+q.Encode(), http.StatusSeeOther)
	})
}

// backOf is the page from which a form was sent, "/" when the browser does not say.
func backOf(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host {
		return "/"
	}
	return ownPath(u.RequestURI())
}

// ownPath returns next when it is a path of this service, else "/".
func ownPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(u.Path, "//") ||
		strings.ContainsFunc(next+u.Path, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return "/"
	}
	return u.RequestURI()
}

// has reports whether the actor has one of the roles now; pages use it to offer links only.
func (p *pages) has(a auth.Actor, roles ...auth.Role) bool {
	now := p.o.Now()
	return slices.ContainsFunc(a.Grants, func(g auth.Grant) bool {
		return slices.Contains(roles, g.Role) && !now.Before(g.From) && (g.To.IsZero() || now.Before(g.To))
	})
}

// newOp returns the key of an operation, made when its form is rendered.
func newOp() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(b)
}

// operation returns ctx in which the actor's operation has the key of the form, so that the
// same form sent twice has one effect.
func operation(r *http.Request) (context.Context, error) {
	actor, ok := auth.ActorFrom(r.Context())
	if !ok {
		return nil, auth.ErrUnauthenticated
	}
	op := r.PostFormValue("op")
	if len(op) < 16 || len(op) > 64 {
		return nil, errBadForm
	}
	actor.OpKey = server.OpKey(actor, r.URL.Path, op)
	return auth.WithActor(r.Context(), actor), nil
}
