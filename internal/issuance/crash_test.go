package issuance_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ocsp"
)

var errCrash = errors.New("crash")

// crash is a process that dies at the n-th step: the step's effect happens or not, and
// nothing after it does, not even cleaning up.
type crash struct {
	mu    sync.Mutex
	at    int  // 1 is the first step; 0 is never
	after bool // the step still has its effect
	step  int
	dead  bool
}

// next reports whether the coming step has its effect, and whether its caller hears of it.
func (c *crash) next() (effect, heard bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return false, false
	}
	c.step++
	if c.step == c.at {
		c.dead = true
		return c.after, false
	}
	return true, true
}

func do[T any](c *crash, f func() (T, error)) (T, error) {
	effect, heard := c.next()
	var v T
	var err error
	if effect {
		v, err = f()
	}
	if !heard {
		var none T
		return none, errCrash
	}
	return v, err
}

func do0(c *crash, f func() error) error {
	_, err := do(c, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

type mortalStore struct {
	*store.Store
	c *crash
}

func (m mortalStore) Reserve(ctx context.Context, r issuance.Reservation) (issuance.Certificate, bool, error) {
	fresh := false
	c, err := do(m.c, func() (c issuance.Certificate, err error) { c, fresh, err = m.Store.Reserve(ctx, r); return c, err })
	return c, fresh, err
}

func (m mortalStore) RecordDraft(ctx context.Context, r issuance.DraftRecord) error {
	return do0(m.c, func() error { return m.Store.RecordDraft(ctx, r) })
}

func (m mortalStore) RecordIssued(ctx context.Context, r issuance.IssuedRecord) error {
	return do0(m.c, func() error { return m.Store.RecordIssued(ctx, r) })
}

func (m mortalStore) Abandon(ctx context.Context, id string, at time.Time, fail bool) error {
	return do0(m.c, func() error { return m.Store.Abandon(ctx, id, at, fail) })
}

func (m mortalStore) Lose(ctx context.Context, id string, at time.Time, actor string, e audit.Event) (bool, error) {
	return do(m.c, func() (bool, error) { return m.Store.Lose(ctx, id, at, actor, e) })
}

func (m mortalStore) RecordAudit(ctx context.Context, events ...audit.Event) error {
	return do0(m.c, func() error { return m.Store.RecordAudit(ctx, events...) })
}

// DraftRecorded is the agent's question before the CA key signs: a crash here is one while
// the HSM signs.
func (m mortalStore) DraftRecorded(ctx context.Context, key string, hash []byte) (bool, error) {
	return do(m.c, func() (bool, error) { return m.Store.DraftRecorded(ctx, key, hash) })
}

type mortalKeys struct {
	issuance.Keys
	c *crash
}

func (m mortalKeys) CreateKey(ctx context.Context, req agent.KeyRequest) (agent.Key, error) {
	return do(m.c, func() (agent.Key, error) { return m.Keys.CreateKey(ctx, req) })
}

func (m mortalKeys) DiscardKey(ctx context.Context, id string) error {
	return do0(m.c, func() error { return m.Keys.DiscardKey(ctx, id) })
}

func TestACrashAtAnyStepLosesNothingAndIssuesOnce(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for step := 1; step <= 5; step++ {
			t.Run(fmt.Sprintf("step %d, effect %t", step, after), func(t *testing.T) {
				db.Each(t, func(t *testing.T, s *store.Store) { crashAt(t, desk.New(t, s), step, after) })
			})
		}
	}
}

func crashAt(t *testing.T, r *desk.Rig, step int, after bool) {
	// 1. An approved application, and a process that dies while issuing it.
	v, err := r.Record(r.Counter(), r.Citizen())
	if err != nil {
		t.Fatal(err)
	}
	c := &crash{at: step, after: after}
	mortal := &issuance.Desk{Store: mortalStore{r.Store, c}, Agent: mortalKeys{r.Soft, c}, Units: r.Store, Profiles: r.Profiles, Linter: r.Linter,
		Base: desk.Base, Notifier: r, Now: r.Now}
	r.Soft.Ledger = mortalStore{r.Store, c}
	if _, err := mortal.Issue(r.Counter(), v.ID); !c.dead || err == nil {
		t.Fatalf("did not die at step %d: %v", step, err)
	}
	r.Soft.Ledger = r.Store
	nothingUnrecorded(t, r)

	// 2. Two minutes and a sweep later, whoever tries again gets one certificate.
	r.Advance(3 * time.Minute)
	if _, err := r.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := r.Desk.Issue(r.Counter(), v.ID)
	if err != nil || again.State != issuance.Issued {
		t.Fatalf("retry: %+v, %v", again, err)
	}
	if _, err := r.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	nothingUnrecorded(t, r)
	issued := count(t, r, `SELECT COUNT(*) FROM certificates WHERE state = 'issued' AND application_id IS NOT NULL`)
	counted := count(t, r, `SELECT COALESCE(SUM(n), 0) FROM counts_day WHERE event = 'new' AND unit_id <> '*'`)
	good := count(t, r, `SELECT COUNT(*) FROM certificates WHERE status = 'good' AND application_id IS NOT NULL`)
	notices := count(t, r, `SELECT COUNT(*) FROM notices`)
	if issued != 1 || counted != 1 || good != 1 || notices != 1 {
		t.Fatalf("%d issued, %d counted, %d good, %d notices", issued, counted, good, notices)
	}
	if code := r.Code(t, v.ID); code == "" {
		t.Fatal("no code")
	}

	// 3. What may have been signed and lost is revoked, and an alarm was raised.
	lost := count(t, r, `SELECT COUNT(*) FROM certificates WHERE state = 'lost'`)
	alarms := count(t, r, `SELECT COUNT(*) FROM audit_events WHERE action = 'certificate.lost'`)
	if lost != alarms {
		t.Fatalf("%d lost, %d alarms", lost, alarms)
	}
	if maybeSigned := step == 4 || step == 3 && after || step == 5 && !after; maybeSigned != (lost == 1) {
		t.Fatalf("step %d, effect %t: %d lost", step, after, lost)
	}
}

// nothingUnrecorded checks that whatever the CA key may have signed is in the database, and
// that OCSP calls nothing good that is not issued.
func nothingUnrecorded(t *testing.T, r *desk.Rig) {
	t.Helper()
	if n := count(t, r, `SELECT COUNT(*) FROM drafts d WHERE d.key_name = 'ca-key' AND NOT EXISTS (SELECT 1 FROM certificates c WHERE c.tbs_hash = d.tbs_hash)
		AND NOT EXISTS (SELECT 1 FROM crl_shards s WHERE s.der IS NOT NULL)`); n != 0 {
		t.Fatalf("%d drafts without a certificate row", n)
	}
	d, _ := r.Store.DB()
	rows, err := d.Query(`SELECT serial, state FROM certificates WHERE application_id IS NOT NULL`)
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]string{}
	for rows.Next() {
		var serial, state string
		if err := rows.Scan(&serial, &state); err != nil {
			t.Fatal(err)
		}
		states[serial] = state
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	for text, state := range states {
		serial, err := pki.ParseSerial(text)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]ocsp.State{"issued": ocsp.Good, "lost": ocsp.Revoked}[state]
		got, err := issuance.Statuses{Desk: r.Desk, CA: "hanoi"}.Status(t.Context(), r.CA, []pki.Serial{serial})
		if err != nil || got[0].State != want {
			t.Fatalf("OCSP says %v of a certificate that is %s, %v", got, state, err)
		}
	}
}

