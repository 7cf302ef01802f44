package web_test

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/unit"
)

const card = "001190012345|011234567|Nguyễn Thị Mỹ Lệ Quỳnh|12031990|Nữ|Số 5, Phường Ba Đình, Hà Nội|01052021"

// toCheck walks the counter up to its last step.
func toCheck(t *testing.T, b *browser, qr string) *page {
	t.Helper()
	p := b.get("/counter").submit(b, "Tìm công dân", url.Values{"qr": {qr}}).want(t, 200, "bước 2/5")
	p = p.submit(b, "Lưu và tiếp tục", url.Values{"phone": {"0912345321"}}).want(t, 200, "bước 3/5")
	p = p.submit(b, "Lưu và tiếp tục", url.Values{"proof.method": {"card"}}).want(t, 200, "bước 4/5")
	return p.submit(b, "Lưu và tiếp tục", url.Values{"contract": {"1"}, "consent": {"1"}}).want(t, 200, "bước 5/5")
}

func TestACitizenGetsACertificateWithoutScripts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.login(t, "lan")
	p := toCheck(t, b, card)
	p.want(t, 200, "Nguyễn Thị Mỹ Lệ Quỳnh", "001*******45", "12/03/1990", "0912345321", "Thẻ và khuôn mặt", "Có, bản 2026-01")
	if strings.Contains(p.text(), "001190012345") {
		t.Error("the whole identity number is shown where it is only checked")
	}
	done := p.submit(b, "Cấp chứng thư", nil).want(t, 200, "Đã cấp chứng thư", "Chưa kích hoạt")
	b.get("/counter").want(t, 200, "Mới cấp", "Nguyễn Thị Mỹ Lệ Quỳnh")
	id := strings.Split(done.url.Path, "/")[2]
	for _, path := range []string{"/counter/" + id + "/check", "/counter/" + id + "/details"} { // it is no draft any more
		if again := b.get(path); again.url.Path != done.url.Path {
			t.Errorf("%s leads to %s", path, again.url.Path)
		}
	}
	b.get("/counter/"+id+"/print").want(t, 200, "Phiếu đăng ký", "ngày 21 tháng 11 năm 2026", "001*******45")

	// The citizen, with no account, on a phone.
	c := r.browser(t)
	code := r.Code(t, id)
	form := url.Values{"code": {code}, "pin": {pin}, "pin2": {"1"}, "accept": {"1"}}
	bad := c.get("/me/activate?application="+id).submit(c, "Đồng ý nội dung", form).want(t, 422, "Hai lần nhập mã PIN không giống nhau")
	if strings.Contains(bad.body, pin) || strings.Contains(bad.body, code) {
		t.Error("a PIN or a code came back")
	}
	form.Set("pin2", pin)
	bad.submit(c, "Đồng ý nội dung", form).want(t, 200, "Đã kích hoạt chứng thư")
	b.get("/counter/"+id+"/done").want(t, 200, "Còn hiệu lực")
	if strings.Contains(r.logged.String(), pin) || strings.Contains(r.logged.String(), "001190012345") {
		t.Error("a secret is in the log")
	}
}

func TestADoubleClickIssuesOneCertificate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.login(t, "lan")
	begin := b.get("/counter")
	action, fields := begin.form(t, "Tìm công dân")
	fields.Set("qr", card)
	first, second := b.post(action, fields), b.post(action, fields)
	if first.url.Path != second.url.Path {
		t.Fatalf("one scan made two applications: %s and %s", first.url.Path, second.url.Path)
	}
	p := toCheck(t, b, strings.Replace(card, "001190012345", "001190012346", 1))
	action, fields = p.form(t, "Cấp chứng thư")
	var wg sync.WaitGroup
	ends := make([]string, 8)
	for i := range ends {
		wg.Go(func() { ends[i] = b.post(action, fields).url.Path })
	}
	wg.Wait()
	for _, e := range ends {
		if e != ends[0] || !strings.HasSuffix(e, "/done") {
			t.Errorf("clicks ended at %v", ends)
		}
	}
	if n := r.count(t, `SELECT count(*) FROM certificates WHERE kind = 'citizen'`); n != 1 {
		t.Errorf("%d certificates", n)
	}
	// The same person again is a clear refusal with its date.
	toCheck(t, b, strings.Replace(card, "001190012345", "001190012346", 1)).submit(b, "Cấp chứng thư", nil).
		want(t, 409, "Công dân đã có chứng thư còn hiệu lực (cấp ngày 21/11/2026)")
}

