package web

import (
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/routing"
)

func (p *pages) inboxRoutes(r chi.Router) {
	r.Get("/inbox", p.handle(p.getInbox))
	r.Get("/inbox/signed", p.handle(p.getSigned))
	r.Get("/inbox/{id}", p.handle(p.getDocument))
	r.Get("/inbox/{id}/pages/{revision}/{page}", p.handle(p.getPicture))
	r.Get("/inbox/{id}/file", p.handle(p.getFile))
	r.Get("/inbox/{id}/evidence", p.handle(p.getEvidence))
	r.Get("/inbox/{id}/attachments/{n}", p.handle(p.getAttachment))
	r.Get("/inbox/{id}/{end:return|refuse}", p.handle(p.getEnd))
	r.Post("/inbox/{id}/{end:return|refuse}", p.form(p.postEnd))
}

type inboxPage struct {
	Filter    routing.Filter
	Items     []routing.Item
	Urgencies []routing.Urgency
	Next      string // address of the next page
	// Signable is how many can be chosen here; numbered ones have a page of their own.
	Signable int
}

var urgencies = []routing.Urgency{routing.UrgencyAtOnce, routing.UrgencyVery, routing.UrgencyUrgent, routing.UrgencyNormal}

func (p *pages) getInbox(w http.ResponseWriter, r *http.Request) error {
	d, err := p.inbox(r, routing.BoxTodo)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "inbox", d)
}

func (p *pages) getSigned(w http.ResponseWriter, r *http.Request) error {
	d, err := p.inbox(r, routing.BoxDone)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "signed", d)
}

func (p *pages) inbox(r *http.Request, box routing.Box) (inboxPage, error) {
	q := r.URL.Query()
	d := inboxPage{Urgencies: urgencies, Filter: routing.Filter{Box: box, Urgency: routing.Urgency(q.Get("urgency")), Text: q.Get("q"), Cursor: q.Get("cursor"), Limit: 50}}
	page, err := p.o.Routing.Inbox(r.Context(), d.Filter)
	if err != nil {
		return d, err
	}
	d.Items = page.Items
	for _, it := range d.Items {
		if it.Act != "" && it.Act != routing.ActSeal {
			d.Signable++
		}
	}
	if page.Next != "" {
		next := url.Values{"cursor": {page.Next}}
		for k, v := range map[string]string{"q": d.Filter.Text, "urgency": string(d.Filter.Urgency)} {
			if v != "" {
				next.Set(k, v)
			}
		}
		d.Next = r.URL.Path + "?" + next.Encode()
	}
	return d, nil
}

type endPage struct {
	routing.View
	End, Reason string // return or refuse
}

func (p *pages) getEnd(w http.ResponseWriter, r *http.Request) error {
	v, err := p.o.Routing.Get(r.Context(), chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "end", endPage{View: v, End: chi.URLParam(r, "end")})
}

// postEnd sends a document back, or refuses to sign it.
func (p *pages) postEnd(w http.ResponseWriter, r *http.Request) error {
	ctx, err := operation(r)
	if err != nil {
		return err
	}
	d := endPage{End: chi.URLParam(r, "end"), Reason: r.PostFormValue("reason")}
	do := p.o.Routing.Return
	if d.End == "refuse" {
		do = p.o.Routing.Refuse
	}
	id := chi.URLParam(r, "id")
	_, err = do(ctx, id, d.Reason)
	if bad, status, ok := p.refusal(r, err, nil); ok {
		if d.View, err = p.o.Routing.Get(r.Context(), id); err != nil {
			return err
		}
		return p.render(w, r, status, "end", d, bad...)
	}
	if err != nil {
		return err
	}
	return see(w, r, "/inbox/"+id)
}
