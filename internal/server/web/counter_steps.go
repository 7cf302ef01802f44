package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/issuance"
)

var errAccents = errs.New(errs.Invalid, "name_accents",
	"Kiểm tra lại dấu trong họ tên.", "Check the accents of the name.").On("name")

// stepPage is a step of the counter: the application and what is filled in so far.
type stepPage struct {
	ID       string
	Number   string
	Form     issuance.Form
	Doubtful bool
	Unit     string
	// Second says that the unit has a second person approve.
	Second bool
}

// step reads a draft; what is no draft any more is shown where it ended.
func (p *pages) step(w http.ResponseWriter, r *http.Request) (d stepPage, ok bool, err error) {
	id := chi.URLParam(r, "id")
	v, err := p.o.Desk.Get(r.Context(), id)
	if err != nil {
		return d, false, err
	}
	f, err := p.o.Desk.Draft(r.Context(), id)
	if errors.Is(err, issuance.ErrState) {
		return d, false, see(w, r, "/counter/"+id+"/done")
	}
	return stepPage{ID: id, Number: v.Number, Form: f, Doubtful: doubtful(f.Name)}, err == nil, err
}

func (p *pages) showStep(w http.ResponseWriter, r *http.Request, name string) error {
	d, ok, err := p.step(w, r)
	if !ok {
		return err
	}
	return p.render(w, r, http.StatusOK, name, d)
}

// saveStep stores a step as it was sent, then says what is wrong with it, or goes on.
func (p *pages) saveStep(w http.ResponseWriter, r *http.Request, name, next string, fill func(*issuance.Form), check func(issuance.Form) []*errs.Error) error {
	d, ok, err := p.step(w, r)
	if !ok {
		return err
	}
	fill(&d.Form)
	if _, err := p.o.Desk.SaveDraft(r.Context(), d.ID, d.Form); err != nil {
		return err
	}
	if r.PostFormValue("later") != "" {
		return see(w, r, "/counter")
	}
	if d.Form, err = p.o.Desk.Draft(r.Context(), d.ID); err != nil { // as the service tidied it
		return err
	}
	if list := check(d.Form); len(list) > 0 {
		d.Doubtful = doubtful(d.Form.Name)
		bad := make([]wrong, len(list))
		for i, e := range list {
			bad[i] = wrong{e.Field, e.Text("vi")}
		}
		return p.render(w, r, http.StatusUnprocessableEntity, name, d, bad...)
	}
	return see(w, r, "/counter/"+d.ID+"/"+next)
}

func (p *pages) getDetails(w http.ResponseWriter, r *http.Request) error {
	return p.showStep(w, r, "details")
}

func (p *pages) postDetails(w http.ResponseWriter, r *http.Request) error {
	return p.saveStep(w, r, "details", "identity", func(f *issuance.Form) {
		f.Identity, f.Name = r.PostFormValue("identity"), r.PostFormValue("name")
		f.BirthDate, f.CardIssued = typedDay(r.PostFormValue("birth_date")), typedDay(r.PostFormValue("card_issued"))
		f.Sex = issuance.Sex(r.PostFormValue("sex"))
		f.Address, f.Locality = r.PostFormValue("address"), r.PostFormValue("locality")
		f.Phone, f.Mail = r.PostFormValue("phone"), r.PostFormValue("mail")
	}, checkDetails)
}

// checkDetails says at once what would stop the application at its end; the service checks
// everything again.
func checkDetails(f issuance.Form) []*errs.Error {
	var bad []*errs.Error
	if e := issuance.CheckCCCD(f.Identity, f.BirthDate, f.Sex); e != nil {
		bad = append(bad, e)
	}
	switch {
	case f.Name == "":
		bad = append(bad, issuance.ErrRequired.On("name"))
	case broken(f.Name):
		bad = append(bad, errAccents)
	}
	if f.BirthDate == "" {
		bad = append(bad, issuance.ErrRequired.On("birth_date"))
	} else if _, err := time.Parse(time.DateOnly, f.BirthDate); err != nil {
		bad = append(bad, issuance.ErrDate.On("birth_date"))
	}
	if f.Sex == "" {
		bad = append(bad, issuance.ErrRequired.On("sex"))
	}
	if _, err := time.Parse(time.DateOnly, f.CardIssued); f.CardIssued != "" && err != nil {
		bad = append(bad, issuance.ErrDate.On("card_issued"))
	}
	return bad
}

func (p *pages) getIdentity(w http.ResponseWriter, r *http.Request) error {
	return p.showStep(w, r, "identity")
}

func (p *pages) postIdentity(w http.ResponseWriter, r *http.Request) error {
	return p.saveStep(w, r, "identity", "consent", func(f *issuance.Form) {
		f.Proof = issuance.Proof{Method: issuance.ProofMethod(r.PostFormValue("proof.method")), Reference: r.PostFormValue("proof.reference")}
	}, func(f issuance.Form) []*errs.Error {
		if f.Proof.Method == "" {
			return []*errs.Error{issuance.ErrProof}
		}
		return nil
	})
}

func (p *pages) getConsent(w http.ResponseWriter, r *http.Request) error {
	return p.showStep(w, r, "consent")
}

func (p *pages) postConsent(w http.ResponseWriter, r *http.Request) error {
	return p.saveStep(w, r, "consent", "check", func(f *issuance.Form) {
		f.Contract = issuance.Contract{Signed: r.PostFormValue("contract") != "", Number: r.PostFormValue("contract.number")}
		given := r.PostFormValue("consent") != ""
		switch {
		case !given:
			f.Consent = issuance.Consent{}
		case !f.Consent.Given || f.Consent.Text != p.o.ConsentText: // an earlier consent keeps its time
			f.Consent = issuance.Consent{Given: true, Text: p.o.ConsentText, At: inZone(p.o.Now(), time.RFC3339)}
		}
	}, func(f issuance.Form) []*errs.Error {
		var bad []*errs.Error
		if !f.Contract.Signed {
			bad = append(bad, issuance.ErrContract)
		}
		if !f.Consent.Given {
			bad = append(bad, issuance.ErrConsent)
		}
		return bad
	})
}
