package issuance

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
)

// verbOf returns what somebody must be allowed to do to apply for a kind of certificate.
func verbOf(kind pki.Kind) auth.Verb {
	switch kind {
	case pki.Officer:
		return auth.OfficerEnrol
	case pki.Organisation:
		return auth.SealEnrol
	}
	return auth.ApplicationSubmit
}

// SaveDraft keeps what was filled in so far: each step of the counter is stored when it is
// sent. An empty id begins a draft. Nothing is checked but the permission.
func (d *Desk) SaveDraft(ctx context.Context, id string, f Form) (ApplicationView, error) {
	a, err := auth.Require(ctx, verbOf(f.Kind), f.UnitID)
	if err != nil {
		return ApplicationView{}, d.denied(ctx, "application.draft", "application:"+id, f.UnitID, err)
	}
	now := d.now()
	f.clean()
	if _, err := d.place(ctx, f, unit.DayOf(now)); err != nil {
		return ApplicationView{}, err
	}
	app := Application{ID: id, Event: New, Kind: f.Kind, UnitID: f.UnitID, PointID: f.PointID, DeskID: f.DeskID, State: Draft,
		Name: f.Name, Test: f.Test, Form: f, RequestedBy: a.ID(), RequestedPerson: a.PersonID, RequestedAt: now, UpdatedAt: now}
	if app.Kind == "" {
		app.Kind = pki.Citizen
	}
	if f.Kind != pki.Organisation && holdsNumber(app.Name) { // it stays in the sealed form
		app.Name = ""
	}
	if id != "" {
		_, old, err := d.own(ctx, id) // also for the kind that it has been until now
		if err != nil {
			return ApplicationView{}, err
		}
		if old.UnitID != f.UnitID {
			return ApplicationView{}, auth.ErrNotFound
		}
		app.Number, app.OpKey = old.Number, old.OpKey
	} else {
		app.ID, app.OpKey = uuid.NewString(), a.OpKey
	}
	app, err = d.Store.SaveDraft(ctx, app, d.event(a, now, "application.draft", "application:"+app.ID, app.UnitID))
	return viewApplication(app), err
}

// Draft returns what was filled in of a draft, with the whole identity number: the one who
// fills it in has it before them.
func (d *Desk) Draft(ctx context.Context, id string) (Form, error) {
	_, app, err := d.own(ctx, id)
	if err != nil {
		return Form{}, err
	}
	if app.State != Draft {
		return Form{}, ErrState
	}
	return app.Form, nil
}

// Submit records an application and, where the unit's policy asks for no approval, issues
// the certificate at once. The same operation (auth.Actor.OpKey) again has no second effect
// and returns the same application; if issuing was cut off, it goes on.
//
// Refusals: Invalid with one error for each field, ErrAlreadyCertified, ErrApplicationOpen,
// ErrQuota, ErrClosed, unit.ErrUnknown. When only the issuing fails, the application comes
// back with the error.
func (d *Desk) Submit(ctx context.Context, f Form) (ApplicationView, error) {
	a, app, err := d.record(ctx, "", f)
	if err != nil {
		return ApplicationView{}, err
	}
	return d.finish(ctx, a, app)
}

// SubmitDraft is Submit of a draft as it was saved; a second click finds it submitted.
func (d *Desk) SubmitDraft(ctx context.Context, id string) (ApplicationView, error) {
	old, err := d.Store.Application(ctx, id)
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return ApplicationView{}, err
	}
	a, app, err := d.record(ctx, id, old.Form)
	if err != nil {
		return ApplicationView{}, err
	}
	return d.finish(ctx, a, app)
}

// Record is Submit without issuing: an approved application waits for Issue.
func (d *Desk) Record(ctx context.Context, f Form) (ApplicationView, error) {
	_, app, err := d.record(ctx, "", f)
	return viewApplication(app), err
}

