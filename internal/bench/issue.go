package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/kyso-vn/kyso/hsm/p11/p11bench"
	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/testkit/pg"
	"github.com/kyso-vn/kyso/pki"
)

// issueCitizen measures the whole path of a certificate: application, key, draft, lint, both
// commits, signature.
func issueCitizen(postgres bool) func(context.Context, options) (line, error) {
	return func(ctx context.Context, o options) (line, error) {
		dsn := "sqlite:" + filepath.Join(o.dir, "kyso.db")
		if postgres {
			d, stop, err := pg.Start("")
			if err != nil {
				return line{}, err
			}
			defer func() { _ = stop() }() // a temporary cluster
			dsn = d
		}
		w, err := newWorld(ctx, o, dsn)
		if err != nil {
			return line{}, err
		}
		defer w.close()
		clerk := auth.WithActor(ctx, auth.Actor{AccountID: "clerk", PersonID: "clerk", Name: "clerk",
			Grants: []auth.Grant{{Role: auth.RoleCounter, UnitID: w.ward.ID, From: time.Now().Add(-time.Hour)}}})
		var n atomic.Int64
		l, err := measure(clerk, o.parallel, o.seconds, func(ctx context.Context, _ int) error {
			app, err := w.desk.Submit(ctx, w.form(n.Add(1)))
			if err != nil {
				return err
			}
			_, err = w.desk.Issue(ctx, app.ID)
			return err
		})
		if err != nil {
			return l, err
		}
		limit, err := p11bench.GenerateWrap(ctx, w.bare, agent.WrapKeyLabel)
		l.Unit, l.Limit = "certificates/s", limit.PerSecond()
		return l, err
	}
}

// form is a citizen who was not there before: a man born in 1990, the n-th of his province.
func (w *world) form(n int64) issuance.Form {
	return issuance.Form{Kind: pki.Citizen, UnitID: w.ward.ID, PointID: w.point.ID,
		Identity: fmt.Sprintf("001090%06d", n), Name: "Nguyễn Văn Đo", BirthDate: "1990-03-12", Sex: issuance.Male, Address: "Hà Nội", Phone: "0912345678",
		Proof:    issuance.Proof{Method: issuance.ProofCard},
		Contract: issuance.Contract{Signed: true, Number: fmt.Sprintf("HĐ-%d", n)},
		Consent:  issuance.Consent{Given: true, Text: "03/2026"}}
}
