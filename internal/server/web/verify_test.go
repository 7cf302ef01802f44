package web_test

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/signer/validate"
)

func TestTheReportIsShownAndSavedWithoutIdentityNumbers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	rep := &validate.Report{File: "a.pdf", Verdict: validate.VerdictPassed, Signatures: []validate.Signature{{Field: "f", Indication: validate.Passed,
		Signer: "Nguyễn Văn An", Subject: "UID=CCCD:001090012345,CN=Nguyễn Văn An"}}}
	w := httptest.NewRecorder()
	must(t, r.pages.Verified(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/verify", nil), rep))
	page := w.Body.String()
	if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Errorf("%d with %v", w.Code, w.Header())
	}
	if !strings.Contains(page, "Nguyễn Văn An") || strings.Contains(page, "001090012345") {
		t.Error("the page has no signer, or a whole identity number")
	}
	_, rest, ok := strings.Cut(page, `href="data:application/json;base64,`)
	link, _, _ := strings.Cut(rest, `"`)
	b, err := base64.StdEncoding.DecodeString(html.UnescapeString(link))
	if !ok || err != nil {
		t.Fatalf("no report to be saved: %v", err)
	}
	var saved validate.Report
	must(t, json.Unmarshal(b, &saved))
	if saved.Verdict != rep.Verdict || len(saved.Signatures) != 1 || saved.Signatures[0].Subject != "UID=CCCD:001*******45,CN=Nguyễn Văn An" {
		t.Errorf("saved is %+v", saved)
	}
	if rep.Signatures[0].Subject != "UID=CCCD:001090012345,CN=Nguyễn Văn An" {
		t.Error("the caller's report was changed")
	}
}
