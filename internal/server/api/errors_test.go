package api_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/testkit/db"
)

func TestEachRefusalHasItsCodeAndStatus(t *testing.T) {
	t.Parallel()
	r := newRig(t, db.SQLite(t))
	good := pdf(t, "quyet-dinh")
	var doc routing.View
	r.submit(t, "dms", r.document("QD-0"), good).into(t, &doc)
	var app issuance.ApplicationView
	r.post(t, "lan", "/applications", r.Citizen()).into(t, &app)
	with := func(change func(*issuance.Form)) any {
		f := r.Citizen()
		change(&f)
		return f
	}
	form, _ := json.Marshal(r.Citizen())
	intake := func(change func(*routing.Intake)) routing.Intake {
		in := r.document("QD-bad")
		change(&in)
		return in
	}
	same := func(*routing.Intake) {}
	for name, c := range map[string]struct {
		answer answer
		status int
		code   string
		field  string
	}{
		"identity number of 11 digits": {r.post(t, "lan", "/applications", with(func(f *issuance.Form) { f.Identity = "00109012345" })), 422, "cccd_length", "identity"},
		"unknown unit":                 {r.post(t, "tp", "/applications", with(func(f *issuance.Form) { f.UnitID = "không có" })), 422, "unknown_unit", "unit"},
		"unknown service point":        {r.post(t, "lan", "/applications", with(func(f *issuance.Form) { f.PointID = "không có" })), 422, "unknown_point", "point"},
		"no right to apply":            {r.post(t, "minh", "/applications", r.Citizen()), 403, "permission_denied", ""},
		"another unit to apply":        {r.post(t, "la", "/applications", r.Citizen()), 404, "not_found", ""},
		"another unit's application":   {r.get(t, "la", "/applications/"+app.ID), 404, "not_found", ""},
		"no such application":          {r.get(t, "lan", "/applications/nichts"), 404, "not_found", ""},
		"another unit's document":      {r.get(t, "xa", "/documents/"+doc.ID), 404, "not_found", ""},
		"another unit's content":       {r.get(t, "xa", "/documents/"+doc.ID+"/content"), 404, "not_found", ""},
		"another unit's certificate":   {r.post(t, "la", "/certificates/"+app.CertificateID+"/revoke", `{"reason":"key_compromise"}`), 404, "not_found", ""},
		"no such unit":                 {r.get(t, "lan", "/units/x"), 404, "not_found", ""},
		"nobody":                       {r.post(t, "", "/applications", r.Citizen()), 401, "unauthenticated", ""},
		"wrong bearer":                 {r.do(t, request{path: "/api/v1/units", header: map[string]string{"Authorization": "Bearer x"}}), 401, "unauthenticated", ""},
		"no such route":                {r.get(t, "lan", "/nothing"), 404, "not_found", ""},
		"wrong method":                 {r.do(t, request{method: http.MethodDelete, path: "/api/v1/units", as: "lan"}), 405, "method_not_allowed", ""},
		"no idempotency key":           {r.do(t, request{method: http.MethodPost, path: "/api/v1/applications", as: "lan", media: "application/json", body: bytes.NewReader(form)}), 422, "idempotency_key_missing", ""},
		"other site's form":            {r.do(t, request{method: http.MethodPost, path: "/api/v1/applications", as: "lan", key: "k", media: "application/json", body: bytes.NewReader(form), header: map[string]string{"Sec-Fetch-Site": "cross-site"}}), 403, "permission_denied", ""},

		"seal before the leader": {r.post(t, "hoa", "/authorizations", map[string]any{"documents": []string{doc.ID}, "act": "seal", "otp": "000000"}), 409, "seal_before_leader", ""},
		"half a PDF":             {r.submit(t, "dms", intake(same), good[:len(good)/2]), 422, "damaged", "file"},
		"text as PDF":            {r.submit(t, "dms", intake(same), []byte("xin chào")), 422, "not_pdf", "file"},
		"no file":                {r.submit(t, "dms", intake(same)), 422, "file_missing", "file"},
		"no such attachment":     {r.submit(t, "dms", intake(func(in *routing.Intake) { in.Attachments = []routing.Attachment{{Name: "a"}} }), good), 422, "metadata_invalid", "attachments"},
		"secret":                 {r.submit(t, "dms", intake(func(in *routing.Intake) { in.Metadata.Secrecy = "mat" }), good), 422, "document_secret", "secrecy"},
		"other file, same id":    {r.submit(t, "dms", r.document("QD-0"), pdf(t, "to-trinh")), 409, "document_exists", "external_id"},

		"wrong content type":    {r.do(t, request{method: http.MethodPost, path: "/api/v1/applications", as: "lan", key: "k", media: "text/plain", body: bytes.NewReader(form)}), 415, "media_type", ""},
		"compressed":            {r.do(t, request{method: http.MethodPost, path: "/api/v1/applications", as: "lan", key: "k", media: "application/json", body: bytes.NewReader(form), header: map[string]string{"Content-Encoding": "gzip"}}), 415, "media_type", ""},
		"form to JSON route":    {r.do(t, request{method: http.MethodPost, path: "/api/v1/batches", as: "lan", key: "k", media: "multipart/form-data; boundary=x", body: strings.NewReader("x")}), 415, "media_type", ""},
		"unknown field":         {r.post(t, "lan", "/applications", `{"kind":"citizen","admin":true}`), 422, "field_unknown", "admin"},
		"unknown field deeper":  {r.post(t, "lan", "/applications", `{"proof":{"x":1}}`), 422, "field_unknown", "x"},
		"duplicate key":         {r.post(t, "lan", "/applications", `{"kind":"citizen","kind":"officer"}`), 422, "key_duplicate", "kind"},
		"duplicate in case":     {r.post(t, "lan", "/applications", `{"kind":"citizen","KIND":"officer"}`), 422, "key_duplicate", "KIND"},
		"wrong type":            {r.post(t, "lan", "/applications", `{"kind":7}`), 422, "field_type", "kind"},
		"two values":            {r.post(t, "lan", "/applications", `{} {}`), 422, "body_invalid", ""},
		"a list":                {r.post(t, "lan", "/applications", `[]`), 422, "body_invalid", ""},
		"cut off":               {r.post(t, "lan", "/applications", `{"kind":`), 422, "body_invalid", ""},
		"not UTF-8":             {r.post(t, "lan", "/applications", "{\"name\":\"\xff\"}"), 422, "body_invalid", ""},
		"no body":               {r.post(t, "lan", "/certificates/search", ""), 422, "body_missing", ""},
		"too deep":              {r.post(t, "lan", "/applications", `{"a":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`}`), 422, "body_depth", ""},
		"too large":             {r.post(t, "lan", "/applications", `{"name":"`+strings.Repeat("a", 1<<20)+`"}`), 413, "too_large", ""},
		"too large, chunked":    {r.do(t, request{method: http.MethodPost, path: "/api/v1/applications", as: "lan", key: "k", media: "application/json", body: io.MultiReader(strings.NewReader(strings.Repeat(" ", 2<<20)))}), 413, "too_large", ""},
		"unknown parameter":     {r.get(t, "lan", "/units?nam=x"), 422, "parameter_invalid", "nam"},
		"limit of the list":     {r.get(t, "lan", "/applications?limit=1000000"), 422, "parameter_invalid", "limit"},
		"limit not a number":    {r.get(t, "lan", "/applications?limit=a"), 422, "parameter_invalid", "limit"},
		"cursor of another":     {r.get(t, "lan", "/units?cursor=x"), 422, "cursor_invalid", "cursor"},
		"day of a report":       {r.get(t, "head", "/reports/issuance?from=1.1.2026&to=2026-01-02"), 422, "day_invalid", "from"},
		"report without a day":  {r.get(t, "head", "/reports/issuance?from=2026-01-01"), 422, "parameter_invalid", "to"},
		"reason of revocation":  {r.post(t, "lan", "/certificates/"+app.CertificateID+"/revoke", `{"reason":"boredom"}`), 422, "revocation_reason", "reason"},
		"batch without SAD":     {r.post(t, "vuong", "/batches", `{"sad":""}`), 422, "sad_required", "sad"},
		"batch of unknown SAD":  {r.post(t, "vuong", "/batches", `{"sad":"x"}`), 403, "sad_invalid", ""},
		"hashes of odd length":  {r.post(t, "vuong", "/authorizations", `{"credential_id":"x","hashes":["AAAA"]}`), 422, "hashes_invalid", "hashes"},
		"nothing to authorise":  {r.post(t, "vuong", "/authorizations", `{"credential_id":"x"}`), 422, "batch_invalid", "documents"},
		"URL of a private host": {r.post(t, "dms", "/documents", map[string]any{"metadata": r.document("U"), "url": "http://10.0.0.1/a.pdf"}), 422, "url_refused", "url"},
		"URL of a file":         {r.post(t, "dms", "/documents", map[string]any{"metadata": r.document("U"), "url": "file:///etc/passwd"}), 422, "url_refused", "url"},
	} {
		if c.answer.status != c.status || c.answer.code() != c.code {
			t.Errorf("%s: %d %s", name, c.answer.status, c.answer.body)
			continue
		}
		var p struct {
			Field     string
			RequestID string `json:"request_id"`
		}
		must(t, json.Unmarshal(c.answer.body, &p))
		if p.Field != c.field || p.RequestID == "" || c.answer.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: field %q of %s", name, p.Field, c.answer.body)
		}
	}
	if strings.Contains(r.logged.String(), "level=ERROR") {
		t.Errorf("a refusal was a fault: %s", r.logged)
	}
}

func TestEveryWrongFieldIsToldInTheCallersLanguage(t *testing.T) {
	t.Parallel()
	r := newRig(t, db.SQLite(t))
	body := `{"kind":"citizen","unit_id":"` + r.Ward.ID + `","identity":"00109012345"}`
	send := func(lang string) (p struct {
		Detail string
		Errors []struct{ Code, Field, Detail string }
	}) {
		a := r.do(t, request{method: http.MethodPost, path: "/api/v1/applications", as: "lan", key: rand.Text(), media: "application/json",
			body: strings.NewReader(body), header: map[string]string{"Accept-Language": lang}})
		must(t, json.Unmarshal(a.body, &p))
		return p
	}
	vi, en := send("vi-VN"), send("en-GB,en;q=0.9")
	if len(vi.Errors) < 3 || len(en.Errors) != len(vi.Errors) || vi.Errors[0].Field == "" {
		t.Fatalf("%+v", vi)
	}
	if vi.Detail == en.Detail || en.Errors[0].Detail == vi.Errors[0].Detail {
		t.Errorf("one language for both: %q %q", vi.Detail, en.Detail)
	}
}

func TestAResendGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		b, err := json.Marshal(r.Citizen())
		must(t, err)
		send := func(body []byte) answer {
			return r.do(t, request{method: http.MethodPost, path: "/api/v1/applications", as: "lan", key: "k1", media: "application/json", body: bytes.NewReader(body)})
		}
		first, second := send(b), send(b)
		if first.status != http.StatusCreated || second.status != first.status || !bytes.Equal(first.body, second.body) || second.header.Get("Idempotency-Replayed") != "true" {
			t.Fatalf("%d %s; %d %s", first.status, first.body, second.status, second.body)
		}
		other, err := json.Marshal(r.Citizen())
		must(t, err)
		if a := send(other); a.status != 422 || a.code() != "idempotency_key_reused" {
			t.Fatalf("%d %s", a.status, a.body)
		}
		var page issuance.Page[issuance.ApplicationView]
		r.get(t, "lan", "/applications?state=issued,failed").into(t, &page)
		if len(page.Items) != 1 {
			t.Fatalf("%d applications", len(page.Items))
		}
		media, body := form(t, r.document("QD-1"), pdf(t, "quyet-dinh"))
		for i := range 2 {
			a := r.do(t, request{method: http.MethodPost, path: "/api/v1/documents", as: "dms", key: "d1", media: media, body: bytes.NewReader(body)})
			if a.status != http.StatusCreated || (a.header.Get("Idempotency-Replayed") == "true") != (i == 1) {
				t.Fatalf("%d %s", a.status, a.body)
			}
		}
	})
}

func TestAFileServerThatFailsIsToldApart(t *testing.T) {
	t.Parallel()
	r := newRig(t, db.SQLite(t))
	good := pdf(t, "quyet-dinh")
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/good":
			_, _ = w.Write(good)
		case "/busy":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/elsewhere":
			http.Redirect(w, q, "/good", http.StatusFound)
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer files.Close()
	for path, want := range map[string]string{"/busy": "url_unavailable", "/elsewhere": "url_refused", "/x?token=geheim": "url_refused"} {
		a := r.post(t, "dms", "/documents", map[string]any{"metadata": r.document("U" + path[:4]), "url": files.URL + path})
		if a.code() != want || (want == "url_unavailable") != (a.header.Get("Retry-After") != "") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	in := r.document("U-good")
	in.Attachments = []routing.Attachment{{Name: "phụ lục.pdf", MediaType: "application/pdf"}}
	var v routing.View
	r.post(t, "dms", "/documents", map[string]any{"metadata": in, "url": files.URL + "/good", "attachment_urls": []string{files.URL + "/good"}}).into(t, &v)
	if a := r.get(t, "dms", "/documents/"+v.ID+"/attachments/1"); !bytes.Equal(a.body, good) {
		t.Errorf("attachment: %d %v", a.status, a.header)
	}
	if strings.Contains(r.logged.String(), "geheim") {
		t.Error("a token in an address is in the log")
	}
}
