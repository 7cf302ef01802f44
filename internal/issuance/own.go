package issuance

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/profile"
)

// RenewOwn gives a certificate of the PKI's own, of kind "ocsp" or "tsa" as RecordOwn
// entered it, a successor for the same key and subject when less than within is left of it.
// fresh is false, and der the old one's, when there is time.
func (d *Desk) RenewOwn(ctx context.Context, issuer, kind string, der []byte, within time.Duration) (successor []byte, fresh bool, err error) {
	if _, err := auth.Require(ctx, auth.ServiceRun, auth.WholeCity); err != nil {
		return nil, false, d.denied(ctx, "certificate.record", "ca:"+issuer, "", err)
	}
	old, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, false, fmt.Errorf("renew a certificate: %w", err)
	}
	if old.NotAfter.Sub(d.now()) > within {
		return der, false, nil
	}
	byName, err := d.authorities(ctx)
	if err != nil {
		return nil, false, err
	}
	a := byName[issuer]
	if a == nil {
		return nil, false, auth.ErrNotFound
	}
	// 1. The same subject and key under today's profile.
	p, err := d.Profiles.Get(kind)
	if err != nil {
		return nil, false, err
	}
	subject, err := pki.ParseSubject(old.RawSubject)
	if err != nil {
		return nil, false, err
	}
	draft, err := a.ca.Prepare(ca.Request{Profile: p, Subject: p.Arrange(profile.Normalize(subject)), PublicKey: old.PublicKey})
	if err != nil {
		return nil, false, fmt.Errorf("renew %s of %s: %w", kind, issuer, err)
	}
	// 2. Recorded before it is signed, and entered after.
	if err := d.Store.RecordTBS(ctx, a.KeyName, draft.TBSHash(), d.now()); err != nil {
		return nil, false, err
	}
	cert, err := a.ca.Issue(ctx, draft)
	if err != nil {
		return nil, false, err
	}
	if err := d.RecordOwn(ctx, issuer, kind, cert.Raw); err != nil {
		return nil, false, err
	}
	return cert.Raw, true, d.Store.TBSSigned(ctx, a.KeyName, draft.TBSHash())
}
