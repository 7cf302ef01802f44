package dms_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/dms"
	"github.com/kyso-vn/kyso/internal/job"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/safehttp"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/testkit/dmsstub"
	"github.com/kyso-vn/kyso/internal/unit"
)

var key = []byte("a callback key of a test")

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func event() audit.Event {
	return audit.Event{At: time.Now(), Actor: "service:test", Action: "test", Object: "test:1", Outcome: audit.OutcomeDone}
}

// queued makes a document with n events to tell, and a service and a system to tell them to.
func queued(t *testing.T, s *store.Store, n int, allow ...string) (*dms.Service, *dmsstub.Stub) {
	t.Helper()
	stub, err := dmsstub.Start(dmsstub.Options{CallbackKey: key})
	must(t, err)
	t.Cleanup(func() { must(t, stub.Close()) })
	units := &unit.Service{Store: s}
	admin := auth.WithActor(t.Context(), auth.Actor{AccountID: "a", Grants: []auth.Grant{{Role: auth.RoleCityAdmin, UnitID: auth.WholeCity}}})
	u, err := units.CreateUnit(admin, unit.Unit{Code: "00004", Name: "Phường Ba Đình", Level: unit.Commune, From: "2025-07-01"})
	must(t, err)
	must(t, s.InsertClient(t.Context(), auth.Client{ID: "dms", Name: "DMS", SecretHash: []byte("x"), CallbackURL: stub.CallbackURL(), CallbackKey: key}, nil, time.Now(), event()))
	d := routing.Document{ID: "doc", UnitID: u.ID, ClientID: "dms", ExternalID: "1", ContentHash: []byte("h"), State: routing.Waiting, Revision: 1,
		CreatedAt: time.Now(), SortKey: "k", CallbackURL: stub.CallbackURL(),
		Revisions: []routing.Revision{{N: 1, Kind: routing.RevisionSubmitted, BlobID: "b", SHA256: []byte("s"), At: time.Now()}}}
	jobs := []job.Args{routing.ReturnArgs{DocumentID: d.ID}}
	notice := func(i int) routing.Notice {
		return routing.Notice{ID: fmt.Sprintf("event-%d", i), URL: d.CallbackURL, Event: fmt.Sprintf("document.e%d", i), DocumentID: d.ID, ExternalID: "1",
			State: routing.Waiting, Revision: i, At: time.Now()}
	}
	must(t, s.InsertDocument(t.Context(), d, routing.Change{At: time.Now(), Event: event(), Notice: notice(1), Jobs: jobs}))
	for i := 2; i <= n; i++ {
		ok, err := s.RecordRaised(t.Context(), d.ID, i-1, routing.Revision{N: i, Kind: routing.RevisionRaised, BlobID: fmt.Sprint("b", i), SHA256: []byte("s"), At: time.Now()},
			"B-LT", routing.Change{At: time.Now(), Event: event(), Notice: notice(i), Jobs: jobs})
		must(t, err)
		if !ok {
			t.Fatal("not recorded")
		}
	}
	client, err := safehttp.New(safehttp.Options{Allow: allow})
	must(t, err)
	svc, err := dms.New(dms.Options{Store: s, Client: client})
	must(t, err)
	return svc, stub
}

