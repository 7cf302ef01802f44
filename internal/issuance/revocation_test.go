package issuance_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
	"github.com/kyso-vn/kyso/pki"
)

// Two processes build the list of one shard; the one with the fast clock has read it first.
func TestAListOfFewerChangesReplacesNoneOfMore(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		build(t, r)
		v := r.Issue(t, r.Citizen())
		cert := certificateOf(t, r, v.CertificateID)
		serial, err := pki.SerialFromBig(cert.SerialNumber)
		if err != nil {
			t.Fatal(err)
		}
		before, err := r.CRL(t.Context(), "hanoi", serial.Shard(8))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Revoke(r.Counter(), v.CertificateID, pki.KeyCompromise, time.Time{}); err != nil {
			t.Fatal(err)
		}
		build(t, r)
		slow := before
		slow.Number += "0" // later, by its clock
		if err := r.Store.RecordTBS(t.Context(), "ca-key", [32]byte{1}, r.Now()); err != nil {
			t.Fatal(err)
		}
		if err := r.Store.StoreCRL(t.Context(), slow, "ca-key", [32]byte{1}); err != nil {
			t.Fatal(err)
		}
		if _, ok := onCRL(t, r, cert); !ok {
			t.Fatal("the entry left the list")
		}
	})
}

func TestCachesAreToldOfTheCertificateThatWasReplaced(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		v := r.Issue(t, r.Citizen())
		var told []string
		r.StatusChanged = func(ca, serial string) { told = append(told, ca+"/"+serial) }
		if again, err := r.Reissue(r.Counter(), v.CertificateID); err != nil || again.State != issuance.Issued {
			t.Fatalf("%+v, %v", again, err)
		}
		if !slices.Contains(told, "hanoi/"+v.Certificate.Serial) {
			t.Fatalf("told of %v, not of %s", told, v.Certificate.Serial)
		}
	})
}
