package web_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/kyso-vn/kyso/internal/testkit/softagent"
)

const chromium = "/usr/bin/chromium"

// screen is a real browser in a window; it notes what the page's policy blocked, what went
// wrong in a script, and what was loaded from elsewhere.
type screen struct {
	t    *testing.T
	r    *rig
	ctx  context.Context
	name string
	shot int

	mu    sync.Mutex
	wrong []string
	seen  int // requests
}

func (r *rig) screen(t *testing.T, name string, width, height int) *screen {
	t.Helper()
	if _, err := os.Stat(chromium); err != nil {
		t.Fatalf("chromium is needed: %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WindowSize(width, height), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "vi"))
	s := &screen{t: t, r: r, name: name}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	s.ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		if err := chromedp.Cancel(s.ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		cancel()
	})
	s.do(chromedp.EmulateViewport(int64(width), int64(height)))
	must(t, chromedp.Listen(s.ctx, s.listen))
	_, err := chromedp.Call(s.ctx, cdplog.Enable, cdp.Empty{})
	must(t, err)
	_, err = chromedp.Call(s.ctx, runtime.Enable, cdp.Empty{})
	must(t, err)
	_, err = chromedp.Call(s.ctx, network.Enable, network.EnableParams{})
	must(t, err)
	return s
}

func (s *screen) listen(event any) {
	note := func(format string, args ...any) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
	}
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		note("exception: %s", e.ExceptionDetails.Text)
	case *cdplog.EventEntryAdded:
		if string(e.Entry.Level) == "error" && !strings.Contains(e.Entry.Text, "status of 4") { // refusals are answers
			note("log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if s.seen++; !strings.HasPrefix(e.Request.URL, s.r.url+"/") {
			note("request to %s", e.Request.URL)
		}
	}
}

func (s *screen) do(actions ...chromedp.Action[chromedp.Void]) {
	s.t.Helper()
	must(s.t, chromedp.Do(s.ctx, actions...))
}

func evaluate[T any](s *screen, expression string) T {
	s.t.Helper()
	v, err := chromedp.Run(s.ctx, chromedp.Evaluate[T](expression))
	must(s.t, err)
	return v
}

// open goes to a page and keeps a picture of it.
func (s *screen) open(path string) {
	s.t.Helper()
	s.do(chromedp.Navigate(s.r.url + path))
	s.keep()
}

// load clicks and waits for the page that comes.
func (s *screen) load(element chromedp.JSPath) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(element)); err != nil {
		s.t.Fatalf("%s: click on %s at %s: %v", s.name, element, evaluate[string](s, "location.href"), err)
	}
}

// press clicks the button that begins with text and keeps a picture of what comes.
func (s *screen) press(text string) {
	s.t.Helper()
	s.load(chromedp.JSPath(fmt.Sprintf(`[...document.querySelectorAll("main button")].find(b => b.textContent.trim().startsWith(%q))`, text)))
	s.keep()
}

// fill types into a field, as a scanner or a hand does.
func (s *screen) fill(id, value string) {
	s.t.Helper()
	evaluate[bool](s, fmt.Sprintf(`document.getElementById(%q).value = "", true`, id))
	s.do(chromedp.SendKeys(chromedp.CSS(`[id="`+id+`"]`), value))
}

func (s *screen) tick(selector string) {
	s.t.Helper()
	s.do(chromedp.Click(chromedp.CSS(selector)))
}

// keep stores a picture of the whole page, and checks that nothing lies beside the window.
func (s *screen) keep() {
	s.t.Helper()
	if evaluate[bool](s, `document.documentElement.scrollWidth > document.documentElement.clientWidth`) {
		s.t.Errorf("%s: the page %q is wider than its window", s.name, s.heading())
	}
	if !evaluate[bool](s, `document.body.classList.contains("govuk-frontend-supported")`) {
		s.t.Errorf("%s: the script did not run on %q", s.name, s.heading())
	}
	png, err := chromedp.Run(s.ctx, chromedp.FullScreenshot(100))
	must(s.t, err)
	s.shot++
	must(s.t, os.WriteFile(filepath.Join(s.t.ArtifactDir(), fmt.Sprintf("%s-%02d.png", s.name, s.shot)), png, 0o600))
}

func (s *screen) heading() string {
	return strings.TrimSpace(evaluate[string](s, `document.querySelector("h1").textContent`))
}

func (s *screen) login(login string) {
	s.t.Helper()
	s.open("/login")
	s.fill("login", login)
	s.fill("password", password)
	s.press("Đăng nhập")
	if evaluate[string](s, "location.pathname") == "/login/confirm" {
		s.fill("otp", softagent.OTP)
		s.press("Đăng nhập")
	}
}

func (s *screen) logout() {
	s.t.Helper()
	s.load(`document.querySelector("header button")`)
}

