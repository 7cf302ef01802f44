package api

import (
	"context"
	"net/http"
	"time"

	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/pki"
)

// revocation says why a certificate ends.
type revocation struct {
	// Reason is a word such as key_compromise or superseded.
	Reason string `json:"reason"`
	// InvalidAt is when the key is thought to have been lost.
	InvalidAt time.Time `json:"invalid_at,omitzero"`
}

func (a *api) certificates() {
	const tag = "certificates"
	post(a, route{path: "/certificates/search", tag: tag, summary: "Find certificates by identity number, name, serial number, subject or unit"},
		func(ctx context.Context, _ *struct{}, q issuance.CertificateQuery) (issuance.Page[issuance.CertificateView], error) {
			return a.Desk.Search(ctx, q)
		})
	get(a, route{path: "/certificates/{id}", tag: tag, summary: "Show a certificate"},
		func(ctx context.Context, p *byID) (issuance.CertificateView, error) {
			return a.Desk.Certificate(ctx, p.ID)
		})
	handle(a, route{method: http.MethodGet, path: "/certificates/{id}/der", tag: tag, summary: "Get a certificate's bytes",
		produces: []string{"application/pkix-cert"}}, func(w http.ResponseWriter, r *http.Request, p *byID) error {
		der, err := a.Desk.CertificateDER(r.Context(), p.ID)
		if err != nil {
			return err
		}
		download(w, "application/pkix-cert", "certificate.cer")
		_, _ = w.Write(der) // the client may be gone
		return nil
	})
	post(a, route{path: "/certificates/{id}/renew", tag: tag, status: http.StatusCreated, summary: "Renew (gia hạn): a new key and certificate"},
		func(ctx context.Context, p *byID, _ empty) (issuance.ApplicationView, error) {
			return a.Desk.Renew(ctx, p.ID)
		})
	post(a, route{path: "/certificates/{id}/reissue", tag: tag, status: http.StatusCreated, summary: "Re-issue (cấp lại): the old one is revoked"},
		func(ctx context.Context, p *byID, _ empty) (issuance.ApplicationView, error) {
			return a.Desk.Reissue(ctx, p.ID)
		})
	post(a, route{path: "/certificates/{id}/suspend", tag: tag, summary: "Suspend (tạm dừng)"},
		func(ctx context.Context, p *byID, _ empty) (issuance.CertificateView, error) {
			return a.Desk.Suspend(ctx, p.ID)
		})
	post(a, route{path: "/certificates/{id}/reinstate", tag: tag, summary: "Reinstate (khôi phục)"},
		func(ctx context.Context, p *byID, _ empty) (issuance.CertificateView, error) {
			return a.Desk.Reinstate(ctx, p.ID)
		})
	post(a, route{path: "/certificates/{id}/revoke", tag: tag, summary: "Revoke (thu hồi)"},
		func(ctx context.Context, p *byID, b revocation) (issuance.CertificateView, error) {
			reason, err := pki.ParseReason(b.Reason)
			if err != nil {
				return issuance.CertificateView{}, issuance.ErrRevocationReason.Wrap(err)
			}
			return a.Desk.Revoke(ctx, p.ID, reason, b.InvalidAt)
		})
}
