package web

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/signer/validate"
)

// Limits of a file that anybody may have judged.
const (
	maxVerify   = 100 << 20
	verifyWait  = 20 * time.Second
	verifySpool = 1 << 20 // form fields around the file
)

var (
	errNoFile = errs.New(errs.Invalid, "file_required", "Chọn một tệp PDF.", "Choose a PDF file.").On("file")
	errBig    = errs.New(errs.TooLarge, "file_too_large", "Tệp lớn hơn 100 MB; không kiểm tra được tại đây.", "The file is over 100 MB.").On("file")
	errBusy   = errs.New(errs.Unavailable, "verify_busy", "Đang kiểm tra nhiều tệp khác. Thử lại sau ít giây.", "Other files are being verified.").After(5 * time.Second)
)

func (p *pages) verifyRoutes(r chi.Router) {
	r.Get("/verify", p.handle(p.getVerify))
	r.Post("/verify", p.handle(p.postVerify))
}

func (p *pages) getVerify(w http.ResponseWriter, r *http.Request) error {
	return p.render(w, r, http.StatusOK, "verify", nil)
}

type verifyPage struct {
	*validate.Report
	Class   string // of the verdict: passed, failed, unknown, none
	Checked time.Time
	// Changed tells what was added behind the signatures by right, "" when nothing was.
	Changed string
	Signers []verifySignature
	Stamps  []verifySignature // document time-stamps
	// JSON is the report to be saved, "" when it is too large for a page.
	JSON template.URL
}

type verifySignature struct {
	validate.Signature
	Class, Word string
	Masked      string // the subject without whole identity numbers
	Filled      string
}

// postVerify judges a file and keeps nothing of it. Two are judged at a time; who uploads
// slowly holds nobody up.
func (p *pages) postVerify(w http.ResponseWriter, r *http.Request) error {
	f, name, size, err := receive(w, r)
	if err != nil {
		return p.unverified(w, r, err)
	}
	defer f.Close()
	wait := time.NewTimer(verifyWait)
	defer wait.Stop()
	select {
	case p.verifying <- struct{}{}:
		defer func() { <-p.verifying }()
	case <-wait.C:
		return p.unverified(w, r, errBusy)
	case <-r.Context().Done():
		return r.Context().Err()
	}
	rep, err := p.o.Verify(r.Context(), name, f, size)
	if err != nil {
		return p.unverified(w, r, err)
	}
	rep.File = name
	return p.verified(w, r, rep)
}

// verified shows a report. Neither what was uploaded is kept, nor what was found.
func (p *pages) verified(w http.ResponseWriter, r *http.Request, rep *validate.Report) error {
	d := p.judged(rep)
	var err error
	if d.JSON, err = reportLink(*rep); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return p.render(w, r, http.StatusOK, "verify_result", d)
}

// maxReportLink is how large a report the page carries inside itself, in bytes.
const maxReportLink = 256 << 10

// reportLink is the report as JSON in a data: address, so that it can be saved although the
// server keeps nothing; "" when it is too large for a page. Identity numbers are masked as on
// the page, which may be passed on.
func reportLink(rep validate.Report) (template.URL, error) {
	rep.Signatures = slices.Clone(rep.Signatures)
	for i := range rep.Signatures {
		s := &rep.Signatures[i]
		s.Subject, s.Signer = maskNumbers(s.Subject), maskNumbers(s.Signer)
	}
	b, err := json.MarshalIndent(rep, "", "  ")
	if err != nil || len(b) > maxReportLink {
		return "", err
	}
	return template.URL("data:application/json;base64," + base64.StdEncoding.EncodeToString(b)), nil //nolint:gosec // base64 of our own JSON
}

func (p *pages) unverified(w http.ResponseWriter, r *http.Request, err error) error {
	bad, status, ok := p.refusal(r, err, map[string]string{"": "file"})
	if !ok {
		return err
	}
	return p.render(w, r, status, "verify", nil, bad...)
}

// receive spools the file of a form into a file without a name.
func receive(w http.ResponseWriter, r *http.Request) (f *os.File, name string, size int64, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxVerify+verifySpool)
	form, err := r.MultipartReader()
	if err != nil {
		return nil, "", 0, errNoFile.Wrap(err)
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, "", 0, errNoFile
		}
		if err != nil {
			return nil, "", 0, tooBig(err)
		}
		if part.FormName() == "file" && part.FileName() != "" {
			return spool(part)
		}
	}
}

func spool(part *multipart.Part) (f *os.File, name string, size int64, err error) {
	if f, err = os.CreateTemp("", "kyso-verify-*"); err != nil {
		return nil, "", 0, err
	}
	err = os.Remove(f.Name()) // it lives as long as it is open
	if err == nil {
		size, err = io.Copy(f, io.LimitReader(part, maxVerify+1))
	}
	switch {
	case err != nil:
		err = tooBig(err)
	case size > maxVerify:
		err = errBig
	case size == 0:
		err = errNoFile
	}
	if err != nil {
		return nil, "", 0, errors.Join(err, f.Close())
	}
	return f, safeName(part.FileName()), size, nil
}

func tooBig(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errBig
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errBadForm.Wrap(err)
	}
	return err
}

// judged puts a report into a citizen's words.
func (p *pages) judged(rep *validate.Report) verifyPage {
	d := verifyPage{Report: rep, Checked: p.o.Now()}
	switch rep.Verdict {
	case validate.VerdictPassed:
		d.Class = "passed"
	case validate.VerdictFailed:
		d.Class = "failed"
	case validate.VerdictIndeterminate:
		d.Class = "unknown"
	default:
		d.Class = "none"
	}
	for _, s := range rep.Signatures {
		v := verifySignature{Signature: s, Masked: maskNumbers(s.Subject), Filled: filledWords(s.FilledFields)}
		v.Signer = maskNumbers(v.Signer)
		switch s.Indication {
		case validate.Passed:
			v.Class, v.Word = "good", "Hợp lệ"
		case validate.Failed:
			v.Class, v.Word = "bad", "Không hợp lệ"
		default:
			v.Class, v.Word = "wait", "Không xác định"
		}
		if s.Type == validate.DocTimestamp {
			d.Stamps = append(d.Stamps, v)
		} else {
			d.Signers = append(d.Signers, v)
		}
	}
	if n := len(d.Signers); n > 1 && d.Signers[0].Filled != "" {
		d.Changed = "Sau chữ ký đầu tiên chỉ thêm chữ ký khác, " + d.Signers[0].Filled + "."
	} else if n > 1 {
		d.Changed = "Sau chữ ký đầu tiên chỉ thêm chữ ký khác."
	}
	return d
}

var longNumber = regexp.MustCompile(`[0-9]{9,}`)

// maskNumbers hides identity numbers that stand in a subject.
func maskNumbers(s string) string {
	return longNumber.ReplaceAllStringFunc(s, func(n string) string { return n[:3] + "*******" + n[len(n)-2:] })
}

// filledWords names the fields that an office fills after the leader has signed.
func filledWords(fields []string) string {
	known := []struct{ field, word string }{{routing.FieldNumber, "số, ký hiệu"}, {routing.FieldDate, "ngày ban hành"}}
	var out []string
	for _, k := range known {
		if slices.Contains(fields, k.field) {
			out = append(out, k.word)
		}
	}
	for _, f := range fields {
		if f != routing.FieldNumber && f != routing.FieldDate {
			out = append(out, "ô “"+f+"”")
		}
	}
	if n := len(out); n > 1 {
		return strings.Join(out[:n-1], ", ") + " và " + out[n-1]
	}
	return strings.Join(out, "")
}
