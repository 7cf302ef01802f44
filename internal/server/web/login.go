package web

import (
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/auth"
)

type loginPage struct {
	Next, Login string
	// Ended says that a form was sent after the session had ended.
	Ended bool
}

func (p *pages) loginRoutes(r chi.Router) {
	r.Get("/login", p.handle(p.getLogin))
	r.Post("/login", p.form(p.postLogin))
	r.Get("/login/confirm", p.handle(p.getConfirmLogin))
	r.Post("/login/confirm", p.form(p.postConfirmLogin))
	r.Post("/logout", p.form(p.postLogout))
}

func (p *pages) getLogin(w http.ResponseWriter, r *http.Request) error {
	next := ownPath(r.URL.Query().Get("next"))
	if _, ok := auth.ActorFrom(r.Context()); ok {
		return see(w, r, next)
	}
	return p.render(w, r, http.StatusOK, "login", loginPage{Next: next, Ended: r.URL.Query().Get("ended") == "1"})
}

func (p *pages) postLogin(w http.ResponseWriter, r *http.Request) error {
	data := loginPage{Next: ownPath(r.PostFormValue("next")), Login: r.PostFormValue("login")}
	token, full, err := p.o.Auth.Login(r.Context(), data.Login, r.PostFormValue("password"))
	if bad, status, ok := p.refusal(r, err, map[string]string{"login_failed": "login", "login_locked": "login"}); ok {
		return p.render(w, r, status, "login", data, bad...)
	}
	if err != nil {
		return err
	}
	p.o.Authenticator.SetSession(w, token)
	if !full {
		return see(w, r, "/login/confirm?next="+url.QueryEscape(data.Next))
	}
	return see(w, r, data.Next)
}

func (p *pages) getConfirmLogin(w http.ResponseWriter, r *http.Request) error {
	if p.o.Authenticator.SessionToken(r) == "" {
		return see(w, r, "/login")
	}
	return p.render(w, r, http.StatusOK, "login_confirm", loginPage{Next: ownPath(r.URL.Query().Get("next"))})
}

func (p *pages) postConfirmLogin(w http.ResponseWriter, r *http.Request) error {
	data := loginPage{Next: ownPath(r.PostFormValue("next"))}
	token, err := p.o.Auth.Confirm(r.Context(), p.o.Authenticator.SessionToken(r), r.PostFormValue("otp"))
	if bad, status, ok := p.refusal(r, err, map[string]string{"otp_wrong": "otp", "otp_locked": "otp"}); ok {
		return p.render(w, r, status, "login_confirm", data, bad...)
	}
	if err != nil {
		return err
	}
	p.o.Authenticator.SetSession(w, token)
	return see(w, r, data.Next)
}

// postLogout ends the session on the server, and has the browser forget what it kept.
func (p *pages) postLogout(w http.ResponseWriter, r *http.Request) error {
	if err := p.o.Auth.Logout(r.Context(), p.o.Authenticator.SessionToken(r)); err != nil {
		return err
	}
	p.o.Authenticator.SetSession(w, "")
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return see(w, r, "/login")
}
