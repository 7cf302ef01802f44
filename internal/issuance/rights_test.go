package issuance_test

import (
	"errors"
	"strings"
	"testing"
	"time"

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

func TestADraftOfAnOfficerIsNotTheCountersToOverwrite(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		v, err := r.SaveDraft(r.As("head", auth.RoleUnitAdmin, r.Ward.ID), "", officer(r))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.SaveDraft(r.Counter(), v.ID, r.Citizen()); !errors.Is(err, auth.ErrDenied) {
			t.Fatalf("overwritten: %v", err)
		}
	})
}

func TestNoSinglePersonRevokesTheCA(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		serial, err := pki.SerialFromBig(r.CA.SerialNumber)
		if err != nil {
			t.Fatal(err)
		}
		c, ok, err := r.Store.StatusOf(t.Context(), "root", serial.String())
		if err != nil || !ok {
			t.Fatalf("%t, %v", ok, err)
		}
		admin := r.As("admin", auth.RoleCityAdmin, auth.WholeCity)
		if _, err := r.Revoke(admin, c.ID, pki.KeyCompromise, time.Time{}); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("revoked: %v", err)
		}
		if _, err := r.Suspend(admin, c.ID); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("suspended: %v", err)
		}
		if s, _, err := r.Store.StatusOf(t.Context(), "root", serial.String()); err != nil || s.Status != issuance.Good {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestAReasonForLookingAtANumberIsAText(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		v := r.Issue(t, r.Citizen())
		for _, bad := range []string{" ", strings.Repeat("x", 501), "x\u202ey"} {
			if _, err := r.Reveal(r.Counter(), v.ID, bad); !errors.Is(err, issuance.ErrReason) {
				t.Errorf("%.10q: %v", bad, err)
			}
		}
	})
}