func TestCallbacksArriveSignedOnceAndInOrder(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		svc, stub := queued(t, s, 5, "127.0.0.1")
		var wg sync.WaitGroup
		for range 8 { // as many jobs as events, at once
			wg.Go(func() {
				if err := svc.Return(t.Context(), "doc"); err != nil && !errors.Is(err, dms.ErrBusy) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		must(t, svc.Return(t.Context(), "doc")) // whoever held the lease may have been the last to look
		got, rejected, repeated := stub.Received()
		if len(got) != 5 || rejected != 0 || repeated != 0 {
			t.Fatalf("%d callbacks, %d rejected, %d repeated", len(got), rejected, repeated)
		}
		for i, c := range got {
			if c.Sequence != i+1 || c.ID != fmt.Sprintf("event-%d", i+1) || c.Document.ID != "doc" || c.Links.Content != "/api/v1/documents/doc/content" {
				t.Fatalf("callback %d is %+v", i, c)
			}
		}
	})
}

func TestAFailedCallbackHoldsBackTheNextAndIsTriedAgain(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		svc, stub := queued(t, s, 3, "127.0.0.1")
		stub.FailNext(2)
		for range 2 {
			if err := svc.Return(t.Context(), "doc"); err == nil {
				t.Fatal("a refused callback is no error: the job would end")
			}
			if got, _, _ := stub.Received(); len(got) != 0 {
				t.Fatalf("a later event overtook: %+v", got)
			}
		}
		must(t, svc.Return(t.Context(), "doc"))
		if got, _, _ := stub.Received(); len(got) != 3 || got[0].Sequence != 1 {
			t.Fatalf("%+v", got)
		}
		admin := auth.WithActor(t.Context(), auth.Actor{AccountID: "admin", Grants: []auth.Grant{{Role: auth.RoleCityAdmin, UnitID: auth.WholeCity}}})
		list, err := svc.Callbacks(admin, false, "", 10)
		must(t, err)
		if len(list) != 3 || list[2].Tries != 3 || !list[2].Delivered || list[2].Status != http.StatusNoContent {
			t.Fatalf("%+v", list)
		}
		must(t, svc.AskResend(admin, "event-1"))
		must(t, svc.Resend(t.Context(), "event-1")) // what the job does
		if _, _, repeated := stub.Received(); repeated != 1 {
			t.Fatalf("resent %d times", repeated)
		}
		if err := svc.AskResend(auth.WithActor(t.Context(), auth.Actor{AccountID: "x", Grants: []auth.Grant{{Role: auth.RoleClerk, UnitID: auth.WholeCity}}}), "event-1"); !errors.Is(err, auth.ErrDenied) {
			t.Fatalf("a clerk: %v", err)
		}
	})
}

func TestJobsDeliverWhatFailedAtFirst(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		svc, stub := queued(t, s, 4, "127.0.0.1")
		stub.FailNext(1)
		workers := river.NewWorkers()
		svc.AddWorkers(workers)
		jobs, err := job.NewClient(s.JobDriver(), workers, slog.New(slog.DiscardHandler))
		must(t, err)
		must(t, jobs.Start(t.Context()))
		_, err = stub.Wait(t.Context(), "doc", "document.e4")
		must(t, err)
		must(t, jobs.Stop(t.Context()))
		if got, rejected, repeated := stub.Received(); len(got) != 4 || got[0].Sequence != 1 || rejected+repeated != 0 {
			t.Fatalf("%+v, %d rejected, %d repeated", got, rejected, repeated)
		}
	})
}

func TestTargetsInsideAreNotCalled(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		svc, stub := queued(t, s, 1) // loopback is not on the list
		if err := svc.Return(t.Context(), "doc"); !errors.Is(err, safehttp.ErrBlocked) {
			t.Fatalf("loopback: %v", err)
		}
		if got, _, _ := stub.Received(); len(got) != 0 {
			t.Fatal("it was called")
		}
	})
}

func TestVerifyFindsEveryChange(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_795_226_400, 0)
	body := []byte(`{"id":"e1"}`)
	good := func() http.Header {
		ts := strconv.FormatInt(now.Unix(), 10)
		return http.Header{dms.HeaderEvent: {"e1"}, dms.HeaderTimestamp: {ts}, dms.HeaderSignature: {dms.Sign(key, ts, "e1", body)}}
	}
	if !dms.Verify(key, good(), body, now.Add(time.Minute), 5*time.Minute) {
		t.Fatal("a good callback")
	}
	for name, bad := range map[string]func() (http.Header, []byte, []byte, time.Time){
		"body":   func() (http.Header, []byte, []byte, time.Time) { return good(), []byte(`{"id":"e2"}`), key, now },
		"key":    func() (http.Header, []byte, []byte, time.Time) { return good(), body, []byte("other"), now },
		"old":    func() (http.Header, []byte, []byte, time.Time) { return good(), body, key, now.Add(time.Hour) },
		"future": func() (http.Header, []byte, []byte, time.Time) { return good(), body, key, now.Add(-time.Hour) },
		"event id": func() (http.Header, []byte, []byte, time.Time) {
			h := good()
			h.Set(dms.HeaderEvent, "e2")
			return h, body, key, now
		},
		"timestamp": func() (http.Header, []byte, []byte, time.Time) {
			h := good()
			h.Set(dms.HeaderTimestamp, "1795226401")
			return h, body, key, now
		},
		"none": func() (http.Header, []byte, []byte, time.Time) { return http.Header{}, body, key, now },
	} {
		h, b, k, at := bad()
		if dms.Verify(k, h, b, at, 5*time.Minute) {
			t.Errorf("%s was accepted", name)
		}
	}
}
