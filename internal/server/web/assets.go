package web

import (
	"embed"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/auth"
)

//go:generate assets/build.sh

//go:embed static
var staticFiles embed.FS

// assets are the built style sheet and script by their name, which holds their hash.
type assets struct {
	files map[string]asset
	named map[string]string // "css", "js": the address
}

type asset struct{ plain, gzip []byte }

func readAssets() (assets, error) {
	a := assets{files: map[string]asset{}, named: map[string]string{}}
	names, err := fs.Glob(staticFiles, "static/*")
	if err != nil {
		return a, err
	}
	for _, n := range names {
		b, err := staticFiles.ReadFile(n)
		if err != nil {
			return a, err
		}
		name, zipped := strings.CutSuffix(path.Base(n), ".gz")
		f := a.files[name]
		if zipped {
			f.gzip = b
		} else {
			f.plain = b
			if strings.HasPrefix(name, "app.") {
				a.named[strings.TrimPrefix(path.Ext(name), ".")] = "/static/" + name
			}
		}
		a.files[name] = f
	}
	for _, kind := range []string{"css", "js"} {
		if a.named[kind] == "" {
			return a, fmt.Errorf("no app.*.%s", kind)
		}
	}
	return a, nil
}

func (a assets) href(kind string) string { return a.named[kind] }

// static serves the files. The names of built ones change with their content, so a browser
// may keep them for good.
func (p *pages) static(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "file")
	f, ok := p.assets.files[name]
	if !ok || f.plain == nil {
		p.fail(w, r, auth.ErrNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	h.Set("Cache-Control", "public, max-age=86400")
	if strings.HasPrefix(name, "app.") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Vary", "Accept-Encoding")
	body := f.plain
	if f.gzip != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.gzip
	}
	_, _ = w.Write(body) // the client may be gone
}
