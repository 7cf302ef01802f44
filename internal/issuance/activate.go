package issuance

import (
	"context"
	"errors"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
)

// Activate lets the owner accept a certificate and choose a PIN. There is no login: the code,
// which only the owner got, is the proof; the agent counts wrong ones and locks the key. An
// application that does not exist answers as a wrong code does.
//
// Refusals: ErrAccept, ErrNotUsable, agent.ErrWrongCode, agent.ErrLocked, agent.ErrWeakPIN,
// agent.ErrAlreadyActive.
func (d *Desk) Activate(ctx context.Context, applicationID, code, pin string, accept bool) (CertificateView, error) {
	now := d.now()
	a, ok := auth.ActorFrom(ctx)
	if !ok {
		a.Name = "subscriber"
	}
	c, err := d.toActivate(ctx, applicationID)
	if errors.Is(err, auth.ErrNotFound) {
		return CertificateView{}, agent.ErrWrongCode
	}
	if err != nil {
		return CertificateView{}, err
	}
	e := d.event(a, now, "certificate.activate", "certificate:"+c.ID, c.UnitID)
	e.Detail = map[string]string{"serial": c.Serial, "credential": c.CredentialID}
	switch {
	case !accept:
		return CertificateView{}, d.refused(ctx, e, ErrAccept)
	case c.Status != Good:
		return CertificateView{}, d.refused(ctx, e, ErrNotUsable)
	case now.After(c.NotAfter):
		return CertificateView{}, d.refused(ctx, e, ErrExpired)
	}
	// The key first: if recording is cut off, the next try finds it active and records it.
	err = d.Agent.Activate(ctx, c.CredentialID, code, pin)
	if err != nil && (!errors.Is(err, agent.ErrAlreadyActive) || !c.ActivatedAt.IsZero()) {
		return CertificateView{}, d.refused(ctx, e, err)
	}
	if err := d.Store.RecordActivated(context.WithoutCancel(ctx), c.ID, now, a.ID(), e); err != nil {
		return CertificateView{}, err
	}
	if c, err = d.Store.Certificate(ctx, c.ID); err != nil {
		return CertificateView{}, err
	}
	return viewCertificate(c, now), nil
}

func (d *Desk) toActivate(ctx context.Context, applicationID string) (Certificate, error) {
	app, err := d.Store.Application(ctx, applicationID)
	if err != nil {
		return Certificate{}, err
	}
	if app.CertificateID == "" {
		return Certificate{}, auth.ErrNotFound
	}
	return d.Store.Certificate(ctx, app.CertificateID)
}
