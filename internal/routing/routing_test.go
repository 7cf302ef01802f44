package routing_test

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/signing"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
	"github.com/kyso-vn/kyso/internal/testkit/softagent"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/signer/validate"
)

func TestTheWholeWayOfAnOutgoingDocument(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		original := pdf(t, "quyet-dinh")
		v := r.accept(t, r.intake("QD-1"), original)
		if v.State != routing.Waiting || v.Step != 1 || len(v.Steps) != 3 || v.Pages == 0 {
			t.Fatalf("accepted %+v", v)
		}
		if !bytes.Equal(r.content(t, v.ID, 1), original) {
			t.Fatal("the original is not kept")
		}
		if p, err := r.Inbox(r.drafter.ctx, routing.Filter{}); err != nil || len(p.Items) != 1 || p.Items[0].Act != routing.ActInitial {
			t.Fatalf("drafter's inbox %+v, %v", p, err)
		}
		r.mustAct(t, r.drafter, routing.ActInitial, v.ID)

		must(t, r.MarkViewed(r.leader.ctx, v.ID))
		c, err := r.Prepare(r.leader.ctx, routing.PrepareRequest{Act: routing.ActSign, Documents: []string{v.ID}})
		must(t, err)
		e := c.Documents[0]
		if c.Signer != "Trần Quốc Vượng" || !c.NeedsPIN || c.NotViewed != 0 || !e.Viewed || len(e.CheckFull) != 64 || len([]rune(e.Check)) != 9 {
			t.Fatalf("confirmation %+v", c)
		}
		res := r.mustAct(t, r.leader, routing.ActSign, v.ID)
		if d := res.Documents[0]; d.State != routing.Signed || d.Level != "B-LT" || d.TimestampPending {
			t.Fatalf("leader's result %+v", d)
		}
		res = r.mustAct(t, r.clerk, routing.ActSeal, v.ID)
		if d := res.Documents[0]; d.State != routing.Issued {
			t.Fatalf("clerk's result %+v", d)
		}
		v = r.get(t, r.client, v.ID)
		if v.Metadata.Number != "123" || v.Metadata.Notation != "QĐ-UBND" || v.Metadata.IssuedOn != "2026-11-21" || v.Step != 0 {
			t.Fatalf("issued %+v", v)
		}
		final := r.content(t, v.ID, 0)
		if !bytes.HasPrefix(final, original) || bytes.Count(final, []byte("/ByteRange")) != 3 {
			t.Fatal("the issued file is not the original with three signatures")
		}
		rep, err := r.Report(r.client, v.ID)
		if err != nil || rep.Verdict != validate.VerdictPassed || len(rep.Signatures) != 3 || rep.File != "123-QĐ-UBND.pdf" {
			t.Errorf("report %+v, %v", rep, err)
		}
		judged(t, final, 3, "123/QĐ-UBND", "ngày 21 tháng 11 năm 2026", "Trần Quốc Vượng")
		for name, want := range map[string]int{"accepted": 1, "initialled": 1, "leader_signed": 1, "sealed": 1, "issued": 1, "failed": 0} {
			if n := r.count(t, `SELECT COALESCE(SUM(n), 0) FROM doc_counts_day WHERE event = '`+name+`'`); n != want {
				t.Errorf("%s counted %d times", name, n)
			}
		}
		if n := r.count(t, `SELECT COUNT(*) FROM callbacks`); n != 4 {
			t.Errorf("%d callbacks", n)
		}
		if p, err := r.Inbox(r.leader.ctx, routing.Filter{Box: routing.BoxDone, Text: "PHAN cong"}); err != nil || len(p.Items) != 1 {
			t.Fatalf("leader's signed documents %+v, %v", p, err)
		}
	})
}

