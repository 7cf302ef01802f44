package web_test

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/testkit/softagent"
)

func TestTheLeaderSignsAndTheClerkSealsWithoutScripts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	subject := "Về việc phân công phụ trách điểm phục vụ"
	doc := r.document(t, "d1", subject)
	leader, clerk := r.login(t, "vuong"), r.login(t, "hoa")

	// 1. The list, the document, its page.
	leader.get("/inbox").want(t, 200, "Chờ ký: 1 văn bản", subject, "HỎA TỐC", "Phòng Kinh tế", "Chưa xem")
	leader.get("/inbox?q=khong+co").want(t, 200, "Không có văn bản nào khớp")
	clerk.get("/inbox/"+doc.ID+"/seal").submit(clerk, "Tiếp tục", url.Values{"number": {"12/QĐ-UBND"}}).
		want(t, 409, "Văn bản chưa có chữ ký của người có thẩm quyền; chưa thể ký số cơ quan.")
	p := leader.get("/inbox/"+doc.ID).want(t, 200, subject, "Mã kiểm tra", "Trả lại", "Từ chối ký")
	if !strings.Contains(p.body, "<rect") {
		t.Error("the place of the signature is not shown")
	}
	png := leader.get("/inbox/" + doc.ID + "/pages/1/1")
	if png.status != 200 || !strings.HasPrefix(png.body, "\x89PNG") || png.header.Get("Cache-Control") != "private, no-cache" {
		t.Fatalf("page picture: %d, %d bytes", png.status, len(png.body))
	}
	t.Logf("page picture: %d bytes", len(png.body))

	// 2. What is shown is signed, by PIN and one-time password.
	p = p.submit(leader, "Ký văn bản này", nil).want(t, 200, "Xác nhận ký 1 văn bản", "Trần Quốc Vượng (KT.)", "Đã xem")
	confirm := p.url.Path
	p = p.submit(leader, "Ký 1 văn bản", url.Values{"pin": {"11111111"}, "otp": {softagent.OTP}}).want(t, 403, "Sai mã PIN. Còn 4 lần.", subject)
	if p.field("pin") != "" || strings.Contains(p.body, "11111111") {
		t.Error("the PIN came back")
	}
	p.submit(leader, "Ký 1 văn bản", url.Values{"pin": {pin}, "otp": {"999999"}}).want(t, 403, "Mã xác thực không đúng")
	clerk.get(confirm).want(t, 404) // somebody else's confirmation
	action, fields := p.form(t, "Ký 1 văn bản")
	fields.Set("pin", pin)
	fields.Set("otp", softagent.OTP)
	var wg sync.WaitGroup
	pages := make([]*page, 4)
	for i := range pages {
		wg.Go(func() { pages[i] = leader.post(action, fields) })
	}
	wg.Wait()
	for _, q := range pages {
		q.want(t, 200, "Ký số thành công", "1 đã ký", "đã có dấu thời gian")
		if !strings.HasPrefix(q.url.Path, "/inbox/batches/") {
			t.Errorf("ended at %s", q.url)
		}
	}
	if n := r.count(t, `SELECT count(*) FROM signings WHERE state = 'finished'`); n != 1 {
		t.Errorf("%d signatures", n)
	}
	leader.get(confirm).want(t, 200, "Ký số thành công")
	leader.get("/inbox").want(t, 200, "Không còn văn bản chờ")
	leader.get("/inbox/signed").want(t, 200, subject, "Chưa cấp số")

	// 3. Number, date, seal.
	clerk.get("/inbox").want(t, 200, "Cấp số và đóng dấu")
	p = clerk.get("/inbox/" + doc.ID + "/seal")
	p.submit(clerk, "Tiếp tục", url.Values{"number": {"mười hai"}}).want(t, 422, "Số, ký hiệu phải có dạng")
	p.submit(clerk, "Tiếp tục", url.Values{"number": {"12/QĐ-UBND"}, "date": {"30/12/2026"}}).want(t, 422, "Ngày ban hành không được ở tương lai")
	p = p.submit(clerk, "Tiếp tục", url.Values{"number": {"12/QĐ-UBND"}}).want(t, 200, "Xác nhận đóng dấu 1 văn bản", "Số 12/QĐ-UBND", "Phụ lục 1: Phân công.pdf, mã kiểm tra", "Mã xác thực")
	if strings.Contains(p.text(), "Mã PIN") {
		t.Error("a seal asks for a PIN")
	}
	p.submit(clerk, "Đóng dấu 1 văn bản", url.Values{"otp": {softagent.OTP}}).want(t, 200, "Đóng dấu thành công", "1 đã đóng dấu", "Đã đóng dấu")
	clerk.get("/inbox/"+doc.ID).want(t, 200, "Đã phát hành", "12/QĐ-UBND")

	// 4. The file, for others.
	file := clerk.get("/inbox/" + doc.ID + "/file")
	if file.status != 200 || !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment; filename") {
		t.Fatalf("file: %d %s", file.status, file.header.Get("Content-Disposition"))
	}
	judge(t, []byte(file.body))
	public := r.browser(t)
	public.upload("/verify", "file", "Quyết định.pdf", []byte(file.body)).want(t, 200, "Hợp lệ", "Có 2 chữ ký số hợp lệ",
		"Sau chữ ký đầu tiên chỉ thêm", "số, ký hiệu", "ngày ban hành", "Trần Quốc Vượng", "Quyết định.pdf", "09:00:00 ngày 21/11/2026 (+07:00)")
	evidence := clerk.get("/inbox/" + doc.ID + "/evidence")
	if evidence.status != 200 || !strings.HasPrefix(evidence.body, "PK") {
		t.Errorf("evidence: %d", evidence.status)
	}
	r.login(t, "head").get("/reports/documents").want(t, 200, "Phường Ba Đình", "100,0%")
}

