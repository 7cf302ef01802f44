package web_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/internal/testkit/softagent"
)

const otherPIN = "59260481"

func TestAPINIsChangedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.login(t, "vuong")
	p := b.get("/me").want(t, 200, "Đổi mã PIN")
	if !strings.Contains(p.body, "/me/pin?credential=") {
		t.Fatal("no way from the certificate to its PIN")
	}
	p = b.get("/me/pin").want(t, 200, "Mã PIN đang dùng")
	for _, bad := range []struct{ old, new, again, says string }{
		{pin, otherPIN, "59260482", "không giống nhau"},
		{pin, "12345678", "12345678", "dãy dễ đoán"},
		{"90817263", otherPIN, otherPIN, "Sai mã PIN"},
	} {
		q := p.submit(b, "Đổi mã PIN", url.Values{"old_pin": {bad.old}, "pin": {bad.new}, "pin2": {bad.again}})
		if q.status < 400 || !strings.Contains(q.text(), bad.says) {
			t.Errorf("%d without %q: %s", q.status, bad.says, q.text())
		}
		for _, secret := range []string{bad.old, bad.new, bad.again} {
			if strings.Contains(q.body, secret) {
				t.Error("a PIN is on the page")
			}
		}
	}
	form := url.Values{"old_pin": {pin}, "pin": {otherPIN}, "pin2": {otherPIN}}
	p.submit(b, "Đổi mã PIN", form).want(t, 200, "Đã đổi mã PIN")
	p.submit(b, "Đổi mã PIN", form).want(t, 200, "Đã đổi mã PIN") // resent on a bad line
	r.document(t, "1", "Tờ trình")
	q := b.get("/inbox")
	id := r.text(t, `SELECT id FROM documents`)
	q = q.submit(b, "Xem lại và ký", url.Values{"documents": {"sign:" + id}})
	q.submit(b, "Ký 1 văn bản", url.Values{"pin": {pin}, "otp": {softagent.OTP}}).want(t, 403, "Sai mã PIN. Còn 4 lần.")
	q.submit(b, "Ký 1 văn bản", url.Values{"pin": {otherPIN}, "otp": {softagent.OTP}}).want(t, 200, "Ký số thành công")
}

func TestNobodyChangesThePINOfAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.text(t, `SELECT credential_id FROM certificates WHERE kind = 'officer'`)
	b := r.login(t, "hoa")
	p := b.get("/me/pin?credential="+id).want(t, 200, "Không có chứng thư nào")
	if strings.Contains(p.body, id) {
		t.Error("another's credential is shown")
	}
	b.post("/me/pin", url.Values{"op": {strings.Repeat("x", 20)}, "credential": {id}, "old_pin": {pin}, "pin": {otherPIN}, "pin2": {otherPIN}}).want(t, 404, "")
	if p := r.browser(t).get("/me/pin"); p.url.Path != "/login" {
		t.Errorf("a stranger is at %s", p.url)
	}
}

func TestPagesOfActsThatCannotBeDoneLeadBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	officer := r.text(t, `SELECT id FROM certificates WHERE kind = 'officer'`)
	for _, c := range []struct{ login, path, ends string }{
		{"head", "/counter/certificates/" + officer + "/reinstate", "/counter/certificates/" + officer}, // it is not suspended
		{"minh", "/counter/certificates/" + officer + "/revoke", "/counter/certificates/" + officer},    // who only approves
	} {
		if p := r.login(t, c.login).get(c.path); p.status != 200 || p.url.Path != c.ends {
			t.Errorf("%s at %s ends at %s with %d", c.login, c.path, p.url, p.status)
		}
	}
}
