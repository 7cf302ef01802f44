package api

import (
	"context"
	"net/http"

	"github.com/kyso-vn/kyso/internal/issuance"
)

// byID names one object.
type byID struct {
	ID string `path:"id" maxLength:"64"`
}

// because is why somebody does something.
type because struct {
	Reason string `json:"reason"`
}

type listApplications struct {
	UnitID      string           `query:"unit_id" maxLength:"64"`
	States      []issuance.State `query:"state"`
	RequestedBy string           `query:"requested_by" maxLength:"128"`
	Cursor      string           `query:"cursor" maxLength:"256"`
	Limit       int              `query:"limit" minimum:"1" maximum:"200"`
}

// activation is how the owner accepts a certificate.
type activation struct {
	Code string `json:"code"`
	PIN  string `json:"pin"`
	// Accept says that the certificate's content is right.
	Accept bool `json:"accept"`
}

func (a *api) applications() {
	const tag = "applications"
	post(a, route{path: "/applications", tag: tag, status: http.StatusCreated,
		summary: "Apply for a certificate; it is issued at once where the unit asks for no approval"},
		func(ctx context.Context, _ *struct{}, f issuance.Form) (issuance.ApplicationView, error) {
			return a.Desk.Submit(ctx, f)
		})
	get(a, route{path: "/applications", tag: tag, summary: "List applications, newest first"},
		func(ctx context.Context, p *listApplications) (issuance.Page[issuance.ApplicationView], error) {
			return a.Desk.List(ctx, issuance.ApplicationQuery{UnitID: p.UnitID, States: p.States, RequestedBy: p.RequestedBy, Cursor: p.Cursor, Limit: p.Limit})
		})
	get(a, route{path: "/applications/{id}", tag: tag, summary: "Show an application"},
		func(ctx context.Context, p *byID) (issuance.ApplicationView, error) { return a.Desk.Get(ctx, p.ID) })
	post(a, route{path: "/applications/{id}/approve", tag: tag, summary: "Approve, as a second person; issues the certificate"},
		func(ctx context.Context, p *byID, _ empty) (issuance.ApplicationView, error) {
			return a.Desk.Approve(ctx, p.ID)
		})
	post(a, route{path: "/applications/{id}/reject", tag: tag, summary: "Reject, as a second person"},
		func(ctx context.Context, p *byID, b because) (issuance.ApplicationView, error) {
			return a.Desk.Reject(ctx, p.ID, b.Reason)
		})
	post(a, route{path: "/applications/{id}/activate", tag: tag, access: anyone,
		summary: "Accept the certificate and choose a PIN; the activation code is the proof"},
		func(ctx context.Context, p *byID, b activation) (issuance.CertificateView, error) {
			return a.Desk.Activate(ctx, p.ID, b.Code, b.PIN, b.Accept)
		})
}