func TestARetryWhileAnotherProcessIssuesWaits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		v, err := r.Record(r.Counter(), r.Citizen())
		if err != nil {
			t.Fatal(err)
		}
		// The other process hangs before it records what was signed.
		other := process(r, &crash{at: 3})
		if _, err := other.Issue(r.Counter(), v.ID); !errors.Is(err, errCrash) {
			t.Fatalf("the other process did not stop: %v", err)
		}
		if _, err := r.Desk.Issue(r.Counter(), v.ID); !errors.Is(err, issuance.ErrIssuing) {
			t.Fatalf("beside a certificate that may be signed: %v", err)
		}
	})
}

// process is another service on the same database.
func process(r *desk.Rig, c *crash) *issuance.Desk {
	return &issuance.Desk{Store: mortalStore{r.Store, c}, Agent: r.Soft, Units: r.Store, Profiles: r.Profiles, Linter: r.Linter, Base: desk.Base, Now: r.Now}
}

func TestCopiesOfARequestToTwoProcessesIssueOneCertificate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		desks := []*issuance.Desk{r.Desk, process(r, new(crash))}
		f, ctx := r.Citizen(), desk.Op(r.Counter(), "op")
		fails := make([]error, 16)
		var wg sync.WaitGroup
		for i := range fails {
			wg.Go(func() { _, fails[i] = desks[i%2].Submit(ctx, f) })
		}
		wg.Wait()
		for _, err := range fails {
			if err != nil && !errors.Is(err, issuance.ErrIssuing) {
				t.Fatal(err)
			}
		}
		if n := count(t, r, `SELECT COUNT(*) FROM certificates WHERE application_id IS NOT NULL`); n != 1 {
			t.Fatalf("%d certificates", n)
		}
		if v, err := desks[1].Submit(ctx, f); err != nil || v.State != issuance.Issued {
			t.Fatalf("%+v, %v", v, err)
		}
	})
}

