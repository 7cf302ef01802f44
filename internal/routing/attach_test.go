package routing_test

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/testkit/softagent"
	"github.com/kyso-vn/kyso/signer/validate"
)

// attached is a document with three attachments, signed by the leader.
func (r *rig) attached(t *testing.T, id string) routing.View {
	t.Helper()
	in := r.intake(id)
	in.Steps = in.Steps[1:]
	in.Attachments = []routing.Attachment{{Name: "Phụ lục I", SameFile: true}, {Name: "phu-luc.pdf", MediaType: "application/pdf"}, {Name: "bang.csv", MediaType: "text/csv"}}
	v, _, err := r.Accept(r.client, in, routing.Files{Document: bytes.NewReader(pdf(t, "to-trinh")),
		Attachments: []io.Reader{bytes.NewReader(pdf(t, "phu-luc")), strings.NewReader("a;b\n1;2\n")}})
	must(t, err)
	r.mustAct(t, r.leader, routing.ActSign, v.ID)
	return r.get(t, r.client, v.ID)
}

func (r *rig) attachment(t *testing.T, id string, n int) []byte {
	t.Helper()
	c, err := r.Attachment(r.client, id, n)
	must(t, err)
	defer c.Close()
	b, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size))
	must(t, err)
	return b
}

type memory struct{ *bytes.Reader }

func (m memory) Size() int64 { return m.Reader.Size() }

func TestTheSealSignsAttachmentsInFilesOfTheirOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		v := r.attached(t, "TTr-1")
		if !bytes.Equal(r.attachment(t, v.ID, 2), pdf(t, "phu-luc")) || v.Attachments[1].Level != "" {
			t.Fatal("an attachment was changed before the seal")
		}
		// 1. The confirmation lists every hash that is authorised.
		c, err := r.Prepare(r.clerk.ctx, routing.PrepareRequest{Act: routing.ActSeal, Documents: []string{v.ID}, Seal: map[string]routing.SealInput{v.ID: {Number: "45/TTr-UBND"}}})
		must(t, err)
		if e := c.Documents; len(e) != 1 || len(e[0].Attachments) != 1 || e[0].Attachments[0].N != 2 || len(e[0].Attachments[0].Hash) != 64 || len(e[0].Attachments[0].CheckFull) != 64 {
			t.Fatalf("confirmation %+v", c)
		}
		// 2. Document and attachment are signed by one authorisation.
		g, err := r.Authorize(r.clerk.ctx, c.BatchID, pin, softagent.OTP)
		must(t, err)
		res, err := r.Sign(r.clerk.ctx, routing.SignRequest{SAD: g.SAD, Documents: []string{v.ID}})
		if err != nil || !res.Done || len(res.Documents) != 1 || res.Documents[0].State != routing.Issued {
			t.Fatalf("%+v, %v", res, err)
		}
		v = r.get(t, r.client, v.ID)
		for i, level := range []string{"", "B-LT", ""} {
			if v.Attachments[i].Level != level {
				t.Errorf("attachment %d: %+v", i+1, v.Attachments[i])
			}
		}
		// 3. It shows number and time, its bytes before are kept, and a verifier accepts it.
		got := r.attachment(t, v.ID, 2)
		if !bytes.HasPrefix(got, pdf(t, "phu-luc")) || int64(len(got)) != v.Attachments[1].Size {
			t.Fatal("the attachment is not the submitted one with a signature")
		}
		judged(t, got, 1, "Số: 45/TTr-UBND", "2026-11-21T09:00:00+07:00")
		render(t, "attachment", got, 1)
		rep, err := r.engine().Report(t.Context(), memory{bytes.NewReader(got)})
		if err != nil || rep.Verdict != validate.VerdictPassed || len(rep.Signatures) != 1 {
			t.Errorf("report %+v, %v", rep, err)
		}
		if b := r.attachment(t, v.ID, 3); string(b) != "a;b\n1;2\n" {
			t.Errorf("the table is %q", b)
		}
	})
}

