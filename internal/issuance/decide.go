package issuance

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/kyso-vn/kyso/internal/auth"
)

// Approve is the second person's yes; it issues the certificate. Refusals: ErrSamePerson,
// ErrState. Approving again what is approved goes on with the issuing.
func (d *Desk) Approve(ctx context.Context, id string) (ApplicationView, error) {
	a, app, err := d.application(ctx, auth.ApplicationApprove, id)
	if err != nil {
		return ApplicationView{}, err
	}
	again := app.DecidedBy == a.ID() && (app.State == Approved || app.State == Issued || app.State == Failed)
	if !again {
		if app, err = d.decide(ctx, a, app, Approved, ""); err != nil {
			return ApplicationView{}, err
		}
	}
	return d.finish(ctx, a, app)
}

// Reject is the second person's no, with a reason that the counter sees.
func (d *Desk) Reject(ctx context.Context, id, reason string) (ApplicationView, error) {
	a, app, err := d.application(ctx, auth.ApplicationApprove, id)
	if err != nil {
		return ApplicationView{}, err
	}
	if !reasonable(&reason) {
		return ApplicationView{}, ErrReason
	}
	app, err = d.decide(ctx, a, app, Rejected, reason)
	return viewApplication(app), err
}

// reasonable trims a reason and reports whether it is one that can be shown and logged.
func reasonable(reason *string) bool {
	*reason = strings.TrimSpace(*reason)
	return *reason != "" && utf8.RuneCountInString(*reason) <= maxText && !strings.ContainsFunc(*reason, invisible)
}

// Cancel takes back a draft or an application that nobody has decided yet.
func (d *Desk) Cancel(ctx context.Context, id string) (ApplicationView, error) {
	a, app, err := d.own(ctx, id)
	if err != nil {
		return ApplicationView{}, err
	}
	app, err = d.decide(ctx, a, app, Cancelled, "")
	return viewApplication(app), err
}

func (d *Desk) decide(ctx context.Context, a auth.Actor, app Application, to State, reason string) (Application, error) {
	now := d.now()
	action := map[State]string{Approved: "application.approve", Rejected: "application.reject", Cancelled: "application.cancel"}[to]
	e := d.event(a, now, action, "application:"+app.ID, app.UnitID)
	// A person may have two accounts, a client has no person: compare both.
	if to != Cancelled && (a.ID() == app.RequestedBy || a.PersonID != "" && a.PersonID == app.RequestedPerson) {
		return app, d.refused(ctx, e, ErrSamePerson)
	}
	decision := Decision{ApplicationID: app.ID, To: to, Reason: reason, At: now, Event: e}
	if to != Cancelled {
		decision.By, decision.Person = a.ID(), a.PersonID
	}
	decided, err := d.Store.Decide(ctx, decision)
	if err != nil {
		return app, d.refused(ctx, e, err)
	}
	return decided, nil
}
