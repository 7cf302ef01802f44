package web

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"math"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/server"
)

//go:embed templates/*.html
var templateFiles embed.FS

// templates parses each page together with the layout and the parts.
func (p *pages) templates() (map[string]*template.Template, error) {
	base, err := template.New("layout.html").Funcs(p.funcs()).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	out := map[string]*template.Template{}
	for _, f := range files {
		name := strings.TrimSuffix(path.Base(f), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		t, err := base.Clone()
		if err != nil {
			return nil, err
		}
		if out[name], err = t.ParseFS(templateFiles, f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// wrong is a line of the error summary. Field is the id of the field, or a whole address.
type wrong struct{ Field, Text string }

// view is what every template gets; Data is the page's own.
type view struct {
	Path      string
	LoggedIn  bool
	Who       string
	Place     string
	Nav       []navItem
	RequestID string
	Wrong     []wrong
	Op        string
	Data      any
}

type navItem struct {
	Href, Key string
	Here      bool
}

// Err returns what is wrong with a field, "" when nothing is.
func (v *view) Err(field string) string {
	for _, w := range v.Wrong {
		if w.Field == field {
			return w.Text
		}
	}
	return ""
}

// render sends a page. wrong are the refusals of what was sent, if any.
func (p *pages) render(w http.ResponseWriter, r *http.Request, status int, name string, data any, bad ...wrong) error {
	actor, ok := auth.ActorFrom(r.Context())
	v := &view{Path: r.URL.Path, LoggedIn: ok, RequestID: server.RequestID(r.Context()), Wrong: bad, Op: newOp(), Data: data}
	if ok {
		v.Who, _ = r.Context().Value(displayNameKey{}).(string)
		if v.Who == "" {
			v.Who = actor.Name
		}
		v.Place = p.placeName(r, actor)
		v.Nav = p.nav(r, actor)
	}
	var b bytes.Buffer
	if err := p.tmpl[name].Execute(&b, v); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, no-cache")
	}
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the client may be gone
	return nil
}

// placeName is the unit of the actor's first role, as the header shows it.
func (p *pages) placeName(r *http.Request, a auth.Actor) string {
	for _, g := range a.Grants {
		if g.UnitID == auth.WholeCity || g.UnitID == "" {
			continue
		}
		if u, err := p.o.Units.Get(r.Context(), g.UnitID); err == nil {
			return u.Name
		}
	}
	return ""
}

// nav lists where the actor works.
func (p *pages) nav(r *http.Request, a auth.Actor) []navItem {
	var out []navItem
	add := func(href, key string, roles ...auth.Role) {
		if len(roles) == 0 || p.has(a, roles...) {
			out = append(out, navItem{Href: href, Key: key})
		}
	}
	add("/counter", "counter", auth.RoleCounter)
	add("/counter/approvals", "approvals", auth.RoleApprover)
	add("/counter/search", "search", auth.RoleCounter, auth.RoleApprover, auth.RoleUnitAdmin, auth.RoleCityAdmin, auth.RoleAuditor)
	add("/inbox", "inbox", auth.RoleSigner, auth.RoleClerk)
	add("/inbox/signed", "signed", auth.RoleSigner, auth.RoleClerk)
	add("/reports/issuance", "report-issuance", auth.RoleUnitAdmin, auth.RoleCityAdmin, auth.RoleAuditor)
	add("/reports/documents", "report-documents", auth.RoleUnitAdmin, auth.RoleCityAdmin, auth.RoleAuditor)
	add("/me", "me")
	add("/verify", "verify")
	at := -1 // the longest address that the page lies under
	for i, n := range out {
		if (r.URL.Path == n.Href || strings.HasPrefix(r.URL.Path, n.Href+"/")) && (at < 0 || len(n.Href) > len(out[at].Href)) {
			at = i
		}
	}
	if at >= 0 {
		out[at].Here = true
	}
	return out
}

type problemPage struct {
	Status     int
	Text, Code string
	Signing    bool
}

// fail answers an error as a page of its own.
func (p *pages) fail(w http.ResponseWriter, r *http.Request, err error) {
	e, status := server.Refusal(r, p.o.Log, err)
	if status == http.StatusUnauthorized {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	data := problemPage{Status: status, Text: e.Text("vi"), Code: e.Code, Signing: status == http.StatusServiceUnavailable && strings.HasPrefix(r.URL.Path, "/inbox")}
	if err := p.render(w, r, status, "problem", data); err != nil {
		p.o.Log.Error("render a problem", "err", err, "request_id", server.RequestID(r.Context()))
		http.Error(w, "Hệ thống đang bận.", http.StatusInternalServerError)
	}
}

// refusal splits an error into lines of the error summary. ok is false when it is nothing
// that a person can mend on the page it came from: a fault, or an object out of reach.
// fields translates codes and service fields to the ids of the form's fields.
func (p *pages) refusal(r *http.Request, err error, fields map[string]string) (bad []wrong, status int, ok bool) {
	list := flatten(err)
	if len(list) == 0 {
		return nil, 0, false
	}
	for _, e := range list {
		if e.Kind == errs.Fault || e.Kind == errs.NotFound || e.Kind == errs.Unauthenticated && e.Code == auth.ErrUnauthenticated.Code ||
			e.Code == auth.ErrDenied.Code {
			return nil, 0, false
		}
		_, status = server.Refusal(r, p.o.Log, e)
		field := e.Field
		if f, mapped := fields[e.Code]; mapped {
			field = f
		} else if f, mapped := fields[field]; mapped {
			field = f
		}
		bad = append(bad, wrong{Field: field, Text: e.Text("vi")})
	}
	if status == http.StatusUnauthorized { // a browser would ask for a password of its own
		status = http.StatusUnprocessableEntity
	}
	return bad, status, true
}

// flatten finds every errs.Error in err; nothing when a part of it is something else.
func flatten(err error) []*errs.Error {
	if e, ok := err.(*errs.Error); ok { //nolint:errorlint // the chain is walked by hand, to find all of them
		return []*errs.Error{e}
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []*errs.Error
		for _, x := range many.Unwrap() {
			part := flatten(x)
			if len(part) == 0 {
				return nil
			}
			out = append(out, part...)
		}
		return out
	}
	if inner := errors.Unwrap(err); inner != nil {
		return flatten(inner)
	}
	return nil
}
