package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/unit"
)

func (p *pages) getCheck(w http.ResponseWriter, r *http.Request) error {
	d, ok, err := p.step(w, r)
	if !ok {
		return err
	}
	p.nameUnit(r, &d)
	return p.render(w, r, http.StatusOK, "check", d)
}

func (p *pages) nameUnit(r *http.Request, d *stepPage) {
	if u, err := p.o.Units.Get(r.Context(), d.Form.UnitID); err == nil {
		d.Unit, d.Second = u.Name, u.Policy.NeedsApproval
	}
}

// stepOfField says on which page a field of the form is filled in.
func stepOfField(field string) string {
	switch {
	case strings.HasPrefix(field, "proof"):
		return "identity"
	case strings.HasPrefix(field, "contract"), strings.HasPrefix(field, "consent"):
		return "consent"
	}
	return "details"
}

// postCheck submits the draft, and issues where no approval is asked for. The draft itself
// is the operation: sent twice, it is found submitted.
func (p *pages) postCheck(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "id")
	v, err := p.o.Desk.SubmitDraft(r.Context(), id)
	if err == nil || v.ID != "" { // recorded; when only the issuing failed the page says so
		if err != nil {
			p.o.Log.Warn("issue after submitting", "err", err, "application", v.ID)
		}
		return see(w, r, "/counter/"+id+"/done")
	}
	bad, status, refused := p.refusal(r, err, nil)
	if !refused {
		return err
	}
	d, ok, err := p.step(w, r)
	if !ok {
		return err
	}
	for i, x := range bad {
		if x.Field != "" {
			bad[i].Field = "/counter/" + id + "/" + stepOfField(x.Field) + "#" + x.Field
		}
	}
	p.nameUnit(r, &d)
	return p.render(w, r, status, "check", d, bad...)
}

type donePage struct {
	issuance.ApplicationView
	// Step is where a draft goes on.
	Step string
	Unit string
}

func (p *pages) getDone(w http.ResponseWriter, r *http.Request) error {
	v, err := p.o.Desk.Get(r.Context(), chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	if v.State == issuance.Draft {
		_, step := stepOf(v)
		return see(w, r, "/counter/"+v.ID+"/"+step)
	}
	return p.render(w, r, http.StatusOK, "done", p.done(r, v))
}

func (p *pages) done(r *http.Request, v issuance.ApplicationView) donePage {
	d := donePage{ApplicationView: v}
	if u, err := p.o.Units.Get(r.Context(), v.UnitID); err == nil {
		d.Unit = u.Name
	}
	return d
}

// postIssue goes on with an issuing that broke off.
func (p *pages) postIssue(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "id")
	if _, err := p.o.Desk.Issue(r.Context(), id); err != nil {
		if errs.KindOf(err) != errs.Unavailable {
			return err
		}
		p.o.Log.Warn("issue again", "err", err, "application", id)
	}
	return see(w, r, "/counter/"+id+"/done")
}

type printPage struct {
	issuance.ApplicationView
	Form  issuance.Form
	Whole bool // Form is filled: the application is a draft
	Unit  string
	Today time.Time
}

// getPrint is the phiếu đăng ký: whole before it is submitted, with the number masked after.
func (p *pages) getPrint(w http.ResponseWriter, r *http.Request) error {
	v, err := p.o.Desk.Get(r.Context(), chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	d := printPage{ApplicationView: v, Today: p.o.Now()}
	if v.State == issuance.Draft {
		if d.Form, err = p.o.Desk.Draft(r.Context(), v.ID); err != nil {
			return err
		}
		d.Whole = true
	}
	if u, err := p.o.Units.Get(r.Context(), v.UnitID); err == nil {
		d.Unit = u.Name
	}
	return p.render(w, r, http.StatusOK, "print", d)
}

// longDay writes a day as documents do: days below 10 and months 1 and 2 are padded.
func longDay(t time.Time) string {
	t = t.In(unit.Zone())
	month := t.Format("1")
	if t.Month() <= time.February {
		month = "0" + month
	}
	return "ngày " + t.Format("02") + " tháng " + month + " năm " + t.Format("2006")
}
