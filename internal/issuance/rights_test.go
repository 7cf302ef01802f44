package issuance_test

import (
	"errors"
	"testing"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
	"github.com/kyso-vn/kyso/pki"
)

func officer(r *desk.Rig) issuance.Form {
	f := r.Citizen()
	f.Kind, f.Name, f.Title = pki.Officer, "Trần Văn Hòa", "Chủ tịch"
	return f
}

func TestTheCounterMakesNoOfficersCertificateOutOfAnother(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		head := r.As("head", auth.RoleUnitAdmin, r.Ward.ID)
		f := officer(r)
		v, err := r.Submit(head, f)
		if err != nil || v.State != issuance.Issued {
			t.Fatalf("%+v, %v", v, err)
		}
		f.Phone = "0999999999" // the clerk's own: the activation code goes there
		for name, err := range map[string]error{
			"change":  second(r.Change(r.Counter(), v.CertificateID, f)),
			"reissue": second(r.Reissue(r.Counter(), v.CertificateID)),
			"renew":   second(r.Renew(r.Counter(), v.CertificateID)),
		} {
			if !errors.Is(err, auth.ErrDenied) {
				t.Errorf("%s by the counter: %v", name, err)
			}
		}
		if c, err := r.Change(head, v.CertificateID, f); err != nil || c.State != issuance.Issued {
			t.Fatalf("by who may enrol officers: %+v, %v", c, err)
		}
	})
}
