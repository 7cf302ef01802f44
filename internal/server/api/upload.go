package api

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/safehttp"
)

// maxParts bounds the files that come with one request.
const maxParts = 64

// Refusals of uploads and of files that are fetched.
var (
	errForm = errs.New(errs.Invalid, "form_invalid",
		"Biểu mẫu tải lên không đọc được.", "The multipart form can't be read.")
	errParts = errs.New(errs.Invalid, "form_parts",
		"Phần của biểu mẫu không có trong quy định, lặp lại hoặc quá nhiều.", "A part of the form is unknown, stands twice, or there are too many.")
	errNoFile = errs.New(errs.Invalid, "file_missing",
		"Thiếu tệp.", "The file is missing.").On("file")
	errTooLarge = errs.New(errs.TooLarge, "too_large",
		"Tệp vượt quá dung lượng cho phép.", "The file is larger than allowed.").On("file")
	errURL = errs.New(errs.Invalid, "url_refused",
		"Địa chỉ tệp không hợp lệ, không được phép hoặc bị từ chối.", "The file's address is not valid, not allowed, or was refused.")
	errURLAway = errs.New(errs.Unavailable, "url_unavailable",
		"Không tải được tệp từ địa chỉ đã cho. Thử lại sau.", "The file could not be fetched. Try again later.").After(10 * time.Second)
)

// upload is a file without a name that lives as long as it is open.
type upload struct {
	*os.File
	size int64
}

func (u *upload) close() {
	if u != nil {
		_ = u.File.Close() // nothing is kept of it
	}
}

// spool copies r, at most limit bytes, into an upload that is at its beginning.
func (a *api) spool(r io.Reader, limit int64) (*upload, error) {
	f, err := os.CreateTemp(a.TempDir, "kyso-upload-*")
	if err != nil {
		return nil, err
	}
	u := &upload{File: f}
	err = os.Remove(f.Name())
	if err == nil {
		u.size, err = io.Copy(f, io.LimitReader(r, limit+1))
	}
	if err == nil && u.size > limit {
		err = errTooLarge
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		u.close()
		return nil, err
	}
	return u, nil
}

// form is what a multipart request holds.
type form struct {
	metadata    *routing.Intake
	file        *upload
	attachments []*upload
}

func (f *form) close() {
	f.file.close()
	for _, u := range f.attachments {
		u.close()
	}
}

func (f *form) intake() (routing.Intake, routing.Files) {
	files := routing.Files{Document: f.file}
	for _, u := range f.attachments {
		files.Attachments = append(files.Attachments, u)
	}
	return *f.metadata, files
}

// readForm reads metadata, file and attachments, in any order. File names are not looked at.
func (a *api) readForm(r *http.Request, boundary string, into *form) error {
	parts := multipart.NewReader(r.Body, boundary)
	for n := 0; ; n++ {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return formFailed(err)
		}
		if n == maxParts {
			return errParts
		}
		if err := a.readPart(part, into); err != nil {
			return formFailed(err)
		}
	}
	switch {
	case into.metadata == nil:
		return errBodyMissing.On("metadata")
	case into.file == nil:
		return errNoFile
	}
	return nil
}

func (a *api) readPart(part *multipart.Part, into *form) (err error) {
	switch name := part.FormName(); {
	case name == "metadata" && into.metadata == nil:
		b, err := io.ReadAll(io.LimitReader(part, maxJSON+1))
		if err != nil {
			return err
		}
		if len(b) > maxJSON {
			return &http.MaxBytesError{Limit: maxJSON}
		}
		into.metadata = new(routing.Intake)
		return decode(b, into.metadata)
	case name == "file" && into.file == nil:
		into.file, err = a.spool(part, a.MaxDocumentBytes)
		return err
	case name == "attachments" || name == "attachment":
		u, err := a.spool(part, a.MaxDocumentBytes)
		if err == nil {
			into.attachments = append(into.attachments, u)
		}
		return err
	default:
		return errParts
	}
}

// formFailed passes refusals and faults of our disk on; what multipart says is about the form.
func formFailed(err error) error {
	if _, ok := errors.AsType[*errs.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*os.PathError](err); ok {
		return err
	}
	return errForm.Wrap(err)
}

// fetchFile gets a file from an address that a stranger chose.
func (a *api) fetchFile(ctx context.Context, address string) (*upload, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || len(address) > 2048 {
		return nil, errURL
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errURL
	}
	res, err := a.Fetch.Do(req)
	if err != nil {
		return nil, fetchFailed(err)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests:
		return nil, errURLAway
	case res.StatusCode != http.StatusOK:
		return nil, errURL
	}
	file, err := a.spool(res.Body, a.MaxDocumentBytes)
	if err != nil {
		if _, ok := errors.AsType[*os.PathError](err); ok {
			return nil, err
		}
		return nil, fetchFailed(err)
	}
	return file, nil
}

// fetchFailed keeps no cause that holds the address: there may be a token in it.
func fetchFailed(err error) error {
	switch {
	case errors.Is(err, errTooLarge), errors.Is(err, safehttp.ErrTooLarge):
		return errTooLarge
	case errors.Is(err, safehttp.ErrBlocked), errors.Is(err, safehttp.ErrRedirect), errors.Is(err, safehttp.ErrScheme):
		return errURL
	}
	return errURLAway
}