// judge has qpdf and pdfsig look at a file.
func judge(t *testing.T, file []byte) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.pdf")
	must(t, os.WriteFile(name, file, 0o600))
	if out, err := exec.CommandContext(t.Context(), "qpdf", "--check", name).CombinedOutput(); err != nil {
		t.Errorf("qpdf: %v: %s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), "pdfsig", "-nocert", name).CombinedOutput()
	if err != nil || strings.Count(string(out), "Signature is Valid") != 2 {
		t.Errorf("pdfsig: %v: %s", err, out)
	}
}

func TestManyDocumentsAreConfirmedTogether(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var ids []string
	for _, n := range []string{"một", "hai", "ba"} {
		ids = append(ids, r.document(t, n, "Văn bản "+n).ID)
	}
	b := r.login(t, "vuong")
	p := b.get("/inbox").want(t, 200, "Chờ ký: 3 văn bản")
	p.submit(b, "Xem lại và ký", nil).want(t, 422, "Chọn từ 1 đến 50 văn bản")
	b.post("/inbox/confirm", url.Values{"documents": {"sign:" + ids[0], "initial:" + ids[1]}}).want(t, 422, "cần những thao tác khác nhau")
	p = p.submit(b, "Xem lại và ký", url.Values{"documents": {"sign:" + ids[0], "sign:" + ids[1], "sign:" + ids[2]}}).
		want(t, 200, "Xác nhận ký 3 văn bản", "3 văn bản chưa xem")
	p = p.submit(b, "Bỏ chọn Văn bản hai", nil).want(t, 200, "Xác nhận ký 2 văn bản")
	if strings.Contains(p.text(), "Văn bản hai") {
		t.Error("what was left out is still there")
	}
	p.submit(b, "Ký 2 văn bản", url.Values{"pin": {pin}, "otp": {softagent.OTP}}).want(t, 200, "2 đã ký")
	b.get("/inbox").want(t, 200, "Chờ ký: 1 văn bản", "Văn bản hai")
}

func TestReturningAndRefusingNeedAReason(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.login(t, "vuong")
	for _, c := range []struct{ end, button, state string }{{"return", "Trả lại", "Trả lại"}, {"refuse", "Từ chối ký", "Từ chối"}} {
		doc := r.document(t, c.end, "Văn bản "+c.end)
		p := b.get("/inbox/" + doc.ID + "/" + c.end)
		p.submit(b, c.button, url.Values{"reason": {"  "}}).want(t, 422, "Cần nêu lý do")
		q := p.submit(b, c.button, url.Values{"reason": {"thiếu phụ lục"}}).want(t, 200, c.state, "thiếu phụ lục")
		p.submit(b, c.button, url.Values{"reason": {"thiếu phụ lục"}}).want(t, 200, c.state) // twice is once
		if q.url.Path != "/inbox/"+doc.ID {
			t.Errorf("ended at %s", q.url)
		}
		p = b.get("/inbox/" + doc.ID + "/" + c.end)
		p.submit(b, c.button, url.Values{"reason": {"lần nữa"}}).want(t, 409, "thao tác")
	}
}

func TestFilesThatCannotBeDrawnAreRefusedNotCrashes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	doc := r.document(t, "d1", "Văn bản")
	b := r.login(t, "vuong")
	start := time.Now()
	for _, page := range []string{"0", "99", "x", "-1"} {
		if p := b.get("/inbox/" + doc.ID + "/pages/1/" + page); p.status != 404 && p.status != 422 {
			t.Errorf("page %s: %d", page, p.status)
		}
	}
	b.get("/inbox/"+doc.ID+"/pages/7/1").want(t, 404)
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("took %v", d)
	}
	// A browser asks again whether it may still see what it has.
	first := b.get("/inbox/" + doc.ID + "/pages/1/1")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/inbox/"+doc.ID+"/pages/1/1", nil)
	must(t, err)
	req.Header.Set("If-None-Match", first.header.Get("ETag"))
	if p := b.do(req); p.status != http.StatusNotModified {
		t.Errorf("the same page again: %d", p.status)
	}
}

