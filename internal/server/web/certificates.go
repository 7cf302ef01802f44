package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/report"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
)

func (p *pages) certificateRoutes(r chi.Router) {
	r.Get("/counter/search", p.handle(p.getSearch))
	r.Post("/counter/search", p.form(p.postSearch))
	r.Get("/counter/certificates/{id}", p.handle(p.getCertificate))
	r.Get("/counter/certificates/{id}/{act}", p.handle(p.getCertificateAct))
	r.Post("/counter/certificates/{id}/{act}", p.form(p.postCertificateAct))
	r.Get("/me", p.handle(p.getMe))
}

var errNoReason = errs.New(errs.Invalid, "reason_required", "Chọn lý do thu hồi.", "Choose why.").On("reason")

type searchPage struct {
	Asked, Cursor, Next string
	Done                bool
	Items               []issuance.CertificateView
}

func (p *pages) getSearch(w http.ResponseWriter, r *http.Request) error {
	if _, _, err := auth.RequireAny(r.Context(), auth.CertificateRead); err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "search", searchPage{})
}

// postSearch is a POST because an identity number must never stand in an address.
func (p *pages) postSearch(w http.ResponseWriter, r *http.Request) error {
	d := searchPage{Asked: strings.TrimSpace(r.PostFormValue("q")), Done: true}
	q := issuance.CertificateQuery{Cursor: r.PostFormValue("cursor")}
	switch plain := strings.NewReplacer(" ", "", ":", "").Replace(d.Asked); {
	case plain != "" && strings.Trim(plain, "0123456789") == "" && len(plain) < 16:
		q.Identity = plain
	case plain != "" && strings.Trim(strings.ToLower(plain), "0123456789abcdef") == "" && strings.ContainsAny(plain, "0123456789"):
		q.Serial = plain
	default:
		q.Name = d.Asked
	}
	page, err := p.o.Desk.Search(r.Context(), q)
	if bad, status, ok := p.refusal(r, err, map[string]string{"": "q", "identity": "q"}); ok {
		d.Done = false
		return p.render(w, r, status, "search", d, bad...)
	}
	if err != nil {
		return err
	}
	d.Items, d.Next = page.Items, page.Next
	return p.render(w, r, http.StatusOK, "search", d)
}

type certificatePage struct {
	issuance.CertificateView
	Unit, Why string
	May       []string // acts offered, by state
	Act       string
	Reason    string
	InvalidAt string
}

var certificateActs = map[issuance.Shown][]string{
	issuance.ShownIssued:    {"suspend", "reissue", "revoke"},
	issuance.ShownActive:    {"renew", "suspend", "reissue", "revoke"},
	issuance.ShownSuspended: {"reinstate", "revoke"},
}

func (p *pages) certificate(r *http.Request) (certificatePage, error) {
	v, err := p.o.Desk.Certificate(r.Context(), chi.URLParam(r, "id"))
	d := certificatePage{CertificateView: v, Why: report.ReasonLabel(v.Reason), Act: chi.URLParam(r, "act")}
	if err != nil {
		return d, err
	}
	if u, err := p.o.Units.Get(r.Context(), v.UnitID); err == nil {
		d.Unit = u.Name
	}
	if _, err := auth.Require(r.Context(), auth.CertificateManage, v.UnitID); err == nil {
		d.May = certificateActs[v.State]
	}
	return d, nil
}

func (p *pages) getCertificate(w http.ResponseWriter, r *http.Request) error {
	d, err := p.certificate(r)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "certificate", d)
}

func (p *pages) getCertificateAct(w http.ResponseWriter, r *http.Request) error {
	d, err := p.certificate(r)
	if err != nil {
		return err
	}
	if !knownAct(d.Act) {
		return auth.ErrNotFound
	}
	if !slices.Contains(d.May, d.Act) { // by role or state; the certificate's page says what is possible
		return see(w, r, "/counter/certificates/"+d.ID)
	}
	return p.render(w, r, http.StatusOK, "certificate_act", d)
}

func knownAct(act string) bool {
	switch act {
	case "renew", "reissue", "suspend", "reinstate", "revoke":
		return true
	}
	return false
}

func (p *pages) postCertificateAct(w http.ResponseWriter, r *http.Request) error {
	ctx, err := operation(r)
	if err != nil {
		return err
	}
	id, act := chi.URLParam(r, "id"), chi.URLParam(r, "act")
	if !knownAct(act) {
		return auth.ErrNotFound
	}
	next, err := p.actOn(ctx, r, id, act)
	if err == nil {
		return see(w, r, next)
	}
	d, e := p.certificate(r)
	if e != nil {
		return e
	}
	if actDone[act] == d.State && (errors.Is(err, issuance.ErrState) || errors.Is(err, issuance.ErrRevoked)) { // sent twice
		return see(w, r, "/counter/certificates/"+id)
	}
	bad, status, ok := p.refusal(r, err, nil)
	if !ok {
		return err
	}
	d.Reason, d.InvalidAt = r.PostFormValue("reason"), r.PostFormValue("invalid_at")
	return p.render(w, r, status, "certificate_act", d, bad...)
}

// actDone is the state in which an act leaves a certificate.
var actDone = map[string]issuance.Shown{"revoke": issuance.ShownRevoked, "suspend": issuance.ShownSuspended, "reinstate": issuance.ShownActive}

// actOn does what the page is for and returns where to go on.
func (p *pages) actOn(ctx context.Context, r *http.Request, id, act string) (next string, err error) {
	next = "/counter/certificates/" + id
	switch act {
	case "suspend":
		_, err = p.o.Desk.Suspend(ctx, id)
	case "reinstate":
		_, err = p.o.Desk.Reinstate(ctx, id)
	case "revoke":
		if r.PostFormValue("reason") == "" {
			return next, errNoReason
		}
		reason, bad := pki.ParseReason(r.PostFormValue("reason"))
		if bad != nil {
			return next, issuance.ErrRevocationReason
		}
		invalidAt, bad := typedTime(r.PostFormValue("invalid_at"))
		if bad != nil {
			return next, issuance.ErrDate.On("invalid_at")
		}
		_, err = p.o.Desk.Revoke(ctx, id, reason, invalidAt)
	default: // renew, reissue: a new application
		do := p.o.Desk.Renew
		if act == "reissue" {
			do = p.o.Desk.Reissue
		}
		v, failed := do(ctx, id)
		if failed != nil && v.ID == "" {
			return next, failed
		}
		next = "/counter/" + v.ID + "/done"
	}
	return next, err
}

// typedTime reads a day that was typed; the zero time for nothing.
func typedTime(s string) (time.Time, error) {
	if strings.TrimSpace(s) == "" {
		return time.Time{}, nil
	}
	d, err := unit.ParseDay(typedDay(s))
	if err != nil {
		return time.Time{}, err
	}
	return d.Start(), nil
}

func (p *pages) getMe(w http.ResponseWriter, r *http.Request) error {
	list, err := p.o.Desk.Mine(r.Context())
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "me", list)
}
