package issuance

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
)

// CertificateQuery asks for certificates, newest first. One of Identity, Name, Serial,
// SubjectID or UnitID is needed.
type CertificateQuery struct {
	// Identity is a whole identity number; it must never stand in a URL.
	Identity string `json:"identity,omitempty"`
	// Name is part of a name, with or without accents.
	Name      string `json:"name,omitempty"`
	Serial    string `json:"serial,omitempty"` // hexadecimal
	SubjectID string `json:"subject_id,omitempty"`
	UnitID    string `json:"unit_id,omitempty"`
	Cursor    string `json:"cursor,omitempty"`
	Limit     int    `json:"limit,omitempty"` // 1 to 200; 0 is 50

	scope  auth.Scope
	before int64
}

// Scope returns the units to look in.
func (q CertificateQuery) Scope() auth.Scope { return q.scope }

// Before returns the number below which the page begins; 0 is from the top.
func (q CertificateQuery) Before() int64 { return q.before }

// certificate loads one and checks verb on its unit.
func (d *Desk) certificate(ctx context.Context, verb auth.Verb, id string) (auth.Actor, Certificate, error) {
	c, err := d.Store.Certificate(ctx, id)
	if err != nil && !errors.Is(err, auth.ErrNotFound) {
		return auth.Actor{}, Certificate{}, err
	}
	a, denied := auth.Require(ctx, verb, c.UnitID)
	if denied != nil {
		return a, Certificate{}, d.denied(ctx, string(verb), "certificate:"+id, c.UnitID, denied)
	}
	return a, c, err
}

// Certificate returns one certificate.
func (d *Desk) Certificate(ctx context.Context, id string) (CertificateView, error) {
	_, c, err := d.certificate(ctx, auth.CertificateRead, id)
	if err != nil {
		return CertificateView{}, err
	}
	return viewCertificate(c, d.now()), nil
}

// CertificateDER returns a certificate's bytes, which hold the subject's identity number.
func (d *Desk) CertificateDER(ctx context.Context, id string) ([]byte, error) {
	_, c, err := d.certificate(ctx, auth.CertificateRead, id)
	if err != nil {
		return nil, err
	}
	return d.Store.DER(ctx, c.ID)
}

// Search finds certificates of the units in which the actor may see them.
func (d *Desk) Search(ctx context.Context, q CertificateQuery) (Page[CertificateView], error) {
	_, scope, err := auth.RequireAny(ctx, auth.CertificateRead)
	if err != nil {
		return Page[CertificateView]{}, err
	}
	q.Name = unit.Fold(q.Name)
	q.Serial = strings.ToLower(strings.NewReplacer(" ", "", ":", "").Replace(q.Serial))
	q.Identity = strings.ReplaceAll(q.Identity, " ", "")
	switch {
	case q.Identity == "" && q.Name == "" && q.Serial == "" && q.SubjectID == "" && q.UnitID == "":
		return Page[CertificateView]{}, ErrQuery
	case q.Identity != "" && (len(q.Identity) != 12 || !digits(q.Identity)):
		return Page[CertificateView]{}, ErrCCCDLength
	}
	if q.before, err = parseCursor(q.Cursor); err != nil {
		return Page[CertificateView]{}, err
	}
	q.scope = scope
	return d.search(ctx, q)
}

// Mine returns the certificates of the person who is logged in.
func (d *Desk) Mine(ctx context.Context) ([]CertificateView, error) {
	a, ok := auth.ActorFrom(ctx)
	if !ok || a.PersonID == "" {
		return nil, auth.ErrUnauthenticated
	}
	p, err := d.search(ctx, CertificateQuery{SubjectID: a.PersonID, scope: auth.Scope{All: true}, Limit: maxLimit})
	return p.Items, err
}

func (d *Desk) search(ctx context.Context, q CertificateQuery) (Page[CertificateView], error) {
	limit, now := limitOf(q.Limit), d.now()
	q.Limit = limit + 1
	rows, err := d.Store.Certificates(ctx, q)
	if err != nil {
		return Page[CertificateView]{}, err
	}
	return paged(rows, limit, func(c Certificate) int64 { return c.Number },
		func(c Certificate) CertificateView { return viewCertificate(c, now) }), nil
}

// Reveal returns the whole identity number of an application; each look is audited with its
// reason.
func (d *Desk) Reveal(ctx context.Context, applicationID, reason string) (string, error) {
	a, app, err := d.application(ctx, auth.IdentityReveal, applicationID)
	if err != nil {
		return "", err
	}
	e := d.event(a, d.now(), "identity.reveal", "application:"+app.ID, app.UnitID)
	if !reasonable(&reason) {
		return "", d.refused(ctx, e, ErrReason)
	}
	e.Detail = map[string]string{"reason": reason}
	if err := d.Store.RecordAudit(ctx, e); err != nil {
		return "", err
	}
	return app.Form.Identity, nil
}