func TestAnybodyMayVerifyAndNothingIsKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	doc := r.document(t, "d1", "Văn bản")
	leader := r.login(t, "vuong")
	leader.get("/inbox/"+doc.ID).submit(leader, "Ký văn bản này", nil).
		submit(leader, "Ký 1 văn bản", url.Values{"pin": {pin}, "otp": {softagent.OTP}}).want(t, 200, "1 đã ký")
	signed := []byte(leader.get("/inbox/" + doc.ID + "/file").body)
	unsigned, err := os.ReadFile("../../../testdata/pdf/quyet-dinh.pdf")
	must(t, err)
	broken := bytes.Clone(signed)
	broken[len(unsigned)/2] ^= 1 // inside what was signed
	b := r.browser(t)
	for _, c := range []struct {
		name   string
		file   []byte
		status int
		words  []string
	}{
		{"ký.pdf", signed, 200, []string{"Hợp lệ", "Có 1 chữ ký số hợp lệ", "Trần Quốc Vượng", "Kyso CA"}},
		{"sửa.pdf", broken, 200, []string{"Không hợp lệ", "Không sử dụng văn bản này"}},
		{"trắng.pdf", unsigned, 200, []string{"Không có chữ ký số"}},
		{"../../a.pdf", []byte("hello"), 200, []string{"Không kiểm tra được tệp", "a.pdf"}},
		{"nửa.pdf", signed[:len(signed)/2], 200, nil},
		{"không.pdf", nil, 422, []string{"Chọn một tệp PDF"}},
	} {
		p := b.upload("/verify", "file", c.name, c.file).want(t, c.status, c.words...)
		if strings.Contains(p.body, "001090000504") {
			t.Errorf("%s: an identity number is shown to the public", c.name)
		}
		if strings.Contains(p.text(), "../") {
			t.Errorf("%s: a path is shown", c.name)
		}
	}
	p := b.upload("/verify", "file", "nửa.pdf", signed[:len(signed)/2])
	if strings.HasPrefix(p.text(), "Hợp lệ") {
		t.Error("half a file is valid")
	}
	b.post("/verify", url.Values{"file": {"x"}}).want(t, 422, "Chọn một tệp PDF")
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "kyso-verify-*"))
	if must(t, err); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