func TestTheSealComesAfterTheLeader(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		v := r.accept(t, r.intake("QD-1"), pdf(t, "quyet-dinh"))
		seal := map[string]routing.SealInput{v.ID: {Number: "1/QĐ-UBND"}}
		if _, err := r.act(t, r.clerk, routing.ActSeal, seal, v.ID); !errors.Is(err, routing.ErrSealBeforeLeader) {
			t.Fatalf("sealed first: %v", err)
		}
		r.mustAct(t, r.drafter, routing.ActInitial, v.ID)
		if _, err := r.act(t, r.clerk, routing.ActSeal, seal, v.ID); !errors.Is(err, routing.ErrSealBeforeLeader) {
			t.Fatalf("sealed after the initial: %v", err)
		}
		in := r.intake("QD-2")
		in.Steps = []routing.StepSpec{{Kind: routing.Seal}, {Kind: routing.Leader, Signer: "vuong"}}
		if _, _, err := r.Accept(r.client, in, routing.Files{Document: bytes.NewReader(pdf(t, "quyet-dinh"))}); !errors.Is(err, routing.ErrSealBeforeLeader) {
			t.Fatalf("planned first: %v", err)
		}
		if n := r.count(t, `SELECT COUNT(*) FROM signings`); n != 1 {
			t.Fatalf("%d signings", n)
		}
	})
}

func TestSignersTakeTheirTurn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		v := r.accept(t, r.intake("QD-1"), pdf(t, "quyet-dinh"))
		if _, err := r.act(t, r.leader, routing.ActSign, nil, v.ID); !errors.Is(err, routing.ErrNotYourTurn) {
			t.Fatalf("leader before the initial: %v", err)
		}
		if _, err := r.act(t, r.leader, routing.ActInitial, nil, v.ID); !errors.Is(err, auth.ErrDenied) {
			t.Fatalf("leader as drafter: %v", err)
		}
		r.mustAct(t, r.drafter, routing.ActInitial, v.ID)
		if _, err := r.act(t, r.drafter, routing.ActInitial, nil, v.ID); !errors.Is(err, routing.ErrNotYourTurn) {
			t.Fatalf("initialled twice: %v", err)
		}
	})
}

func TestAnotherUnitSeesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		v := r.accept(t, r.intake("QD-1"), pdf(t, "quyet-dinh"))
		for name, err := range map[string]error{
			"get":     second(r.Get(r.stranger.ctx, v.ID)),
			"content": second(r.Content(r.stranger.ctx, v.ID, 0)),
			"prepare": second(r.Prepare(r.stranger.ctx, routing.PrepareRequest{Act: routing.ActSeal, Documents: []string{v.ID}})),
			"return":  second(r.Return(r.stranger.ctx, v.ID, "x")),
			"viewed":  r.MarkViewed(r.stranger.ctx, v.ID),
			"accept": func() error {
				in := r.intake("QD-2")
				in.UnitID = r.Other.ID
				_, _, err := r.Accept(r.client, in, routing.Files{Document: bytes.NewReader(nil)})
				return err
			}(),
		} {
			if !errors.Is(err, routing.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := r.sign.Use(r.stranger.ctx, auth.DocumentSeal, r.sealCredential); !errors.Is(err, agent.ErrNoCredential) {
			t.Errorf("another unit's seal: %v", err)
		}
		if _, err := r.sign.Use(r.drafter.ctx, auth.DocumentSign, r.leader.credential); !errors.Is(err, agent.ErrNoCredential) {
			t.Errorf("another person's key: %v", err)
		}
		if p, err := r.Inbox(r.stranger.ctx, routing.Filter{}); err != nil || len(p.Items) != 0 {
			t.Errorf("stranger's inbox %+v, %v", p, err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestThirtyTwoCopiesOfARequestHaveOneEffect(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		in, file := r.intake("QD-1"), pdf(t, "quyet-dinh")
		in.Steps = in.Steps[1:]
		ids := make([]string, 32)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				v, _, err := r.Accept(r.client, in, routing.Files{Document: bytes.NewReader(file)})
				if err != nil {
					t.Error(err)
				}
				ids[i] = v.ID
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("two documents: %v", ids)
			}
		}
		if n := r.count(t, `SELECT COALESCE(SUM(n), 0) FROM doc_counts_day WHERE event = 'accepted'`); n != 1 {
			t.Fatalf("accepted %d times", n)
		}
		if n, rows := blobs(t, r.dir), r.count(t, `SELECT COUNT(*) FROM document_revisions`); n != rows {
			t.Fatalf("%d blobs for %d revisions", n, rows)
		}

		c, err := r.Prepare(r.leader.ctx, routing.PrepareRequest{Act: routing.ActSign, Documents: ids[:1]})
		must(t, err)
		g, err := r.Authorize(r.leader.ctx, c.BatchID, pin, softagent.OTP)
		must(t, err)
		for range 32 {
			wg.Go(func() {
				if _, err := r.Sign(r.leader.ctx, routing.SignRequest{SAD: g.SAD}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		res, err := r.Sign(r.leader.ctx, routing.SignRequest{SAD: g.SAD})
		if err != nil || !res.Done || res.Documents[0].State != routing.Signed {
			t.Fatalf("a resend: %+v, %v", res, err)
		}
		if n := r.agent.signed.Load(); n != 1 {
			t.Fatalf("the key signed %d times", n)
		}
		if n := r.count(t, `SELECT COALESCE(SUM(n), 0) FROM doc_counts_day WHERE event = 'leader_signed'`); n != 1 {
			t.Fatalf("signed %d times", n)
		}
		if n, rows := blobs(t, r.dir), r.count(t, `SELECT COUNT(*) FROM document_revisions`); n != rows {
			t.Fatalf("%d blobs for %d revisions", n, rows)
		}
	})
}

// blobs counts the files of the blob folder.
func blobs(t *testing.T, dir string) (n int) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	}))
	return n
}

func TestOtherContentUnderTheSameIDIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		r.accept(t, r.intake("QD-1"), pdf(t, "quyet-dinh"))
		if _, _, err := r.Accept(r.client, r.intake("QD-1"), routing.Files{Document: bytes.NewReader(pdf(t, "to-trinh"))}); !errors.Is(err, routing.ErrExists) {
			t.Fatalf("another file: %v", err)
		}
		in := r.intake("QD-1")
		in.Metadata.Subject += " (sửa)"
		if _, _, err := r.Accept(r.client, in, routing.Files{Document: bytes.NewReader(pdf(t, "quyet-dinh"))}); !errors.Is(err, routing.ErrExists) {
			t.Fatalf("another subject: %v", err)
		}
		if n, rows := blobs(t, r.dir), r.count(t, `SELECT COUNT(*) FROM document_revisions`); n != rows {
			t.Fatalf("%d blobs for %d revisions", n, rows)
		}
	})
}

func TestBadIntakesLeaveNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		good := pdf(t, "quyet-dinh")
		for name, c := range map[string]struct {
			change func(*routing.Intake)
			file   []byte
			code   string
		}{
			"secret":            {func(in *routing.Intake) { in.Metadata.Secrecy = "mat" }, good, "document_secret"},
			"text":              {nil, []byte("xin chào"), "not_pdf"},
			"empty":             {nil, nil, "not_pdf"},
			"cut in half":       {nil, good[:len(good)/2], ""},
			"unknown signer":    {func(in *routing.Intake) { in.Steps[1].Signer = "ai" }, good, "signer_unknown"},
			"no subject":        {func(in *routing.Intake) { in.Metadata.Subject = " " }, good, "metadata_invalid"},
			"bidi control":      {func(in *routing.Intake) { in.Metadata.Subject = "a\u202eb" }, good, "metadata_invalid"},
			"odd urgency":       {func(in *routing.Intake) { in.Metadata.Urgency = "gấp" }, good, "metadata_invalid"},
			"no steps":          {func(in *routing.Intake) { in.Steps = nil }, good, "metadata_invalid"},
			"unknown field":     {func(in *routing.Intake) { in.Steps[1].Place.Field = "khong_co" }, good, "place_unknown"},
			"attachment absent": {func(in *routing.Intake) { in.Attachments = []routing.Attachment{{Name: "a.pdf"}} }, good, "metadata_invalid"},
			"javascript URL":    {func(in *routing.Intake) { in.CallbackURL = "javascript:x" }, good, "metadata_invalid"},
			"signed before":     {nil, signedPDF(t, r), "already_signed"},
		} {
			in := r.intake("bad " + name)
			if c.change != nil {
				c.change(&in)
			}
			_, _, err := r.Accept(r.client, in, routing.Files{Document: bytes.NewReader(c.file)})
			if err == nil || !strings.HasPrefix(err.Error(), c.code) {
				t.Errorf("%s: %v", name, err)
			}
			e, ok := errors.AsType[*errs.Error](err)
			if ok && (strings.ContainsFunc(e.EN, func(r rune) bool { return r > unicode.MaxASCII }) || strings.Contains(e.VI+e.EN, "%!")) {
				t.Errorf("%s: in English %q, in Vietnamese %q", name, e.EN, e.VI)
			}
		}
		if n := r.count(t, `SELECT COUNT(*) FROM documents WHERE external_id LIKE 'bad %'`); n != 0 {
			t.Errorf("%d documents", n)
		}
		if n, rows := blobs(t, r.dir), r.count(t, `SELECT COUNT(*) FROM document_revisions`); n != rows {
			t.Errorf("%d blobs for %d revisions", n, rows)
		}
		if n := r.count(t, `SELECT COUNT(*) FROM audit_events WHERE action = 'document.accept' AND outcome = 'refused'`); n < 12 {
			t.Errorf("only %d refusals are in the audit record", n)
		}
	})
}