// Revoke ends a certificate for good. invalidAt, if not zero, is when the key is thought to
// have been lost. Refusals: ErrRevoked, ErrExpired, ErrRevocationReason, ErrInvalidityDate.
func (d *Desk) Revoke(ctx context.Context, id string, reason pki.Reason, invalidAt time.Time) (CertificateView, error) {
	return d.setStatus(ctx, "certificate.revoke", id, func(c Certificate, now time.Time) (StatusChange, error) {
		switch reason {
		case pki.Unspecified, pki.KeyCompromise, pki.AffiliationChanged, pki.Superseded, pki.CessationOfOperation, pki.PrivilegeWithdrawn:
		default: // the others are not for subscribers
			return StatusChange{}, ErrRevocationReason
		}
		if !invalidAt.IsZero() && (invalidAt.After(now) || invalidAt.Before(c.NotBefore)) {
			return StatusChange{}, ErrInvalidityDate
		}
		return StatusChange{To: Revoked, Reason: reason, InvalidAt: invalidAt}, nil
	})
}

// Suspend (tạm dừng) holds a certificate until Reinstate or Revoke.
func (d *Desk) Suspend(ctx context.Context, id string) (CertificateView, error) {
	return d.setStatus(ctx, "certificate.suspend", id, func(Certificate, time.Time) (StatusChange, error) {
		return StatusChange{To: Hold, Reason: pki.CertificateHold}, nil
	})
}

// Reinstate (khôi phục) ends a suspension.
func (d *Desk) Reinstate(ctx context.Context, id string) (CertificateView, error) {
	return d.setStatus(ctx, "certificate.reinstate", id, func(c Certificate, _ time.Time) (StatusChange, error) {
		if c.Status == Good {
			return StatusChange{}, ErrState
		}
		return StatusChange{To: Good}, nil
	})
}

func (d *Desk) setStatus(ctx context.Context, action, id string, change func(Certificate, time.Time) (StatusChange, error)) (CertificateView, error) {
	a, c, err := d.certificate(ctx, auth.CertificateManage, id)
	if err != nil {
		return CertificateView{}, err
	}
	now := d.now()
	e := d.event(a, now, action, "certificate:"+c.ID, c.UnitID)
	if c.ApplicationID == "" { // the PKI's own: no single person ends a CA
		return CertificateView{}, d.refused(ctx, e, auth.ErrNotFound)
	}
	s, err := change(c, now)
	if err != nil {
		return CertificateView{}, d.refused(ctx, e, err)
	}
	e.Detail = map[string]string{"ca": c.CA, "serial": c.Serial, "reason": s.Reason.String()}
	s.CertificateID, s.At, s.Actor, s.Event = c.ID, now, a.ID(), e
	c, err = d.Store.SetStatus(ctx, s)
	if err != nil {
		return CertificateView{}, d.refused(ctx, e, err)
	}
	d.statusChanged(c)
	return viewCertificate(c, now), nil
}

// Renew (gia hạn) makes a new key and certificate for the subscriber of a valid one. The old
// one stays good until it expires, so that there is always one to sign with.
func (d *Desk) Renew(ctx context.Context, id string) (ApplicationView, error) {
	return d.succeed(ctx, id, Renewal, nil)
}

// Reissue (cấp lại) replaces a certificate whose code or PIN is lost: the old one is revoked
// as superseded in the transaction that records the new one.
func (d *Desk) Reissue(ctx context.Context, id string) (ApplicationView, error) {
	return d.succeed(ctx, id, Reissue, nil)
}

// Change (thay đổi) is Reissue with other content, as after a transfer. Kind, identity and
// unit stay.
func (d *Desk) Change(ctx context.Context, id string, f Form) (ApplicationView, error) {
	return d.succeed(ctx, id, Change, &f)
}

// succeed applies for the successor of a certificate with what is known from its own
// application; approval, duplicate check and issuing are those of every application.
func (d *Desk) succeed(ctx context.Context, id string, event Event, f *Form) (ApplicationView, error) {
	a, c, err := d.certificate(ctx, auth.CertificateManage, id)
	if err != nil {
		return ApplicationView{}, err
	}
	now := d.now()
	e := d.event(a, now, "certificate."+string(event), "certificate:"+c.ID, c.UnitID)
	// Who manages certificates does not thereby make officers and seals: the new one's code
	// goes to whoever the form names.
	if c.Kind != pki.Citizen {
		if _, err := auth.Require(ctx, verbOf(c.Kind), c.UnitID); err != nil {
			return ApplicationView{}, d.refused(ctx, e, err)
		}
	}
	switch {
	case c.ApplicationID == "":
		return ApplicationView{}, auth.ErrNotFound
	case c.Status == Revoked && event != Renewal && a.OpKey != "":
		// A resend finds the old certificate revoked by the first; the store knows.
	case c.Status != Good:
		return ApplicationView{}, d.refused(ctx, e, ErrNotUsable)
	case now.After(c.NotAfter):
		return ApplicationView{}, d.refused(ctx, e, ErrExpired)
	}
	old, err := d.Store.Application(ctx, c.ApplicationID)
	if err != nil {
		return ApplicationView{}, err
	}
	form := old.Form
	if f != nil {
		form = *f
		form.Kind, form.Identity, form.UnitID, form.Test = old.Kind, old.Form.Identity, old.UnitID, old.Test
	}
	app, err := d.submit(ctx, a, Application{ID: uuid.NewString(), OpKey: a.OpKey, Event: event, Form: form, Replaces: c.ID,
		RequestedBy: a.ID(), RequestedPerson: a.PersonID, RequestedAt: now}, now)
	if err != nil {
		return ApplicationView{}, err
	}
	return d.finish(ctx, a, app)
}
