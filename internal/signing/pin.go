package signing

import (
	"context"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
)

// ChangePIN gives the actor's own key another PIN. Somebody else's credential is answered
// like one that doesn't exist; a seal has no PIN.
func (s *Service) ChangePIN(ctx context.Context, credentialID, oldPIN, newPIN string) error {
	a, ok := auth.ActorFrom(ctx)
	if !ok {
		return auth.ErrUnauthenticated
	}
	ev := s.event(a, "credential.change_pin", "credential:"+credentialID, nil)
	ev.Detail = nil
	c, err := s.o.Store.CredentialCertificate(ctx, credentialID)
	if err == nil && (c.Seal() || a.PersonID == "" || c.PersonID != a.PersonID) {
		err = agent.ErrNoCredential
	}
	if err != nil {
		return s.refused(ctx, ev, err)
	}
	ev.UnitID = c.UnitID
	if err := s.o.Agent.ChangePIN(ctx, credentialID, oldPIN, newPIN); err != nil {
		return s.refused(ctx, ev, err)
	}
	return s.o.Store.RecordAudit(context.WithoutCancel(ctx), ev)
}