// signedPDF is a document that somebody has signed already.
func signedPDF(t *testing.T, r *rig) []byte {
	t.Helper()
	in := r.intake("signed before")
	in.Steps = in.Steps[:1]
	v := r.accept(t, in, pdf(t, "quyet-dinh"))
	r.mustAct(t, r.drafter, routing.ActInitial, v.ID)
	return r.content(t, v.ID, 0)
}

func TestAChangedFileIsNotSigned(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		in := r.intake("QD-1")
		in.Steps = in.Steps[1:]
		v := r.accept(t, in, pdf(t, "quyet-dinh"))
		c, err := r.Prepare(r.leader.ctx, routing.PrepareRequest{Act: routing.ActSign, Documents: []string{v.ID}})
		must(t, err)
		g, err := r.Authorize(r.leader.ctx, c.BatchID, pin, softagent.OTP)
		must(t, err)
		r.damage(t, v.ID)
		if _, err := r.Prepare(r.leader.ctx, routing.PrepareRequest{Act: routing.ActSign, Documents: []string{v.ID}}); !errors.Is(err, routing.ErrFileChanged) {
			t.Fatalf("prepared: %v", err)
		}
		// Changed between the confirmation and the signature: no signed file comes of it.
		if _, err := r.Sign(r.leader.ctx, routing.SignRequest{SAD: g.SAD}); err != nil {
			t.Fatal(err)
		}
		if got := r.get(t, r.client, v.ID); got.State != routing.Failed || got.ReasonCode != "file_changed" {
			t.Fatalf("document %+v", got)
		}
	})
}

func TestRevokedBetweenAuthorisationAndSignatureIsNotReleased(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		in := r.intake("QD-1")
		in.Steps = in.Steps[1:]
		v := r.accept(t, in, pdf(t, "quyet-dinh"))
		admin := r.As("admin", auth.RoleCityAdmin, auth.WholeCity)
		r.agent.afterwards = func() { // the key has signed; the values are not released yet
			_, err := r.Revoke(admin, r.leader.certificate, pki.KeyCompromise, r.Now())
			if err != nil {
				t.Error(err)
			}
		}
		if _, err := r.act(t, r.leader, routing.ActSign, nil, v.ID); !errors.Is(err, routing.ErrRevoked) {
			t.Fatalf("released: %v", err)
		}
		r.agent.afterwards = nil
		if n := r.count(t, `SELECT COUNT(*) FROM signings WHERE signature IS NOT NULL`); n != 0 {
			t.Fatalf("%d values kept", n)
		}
		if got := r.get(t, r.client, v.ID); got.State != routing.Waiting || got.Revision > 2 {
			t.Fatalf("document %+v", got)
		}
		if _, err := r.act(t, r.leader, routing.ActSign, nil, v.ID); !errors.Is(err, signing.ErrRevoked) {
			t.Fatalf("prepared with a revoked certificate: %v", err)
		}
	})
}