func TestAnAttachmentWaitsForItsTimestampToo(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		v := r.attached(t, "TTr-1")
		r.tsa.failures.Store(1) // only the attachment's
		d := r.mustAct(t, r.clerk, routing.ActSeal, v.ID).Documents[0]
		if d.Level != "B-LT" || !d.TimestampPending {
			t.Fatalf("sealed %+v", d)
		}
		if v = r.get(t, r.client, v.ID); v.Attachments[1].Level != "B-B" {
			t.Fatalf("attachment %+v", v.Attachments[1])
		}
		must(t, r.Raise(t.Context(), v.ID))
		must(t, r.Raise(t.Context(), v.ID))
		got := r.get(t, r.client, v.ID)
		if got.TimestampPending || got.Attachments[1].Level != "B-LT" || got.Revision != v.Revision {
			t.Fatalf("raised %+v", got)
		}
		judged(t, r.attachment(t, v.ID, 2), 1)
		if n := r.count(t, `SELECT COUNT(*) FROM callbacks WHERE event = 'document.timestamped'`); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

func TestACrashBetweenAttachmentAndDocumentIsFinished(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		v := r.attached(t, "TTr-1")
		before := blobs(t, r.dir)
		r.haltAfter.Store(1) // the attachment is written, the document is not
		res, err := r.act(t, r.clerk, routing.ActSeal, map[string]routing.SealInput{v.ID: {Number: "45/TTr-UBND"}}, v.ID)
		must(t, err)
		if res.Done || res.Documents[0].State != routing.Signing {
			t.Fatalf("not interrupted: %+v", res)
		}
		r.haltAfter.Store(0)
		r.halt.Store(false)
		db, _ := r.Store.DB()
		var id string
		must(t, db.QueryRow(`SELECT id FROM signings WHERE state = 'released' AND attachment = 0`).Scan(&id))
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := r.Finish(t.Context(), id); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if v = r.get(t, r.client, v.ID); v.State != routing.Issued || v.Attachments[1].Level != "B-LT" {
			t.Fatalf("finished %+v", v)
		}
		if n := blobs(t, r.dir) - before; n != 2 {
			t.Errorf("%d new blobs for a document and an attachment", n)
		}
	})
}

func TestAnAttachmentThatCannotBeSignedIsRefusedAtTheDoor(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		in := r.intake("QD-1")
		in.Attachments = []routing.Attachment{{Name: "a.pdf"}}
		whole := pdf(t, "phu-luc")
		_, _, err := r.Accept(r.client, in, routing.Files{Document: bytes.NewReader(pdf(t, "quyet-dinh")), Attachments: []io.Reader{bytes.NewReader(whole[:len(whole)/2])}})
		if err == nil || !strings.Contains(err.Error(), "can't be read") {
			t.Fatalf("half a file: %v", err)
		}
		if n := blobs(t, r.dir); n != 0 {
			t.Errorf("%d blobs are left", n)
		}
	})
}

func TestSweepKeepsEveryByteOfADocument(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		v := r.attached(t, "TTr-1")
		r.mustAct(t, r.clerk, routing.ActSeal, v.ID)
		before := blobs(t, r.dir)
		orphan := filepath.Join(r.dir, "00", strings.Repeat("0", 30))
		must(t, os.MkdirAll(filepath.Dir(orphan), 0o700))
		must(t, os.WriteFile(orphan, []byte("x"), 0o600))
		must(t, filepath.WalkDir(r.dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return os.Chtimes(p, r.Now(), r.Now().Add(-25*time.Hour))
		}))
		must(t, r.Sweep(t.Context()))
		if n := blobs(t, r.dir); n != before {
			t.Errorf("%d blobs are left of %d and an orphan", n, before)
		}
		for n := range r.get(t, r.client, v.ID).Revision {
			r.content(t, v.ID, n+1)
		}
		r.attachment(t, v.ID, 2)
		r.attachment(t, v.ID, 3)
	})
}