func (d *Desk) record(ctx context.Context, draftID string, f Form) (auth.Actor, Application, error) {
	a, err := auth.Require(ctx, verbOf(f.Kind), f.UnitID)
	if err != nil {
		return a, Application{}, d.denied(ctx, "application.submit", "application:"+draftID, f.UnitID, err)
	}
	now := d.now()
	app := Application{ID: draftID, OpKey: a.OpKey, Event: New, Form: f, RequestedBy: a.ID(), RequestedPerson: a.PersonID, RequestedAt: now}
	if draftID != "" {
		app.OpKey = "" // the draft itself is the operation
	} else {
		app.ID = uuid.NewString()
	}
	app, err = d.submit(ctx, a, app, now)
	return a, app, err
}

// submit checks an application and records it, approved or waiting.
func (d *Desk) submit(ctx context.Context, a auth.Actor, app Application, now time.Time) (Application, error) {
	e := d.event(a, now, "application.submit", "application:"+app.ID, app.Form.UnitID)
	s, err := d.submission(ctx, app, now)
	if err != nil {
		return app, d.refused(ctx, e, err)
	}
	f := s.Application.Form
	e.Detail = map[string]string{"kind": string(f.Kind), "event": string(app.Event), "state": string(s.Application.State),
		"proof": string(f.Proof.Method), "contract": f.Contract.Number, "consent": f.Consent.Text, "consent_at": f.Consent.At,
		"point": f.PointID, "desk": f.DeskID}
	s.Events = []audit.Event{e}
	app, _, err = d.Store.Submit(ctx, s)
	if err != nil {
		return app, d.refused(ctx, e, err)
	}
	return app, nil
}

// submission is everything that is decided before the transaction.
func (d *Desk) submission(ctx context.Context, app Application, now time.Time) (Submission, error) {
	f := app.Form
	f.clean()
	// 1. The unit: there is one, today, and it is open.
	today := unit.DayOf(now)
	u, err := d.place(ctx, f, today)
	if err != nil {
		return Submission{}, err
	}
	if u.Policy.Closed {
		return Submission{}, ErrClosed
	}
	// 2. The form, and the name that will stand in the certificate.
	if err := f.check(now, cmp.Or(d.MinAge, DefaultMinAge)); err != nil {
		return Submission{}, err
	}
	d.fill(&f, u)
	p, err := d.Profiles.Get(string(f.Kind))
	if err != nil {
		return Submission{}, err
	}
	if err := p.CheckSubject(d.subject(f, u, p)); err != nil {
		return Submission{}, invalidOf(err)
	}
	if f.Consent.Given && f.Consent.At == "" {
		f.Consent.At = now.In(unit.Zone()).Format(time.RFC3339)
	}
	// 3. Who has to agree. A seal always takes two people.
	app.Form, app.Kind, app.UnitID, app.PointID, app.DeskID = f, f.Kind, u.ID, f.PointID, f.DeskID
	app.Name, app.Test, app.UpdatedAt = f.Name, f.Test, now
	app.NeedsApproval = u.Policy.NeedsApproval || f.Kind == pki.Organisation
	app.State = Approved
	if app.NeedsApproval {
		app.State = Submitted
	}
	s := Submission{Application: app, Quota: u.Policy.DailyQuota, Day: today}
	if f.Kind == pki.Organisation {
		s.Application.SubjectID = u.ID
	} else {
		s.Person = &Person{ID: uuid.NewString(), Identity: f.Identity, Profile: PersonProfile{Name: f.Name, BirthDate: f.BirthDate,
			Sex: string(f.Sex), Address: f.Address, Phone: f.Phone, Mail: f.Mail}}
	}
	return s, nil
}

