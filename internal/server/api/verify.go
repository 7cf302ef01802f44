package api

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/signer/validate"
)

const (
	largeFile  = 8 << 20 // from here on a file counts as large
	verifyWait = 3 * time.Second
	verifyTime = 12 * time.Second // the verifier's own limit comes first
)

var (
	errVerifyBusy = errs.New(errs.Unavailable, "verify_busy",
		"Hệ thống đang kiểm tra nhiều tệp lớn. Thử lại sau ít giây.", "Too many files are being verified. Try again in a few seconds.").After(5 * time.Second)
	errVerifyTime = errs.New(errs.Invalid, "time_limit",
		"Tệp quá phức tạp để kiểm tra trong thời gian cho phép.", "The file could not be judged in the time allowed.").On("file")
)

// verifyGate bounds how many files are judged at once.
type verifyGate struct{ large, all chan struct{} }

func newVerifyGate() verifyGate {
	return verifyGate{large: make(chan struct{}, 2), all: make(chan struct{}, 8)}
}

// enter waits a little for a place and returns how to leave it.
func (g verifyGate) enter(ctx context.Context, size int64) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, verifyWait)
	defer cancel()
	take := []chan struct{}{g.all}
	if size >= largeFile {
		take = []chan struct{}{g.large, g.all}
	}
	leave = func() {}
	for _, c := range take {
		select {
		case c <- struct{}{}:
			before := leave
			leave = func() { <-c; before() }
		case <-ctx.Done():
			leave()
			return nil, errVerifyBusy
		}
	}
	return leave, nil
}

func (a *api) verification() {
	handle(a, route{method: http.MethodPost, path: "/verify", tag: "verification", access: reader,
		summary: "Verify a PDF, which is not kept", answer: validate.Report{}, media: []string{mediaPDF, mediaMultipart, "application/octet-stream"},
		produces: []string{"text/html"}, limit: a.MaxVerifyBytes + 64<<10}, // room for the form around it
		func(w http.ResponseWriter, r *http.Request, _ *struct{}) error {
			file, err := a.verifiedFile(r)
			if err != nil {
				return err
			}
			defer file.close()
			return a.judge(w, r, file, file.size)
		})
	handle(a, route{method: http.MethodGet, path: "/documents/{id}/report", tag: "documents", summary: "Verify a document as it stands now",
		answer: validate.Report{}}, func(w http.ResponseWriter, r *http.Request, p *contentOf) error {
		c, err := a.Routing.Content(r.Context(), p.ID, p.Revision)
		if err != nil {
			return err
		}
		defer c.Close()
		return a.judge(w, r, c, c.Size)
	})
}

// judge answers the report on a file.
func (a *api) judge(w http.ResponseWriter, r *http.Request, file io.ReaderAt, size int64) error {
	leave, err := a.verify.enter(r.Context(), size)
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(r.Context(), verifyTime)
	defer cancel()
	report, err := a.Verify(ctx, file, size)
	if errors.Is(err, context.DeadlineExceeded) {
		return errVerifyTime
	}
	if err != nil {
		return err
	}
	w.Header().Add("Vary", "Accept")
	if accept := r.Header.Get("Accept"); a.Page != nil && strings.Contains(accept, "text/html") && !strings.Contains(accept, mediaJSON) {
		return a.Page(w, r, report)
	}
	a.answer(w, r, http.StatusOK, report)
	return nil
}

// verifiedFile spools the body, or the part file of a form.
func (a *api) verifiedFile(r *http.Request) (*upload, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, errNoFile
	}
	if media != mediaMultipart {
		f, err := a.spool(r.Body, a.MaxVerifyBytes)
		if err != nil {
			return nil, formFailed(err)
		}
		return f, nil
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	part, err := parts.NextRawPart()
	switch {
	case errors.Is(err, io.EOF):
		return nil, errNoFile
	case err != nil:
		return nil, formFailed(err)
	case part.FormName() != "file":
		return nil, errParts
	}
	f, err := a.spool(part, a.MaxVerifyBytes)
	if err != nil {
		return nil, formFailed(err)
	}
	if _, err := parts.NextRawPart(); !errors.Is(err, io.EOF) {
		f.close()
		return nil, errParts
	}
	return f, nil
}