func TestACrashAfterTheReleaseIsFinishedWithoutAKey(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		in := r.intake("QD-1")
		in.Steps = in.Steps[1:]
		v := r.accept(t, in, pdf(t, "quyet-dinh"))
		r.halt.Store(true) // Sign releases the values and finishes nothing
		res, err := r.act(t, r.leader, routing.ActSign, nil, v.ID)
		must(t, err)
		if res.Done || res.Documents[0].State != routing.Signing {
			t.Fatalf("not interrupted: %+v", res)
		}
		r.halt.Store(false)
		must(t, r.agent.DiscardKey(t.Context(), r.leader.credential)) // no key any more
		db, _ := r.Store.DB()
		var id string
		must(t, db.QueryRow(`SELECT id FROM signings WHERE state = 'released'`).Scan(&id))
		var wg sync.WaitGroup
		for range 8 { // the job, again and again, at once
			wg.Go(func() {
				if err := r.Finish(t.Context(), id); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got := r.get(t, r.client, v.ID)
		if got.State != routing.Signed || bytes.Count(r.content(t, v.ID, 0), []byte("/ByteRange")) != 1 {
			t.Fatalf("document %+v", got)
		}
		if n, rows := blobs(t, r.dir), r.count(t, `SELECT COUNT(*) FROM document_revisions`); n != rows {
			t.Fatalf("%d blobs for %d revisions", n, rows)
		}
		if n := r.count(t, `SELECT COUNT(*) FROM river_job WHERE kind = 'routing.finish'`); n != 1 {
			t.Fatalf("%d jobs to finish", n)
		}
	})
}

func TestATimestampAuthorityThatIsDownDelaysOnlyTheTimestamp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		in := r.intake("QD-1")
		in.Steps = in.Steps[1:2]
		v := r.accept(t, in, pdf(t, "quyet-dinh"))
		r.tsa.down.Store(true)
		d := r.mustAct(t, r.leader, routing.ActSign, v.ID).Documents[0]
		if d.State != routing.Signed || d.Level != "B-B" || !d.TimestampPending {
			t.Fatalf("signed %+v", d)
		}
		if n := r.count(t, `SELECT COUNT(*) FROM river_job WHERE kind = 'routing.raise'`); n != 1 {
			t.Fatalf("%d jobs to raise", n)
		}
		r.tsa.down.Store(false)
		must(t, r.Raise(t.Context(), v.ID))
		got := r.get(t, r.client, v.ID)
		if got.Level != "B-LT" || got.TimestampPending || got.Revisions[len(got.Revisions)-1].Kind != routing.RevisionRaised {
			t.Fatalf("raised %+v", got)
		}
		must(t, r.Raise(t.Context(), v.ID)) // the job again
		if again := r.get(t, r.client, v.ID); again.Revision != got.Revision {
			t.Fatal("raised twice")
		}
	})
}