func TestWhatIsWrongIsSaidAtItsFieldAndAnswersAreKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.login(t, "lan")
	for qr, says := range map[string]string{
		"hello":                         "Mã QR không phải của thẻ căn cước",
		"":                              "Mã QR không phải của thẻ căn cước",
		"00119001234|x|Nguyễn A||Nữ||":  "Số giấy tờ phải gồm 12 chữ số",
		"001190012345||Nguyễn A||Nam||": "Giới tính không khớp",
	} {
		p := b.get("/counter").submit(b, "Tìm công dân", url.Values{"qr": {qr}}).want(t, 422, says, "Có 1 mục cần sửa")
		if p.field("qr") != qr || !strings.Contains(p.body, "<title>Lỗi: ") {
			t.Errorf("%q: the field holds %q", qr, p.field("qr"))
		}
	}
	p := b.get("/counter").submit(b, "Nhập bằng tay", nil).want(t, 200, "bước 2/5")
	p = p.submit(b, "Lưu và tiếp tục", url.Values{"identity": {"00119001234"}, "name": {"Nguyễn Thị Quỳnh"}, "birth_date": {"31/02/1990"}, "sex": {"nu"}})
	p.want(t, 422, "Số giấy tờ phải gồm 12 chữ số", "Ngày không hợp lệ", "Có 2 mục cần sửa")
	if p.field("identity") != "00119001234" || p.field("name") != "Nguyễn Thị Quỳnh" || p.field("birth_date") != "31/02/1990" {
		t.Error("answers are lost")
	}
	// What was sent is kept on the server, wrong or not.
	p = b.get(p.url.Path).want(t, 200)
	if p.field("identity") != "00119001234" {
		t.Error("the draft lost the answer")
	}
	p = p.submit(b, "Lưu và tiếp tục", url.Values{"identity": {"001190012345"}, "birth_date": {"12/3/1990"}, "phone": {"12"}}).want(t, 200, "bước 3/5")
	p = p.submit(b, "Lưu và tiếp tục", nil).want(t, 422, "Chưa ghi cách xác minh danh tính")
	p = p.submit(b, "Lưu và tiếp tục", url.Values{"proof.method": {"chip"}})
	p = p.submit(b, "Lưu và tiếp tục", nil).want(t, 422, "Chưa ghi nhận hợp đồng", "Chưa ghi nhận đồng ý")
	p = p.submit(b, "Lưu và tiếp tục", url.Values{"contract": {"1"}, "consent": {"1"}}).want(t, 200, "bước 5/5")
	p = p.submit(b, "Cấp chứng thư", nil).want(t, 422, "Số điện thoại không hợp lệ")
	if !strings.Contains(p.body, "/details#phone") {
		t.Error("the summary does not lead to the field")
	}
	b.get("/counter").want(t, 200, "bước 5/5", "Tiếp tục")
}

func TestNamesThatLostTheirAccentsAreDoubted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.login(t, "lan")
	p := b.get("/counter").submit(b, "Tìm công dân", url.Values{"qr": {"001190012345||NGUYEN THI QUYNH|12031990|Nu||"}})
	p.want(t, 200, "Kiểm tra lại dấu trong họ tên")
	p = p.submit(b, "Lưu và tiếp tục", url.Values{"name": {"Nguy?n Thị Quỳnh"}}).want(t, 422, "Kiểm tra lại dấu trong họ tên")
	p.submit(b, "Lưu và tiếp tục", url.Values{"name": {"Nguyễn Thị Quỳnh"}}).want(t, 200, "bước 3/5")
}

func TestASecondPersonApprovesAndNeverTheFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	must(t, r.Units.SetPolicy(r.As("admin", auth.RoleCityAdmin, auth.WholeCity), r.Ward.ID, unit.Policy{NeedsApproval: true}))
	b, m := r.login(t, "lan"), r.login(t, "minh")
	p := toCheck(t, b, card).submit(b, "Gửi phê duyệt", nil).want(t, 200, "Chờ phê duyệt")
	id := strings.Split(p.url.Path, "/")[2]
	b.get("/counter/approvals").want(t, 403)
	b.post("/counter/approvals/"+id+"/approve", nil).want(t, 403)
	m.get("/counter/approvals").want(t, 200, "Nguyễn Thị Mỹ Lệ Quỳnh")
	q := m.get("/counter/approvals/"+id).want(t, 200, "001*******45")
	q.submit(m, "Hiện số", nil).want(t, 422, "Chưa ghi lý do")
	q.submit(m, "Hiện số", url.Values{"reveal_reason": {"đối chiếu hồ sơ giấy"}}).want(t, 200, "001190012345")
	q.submit(m, "Không phê duyệt", nil).want(t, 422, "Chưa ghi lý do")
	q.submit(m, "Phê duyệt và cấp", nil).want(t, 200, "Đã phê duyệt và cấp chứng thư")
	q.submit(m, "Phê duyệt và cấp", nil).want(t, 200, "Đã phê duyệt và cấp chứng thư") // twice is once
	if n := r.count(t, `SELECT count(*) FROM certificates WHERE kind = 'citizen'`); n != 1 {
		t.Errorf("%d certificates", n)
	}
	b.get(p.url.Path).want(t, 200, "Đã cấp chứng thư")

	p = toCheck(t, b, strings.Replace(card, "001190012345", "001190012347", 1)).submit(b, "Gửi phê duyệt", nil).want(t, 200, "Chờ phê duyệt")
	id = strings.Split(p.url.Path, "/")[2]
	q = m.get("/counter/approvals/" + id)
	q.submit(m, "Không phê duyệt", url.Values{"reason": {"ảnh không khớp"}}).want(t, 200, "ảnh không khớp")
	b.get("/counter").want(t, 200, "Không phê duyệt")
}

func TestCertificatesAreFoundSuspendedAndRevoked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.login(t, "lan")
	toCheck(t, b, card).submit(b, "Cấp chứng thư", nil).want(t, 200, "Đã cấp")
	for _, q := range []string{"001190012345", "nguyen thi my le", "Mỹ Lệ Quỳnh"} {
		p := b.get("/counter/search").submit(b, "Tra cứu", url.Values{"q": {q}}).want(t, 200, "Nguyễn Thị Mỹ Lệ Quỳnh", "Chưa kích hoạt")
		if strings.Contains(p.url.String(), "001190012345") {
			t.Error("an identity number stands in an address")
		}
	}
	b.get("/counter/search").submit(b, "Tra cứu", url.Values{"q": {"00119001234"}}).want(t, 422, "12 chữ số")
	b.get("/counter/search").submit(b, "Tra cứu", url.Values{"q": {"không ai"}}).want(t, 200, "Không tìm thấy chứng thư")
	id := r.text(t, `SELECT id FROM certificates WHERE kind = 'citizen'`)
	to := "/counter/certificates/" + id
	b.get(to+"/suspend").submit(b, "Tạm dừng", nil).want(t, 200, "Tạm dừng")
	b.get(to+"/reinstate").submit(b, "Khôi phục", nil).want(t, 200, "Chưa kích hoạt")
	p := b.get(to + "/revoke")
	p.submit(b, "Thu hồi", nil).want(t, 422, "Chọn lý do thu hồi")
	p.submit(b, "Thu hồi", url.Values{"reason": {"key_compromise"}, "invalid_at": {"01/01/2030"}}).want(t, 422, "không ở tương lai")
	p.submit(b, "Thu hồi", url.Values{"reason": {"key_compromise"}}).want(t, 200, "Đã thu hồi", "lộ khóa")
	p.submit(b, "Thu hồi", url.Values{"reason": {"key_compromise"}}).want(t, 200, "Đã thu hồi") // twice is once
	b.get(to+"/nonsense").want(t, 404)
}

