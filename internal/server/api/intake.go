package api

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"

	"github.com/kyso-vn/kyso/internal/dms"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/server"
)

const (
	mediaMultipart = "multipart/form-data"
	mediaXML       = "application/xml"
)

var errSteps = errs.New(errs.Invalid, "steps_invalid",
	"Tiêu đề Kyso-Steps không phải danh sách bước ký hợp lệ.", "The header Kyso-Steps is not a list of steps.").On("Kyso-Steps")

// handover is a document that is fetched from an address.
type handover struct {
	Metadata routing.Intake `json:"metadata"`
	// URL is where the file is, with a token in it if need be.
	URL string `json:"url"`
	// AttachmentURLs are those of the attachments that are files of their own, in order.
	AttachmentURLs []string `json:"attachment_urls,omitempty"`
}

// intakeOf carries what an edXML package does not say.
type intakeOf struct {
	UnitID string `query:"unit_id" maxLength:"64" doc:"For an edXML package: whose document it is"`
	Steps  string `header:"Kyso-Steps" maxLength:"16384" doc:"For an edXML package: the steps as JSON in ASCII; the leader and the seal when missing"`
}

func (a *api) intake() {
	handle(a, route{method: http.MethodPost, path: "/documents", tag: "documents", status: http.StatusCreated,
		summary:  "Hand over a document: multipart (metadata, file, attachments), JSON with a URL, or an edXML package",
		metadata: routing.Intake{}, body: handover{}, answer: routing.View{}, media: []string{mediaMultipart, mediaXML}, limit: server.MaxBody}, a.postDocument)
}

func (a *api) postDocument(w http.ResponseWriter, r *http.Request, p *intakeOf) error {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return errBodyMissing // admit has checked that a body has a known type
	}
	var in routing.Intake
	var files routing.Files
	switch media {
	case mediaMultipart:
		var form form
		defer form.close()
		if err := a.readForm(r, params["boundary"], &form); err != nil {
			return err
		}
		in, files = form.intake()
	case mediaXML:
		in, files, err = packageOf(r, p)
	default:
		var fetched fetched
		defer fetched.close()
		in, files, err = a.fetch(r, &fetched)
	}
	if err != nil {
		return err
	}
	v, created, err := a.Routing.Accept(r.Context(), in, files)
	if err != nil {
		return err
	}
	w.Header().Set("Location", Prefix+"/documents/"+v.ID)
	status := http.StatusOK // a resend gets the document that exists
	if created {
		status = http.StatusCreated
	}
	a.answer(w, r, status, v)
	return nil
}

// packageOf reads an edXML package.
func packageOf(r *http.Request, p *intakeOf) (in routing.Intake, files routing.Files, err error) {
	steps := []routing.StepSpec{{Kind: routing.Leader}, {Kind: routing.Seal}}
	if p.Steps != "" {
		wrapped := struct {
			Steps []routing.StepSpec `json:"steps"`
		}{}
		if decode([]byte(`{"steps":`+p.Steps+`}`), &wrapped) != nil || !json.Valid([]byte(p.Steps)) {
			return in, files, errSteps
		}
		steps = wrapped.Steps
	}
	pkg, err := dms.ParseEdXML(r.Body)
	if err != nil {
		return in, files, err
	}
	return pkg.Intake(p.UnitID, steps)
}

// fetched are the files behind the addresses of a handover.
type fetched struct{ files []*upload }

func (f *fetched) close() {
	for _, u := range f.files {
		u.close()
	}
}

// fetch reads a handover and gets its files.
func (a *api) fetch(r *http.Request, keep *fetched) (in routing.Intake, files routing.Files, err error) {
	var h handover
	r.Body = http.MaxBytesReader(nil, r.Body, maxJSON)
	if err := decodeBody(r, &h); err != nil {
		return in, files, err
	}
	if len(h.AttachmentURLs) > maxParts {
		return in, files, errParts.On("attachment_urls")
	}
	doc, err := a.download(r.Context(), h.URL, "url", keep)
	if err != nil {
		return in, files, err
	}
	files.Document = doc
	for _, u := range h.AttachmentURLs {
		f, err := a.download(r.Context(), u, "attachment_urls", keep)
		if err != nil {
			return in, files, err
		}
		files.Attachments = append(files.Attachments, f)
	}
	return h.Metadata, files, nil
}

func (a *api) download(ctx context.Context, url, field string, keep *fetched) (*upload, error) {
	u, err := a.fetchFile(ctx, url)
	if err != nil {
		if e, ok := errors.AsType[*errs.Error](err); ok {
			err = e.On(field)
		}
		return nil, err
	}
	keep.files = append(keep.files, u)
	return u, nil
}