func TestRefuseReturnWithdrawAndExpire(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		file := pdf(t, "quyet-dinh")
		one, two, three := r.accept(t, r.intake("1"), file), r.accept(t, r.intake("2"), file), r.accept(t, r.intake("3"), file)
		if _, err := r.Refuse(r.drafter.ctx, one.ID, " "); !errors.Is(err, routing.ErrReason) {
			t.Fatalf("without a reason: %v", err)
		}
		if _, err := r.Refuse(r.leader.ctx, one.ID, "x"); !errors.Is(err, auth.ErrDenied) {
			t.Fatalf("out of turn: %v", err)
		}
		op := desk.Op(r.drafter.ctx, "op-1")
		for range 3 { // a resend has the same answer
			v, err := r.Refuse(op, one.ID, "Sai thẩm quyền")
			if err != nil || v.State != routing.Refused || v.Reason != "Sai thẩm quyền" || len(v.May) != 0 {
				t.Fatalf("refused %+v, %v", v, err)
			}
		}
		if v, err := r.Return(r.drafter.ctx, two.ID, "Sửa thể thức"); err != nil || v.State != routing.Returned {
			t.Fatalf("returned %+v, %v", v, err)
		}
		if v, err := r.Withdraw(r.client, three.ID, "Trình nhầm"); err != nil || v.State != routing.Withdrawn {
			t.Fatalf("withdrawn %+v, %v", v, err)
		}
		if _, err := r.act(t, r.drafter, routing.ActInitial, nil, three.ID); !errors.Is(err, routing.ErrState) {
			t.Fatalf("signed after it was withdrawn: %v", err)
		}
		in := r.intake("4")
		in.Metadata.Deadline = r.Now().AddDate(0, 0, 1)
		four := r.accept(t, in, file)
		must(t, r.Expire(t.Context(), four.ID))
		if v := r.get(t, r.client, four.ID); v.State != routing.Waiting {
			t.Fatalf("expired before its time: %+v", v)
		}
		r.Advance(25 * 3600e9)
		must(t, r.Expire(t.Context(), four.ID))
		must(t, r.Expire(t.Context(), four.ID))
		if v := r.get(t, r.client, four.ID); v.State != routing.Expired {
			t.Fatalf("not expired: %+v", v)
		}
		for event, want := range map[string]int{"refused": 1, "returned": 1, "withdrawn": 1, "expired": 1} {
			if n := r.count(t, `SELECT COALESCE(SUM(n), 0) FROM doc_counts_day WHERE event = '`+event+`'`); n != want {
				t.Errorf("%s counted %d times", event, n)
			}
		}
	})
}

func TestABatchIsSignedWithOneAuthorisation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		var ids []string
		for _, name := range []string{"a", "b", "c"} {
			in := r.intake(name)
			in.Steps = in.Steps[1:]
			ids = append(ids, r.accept(t, in, pdf(t, "quyet-dinh")).ID)
		}
		if _, err := r.Prepare(r.leader.ctx, routing.PrepareRequest{Act: routing.ActSign, Documents: []string{ids[0], ids[0]}}); !errors.Is(err, routing.ErrBatch) {
			t.Fatalf("one document twice: %v", err)
		}
		c, err := r.Prepare(r.leader.ctx, routing.PrepareRequest{Act: routing.ActSign, Documents: ids})
		must(t, err)
		if _, err := r.Authorize(r.leader.ctx, c.BatchID, "99999999", softagent.OTP); !errors.Is(err, agent.ErrWrongPIN) {
			t.Fatalf("a wrong PIN: %v", err)
		}
		if _, err := r.Authorize(r.drafter.ctx, c.BatchID, pin, softagent.OTP); !errors.Is(err, routing.ErrNotFound) {
			t.Fatalf("another person's batch: %v", err)
		}
		g, err := r.Authorize(r.leader.ctx, c.BatchID, pin, softagent.OTP)
		must(t, err)
		if _, err := r.Sign(r.leader.ctx, routing.SignRequest{SAD: g.SAD, Documents: ids[:2]}); !errors.Is(err, routing.ErrBatchMismatch) {
			t.Fatalf("other documents: %v", err)
		}
		if _, err := r.Sign(r.drafter.ctx, routing.SignRequest{SAD: g.SAD}); !errors.Is(err, routing.ErrBatchUnknown) {
			t.Fatalf("another person's SAD: %v", err)
		}
		res, err := r.Sign(r.leader.ctx, routing.SignRequest{SAD: g.SAD, Documents: ids})
		must(t, err)
		if !res.Done || len(res.Documents) != 3 || r.agent.signed.Load() != 1 {
			t.Fatalf("%+v, signed %d times", res, r.agent.signed.Load())
		}
		r.mustAct(t, r.clerk, routing.ActSeal, ids...)
	})
}

