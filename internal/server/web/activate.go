package web

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/issuance"
)

var errPINs = errs.New(errs.Invalid, "pin_repeat",
	"Hai lần nhập mã PIN không giống nhau.", "The two PINs differ.").On("pin2")

func (p *pages) activateRoutes(r chi.Router) {
	r.Get("/me/activate", p.handle(p.getActivate))
	r.Post("/me/activate", p.form(p.postActivate))
}

type activatePage struct {
	Application string
	Accept      bool
	Done        *issuance.CertificateView
}

func (p *pages) getActivate(w http.ResponseWriter, r *http.Request) error {
	return p.render(w, r, http.StatusOK, "activate", activatePage{Application: r.URL.Query().Get("application")})
}

// postActivate needs no login: the code is the proof. Neither code nor PIN is shown again.
func (p *pages) postActivate(w http.ResponseWriter, r *http.Request) error {
	d := activatePage{Application: strings.TrimSpace(r.PostFormValue("application")), Accept: r.PostFormValue("accept") != ""}
	code := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(r.PostFormValue("code")))
	pin := r.PostFormValue("pin")
	var v issuance.CertificateView
	var err error
	if pin != r.PostFormValue("pin2") {
		err = errPINs
	} else {
		v, err = p.o.Desk.Activate(r.Context(), d.Application, code, pin, d.Accept)
	}
	if bad, status, ok := p.refusal(r, err, map[string]string{"activation_code_wrong": "code", "pin_locked": "code"}); ok {
		return p.render(w, r, status, "activate", d, bad...)
	}
	if err != nil {
		return err
	}
	d.Done = &v
	return p.render(w, r, http.StatusOK, "activate", d)
}
