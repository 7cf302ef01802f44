package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/testkit/softagent"
	"github.com/kyso-vn/kyso/signer/validate"
)

func (r *rig) verify(t testing.TB, media string, body []byte) answer {
	t.Helper()
	return r.do(t, request{method: http.MethodPost, path: "/api/v1/verify", media: media, body: bytes.NewReader(body)})
}

func TestAnybodyVerifiesAFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, db.SQLite(t))
	r.staff(t)
	var v routing.View
	r.submit(t, "dms", r.document("QD-1"), pdf(t, "quyet-dinh")).into(t, &v)
	r.post(t, "vuong", "/documents/"+v.ID+"/sign", map[string]any{"pin": pin, "otp": softagent.OTP}).into(t, new(any))
	signed := r.get(t, "dms", "/documents/"+v.ID+"/content").body
	var rep validate.Report
	r.verify(t, "application/pdf", signed).into(t, &rep)
	if rep.Verdict != validate.VerdictPassed || len(rep.Signatures) != 1 || rep.Signatures[0].Signer != "Trần Quốc Vượng" {
		t.Fatalf("signed: %+v", rep)
	}
	page := r.do(t, request{method: http.MethodPost, path: "/api/v1/verify", media: "application/pdf", body: bytes.NewReader(signed),
		header: map[string]string{"Accept": "text/html,*/*;q=0.8"}})
	if string(page.body) != "<p>TOTAL_PASSED" {
		t.Fatalf("page: %d %s", page.status, page.body)
	}
	changed := bytes.Replace(signed, []byte("/ByteRange"), []byte("/ByteRangf"), 1)
	if r.verify(t, "application/pdf", changed).into(t, &rep); rep.Verdict == validate.VerdictPassed {
		t.Fatalf("changed: %+v", rep)
	}
	if r.verify(t, "application/pdf", pdf(t, "to-trinh")).into(t, &rep); rep.Verdict != validate.VerdictNoSignature {
		t.Fatalf("unsigned: %+v", rep)
	}
	if r.verify(t, "application/pdf", []byte("xin chào")).into(t, &rep); rep.Verdict != validate.VerdictRefused || rep.Code != "not_pdf" {
		t.Fatalf("text: %+v", rep)
	}
	media, body := form(t, nil, signed)
	if a := r.verify(t, media, body); a.code() != "form_parts" { // metadata is no part of this form
		t.Fatalf("unknown part: %d %s", a.status, a.body)
	}
	boundary := strings.TrimPrefix(media, "multipart/form-data; boundary=")
	body = []byte("--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n" + string(signed) + "\r\n--" + boundary + "--\r\n")
	if r.verify(t, media, body).into(t, &rep); len(rep.Signatures) != 1 {
		t.Fatalf("form: %+v", rep)
	}
	if a := r.verify(t, media, body[:len(body)/2]); a.code() != "form_invalid" {
		t.Fatalf("half a form: %d %s", a.status, a.body)
	}
}

func TestFilesTooLargeToVerifyAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, db.SQLite(t))
	large := make([]byte, 16<<20+1)
	if a := r.verify(t, "application/pdf", large); a.status != 413 || a.code() != "too_large" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := r.verify(t, "text/html", []byte("x")); a.status != 415 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := r.verify(t, "application/pdf", append(large, large...)); a.status != 413 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
