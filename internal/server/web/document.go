package web

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/routing"
)

type documentPage struct {
	routing.View
	Unit string
	// Page is the page that is shown; Box the place of the coming signature on it, in parts of a
	// thousand from the top left corner, nil when it is elsewhere.
	Page    int
	Box     *[4]int
	Step    *routing.StepView
	Can     map[string]bool
	Numbers []int
}

// getDocument shows a document, and notes that its newest revision was looked at.
func (p *pages) getDocument(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "id")
	v, err := p.o.Routing.Get(r.Context(), id)
	if err != nil {
		return err
	}
	if r.Header.Get("Sec-Purpose") == "" { // a browser that only prefetches shows nobody anything
		if err := p.o.Routing.MarkViewed(r.Context(), id); err != nil {
			return err
		}
	}
	d := documentPage{View: v, Can: map[string]bool{}}
	for _, m := range v.May {
		d.Can[m] = true
	}
	if v.Step > 0 && v.Step <= len(v.Steps) {
		d.Step = &v.Steps[v.Step-1]
	}
	d.Page, _ = strconv.Atoi(r.URL.Query().Get("page"))
	if d.Page < 1 || d.Page > v.Pages {
		d.Page = 1
		if d.Step != nil && d.Step.Page > 0 && len(v.May) > 0 {
			d.Page = d.Step.Page
		}
	}
	if d.Step != nil && d.Step.Page == d.Page {
		d.Box = &[4]int{}
		for i, part := range d.Step.Box {
			d.Box[i] = int(part*1000 + 0.5)
		}
	}
	d.Numbers = nearPages(d.Page, v.Pages)
	if u, err := p.o.Units.Get(r.Context(), v.UnitID); err == nil {
		d.Unit = u.Name
	}
	return p.render(w, r, http.StatusOK, "document", d)
}

// nearPages are the pages that get a link: the first, the last, and those around page.
func nearPages(page, last int) []int {
	var out []int
	for n := 1; n <= last; n++ {
		if n == 1 || n == last || n >= page-3 && n <= page+3 {
			out = append(out, n)
		}
	}
	return out
}

// getPicture is a page of a revision as a picture. Its address names the revision, so it
// never changes; a browser asks again only whether it may still see it.
func (p *pages) getPicture(w http.ResponseWriter, r *http.Request) error {
	revision, err1 := strconv.Atoi(chi.URLParam(r, "revision"))
	page, err2 := strconv.Atoi(chi.URLParam(r, "page"))
	if err1 != nil || err2 != nil || revision < 1 || page < 1 {
		return auth.ErrNotFound
	}
	c, err := p.o.Routing.Content(r.Context(), chi.URLParam(r, "id"), revision)
	if err != nil {
		return err
	}
	defer c.Close()
	tag := fmt.Sprintf(`"%.16s-%d"`, c.SHA256, page)
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	png, err := p.painter.page(r.Context(), io.NewSectionReader(c, 0, c.Size), page)
	if err != nil {
		w.Header().Del("ETag")
		return err
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(png) // the client may be gone
	return nil
}

// getFile gives a document's bytes: the newest revision, or the one asked for.
func (p *pages) getFile(w http.ResponseWriter, r *http.Request) error {
	revision, err := strconv.Atoi(r.URL.Query().Get("revision"))
	if err != nil || revision < 0 {
		revision = 0
	}
	c, err := p.o.Routing.Content(r.Context(), chi.URLParam(r, "id"), revision)
	if err != nil {
		return err
	}
	return sendFile(w, r, c)
}

func (p *pages) getAttachment(w http.ResponseWriter, r *http.Request) error {
	n, err := strconv.Atoi(chi.URLParam(r, "n"))
	if err != nil {
		return auth.ErrNotFound
	}
	c, err := p.o.Routing.Attachment(r.Context(), chi.URLParam(r, "id"), n)
	if err != nil {
		return err
	}
	return sendFile(w, r, c)
}

// sendFile sends content to be saved, never to be shown by the browser.
func sendFile(w http.ResponseWriter, r *http.Request, c *routing.Content) error {
	defer c.Close()
	attachment(w, c.Name)
	media := c.MediaType
	if !slices.Contains([]string{"application/pdf", "image/png", "image/jpeg", "text/plain"}, media) {
		media = "application/octet-stream"
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Length", strconv.FormatInt(c.Size, 10))
	_, _ = io.Copy(w, io.NewSectionReader(c, 0, c.Size)) // the client may be gone
	return nil
}

// attachment names what the browser saves; the name is never a path.
func attachment(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": safeName(name)}))
}

func (p *pages) getEvidence(w http.ResponseWriter, r *http.Request) error {
	var b bytes.Buffer
	if err := p.o.Routing.Evidence(r.Context(), chi.URLParam(r, "id"), &b); err != nil {
		return err
	}
	attachment(w, "chung-cu-chu-ky.zip")
	w.Header().Set("Content-Type", "application/zip")
	_, _ = b.WriteTo(w) // the client may be gone
	return nil
}
