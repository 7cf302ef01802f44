package auth_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
)

func TestRequire(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	grant := func(r auth.Role, unit string) auth.Grant {
		return auth.Grant{Role: r, UnitID: unit, From: now.Add(-time.Hour)}
	}
	past := auth.Grant{Role: auth.RoleCounter, UnitID: "u1", From: now.Add(-2 * time.Hour), To: now}
	for _, c := range []struct {
		name   string
		grants []auth.Grant
		verb   auth.Verb
		want   error
	}{
		{"own unit", []auth.Grant{grant(auth.RoleCounter, "u1")}, auth.ApplicationSubmit, nil},
		{"whole city", []auth.Grant{grant(auth.RoleCityAdmin, auth.WholeCity)}, auth.ReportRead, nil},
		{"other unit looks like nothing", []auth.Grant{grant(auth.RoleCounter, "u2")}, auth.ApplicationSubmit, auth.ErrNotFound},
		{"wrong role", []auth.Grant{grant(auth.RoleSigner, "u1")}, auth.ApplicationSubmit, auth.ErrDenied},
		{"grant that ended", []auth.Grant{past}, auth.ApplicationSubmit, auth.ErrDenied},
		{"auditor never acts", []auth.Grant{grant(auth.RoleAuditor, auth.WholeCity)}, auth.CertificateManage, auth.ErrDenied},
		{"operator sees no document", []auth.Grant{grant(auth.RoleOperator, auth.WholeCity)}, auth.DocumentRead, auth.ErrDenied},
	} {
		ctx := auth.WithClock(context.Background(), func() time.Time { return now })
		ctx = auth.WithActor(ctx, auth.Actor{AccountID: "a", Grants: c.grants})
		_, err := auth.Require(ctx, c.verb, "u1")
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := auth.Require(context.Background(), auth.ReportRead, "u1"); !errors.Is(err, auth.ErrUnauthenticated) {
		t.Errorf("nobody: %v", err)
	}
}
