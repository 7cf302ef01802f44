package issuance_test

import (
	"bytes"
	"crypto/x509"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
)

func TestAResponderIsRenewedBeforeItsCertificateEnds(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		r := desk.New(t, s)
		ctx := r.As("serve", auth.RoleOperator, auth.WholeCity)
		// A responder as a ceremony makes it, signed by the CA's own key.
		key, err := r.Soft.Service(ctx, "ocsp-hanoi", agent.PurposeOCSP)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := r.Soft.Service(ctx, "ca-key", agent.PurposeCA)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ca.New(ca.Config{Certificate: r.CA, Signer: signer, Addresses: pki.Addresses{Base: desk.Base, CA: "hanoi"}, Linter: r.Linter, Now: r.Now})
		if err != nil {
			t.Fatal(err)
		}
		p, err := r.Profiles.Get("ocsp")
		if err != nil {
			t.Fatal(err)
		}
		draft, err := c.Prepare(ca.Request{Profile: p, PublicKey: key.Public(), Subject: p.Arrange(pki.Subject{{Type: pki.Country, Value: "VN"},
			{Type: pki.OrganizationName, Value: "Kyso"}, {Type: pki.CommonName, Value: "Kyso OCSP"}})})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.RecordTBS(ctx, "ca-key", draft.TBSHash(), r.Now()); err != nil {
			t.Fatal(err)
		}
		first, err := c.Issue(ctx, draft)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.RecordOwn(ctx, "hanoi", "ocsp", first.Raw); err != nil {
			t.Fatal(err)
		}
		const within = 14 * 24 * time.Hour
		if der, fresh, err := r.RenewOwn(ctx, "hanoi", "ocsp", first.Raw, within); err != nil || fresh || !bytes.Equal(der, first.Raw) {
			t.Fatalf("with time left: fresh %v, %v", fresh, err)
		}
		r.Advance(first.NotAfter.Sub(r.Now()) - within + time.Hour)
		der, fresh, err := r.RenewOwn(ctx, "hanoi", "ocsp", first.Raw, within)
		if err != nil || !fresh {
			t.Fatalf("near the end: fresh %v, %v", fresh, err)
		}
		next, err := x509.ParseCertificate(der)
		if err != nil || !next.NotAfter.After(first.NotAfter) || !bytes.Equal(next.RawSubjectPublicKeyInfo, first.RawSubjectPublicKeyInfo) || next.SerialNumber.Cmp(first.SerialNumber) == 0 {
			t.Fatalf("successor %v until %v, %v", next.SerialNumber, next.NotAfter, err)
		}
		own, err := s.OwnCertificates(ctx, "ocsp")
		if err != nil || len(own) != 2 || !bytes.Equal(own[0].DER, der) {
			t.Fatalf("%d recorded, %v", len(own), err)
		}
		if _, _, err := r.RenewOwn(r.Counter(), "hanoi", "ocsp", first.Raw, within); err == nil {
			t.Fatal("a clerk renewed a responder")
		}
	})
}
