package issuance

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ocsp"
)

// Statuses is what OCSP responders ask about the certificates of one CA.
type Statuses struct {
	Desk *Desk
	// CA is the name in the register.
	CA string
}

var _ ocsp.StatusSource = Statuses{}

// Status implements ocsp.StatusSource. What is not issued yet, or never was, is unknown; a
// suspended certificate is revoked with the reason certificateHold; a serial that may have
// been signed and lost is revoked.
func (s Statuses) Status(ctx context.Context, _ *x509.Certificate, serials []pki.Serial) ([]ocsp.Status, error) {
	out := make([]ocsp.Status, len(serials))
	for i, serial := range serials {
		c, ok, err := s.Desk.Store.StatusOf(ctx, s.CA, serial.String())
		if err != nil {
			return nil, fmt.Errorf("status: %w", err)
		}
		if !ok {
			continue
		}
		switch c.Status {
		case Good:
			out[i].State = ocsp.Good
		case Hold, Revoked:
			out[i] = ocsp.Status{State: ocsp.Revoked, RevokedAt: c.RevokedAt, Reason: c.Reason}
		}
	}
	return out, nil
}
