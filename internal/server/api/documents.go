package api

import (
	"context"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/kyso-vn/kyso/internal/routing"
)

type listDocuments struct {
	Box     routing.Box     `query:"box" enum:"todo,done,unit"`
	State   routing.State   `query:"state" maxLength:"16"`
	Urgency routing.Urgency `query:"urgency" maxLength:"16"`
	Text    string          `query:"q" maxLength:"200" doc:"Words of subject, number, origin or external id"`
	Cursor  string          `query:"cursor" maxLength:"512"`
	Limit   int             `query:"limit" minimum:"1" maximum:"100"`
}

type contentOf struct {
	ID       string `path:"id" maxLength:"64"`
	Revision int    `query:"revision" minimum:"0" doc:"0 is the newest"`
}

type attachmentOf struct {
	ID string `path:"id" maxLength:"64"`
	N  int    `path:"n" minimum:"1"`
}

const mediaPDF = "application/pdf"

func (a *api) documents() {
	const tag = "documents"
	get(a, route{path: "/documents", tag: tag, summary: "List documents, the most urgent first"},
		func(ctx context.Context, p *listDocuments) (routing.Page, error) {
			return a.Routing.Inbox(ctx, routing.Filter{Box: p.Box, State: p.State, Urgency: p.Urgency, Text: p.Text, Cursor: p.Cursor, Limit: p.Limit})
		})
	get(a, route{path: "/documents/{id}", tag: tag, summary: "Show a document"},
		func(ctx context.Context, p *byID) (routing.View, error) { return a.Routing.Get(ctx, p.ID) })
	handle(a, route{method: http.MethodGet, path: "/documents/{id}/content", tag: tag, summary: "Get a document's bytes", produces: []string{mediaPDF}},
		func(w http.ResponseWriter, r *http.Request, p *contentOf) error {
			c, err := a.Routing.Content(r.Context(), p.ID, p.Revision)
			return send(w, r, c, err)
		})
	handle(a, route{method: http.MethodGet, path: "/documents/{id}/attachments/{n}", tag: tag, summary: "Get an attachment's bytes",
		produces: []string{"application/octet-stream"}},
		func(w http.ResponseWriter, r *http.Request, p *attachmentOf) error {
			c, err := a.Routing.Attachment(r.Context(), p.ID, p.N)
			return send(w, r, c, err)
		})
	for _, end := range []struct {
		name, summary string
		do            func(ctx context.Context, id, reason string) (routing.View, error)
	}{
		{"refuse", "Refuse to sign (từ chối ký)", a.Routing.Refuse},
		{"return", "Send back to be corrected (trả lại)", a.Routing.Return},
		{"withdraw", "Withdraw, by the document system (thu hồi)", a.Routing.Withdraw},
	} {
		post(a, route{path: "/documents/{id}/" + end.name, tag: tag, summary: end.summary},
			func(ctx context.Context, p *byID, b because) (routing.View, error) {
				return end.do(ctx, p.ID, b.Reason)
			})
	}
}

// send streams bytes, whole or in ranges, always to be saved and never to be shown.
func send(w http.ResponseWriter, r *http.Request, c *routing.Content, err error) error {
	if err != nil {
		return err
	}
	defer c.Close()
	download(w, c.MediaType, c.Name)
	w.Header().Set("ETag", `"`+c.SHA256+`"`)
	http.ServeContent(w, r, "", time.Time{}, io.NewSectionReader(c, 0, c.Size))
	return nil
}

// download sets the headers of a file to be saved.
func download(w http.ResponseWriter, media, name string) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
}
