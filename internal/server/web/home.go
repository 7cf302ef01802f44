package web

import (
	"net/http"

	"github.com/kyso-vn/kyso/internal/auth"
)

// home sends who has one place of work there, and lets others choose.
func (p *pages) home(w http.ResponseWriter, r *http.Request) error {
	if a, ok := auth.ActorFrom(r.Context()); ok {
		var work []string
		for _, n := range p.nav(r, a) {
			switch n.Key {
			case "counter", "approvals", "inbox", "report-issuance":
				work = append(work, n.Href)
			}
		}
		if len(work) == 1 {
			return see(w, r, work[0])
		}
	}
	return p.render(w, r, http.StatusOK, "home", nil)
}

func (p *pages) help(w http.ResponseWriter, r *http.Request) error {
	return p.render(w, r, http.StatusOK, "help", nil)
}