// place looks up the unit, which must exist today, and refuses points and desks that are not
// its own.
func (d *Desk) place(ctx context.Context, f Form, today unit.Day) (unit.Unit, error) {
	u, err := d.Units.UnitByID(ctx, f.UnitID)
	if err != nil {
		return unit.Unit{}, err
	}
	if !u.In(today) {
		return unit.Unit{}, unit.ErrUnknown
	}
	if f.PointID != "" {
		p, err := d.Units.PointByID(ctx, f.PointID)
		if err != nil {
			return unit.Unit{}, err
		}
		if p.UnitID != u.ID || today < p.From || p.To != "" && today >= p.To {
			return unit.Unit{}, unit.ErrUnknownPoint
		}
	}
	if f.DeskID != "" {
		desks, err := d.Units.Desks(ctx, f.PointID)
		if err != nil {
			return unit.Unit{}, err
		}
		if !slices.ContainsFunc(desks, func(k unit.Desk) bool { return k.ID == f.DeskID }) {
			return unit.Unit{}, unit.ErrUnknownDesk
		}
	}
	return u, nil
}

// finish issues what may be issued and returns the view.
func (d *Desk) finish(ctx context.Context, a auth.Actor, app Application) (ApplicationView, error) {
	if app.State != Approved && app.State != Failed {
		return d.view(ctx, app)
	}
	issued, err := d.issue(ctx, a, app)
	if err != nil {
		return viewApplication(app), err
	}
	return d.view(ctx, issued)
}

// view shows an application with its certificate.
func (d *Desk) view(ctx context.Context, app Application) (ApplicationView, error) {
	v := viewApplication(app)
	if app.State != Issued {
		return v, nil
	}
	c, err := d.Store.Certificate(ctx, app.CertificateID)
	if err != nil {
		return v, err
	}
	shown := viewCertificate(c, d.now())
	v.Certificate = &shown
	return v, nil
}

// denied writes a refusal by the permission check of somebody who is logged in.
func (d *Desk) denied(ctx context.Context, action, object, unitID string, err error) error {
	a := actor(ctx)
	if errors.Is(err, auth.ErrUnauthenticated) {
		return err
	}
	return d.refused(ctx, d.event(a, d.now(), action, object, unitID), err)
}

// application loads one and checks verb on its unit. What is not there is refused as in a
// unit that nobody has.
func (d *Desk) application(ctx context.Context, verb auth.Verb, id string) (auth.Actor, Application, error) {
	return d.applicationFor(ctx, id, func(pki.Kind) auth.Verb { return verb })
}

// own is application for those who may apply for its kind of certificate.
func (d *Desk) own(ctx context.Context, id string) (auth.Actor, Application, error) {
	return d.applicationFor(ctx, id, verbOf)
}

func (d *Desk) applicationFor(ctx context.Context, id string, verbFor func(pki.Kind) auth.Verb) (auth.Actor, Application, error) {
	app, err := d.Store.Application(ctx, id)
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return auth.Actor{}, Application{}, err
	}
	verb := verbFor(app.Kind)
	a, denied := auth.Require(ctx, verb, app.UnitID)
	if denied != nil {
		return a, Application{}, d.denied(ctx, string(verb), "application:"+id, app.UnitID, denied)
	}
	return a, app, err
}

// Get returns an application.
func (d *Desk) Get(ctx context.Context, id string) (ApplicationView, error) {
	_, app, err := d.application(ctx, auth.ApplicationRead, id)
	if err != nil {
		return ApplicationView{}, err
	}
	return d.view(ctx, app)
}

// List returns applications of the units in which the actor may see them, newest first.
func (d *Desk) List(ctx context.Context, q ApplicationQuery) (Page[ApplicationView], error) {
	_, scope, err := auth.RequireAny(ctx, auth.ApplicationRead)
	if err != nil {
		return Page[ApplicationView]{}, err
	}
	if q.before, err = parseCursor(q.Cursor); err != nil {
		return Page[ApplicationView]{}, err
	}
	limit := limitOf(q.Limit)
	q.scope, q.Limit = scope, limit+1
	rows, err := d.Store.Applications(ctx, q)
	if err != nil {
		return Page[ApplicationView]{}, err
	}
	return paged(rows, limit, func(a Application) int64 { return a.Number }, viewApplication), nil
}
