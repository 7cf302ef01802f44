package routing_test

import (
	"errors"
	"testing"

	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/testkit/softagent"
)

func TestANumberIsGivenOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		var ids []string
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			in := r.intake(name)
			in.Steps = in.Steps[1:]
			ids = append(ids, r.accept(t, in, pdf(t, "quyet-dinh")).ID)
		}
		r.mustAct(t, r.leader, routing.ActSign, ids...)
		give := func(number string, docs ...string) error {
			seal := map[string]routing.SealInput{}
			for _, id := range docs {
				seal[id] = routing.SealInput{Number: number}
			}
			_, err := r.act(t, r.clerk, routing.ActSeal, seal, docs...)
			return err
		}
		// 1. Twice in one batch.
		if err := give("05/QĐ-UBND", ids[:2]...); !errors.Is(err, routing.ErrNumberTaken) {
			t.Fatalf("two documents in one batch: %v", err)
		}
		// 2. Two confirmations with one number: the second release is refused.
		var sads []string
		for _, id := range ids[:2] {
			c, err := r.Prepare(r.clerk.ctx, routing.PrepareRequest{Act: routing.ActSeal, Documents: []string{id}, Seal: map[string]routing.SealInput{id: {Number: "05/QĐ-UBND"}}})
			must(t, err)
			g, err := r.Authorize(r.clerk.ctx, c.BatchID, pin, softagent.OTP)
			must(t, err)
			sads = append(sads, g.SAD)
		}
		_, err := r.Sign(r.clerk.ctx, routing.SignRequest{SAD: sads[0]})
		must(t, err)
		if _, err := r.Sign(r.clerk.ctx, routing.SignRequest{SAD: sads[1]}); !errors.Is(err, routing.ErrNumberTaken) {
			t.Fatalf("released twice: %v", err)
		}
		if v := r.get(t, r.client, ids[1]); v.State != routing.Signed {
			t.Fatalf("the refused one is %s", v.State)
		}
		// 3. The same number as people write it, and another series.
		if err := give("5/QĐ-UBND", ids[1]); !errors.Is(err, routing.ErrNumberTaken) {
			t.Fatalf("without its zero: %v", err)
		}
		must(t, give("05/TB-UBND", ids[1]))
		must(t, give("5a/QĐ-UBND", ids[2]))
		// 4. A signature that can't be finished gives its number back.
		c, err := r.Prepare(r.clerk.ctx, routing.PrepareRequest{Act: routing.ActSeal, Documents: ids[4:], Seal: map[string]routing.SealInput{ids[4]: {Number: "06/QĐ-UBND"}}})
		must(t, err)
		g, err := r.Authorize(r.clerk.ctx, c.BatchID, pin, softagent.OTP)
		must(t, err)
		r.damage(t, ids[4])
		if res, err := r.Sign(r.clerk.ctx, routing.SignRequest{SAD: g.SAD}); err != nil || res.Documents[0].State != routing.Failed {
			t.Fatalf("sealed a damaged file: %+v, %v", res, err)
		}
		must(t, give("06/QĐ-UBND", ids[3]))
		// 5. A new year starts again.
		r.Advance(60 * 24 * 3600e9)
		in := r.intake("f")
		in.Steps = in.Steps[1:]
		next := r.accept(t, in, pdf(t, "quyet-dinh")).ID
		r.mustAct(t, r.leader, routing.ActSign, next)
		must(t, give("05/QĐ-UBND", next))
	})
}
