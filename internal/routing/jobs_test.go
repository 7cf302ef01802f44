package routing_test

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/kyso-vn/kyso/internal/dms"
	"github.com/kyso-vn/kyso/internal/job"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/testkit/dmsstub"
)

// inTime enqueues the jobs that wait for a time of the rig's clock, which is not River's.
type inTime struct {
	*job.Client
	r *rig
}

func (c inTime) Enqueue(ctx context.Context, tx *sql.Tx, args job.Args) error {
	switch a := args.(type) {
	case routing.FinishArgs:
		a.At = time.Now()
		args = a
	case routing.ExpireArgs:
		a.At = time.Now().Add(a.At.Sub(c.r.Now()))
		args = a
	}
	return c.Client.Enqueue(ctx, tx, args)
}

// work lets River work the jobs of the rig, and returns the document system they tell.
func (r *rig) work(t *testing.T) *dmsstub.Stub {
	t.Helper()
	stub, err := dmsstub.Start(dmsstub.Options{CallbackKey: []byte("callback key")})
	must(t, err)
	t.Cleanup(func() { must(t, stub.Close()) })
	back, err := dms.New(dms.Options{Store: r.Store, Client: http.DefaultClient})
	must(t, err)
	workers := river.NewWorkers()
	r.AddWorkers(workers)
	back.AddWorkers(workers)
	c, err := job.NewClient(r.Store.JobDriver(), workers, slog.New(slog.DiscardHandler))
	must(t, err)
	c.Watch(r.Store)
	r.Store.UseJobs(inTime{c, r})
	must(t, c.Start(context.WithoutCancel(t.Context())))
	t.Cleanup(func() {
		ctx, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		must(t, c.Stop(ctx))
	})
	return stub
}

func TestJobsFinishRaiseExpireAndTell(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		stub := r.work(t)
		ctx, done := context.WithTimeout(t.Context(), time.Minute)
		defer done()
		told := func(id, event string) dmsstub.Document {
			t.Helper()
			c, err := stub.Wait(ctx, id, event)
			must(t, err)
			return c.Document
		}
		// 1. The leader's process dies after the release; the job finishes, without a
		// time-stamp, and another one raises.
		in := r.intake("QD-1")
		in.CallbackURL, in.Steps = stub.CallbackURL(), in.Steps[1:]
		v := r.accept(t, in, pdf(t, "quyet-dinh"))
		told(v.ID, "document.accepted")
		r.halt.Store(true)
		r.tsa.failures.Store(1)
		res, err := r.act(t, r.leader, routing.ActSign, nil, v.ID)
		must(t, err)
		if res.Done {
			t.Fatalf("not interrupted: %+v", res)
		}
		stub.FailNext(1)
		r.halt.Store(false)
		if d := told(v.ID, "document.signed"); d.Level != "B-B" || !d.TimestampPending {
			t.Errorf("signed %+v", d)
		}
		if d := told(v.ID, "document.timestamped"); d.Level != "B-LT" || d.TimestampPending {
			t.Errorf("raised %+v", d)
		}
		// 2. The seal, finished by the request itself.
		r.mustAct(t, r.clerk, routing.ActSeal, v.ID)
		if d := told(v.ID, "document.issued"); d.State != string(routing.Issued) || d.SHA256 != r.get(t, r.client, v.ID).SHA256 {
			t.Errorf("issued %+v", d)
		}
		// 3. Another one is signed by nobody until its deadline.
		in = r.intake("QD-2")
		in.CallbackURL, in.Metadata.Deadline = stub.CallbackURL(), r.Now().Add(time.Second)
		late := r.accept(t, in, pdf(t, "quyet-dinh"))
		r.Advance(2 * time.Second)
		if d := told(late.ID, "document.expired"); d.State != string(routing.Expired) {
			t.Errorf("expired %+v", d)
		}
		if n := r.count(t, `SELECT COUNT(*) FROM river_job WHERE kind LIKE 'routing.%' AND state IN ('discarded', 'cancelled')`); n != 0 {
			t.Errorf("%d jobs were given up", n)
		}
		got, rejected, repeated := stub.Received()
		if rejected != 0 || repeated != 0 || len(got) != 6 {
			t.Errorf("%d callbacks, %d rejected, %d repeated", len(got), rejected, repeated)
		}
	})
}
