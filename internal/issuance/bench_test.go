package issuance_test

import (
	"testing"

	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
)

// BenchmarkIssueCitizen is the whole path from form to certificate, with keys in software.
func BenchmarkIssueCitizen(b *testing.B) {
	for name, rig := range map[string]*desk.Rig{"sqlite": desk.New(b, db.SQLite(b)), "postgres": desk.New(b, db.Postgres(b))} {
		b.Run(name, func(b *testing.B) {
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					v, err := rig.Submit(rig.Counter(), rig.Citizen())
					if err != nil || v.State != issuance.Issued {
						b.Errorf("%+v, %v", v, err)
						return
					}
				}
			})
		})
	}
}
