package web_test

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReportsShowCountsAndGiveFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Issue(t, r.Citizen())
	r.Issue(t, r.Citizen())
	b := r.login(t, "head")
	b.get("/").want(t, 200, "Báo cáo cấp chứng thư") // the only place of work
	p := b.get("/reports/issuance").want(t, 200, "Từ 01/11/2026 đến 21/11/2026", "Phường Ba Đình", "Cộng")
	if !strings.Contains(p.body, "<rect class=\"bar\"") {
		t.Error("no chart")
	}
	for _, by := range []string{"kind", "day", "month", "quarter"} {
		b.get("/reports/issuance?from=2026-01-01&to=2026-11-21&by="+by).want(t, 200, "Cộng")
	}
	p = b.get("/reports/issuance?from=31/12/2026&to=01/01/2026").want(t, 422, "Kỳ báo cáo không hợp lệ")
	if p.field("from") != "31/12/2026" {
		t.Error("the answer is lost")
	}
	b.get("/reports/issuance?unit="+url.QueryEscape(r.Other.ID)).want(t, 404)
	for format, begins := range map[string]string{"csv": "\ufeff", "xlsx": "PK"} {
		p := b.get("/reports/issuance." + format + "?from=2026-11-01&to=2026-11-21&by=unit")
		if p.status != 200 || !strings.HasPrefix(p.body, begins) || !strings.Contains(p.header.Get("Content-Disposition"), "cap-chung-thu_2026-11-01_2026-11-21."+format) {
			t.Errorf("%s: %d %s", format, p.status, p.header.Get("Content-Disposition"))
		}
	}
	r.login(t, "lan").get("/reports/issuance").want(t, 403)
}

func TestAssetsAreSmallNamedByContentAndKeptByBrowsers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.browser(t)
	p := b.get("/login")
	total := len(p.body)
	for n := range p.doc.Descendants() {
		href := attr(n, "href") + attr(n, "src")
		if !strings.HasPrefix(href, "/static/") {
			continue
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+href, nil)
		must(t, err)
		req.Header.Set("Accept-Encoding", "gzip")
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		body, err := io.ReadAll(res.Body)
		must(t, err)
		must(t, res.Body.Close())
		total += len(body)
		if res.StatusCode != 200 || strings.Contains(href, "/app.") != strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %q", href, res.StatusCode, res.Header.Get("Cache-Control"))
		}
	}
	t.Logf("cold: %d bytes", total)
	if total > 100_000 {
		t.Errorf("a cold page is %d bytes", total)
	}
	b.get("/static/none.css").want(t, 404)
	files, err := filepath.Glob("static/*.gz")
	must(t, err)
	if len(files) < 2 {
		t.Fatalf("compressed copies: %v", files)
	}
	for _, f := range files {
		zipped, err := os.Open(f)
		must(t, err)
		z, err := gzip.NewReader(zipped)
		must(t, err)
		got, err := io.ReadAll(z)
		must(t, err)
		want, err := os.ReadFile(strings.TrimSuffix(f, ".gz"))
		must(t, err)
		if string(got) != string(want) {
			t.Errorf("%s is not what it is a copy of", f)
		}
		if strings.Contains(string(want), "url(") || strings.Contains(string(want), "GDS Transport") {
			t.Errorf("%s asks for fonts or pictures", f)
		}
	}
}

func TestAFaultOfOursTellsNothingButWhatToDo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.browser(t)
	r.fault = errors.New("secret table is gone")
	p := b.upload("/verify", "file", "a.pdf", []byte("x")).want(t, 500, "Hệ thống đang bận. Dữ liệu chưa mất. Thử lại sau 30 giây.")
	if strings.Contains(p.body, "secret") {
		t.Error("the cause is shown")
	}
	if !strings.Contains(r.logged.String(), "secret table is gone") || !strings.Contains(p.text(), p.header.Get("X-Request-Id")) {
		t.Error("the cause can't be found by the page's code")
	}
	b.get("/nowhere").want(t, 404, "Không tìm thấy")
	b.post("/help", nil).want(t, 404)
}
