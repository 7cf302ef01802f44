package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
)

var errPlace = errs.New(errs.Invalid, "place_required", "Chọn nơi tiếp nhận.", "Choose where the counter is.").On("place")

func (p *pages) counterRoutes(r chi.Router) {
	r.Get("/counter", p.handle(p.getCounter))
	r.Post("/counter", p.form(p.postCounter))
	r.Get("/counter/{id}/details", p.handle(p.getDetails))
	r.Post("/counter/{id}/details", p.form(p.postDetails))
	r.Get("/counter/{id}/identity", p.handle(p.getIdentity))
	r.Post("/counter/{id}/identity", p.form(p.postIdentity))
	r.Get("/counter/{id}/consent", p.handle(p.getConsent))
	r.Post("/counter/{id}/consent", p.form(p.postConsent))
	r.Get("/counter/{id}/check", p.handle(p.getCheck))
	r.Post("/counter/{id}/check", p.form(p.postCheck))
	r.Get("/counter/{id}/done", p.handle(p.getDone))
	r.Post("/counter/{id}/issue", p.form(p.postIssue))
	r.Post("/counter/{id}/cancel", p.form(p.postCancel))
	r.Get("/counter/{id}/print", p.handle(p.getPrint))
}

// place is a counter's unit and service point, as an option of a select.
type place struct{ Value, Text string }

type counterPage struct {
	Places  []place
	Place   string
	QR      string
	Drafts  []draftLine
	Waiting []issuance.ApplicationView
	// Issued are the last few that came through.
	Issued []issuance.ApplicationView
}

type draftLine struct {
	issuance.ApplicationView
	Step string // the path's last word
	N    int    // 2 to 5
}

func (p *pages) getCounter(w http.ResponseWriter, r *http.Request) error {
	data, err := p.counter(r)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "counter", data)
}

func (p *pages) counter(r *http.Request) (counterPage, error) {
	var data counterPage
	ctx := r.Context()
	a, _, err := auth.RequireAny(ctx, auth.ApplicationSubmit)
	if err != nil {
		return data, err
	}
	if data.Places, err = p.places(ctx); err != nil {
		return data, err
	}
	drafts, err := p.o.Desk.List(ctx, issuance.ApplicationQuery{States: []issuance.State{issuance.Draft}, RequestedBy: a.ID(), Limit: 20})
	if err != nil {
		return data, err
	}
	for _, v := range drafts.Items {
		n, step := stepOf(v)
		data.Drafts = append(data.Drafts, draftLine{v, step, n})
	}
	waiting, err := p.o.Desk.List(ctx, issuance.ApplicationQuery{RequestedBy: a.ID(), Limit: 20,
		States: []issuance.State{issuance.Submitted, issuance.Approved, issuance.Failed, issuance.Rejected}})
	if err != nil {
		return data, err
	}
	data.Waiting = waiting.Items
	issued, err := p.o.Desk.List(ctx, issuance.ApplicationQuery{RequestedBy: a.ID(), Limit: 5, States: []issuance.State{issuance.Issued}})
	data.Issued = issued.Items
	return data, err
}

// stepOf tells which step of a draft comes next.
func stepOf(v issuance.ApplicationView) (int, string) {
	switch {
	case v.Name == "" || v.BirthDate == "" || v.Identity == "":
		return 2, "details"
	case v.ProofMethod == "":
		return 3, "identity"
	case v.ConsentText == "":
		return 4, "consent"
	}
	return 5, "check"
}

// places are the units and points at which the actor may take applications today.
func (p *pages) places(ctx context.Context) ([]place, error) {
	_, scope, err := auth.RequireAny(ctx, auth.ApplicationSubmit)
	if err != nil {
		return nil, err
	}
	units, err := p.o.Units.Search(ctx, unit.Query{})
	if err != nil {
		return nil, err
	}
	today := unit.DayOf(p.o.Now())
	var out []place
	for _, u := range units {
		if !scope.All && !slices.Contains(scope.Units, u.ID) {
			continue
		}
		if scope.All {
			out = append(out, place{u.ID + "/", u.Name})
			continue
		}
		points, err := p.o.Units.Points(ctx, u.ID)
		if err != nil {
			return nil, err
		}
		n := len(out)
		for _, pt := range points {
			if today >= pt.From && (pt.To == "" || today < pt.To) {
				out = append(out, place{u.ID + "/" + pt.ID, u.Name + ", " + pt.Name})
			}
		}
		if len(out) == n {
			out = append(out, place{u.ID + "/", u.Name})
		}
	}
	return out, nil
}

// postCounter begins an application with what the scanner typed, or with an empty form.
func (p *pages) postCounter(w http.ResponseWriter, r *http.Request) error {
	ctx, err := operation(r)
	if err != nil {
		return err
	}
	data, err := p.counter(r)
	if err != nil {
		return err
	}
	data.QR, data.Place = r.PostFormValue("qr"), r.PostFormValue("place")
	f, err := p.begin(data, r.PostFormValue("by_hand") != "")
	if err == nil {
		var v issuance.ApplicationView
		if v, err = p.o.Desk.SaveDraft(ctx, "", f); err == nil {
			return see(w, r, "/counter/"+v.ID+"/details")
		}
	}
	if bad, status, ok := p.refusal(r, err, map[string]string{"identity": "qr", "sex": "qr", "birth_date": "qr"}); ok {
		return p.render(w, r, status, "counter", data, bad...)
	}
	return err
}

func (p *pages) begin(data counterPage, byHand bool) (f issuance.Form, err error) {
	if !byHand {
		if strings.TrimSpace(data.QR) == "" {
			return f, issuance.ErrCardQR
		}
		if f, err = issuance.ParseCardQR(data.QR); err != nil {
			return f, err
		}
	}
	at := data.Place
	if at == "" && len(data.Places) == 1 {
		at = data.Places[0].Value
	}
	unitID, pointID, ok := strings.Cut(at, "/")
	if !ok {
		return f, errPlace
	}
	f.Kind, f.UnitID, f.PointID = pki.Citizen, unitID, pointID
	return f, nil
}

// doubtful reports whether a name may have lost its accents on the way from the scanner.
func doubtful(name string) bool {
	return name != "" && (broken(name) || !strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }))
}

// broken reports whether a name surely has lost characters.
func broken(name string) bool { return strings.ContainsAny(name, "?\uFFFD") }

// postCancel gives up a draft, or an application that nobody has decided.
func (p *pages) postCancel(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "id")
	if _, err := p.o.Desk.Cancel(r.Context(), id); err != nil {
		if v, e := p.o.Desk.Get(r.Context(), id); e != nil || v.State != issuance.Cancelled { // twice is once
			return err
		}
	}
	return see(w, r, "/counter")
}
