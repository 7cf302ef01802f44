package web

import (
	"context"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/pki"
)

// PINChanger changes the PIN of a key.
type PINChanger interface {
	// ChangePIN refuses credentials that are not the actor's own as ones that don't exist,
	// and writes the audit record.
	ChangePIN(ctx context.Context, credentialID, oldPIN, newPIN string) error
}

func (p *pages) pinRoutes(r chi.Router) {
	r.Get("/me/pin", p.handle(p.getPIN))
	r.Post("/me/pin", p.form(p.postPIN))
}

type pinPage struct {
	// Mine are the certificates whose key has a PIN; Chosen is one's CredentialID.
	Mine    []issuance.CertificateView
	Chosen  string
	Changed bool
}

// pin lists the certificates whose key opens by a PIN; chosen is kept when it is one of them.
func (p *pages) pin(r *http.Request, chosen string) (pinPage, error) {
	list, err := p.o.Desk.Mine(r.Context())
	if err != nil {
		return pinPage{}, err
	}
	d := pinPage{}
	for _, v := range list {
		if v.Kind != pki.Organisation && (v.State == issuance.ShownActive || v.State == issuance.ShownSuspended) {
			d.Mine = append(d.Mine, v)
		}
	}
	if slices.ContainsFunc(d.Mine, func(v issuance.CertificateView) bool { return v.CredentialID == chosen }) {
		d.Chosen = chosen
	} else if len(d.Mine) == 1 {
		d.Chosen = d.Mine[0].CredentialID
	}
	return d, nil
}

func (p *pages) getPIN(w http.ResponseWriter, r *http.Request) error {
	d, err := p.pin(r, r.URL.Query().Get("credential"))
	if err != nil {
		return err
	}
	d.Changed = r.URL.Query().Get("changed") == "1"
	return p.render(w, r, http.StatusOK, "pin", d)
}

// postPIN never shows a PIN again. The same form sent twice counts no wrong try: who sent it
// last with success is remembered, by this process.
func (p *pages) postPIN(w http.ResponseWriter, r *http.Request) error {
	ctx, err := operation(r)
	if err != nil {
		return err
	}
	actor, _ := auth.ActorFrom(ctx)
	defer p.turns.take("pin:" + actor.ID())()
	d, err := p.pin(r, r.PostFormValue("credential"))
	if err != nil {
		return err
	}
	done := "/me/pin?changed=1&credential=" + d.Chosen
	if last, ok := p.pinDone.Load(actor.ID()); ok && last == actor.OpKey {
		return see(w, r, done)
	}
	pin := r.PostFormValue("pin")
	switch {
	case d.Chosen == "":
		err = agent.ErrNoCredential
	case pin != r.PostFormValue("pin2"):
		err = errPINs
	default:
		err = p.o.PINs.ChangePIN(ctx, d.Chosen, r.PostFormValue("old_pin"), pin)
	}
	if bad, status, ok := p.refusal(r, err, map[string]string{"pin_wrong": "old_pin", "pin_locked": "old_pin", "pin_weak": "pin"}); ok {
		return p.render(w, r, status, "pin", d, bad...)
	}
	if err != nil {
		return err
	}
	p.pinDone.Store(actor.ID(), actor.OpKey)
	return see(w, r, done)
}