func TestAnHSMThatIsAwayLeavesAnApplicationThatCanBeRetried(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		away := &issuance.Desk{Store: r.Store, Agent: noHSM{r.Soft}, Units: r.Store, Profiles: r.Profiles, Linter: r.Linter, Base: desk.Base, Now: r.Now}
		ctx := desk.Op(r.Counter(), "op")
		f := r.Citizen()
		v, err := away.Submit(ctx, f)
		if !errors.Is(err, agent.ErrUnavailable) || v.State != issuance.Approved {
			t.Fatalf("%+v, %v", v, err)
		}
		again, err := r.Submit(ctx, f)
		if err != nil || again.ID != v.ID || again.State != issuance.Issued {
			t.Fatalf("%+v, %v", again, err)
		}
	})
}

type noHSM struct{ issuance.Keys }

func (noHSM) CreateKey(context.Context, agent.KeyRequest) (agent.Key, error) {
	return agent.Key{}, agent.ErrUnavailable
}

type brokenHSM struct{ issuance.Keys }

func (brokenHSM) CreateKey(context.Context, agent.KeyRequest) (agent.Key, error) {
	return agent.Key{}, errors.New("mechanism invalid")
}

func TestTheSweeperFinishesWhatWaitsAndLeavesWhatFails(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		waiting, err := r.Record(r.Counter(), r.Citizen())
		if err != nil {
			t.Fatal(err)
		}
		away := &issuance.Desk{Store: r.Store, Agent: noHSM{r.Soft}, Units: r.Store, Profiles: r.Profiles, Linter: r.Linter, Base: desk.Base, Now: r.Now}
		r.Advance(2 * time.Minute)
		if done, err := away.Sweep(t.Context()); err == nil || done.Issued != 0 {
			t.Fatalf("%+v, %v", done, err)
		}
		broken := &issuance.Desk{Store: r.Store, Agent: brokenHSM{r.Soft}, Units: r.Store, Profiles: r.Profiles, Linter: r.Linter, Base: desk.Base, Now: r.Now}
		failing, err := broken.Submit(r.Counter(), r.Citizen())
		if err == nil {
			t.Fatal("issued without a key")
		}
		r.Advance(2 * time.Minute)
		done, err := r.Sweep(t.Context())
		if err != nil || done != (issuance.Swept{Issued: 1}) {
			t.Fatalf("%+v, %v", done, err)
		}
		for id, want := range map[string]issuance.State{waiting.ID: issuance.Issued, failing.ID: issuance.Failed} {
			if v, err := r.Get(r.Counter(), id); err != nil || v.State != want {
				t.Errorf("%+v, %v; want %s", v, err, want)
			}
		}
		if v, err := r.Desk.Issue(r.Counter(), failing.ID); err != nil || v.State != issuance.Issued {
			t.Fatalf("a person tries again: %+v, %v", v, err)
		}
	})
}

// deafStore commits a certificate and does not hear of it the first time.
type deafStore struct {
	*store.Store
	deaf *bool
}

func (s deafStore) RecordIssued(ctx context.Context, r issuance.IssuedRecord) error {
	err := s.Store.RecordIssued(ctx, r)
	if *s.deaf {
		*s.deaf = false
		return errors.Join(err, errors.New("connection lost while committing"))
	}
	return err
}

func TestACommitWhoseAnswerIsLostIsASuccess(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		deaf := true
		r.Desk.Store = deafStore{r.Store, &deaf}
		v := r.Issue(t, r.Citizen())
		if deaf || v.State != issuance.Issued || count(t, r, `SELECT COUNT(*) FROM certificates WHERE status = 'good' AND application_id IS NOT NULL`) != 1 {
			t.Fatalf("%+v", v)
		}
	})
}

// brokenRow is a store that can't close one row.
type brokenRow struct {
	*store.Store
	id string
}

func (s brokenRow) Lose(ctx context.Context, id string, at time.Time, actor string, e audit.Event) (bool, error) {
	if id == s.id {
		return false, errCrash
	}
	return s.Store.Lose(ctx, id, at, actor, e)
}

func TestARowThatCannotBeClosedKeepsNoOtherFromTheSweeper(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		for range 2 { // two processes die before they record what was signed
			v, err := r.Record(r.Counter(), r.Citizen())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := process(r, &crash{at: 3}).Issue(r.Counter(), v.ID); !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
		}
		r.Advance(3 * time.Minute)
		stuck, err := r.Store.Stuck(t.Context(), r.Now(), 10)
		if err != nil || len(stuck) != 2 {
			t.Fatalf("%d stuck, %v", len(stuck), err)
		}
		r.Desk.Store = brokenRow{r.Store, stuck[0].ID}
		if done, err := r.Sweep(t.Context()); !errors.Is(err, errCrash) || done.Lost != 1 {
			t.Fatalf("%+v, %v", done, err)
		}
		if c, err := r.Store.Certificate(t.Context(), stuck[1].ID); err != nil || c.State != issuance.StateLost {
			t.Fatalf("%+v, %v", c, err)
		}
	})
}
