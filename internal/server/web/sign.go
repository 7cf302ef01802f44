package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/routing"
)

// maxChosen is how many documents one confirmation takes.
const maxChosen = 50

var (
	errChosen = errs.New(errs.Invalid, "documents_none",
		"Chọn từ 1 đến 50 văn bản.", "Choose 1 to 50 documents.").On("documents")
	errActs = errs.New(errs.Invalid, "documents_mixed",
		"Các văn bản đã chọn cần những thao tác khác nhau (ký, ký nháy). Chọn từng loại.", "The documents need different acts.").On("documents")
)

func (p *pages) signRoutes(r chi.Router) {
	r.Post("/inbox/confirm", p.form(p.postPrepare))
	r.Get("/inbox/confirm/{batch}", p.handle(p.getConfirm))
	r.Post("/inbox/confirm/{batch}", p.form(p.postConfirm))
	r.Get("/inbox/batches/{batch}", p.handle(p.getBatch))
	r.Get("/inbox/{id}/seal", p.handle(p.getSeal))
	r.Post("/inbox/{id}/seal", p.form(p.postSeal))
}

// chosen reads "act:id" of each ticked document; remove leaves one out.
func chosen(r *http.Request) (act routing.Act, ids []string, err error) {
	remove := r.PostFormValue("remove")
	for _, v := range r.PostForm["documents"] {
		a, id, ok := strings.Cut(v, ":")
		switch {
		case !ok:
			return "", nil, errBadForm
		case id == remove || slices.Contains(ids, id):
			continue
		case act != "" && act != routing.Act(a):
			return "", nil, errActs
		}
		act, ids = routing.Act(a), append(ids, id)
	}
	if len(ids) == 0 || len(ids) > maxChosen {
		return "", nil, errChosen
	}
	return act, ids, nil
}

// postPrepare fixes what would be signed and shows it.
func (p *pages) postPrepare(w http.ResponseWriter, r *http.Request) error {
	act, ids, err := chosen(r)
	var c routing.Confirmation
	if err == nil {
		c, err = p.o.Routing.Prepare(r.Context(), routing.PrepareRequest{Act: act, Documents: ids})
	}
	if bad, status, ok := p.refusal(r, err, nil); ok {
		d, err := p.inbox(r, routing.BoxTodo)
		if err != nil {
			return err
		}
		return p.render(w, r, status, "inbox", d, bad...)
	}
	if err != nil {
		return err
	}
	return see(w, r, "/inbox/confirm/"+c.BatchID)
}

func (p *pages) getConfirm(w http.ResponseWriter, r *http.Request) error {
	batch := chi.URLParam(r, "batch")
	c, err := p.o.Routing.Confirmation(r.Context(), batch)
	if errors.Is(err, routing.ErrBatchUsed) {
		return see(w, r, "/inbox/batches/"+batch)
	}
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "confirm", c)
}

// postConfirm spends PIN and one-time password on what the page listed. The same form sent
// twice signs once: the second waits, and then sees the result.
func (p *pages) postConfirm(w http.ResponseWriter, r *http.Request) error {
	batch := chi.URLParam(r, "batch")
	defer p.turns.take(batch)()
	c, err := p.o.Routing.Confirmation(r.Context(), batch)
	if errors.Is(err, routing.ErrBatchUsed) {
		return see(w, r, "/inbox/batches/"+batch)
	}
	if err != nil {
		return err
	}
	var g agent.Grant
	g, err = p.o.Routing.Authorize(r.Context(), batch, r.PostFormValue("pin"), r.PostFormValue("otp"))
	if err == nil {
		_, err = p.o.Routing.Sign(r.Context(), routing.SignRequest{SAD: g.SAD})
	}
	if err == nil {
		return see(w, r, "/inbox/batches/"+batch)
	}
	if b, e := p.o.Routing.Batch(r.Context(), batch); e == nil && b.State != routing.BatchPrepared && b.State != routing.BatchFailed {
		return see(w, r, "/inbox/batches/"+batch) // somebody else of this account was faster
	}
	bad, status, ok := p.refusal(r, err, map[string]string{"pin_wrong": "pin", "pin_locked": "pin", "pin_weak": "pin", "otp_wrong": "otp", "otp_locked": "otp"})
	if !ok {
		return err
	}
	return p.render(w, r, status, "confirm", c, bad...)
}

type batchPage struct {
	routing.BatchResult
	Signed, Failed, Going int
}

func (p *pages) getBatch(w http.ResponseWriter, r *http.Request) error {
	b, err := p.o.Routing.Batch(r.Context(), chi.URLParam(r, "batch"))
	if err != nil {
		return err
	}
	if b.State == routing.BatchPrepared {
		return see(w, r, "/inbox/confirm/"+b.BatchID)
	}
	d := batchPage{BatchResult: b}
	rank := func(x routing.DocumentResult) int {
		switch {
		case x.Signing == routing.SigningFailed || b.State == routing.BatchFailed:
			return 0
		case x.Signing == routing.SigningFinished:
			return 2
		}
		return 1
	}
	slices.SortStableFunc(d.Documents, func(x, y routing.DocumentResult) int { return rank(x) - rank(y) })
	for _, x := range d.Documents {
		switch rank(x) {
		case 0:
			d.Failed++
		case 1:
			d.Going++
		default:
			d.Signed++
		}
	}
	return p.render(w, r, http.StatusOK, "batch", d)
}

type sealPage struct {
	routing.View
	Number, Date string
}

func (p *pages) getSeal(w http.ResponseWriter, r *http.Request) error {
	v, err := p.o.Routing.Get(r.Context(), chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	d := sealPage{View: v, Date: day(v.Metadata.IssuedOn)}
	if v.Metadata.Number != "" {
		d.Number = v.Metadata.Number
	}
	if v.Metadata.Notation != "" {
		d.Number += "/" + v.Metadata.Notation
	}
	if d.Date == "" {
		d.Date = inZone(p.o.Now(), "02/01/2006")
	}
	return p.render(w, r, http.StatusOK, "seal", d)
}

// postSeal prepares number, date and seal of one document, in that order.
func (p *pages) postSeal(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "id")
	d := sealPage{Number: strings.TrimSpace(r.PostFormValue("number")), Date: r.PostFormValue("date")}
	c, err := p.o.Routing.Prepare(r.Context(), routing.PrepareRequest{Act: routing.ActSeal, Documents: []string{id},
		Seal: map[string]routing.SealInput{id: {Number: d.Number, Date: typedDay(d.Date)}}})
	if bad, status, ok := p.refusal(r, err, nil); ok {
		if d.View, err = p.o.Routing.Get(r.Context(), id); err != nil {
			return err
		}
		return p.render(w, r, status, "seal", d, bad...)
	}
	if err != nil {
		return err
	}
	return see(w, r, "/inbox/confirm/"+c.BatchID)
}

// turns is a lock for each name; the zero value is ready.
type turns struct {
	mu   sync.Mutex
	held map[string]*turn
}

type turn struct {
	sync.Mutex
	users int
}

// take waits for name's turn and returns what ends it.
func (t *turns) take(name string) func() {
	t.mu.Lock()
	if t.held == nil {
		t.held = map[string]*turn{}
	}
	mine := t.held[name]
	if mine == nil {
		mine = &turn{}
		t.held[name] = mine
	}
	mine.users++
	t.mu.Unlock()
	mine.Lock()
	return func() {
		mine.Unlock()
		t.mu.Lock()
		defer t.mu.Unlock()
		if mine.users--; mine.users == 0 {
			delete(t.held, name)
		}
	}
}
