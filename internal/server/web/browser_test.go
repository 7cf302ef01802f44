package web_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/kyso-vn/kyso/internal/testkit/softagent"
)

// browser is a browser without scripts: it keeps cookies, follows redirects, fills in forms,
// and checks every page it gets.
type browser struct {
	t      testing.TB
	base   string
	client *http.Client
}

// page is an answer.
type page struct {
	status int
	url    *url.URL
	header http.Header
	body   string
	doc    *html.Node
}

func (r *rig) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &browser{t: t, base: r.url, client: &http.Client{Jar: jar}}
}

// login is a browser in which somebody is logged in.
func (r *rig) login(t testing.TB, login string) *browser {
	t.Helper()
	b := r.browser(t)
	p := b.get("/login").submit(b, "Đăng nhập", url.Values{"login": {login}, "password": {password}})
	if p.url.Path == "/login/confirm" {
		p = p.submit(b, "Đăng nhập", url.Values{"otp": {softagent.OTP}})
	}
	if p.status != http.StatusOK || strings.HasPrefix(p.url.Path, "/login") {
		t.Fatalf("login of %s ended at %s with %d: %s", login, p.url, p.status, p.text())
	}
	return b
}

func (b *browser) get(path string) *page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.base+path, nil)
	must(b.t, err)
	return b.do(req)
}

func (b *browser) post(path string, form url.Values) *page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.base+path, strings.NewReader(form.Encode()))
	must(b.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req)
}

func (b *browser) upload(path, field, name string, content []byte) *page {
	b.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	w, err := m.CreateFormFile(field, name)
	must(b.t, err)
	_, err = w.Write(content)
	must(b.t, err)
	must(b.t, m.Close())
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.base+path, &body)
	must(b.t, err)
	req.Header.Set("Content-Type", m.FormDataContentType())
	return b.do(req)
}

func (b *browser) do(req *http.Request) *page {
	b.t.Helper()
	res, err := b.client.Do(req)
	must(b.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(b.t, err)
	p := &page{status: res.StatusCode, url: res.Request.URL, header: res.Header, body: string(body)}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		p.doc, err = html.Parse(strings.NewReader(p.body))
		must(b.t, err)
		p.check(b.t)
	}
	return p
}

// check holds what is true of every page: nothing that the content security policy would
// block, one h1, labels for fields, ids that are there once.
func (p *page) check(t testing.TB) {
	t.Helper()
	if !strings.Contains(p.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%s: no content security policy", p.url)
	}
	h1, ids := 0, map[string]bool{}
	labels := map[string]bool{}
	for n := range p.doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "label" {
			labels[attr(n, "for")] = true
		}
	}
	for n := range p.doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "h1" {
			h1++
		}
		if n.Data == "style" || n.Data == "script" && n.FirstChild != nil {
			t.Errorf("%s: inline <%s>", p.url, n.Data)
		}
		for _, a := range n.Attr {
			saved := attr(n, "download") != "" && strings.HasPrefix(a.Val, "data:application/json;base64,")
			outside := !saved && (a.Key == "src" || a.Key == "href" || a.Key == "action") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "?")
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || outside || strings.Contains(a.Val, "javascript:") || strings.Contains(a.Val, "ZgotmplZ") {
				t.Errorf("%s: <%s %s=%q>", p.url, n.Data, a.Key, a.Val)
			}
		}
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				t.Errorf("%s: two elements with id %q", p.url, id)
			}
			ids[id] = true
		}
		if (n.Data == "input" || n.Data == "select" || n.Data == "textarea") && attr(n, "type") != "hidden" && !labels[attr(n, "id")] {
			t.Errorf("%s: field %q has no label", p.url, attr(n, "name"))
		}
	}
	if h1 != 1 {
		t.Errorf("%s: %d h1", p.url, h1)
	}
	for n := range p.doc.Descendants() {
		if h := attr(n, "href"); strings.HasPrefix(h, "#") && !ids[h[1:]] {
			t.Errorf("%s: nothing is at %s", p.url, h)
		}
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// text is what a reader reads.
func (p *page) text() string {
	if p.doc == nil {
		return p.body
	}
	for n := range p.doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "main" {
			return textOf(n)
		}
	}
	return textOf(p.doc)
}

// form finds the form with a button, with all that is filled in by now.
func (p *page) form(t testing.TB, button string) (action string, fields url.Values) {
	t.Helper()
	for n := range p.doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" {
			continue
		}
		fields, found := url.Values{}, false
		for f := range n.Descendants() {
			switch name := attr(f, "name"); {
			case f.Data == "button" && strings.HasPrefix(textOf(f), button) && !found:
				found = true
				if name != "" {
					fields.Add(name, attr(f, "value"))
				}
			case f.Data == "input" && (attr(f, "type") == "radio" || attr(f, "type") == "checkbox"):
				if slices.ContainsFunc(f.Attr, func(a html.Attribute) bool { return a.Key == "checked" }) {
					fields.Add(name, attr(f, "value"))
				}
			case f.Data == "input" && name != "":
				fields.Add(name, attr(f, "value"))
			case f.Data == "textarea":
				fields.Add(name, textOf(f))
			case f.Data == "option" && slices.ContainsFunc(f.Attr, func(a html.Attribute) bool { return a.Key == "selected" }):
				fields.Add(attr(f.Parent, "name"), attr(f, "value"))
			}
		}
		if found {
			return attr(n, "action"), fields
		}
	}
	t.Fatalf("%s: no form with the button %q on: %s", p.url, button, p.text())
	return "", nil
}

// submit presses a button after filling in values; an empty list of values unticks.
func (p *page) submit(b *browser, button string, values url.Values) *page {
	b.t.Helper()
	action, fields := p.form(b.t, button)
	for k, v := range values {
		fields[k] = v
	}
	return b.post(action, fields)
}

// want fails unless the page has the status and says all of words.
func (p *page) want(t testing.TB, status int, words ...string) *page {
	t.Helper()
	if p.status != status {
		t.Fatalf("%s answers %d, want %d: %s", p.url, p.status, status, p.text())
	}
	for _, w := range words {
		if !strings.Contains(p.text(), w) {
			t.Fatalf("%s does not say %q: %s", p.url, w, p.text())
		}
	}
	return p
}

// field returns what stands in a field.
func (p *page) field(id string) string {
	for n := range p.doc.Descendants() {
		if attr(n, "id") == id {
			return attr(n, "value")
		}
	}
	return ""
}