// heads fails unless the page's heading begins with text.
func (s *screen) heads(text string) {
	s.t.Helper()
	if got := s.heading(); !strings.HasPrefix(got, text) {
		s.t.Fatalf("%s: the page is %q, want %q", s.name, got, text)
	}
}

func TestChromiumWalksThePagesAtBothSizes(t *testing.T) {
	t.Parallel()
	for _, size := range []struct {
		name          string
		width, height int
	}{{"wide", 1366, 660}, {"phone", 390, 844}} {
		t.Run(size.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			for i, subject := range []string{"Về việc phân công phụ trách điểm phục vụ hành chính công phường Ba Đình", "Về việc thành lập Tổ công tác chuyển đổi số"} {
				r.document(t, fmt.Sprint(i), subject)
			}
			s := r.screen(t, size.name, size.width, size.height)
			s.counter()
			s.signing()
			s.reading()
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.seen < 50 {
				t.Errorf("the browser told of %d requests only", s.seen)
			}
			if len(s.wrong) > 0 {
				t.Errorf("the browser complains: %s", strings.Join(s.wrong, "\n"))
			}
		})
	}
}

func (s *screen) counter() {
	s.open("/")
	s.login("lan")
	s.heads("Quét mã QR")
	s.fill("qr", "không phải mã")
	s.press("Tìm công dân")
	if focused := evaluate[string](s, `document.activeElement.className`); !strings.Contains(focused, "govuk-error-summary") {
		s.t.Errorf("after an error the focus is on %q", focused)
	}
	s.fill("qr", card)
	s.press("Tìm công dân")
	s.fill("identity", "00119001234")
	s.press("Lưu và tiếp tục")
	s.heads("Kiểm tra thông tin")
	s.fill("identity", "001190012345")
	s.fill("phone", "0912345321")
	s.press("Lưu và tiếp tục")
	s.tick(`[id="proof.method"]`)
	s.press("Lưu và tiếp tục")
	s.tick("#contract")
	s.tick("#consent")
	s.press("Lưu và tiếp tục")
	s.press("Cấp chứng thư")
	s.heads("Đã cấp chứng thư")
	s.open("/counter")
	s.open("/counter/search")
	s.fill("q", "my le quynh")
	s.press("Tra cứu")
	s.open("/counter/certificates/" + s.r.text(s.t, `SELECT id FROM certificates WHERE kind = 'citizen'`) + "/revoke")
	s.open("/nowhere")
	s.logout()
}

func (s *screen) signing() {
	s.login("vuong")
	s.heads("Chờ ký: 2 văn bản")
	s.tick(`tr:nth-child(1) input[name="documents"]`)
	s.tick(`tr:nth-child(2) input[name="documents"]`)
	s.press("Xem lại và ký")
	s.fill("pin", "1")
	s.fill("otp", "2")
	s.press("Ký 2 văn bản")
	s.fill("pin", pin)
	s.fill("otp", softagent.OTP)
	s.press("Ký 2 văn bản")
	s.heads("Ký số thành công")
	s.open("/inbox/signed")
	s.logout()
	s.login("hoa")
	id := s.r.text(s.t, `SELECT id FROM documents ORDER BY id LIMIT 1`)
	s.open("/inbox/" + id)
	s.open("/inbox/" + id + "/seal")
	s.fill("number", "12/QĐ-UBND")
	s.press("Tiếp tục")
	s.fill("otp", softagent.OTP)
	s.press("Đóng dấu")
	s.open("/inbox/" + id + "?page=1")
	s.open("/inbox/" + id + "/return")
	s.logout()
}

func (s *screen) reading() {
	s.login("head")
	s.heads("Báo cáo cấp chứng thư")
	s.open("/reports/issuance?from=2026-11-01&to=2026-11-21&by=day")
	s.open("/reports/documents")
	s.logout()
	s.open("/me/activate")
	s.open("/help")
	id := s.r.text(s.t, `SELECT id FROM documents ORDER BY id LIMIT 1`)
	b := s.r.login(s.t, "hoa")
	signed := []byte(b.get("/inbox/" + id + "/file").body)
	dir := s.t.TempDir()
	unsigned, err := os.ReadFile("../../../testdata/pdf/quyet-dinh.pdf")
	must(s.t, err)
	broken := append([]byte{}, signed...)
	broken[len(unsigned)/2] ^= 1
	for i, file := range [][]byte{signed, broken, unsigned, []byte("hello"), signed[:len(signed)-5000]} {
		name := filepath.Join(dir, fmt.Sprintf("van-ban-%d.pdf", i))
		must(s.t, os.WriteFile(name, file, 0o600))
		s.open("/verify")
		s.do(chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{name}))
		s.press("Kiểm tra")
	}
}
