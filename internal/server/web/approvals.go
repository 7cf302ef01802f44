package web

import (
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
)

func (p *pages) approvalRoutes(r chi.Router) {
	r.Get("/counter/approvals", p.handle(p.getApprovals))
	r.Get("/counter/approvals/{id}", p.handle(p.getApproval))
	r.Post("/counter/approvals/{id}/approve", p.form(p.postApprove))
	r.Post("/counter/approvals/{id}/reject", p.form(p.postReject))
	r.Post("/counter/approvals/{id}/reveal", p.form(p.postReveal))
}

type approvalsPage struct {
	Items []issuance.ApplicationView
	Next  string
}

func (p *pages) getApprovals(w http.ResponseWriter, r *http.Request) error {
	if _, _, err := auth.RequireAny(r.Context(), auth.ApplicationApprove); err != nil {
		return err
	}
	list, err := p.o.Desk.List(r.Context(), issuance.ApplicationQuery{States: []issuance.State{issuance.Submitted}, Cursor: r.URL.Query().Get("cursor")})
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "approvals", approvalsPage{list.Items, list.Next})
}

type approvalPage struct {
	donePage
	// Own says that the actor made the application, and so can't decide on it.
	Own bool
	// Reason is what was typed; Identity the whole number once it was asked for.
	Reason, Whole string
}

func (p *pages) approval(r *http.Request) (approvalPage, error) {
	v, err := p.o.Desk.Get(r.Context(), chi.URLParam(r, "id"))
	if err != nil {
		return approvalPage{}, err
	}
	a, err := auth.Require(r.Context(), auth.ApplicationApprove, v.UnitID)
	if err != nil {
		return approvalPage{}, err
	}
	return approvalPage{donePage: p.done(r, v), Own: v.RequestedBy == a.ID()}, nil
}

func (p *pages) getApproval(w http.ResponseWriter, r *http.Request) error {
	d, err := p.approval(r)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "approval", d)
}

func (p *pages) postApprove(w http.ResponseWriter, r *http.Request) error {
	v, err := p.o.Desk.Approve(r.Context(), chi.URLParam(r, "id"))
	if err != nil && v.ID == "" {
		return p.undecided(w, r, err)
	}
	if err != nil { // approved; when only the issuing failed the page says so
		p.o.Log.Warn("issue after approving", "err", err, "application", v.ID)
	}
	return see(w, r, "/counter/approvals/"+v.ID)
}

func (p *pages) postReject(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "id")
	_, err := p.o.Desk.Reject(r.Context(), id, r.PostFormValue("reason"))
	if errors.Is(err, issuance.ErrState) {
		a, _ := auth.ActorFrom(r.Context())
		if v, e := p.o.Desk.Get(r.Context(), id); e == nil && v.State == issuance.Rejected && v.DecidedBy == a.ID() {
			err = nil // sent twice
		}
	}
	if err != nil {
		return p.undecided(w, r, err)
	}
	return see(w, r, "/counter/approvals/"+id)
}

// undecided shows the application again with what stands in the way.
func (p *pages) undecided(w http.ResponseWriter, r *http.Request, err error) error {
	bad, status, ok := p.refusal(r, err, nil)
	if !ok {
		return err
	}
	d, e := p.approval(r)
	if e != nil {
		return e
	}
	d.Reason = r.PostFormValue("reason")
	return p.render(w, r, status, "approval", d, bad...)
}

// postReveal shows the whole identity number; each look is in the audit log with its reason.
func (p *pages) postReveal(w http.ResponseWriter, r *http.Request) error {
	d, err := p.approval(r)
	if err != nil {
		return err
	}
	d.Whole, err = p.o.Desk.Reveal(r.Context(), d.ID, r.PostFormValue("reveal_reason"))
	if bad, status, ok := p.refusal(r, err, map[string]string{"reason": "reveal_reason", "reason_required": "reveal_reason"}); ok {
		return p.render(w, r, status, "approval", d, bad...)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return p.render(w, r, http.StatusOK, "approval", d)
}