func TestAWithdrawnDocumentStopsABatch(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		in := r.intake("QD-1")
		in.Steps = in.Steps[1:]
		v := r.accept(t, in, pdf(t, "quyet-dinh"))
		r.agent.afterwards = func() {
			if _, err := r.Withdraw(r.client, v.ID, "Trình nhầm"); err != nil {
				t.Error(err)
			}
		}
		if _, err := r.act(t, r.leader, routing.ActSign, nil, v.ID); !errors.Is(err, routing.ErrState) {
			t.Fatalf("released: %v", err)
		}
		if n := r.count(t, `SELECT COUNT(*) FROM signings WHERE signature IS NOT NULL`); n != 0 {
			t.Fatalf("%d values kept", n)
		}
	})
}

func TestNumberAndDateRules(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		in := r.intake("QD-1")
		in.Steps = in.Steps[1:]
		v := r.accept(t, in, pdf(t, "quyet-dinh"))
		r.mustAct(t, r.leader, routing.ActSign, v.ID)
		for _, c := range []struct {
			in   routing.SealInput
			want error
		}{
			{routing.SealInput{}, routing.ErrNumber},
			{routing.SealInput{Number: "QĐ-UBND"}, routing.ErrNumber},
			{routing.SealInput{Number: "12/qđ"}, routing.ErrNumber},
			{routing.SealInput{Number: "12/QĐ-UBND", Date: "2026-11-22"}, routing.ErrDate},
			{routing.SealInput{Number: "12/QĐ-UBND", Date: "2026-11-20"}, routing.ErrDate},
			{routing.SealInput{Number: "12/QĐ-UBND", Date: "21/11/2026"}, routing.ErrDate},
		} {
			if _, err := r.act(t, r.clerk, routing.ActSeal, map[string]routing.SealInput{v.ID: c.in}, v.ID); !errors.Is(err, c.want) {
				t.Errorf("%+v: %v", c.in, err)
			}
		}
	})
}

func TestInboxPagesByUrgencyAndDeadline(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		file := pdf(t, "quyet-dinh")
		add := func(id, subject string, u routing.Urgency, days int) {
			in := r.intake(id)
			in.Metadata.Urgency, in.Metadata.Subject = u, subject
			if days > 0 {
				in.Metadata.Deadline = r.Now().AddDate(0, 0, days)
			}
			r.accept(t, in, file)
		}
		add("1", "Kế hoạch duy tu đường Hòa Bình", routing.UrgencyNormal, 0)
		add("2", "Tờ trình khẩn", routing.UrgencyUrgent, 5)
		add("3", "Công điện", routing.UrgencyAtOnce, 0)
		add("4", "Báo cáo", routing.UrgencyUrgent, 2)
		var got []string
		f := routing.Filter{Limit: 3}
		for {
			p, err := r.Inbox(r.drafter.ctx, f)
			must(t, err)
			for _, it := range p.Items {
				got = append(got, it.Subject)
			}
			if p.Next == "" {
				break
			}
			f.Cursor = p.Next
		}
		if s := strings.Join(got, "|"); s != "Công điện|Báo cáo|Tờ trình khẩn|Kế hoạch duy tu đường Hòa Bình" {
			t.Fatalf("order %s", s)
		}
		for text, want := range map[string]int{"hoa binh": 1, "DUONG": 1, "khẩn": 1, "phong kinh te": 4, "không có": 0} {
			p, err := r.Inbox(r.drafter.ctx, routing.Filter{Text: text})
			if err != nil || len(p.Items) != want {
				t.Errorf("%q: %d items, %v", text, len(p.Items), err)
			}
		}
		p, err := r.Inbox(r.client, routing.Filter{State: routing.Waiting, Urgency: routing.UrgencyUrgent})
		if err != nil || len(p.Items) != 2 {
			t.Errorf("client's list %+v, %v", p, err)
		}
	})
}