func TestAnotherUnitsPapersAreNotThere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b, stranger, signer := r.login(t, "lan"), r.login(t, "la"), r.login(t, "vuong")
	p := toCheck(t, b, card)
	id := strings.Split(p.url.Path, "/")[2]
	for _, path := range []string{"details", "identity", "consent", "check", "done", "print"} {
		stranger.get("/counter/"+id+"/"+path).want(t, 404, "Không tìm thấy")
	}
	stranger.get("/counter/no-such-id/details").want(t, 404)
	stranger.post("/counter/"+id+"/check", url.Values{"op": {"0123456789abcdef"}}).want(t, 404)
	stranger.post("/counter/"+id+"/cancel", nil).want(t, 404)
	signer.get("/counter").want(t, 403)
	doc := r.document(t, "d1", "Quyết định")
	far := r.login(t, "xa")
	for _, path := range []string{"", "/file", "/pages/1/1", "/return", "/seal", "/evidence"} {
		far.get("/inbox/"+doc.ID+path).want(t, 404)
	}
	far.post("/inbox/"+doc.ID+"/refuse", url.Values{"op": {"0123456789abcdef"}, "reason": {"x"}}).want(t, 404)
	far.post("/inbox/confirm", url.Values{"documents": {"sign:" + doc.ID}}).want(t, 404)
	b.get("/inbox").want(t, 403)
}

func TestWhoIsNotLoggedInIsSentToTheLoginAndBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.browser(t)
	p := b.get("/counter/search")
	if p.url.Path != "/login" || p.url.Query().Get("next") != "/counter/search" {
		t.Fatalf("ended at %s", p.url)
	}
	p.submit(b, "Đăng nhập", url.Values{"login": {"lan"}, "password": {"sai"}}).want(t, 422, "Tên đăng nhập hoặc mật khẩu không đúng")
	p = p.submit(b, "Đăng nhập", url.Values{"login": {"lan"}, "password": {password}}).want(t, 200, "Mã xác thực")
	if got := b.get("/counter"); got.url.Path != "/login" {
		t.Fatalf("half a login opens %s", got.url)
	}
	p.submit(b, "Đăng nhập", url.Values{"otp": {"111111"}}).want(t, 403, "Mã xác thực không đúng")
	p = p.submit(b, "Đăng nhập", url.Values{"otp": {"000000"}}).want(t, 200, "Tra cứu chứng thư")
	if p.url.Path != "/counter/search" || p.header.Get("Cache-Control") != "private, no-cache" {
		t.Fatalf("ended at %s with %q", p.url, p.header.Get("Cache-Control"))
	}
	if p := b.post("/logout", nil); p.url.Path != "/login" {
		t.Fatalf("logout ended at %s", p.url)
	}
	if p := b.get("/counter"); p.url.Path != "/login" {
		t.Fatal("the session is still there")
	}
	for _, next := range []string{"//evil.example", "https://evil.example/", `/\evil.example`, "/%5cevil", "javascript:1", "/a b"} {
		p := b.get("/login?next=" + url.QueryEscape(next))
		p = p.submit(b, "Đăng nhập", url.Values{"login": {"minh"}, "password": {password}})
		if !strings.HasPrefix(p.url.String(), r.url+"/") {
			t.Errorf("next=%s leads to %s", next, p.url)
		}
		b.post("/logout", nil)
	}
	// A form sent after the session ended is not lost without a word.
	b = r.login(t, "lan")
	p = b.get("/counter")
	r.Advance(auth.SessionIdle + time.Minute)
	p.submit(b, "Tìm công dân", url.Values{"qr": {card}}).want(t, 200, "Phiên làm việc đã kết thúc")
}

func (r *rig) count(t testing.TB, query string) (n int) {
	t.Helper()
	db, _ := r.Store.DB()
	must(t, db.QueryRow(query).Scan(&n))
	return n
}

func (r *rig) text(t testing.TB, query string) (s string) {
	t.Helper()
	db, _ := r.Store.DB()
	must(t, db.QueryRow(query).Scan(&s))
	return s
}
