package report_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/report"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
)

type rig struct {
	*desk.Rig
	*report.Service
}

func each(t *testing.T, f func(t *testing.T, r rig)) {
	t.Helper()
	db.Each(t, func(t *testing.T, s *store.Store) {
		d := desk.New(t, s)
		f(t, rig{d, &report.Service{Store: s, Now: d.Now}})
	})
}

func (r rig) city() context.Context {
	return r.As("city", auth.RoleCityAdmin, auth.WholeCity)
}

func (r rig) report(t *testing.T, q report.Query) report.Issuance {
	t.Helper()
	out, err := r.Issuance(r.city(), q)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range append(out.Rows, out.Total) {
		if row.Opening+row.Gained-row.Lost != row.Closing {
			t.Fatalf("%s does not add up: %+v", row.Label, row)
		}
	}
	return out
}

func (r rig) recount(t *testing.T) report.Recounted {
	t.Helper()
	out, err := r.Recount(r.As("ops", auth.RoleOperator, auth.WholeCity))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (r rig) sameAsCertificates(t *testing.T) {
	t.Helper()
	if out := r.recount(t); len(out.Differences) > 0 || out.Counters == 0 {
		t.Fatalf("%d counters, differences: %+v", out.Counters, out.Differences)
	}
}

func TestEveryEventHasItsColumn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r rig) {
		ctx := r.Counter()
		ids := make([]string, 6)
		for i := range ids {
			ids[i] = r.Issue(t, r.Citizen()).CertificateID
		}
		test := r.Citizen()
		test.Test = true
		r.Issue(t, test)
		r.Advance(24 * time.Hour)
		must(t, second(r.Suspend(ctx, ids[0])))
		must(t, second(r.Suspend(ctx, ids[1])))
		must(t, second(r.Reinstate(ctx, ids[1])))
		must(t, second(r.Revoke(ctx, ids[2], pki.KeyCompromise, time.Time{})))
		must(t, second(r.Suspend(ctx, ids[3])))
		must(t, second(r.Revoke(ctx, ids[3], pki.Superseded, time.Time{})))
		must(t, second(r.Renew(ctx, ids[4])))
		must(t, second(r.Reissue(ctx, ids[5])))
		r.sameAsCertificates(t)

		out := r.report(t, report.Query{From: "2026-11-22", To: "2026-11-22", By: report.ByUnit})
		want := report.Row{Key: r.Ward.ID, Label: "Phường Ba Đình", Opening: 6, Renewed: 1, Reissued: 1, Suspended: 3, Reinstated: 1,
			Revoked: 3, RevokedSuspended: 1, RevokedBy: map[string]int64{"key_compromise": 1, "superseded": 2}, Gained: 3, Lost: 5, Closing: 4, SuspendedAtEnd: 1, Persons: 3}
		if len(out.Rows) != 1 || fmt.Sprint(out.Rows[0]) != fmt.Sprint(want) {
			t.Fatalf("got  %+v\nwant %+v", out.Rows, want)
		}
		byDay := r.report(t, report.Query{From: "2026-11-20", To: "2026-11-30", By: report.ByDay})
		if len(byDay.Rows) != 3 || byDay.Rows[1].New != 6 || byDay.Rows[1].Persons != 6 || byDay.Rows[2].Opening != 6 || byDay.Rows[2].Closing != 4 || byDay.Rows[2].Label != "22/11/2026" {
			t.Fatalf("%+v", byDay.Rows)
		}
		if byDay.Total.New != 6 || byDay.Total.Persons != 3 {
			t.Fatalf("%+v", byDay.Total)
		}
		byPoint := r.report(t, report.Query{From: "2026-11-01", To: "2026-11-30", By: report.ByPoint})
		if len(byPoint.Rows) != 1 || byPoint.Rows[0].Label != "Điểm phục vụ số 1" || byPoint.Rows[0].Closing != 4 {
			t.Fatalf("%+v", byPoint.Rows)
		}

		// In three years everything has expired, with nothing having run.
		r.Advance(3 * 366 * 24 * time.Hour)
		late := r.report(t, report.Query{From: "2026-01-01", To: "2029-12-31", By: report.ByQuarter})
		last := late.Rows[len(late.Rows)-1]
		if last.Closing != 0 || last.Persons != 0 || late.Total.Expired != 4 || last.Label != "Quý IV/2029" {
			t.Fatalf("%+v\n%+v", last, late.Total)
		}
		r.sameAsCertificates(t)
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestCountersAreTrueAfterARandomHistoryInParallel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r rig) {
		ctx := r.As("both", auth.RoleCounter, auth.WholeCity)
		rng := rand.New(rand.NewPCG(1, 2))
		var ids []string
		for i := range 24 {
			f := r.Citizen()
			if i%3 == 0 {
				f.UnitID, f.PointID = r.Other.ID, ""
			}
			v, err := r.Submit(ctx, f)
			must(t, err)
			ids = append(ids, v.CertificateID)
		}
		for range 4 {
			var wg sync.WaitGroup
			for range 12 {
				id, act := ids[rng.IntN(len(ids))], rng.IntN(5)
				wg.Go(func() {
					// Most of these are refused, by the state that another one made.
					switch act {
					case 0:
						r.Suspend(ctx, id)
					case 1:
						r.Reinstate(ctx, id)
					case 2:
						r.Revoke(ctx, id, pki.CessationOfOperation, time.Time{})
					case 3:
						r.Renew(ctx, id)
					case 4:
						r.Reissue(ctx, id)
					}
				})
			}
			wg.Wait()
			r.Advance(20 * 24 * time.Hour)
		}
		r.sameAsCertificates(t)
		out := r.report(t, report.Query{From: "2026-11-01", To: "2027-03-31", By: report.ByUnit})
		var sum int64
		for _, row := range out.Rows {
			sum += row.Closing
		}
		d, _ := r.Rig.Store.DB()
		var good int64
		must(t, d.QueryRow(`SELECT COUNT(*) FROM certificates WHERE counted = 1 AND status = 'good'`).Scan(&good))
		if len(out.Rows) != 2 || sum != out.Total.Closing || sum != good {
			t.Fatalf("rows %d, total %d, certificates %d", sum, out.Total.Closing, good)
		}
	})
}

func TestARecountFindsATamperedCounter(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r rig) {
		r.Issue(t, r.Citizen())
		d, _ := r.Rig.Store.DB()
		if _, err := d.Exec(`UPDATE counts_day SET n = n + 1 WHERE event = 'new'`); err != nil {
			t.Fatal(err)
		}
		out := r.recount(t)
		if len(out.Differences) != 1 || out.Differences[0].Event != "new" || out.Differences[0].Counted != 2 || out.Differences[0].Actual != 1 {
			t.Fatalf("%+v", out)
		}
		var alarms int
		must(t, d.QueryRow(`SELECT COUNT(*) FROM audit_events WHERE action = 'counts.recount' AND outcome = 'failed'`).Scan(&alarms))
		if alarms != 1 {
			t.Fatalf("%d alarms", alarms)
		}
		if _, err := r.Recount(r.Counter()); !errors.Is(err, auth.ErrDenied) {
			t.Fatal(err)
		}
	})
}

func TestAUnitSeesItsOwnNumbersOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r rig) {
		r.Issue(t, r.Citizen())
		other := r.As("x", auth.RoleUnitAdmin, r.Other.ID)
		q := report.Query{From: "2026-11-01", To: "2026-11-30", By: report.ByUnit}
		out, err := r.Issuance(other, q)
		if err != nil || len(out.Rows) != 0 || out.Total.New != 0 {
			t.Fatalf("%+v, %v", out, err)
		}
		q.UnitID = r.Ward.ID
		if _, err := r.Issuance(other, q); !errors.Is(err, auth.ErrNotFound) {
			t.Fatal(err)
		}
		if _, err := r.Issuance(r.Counter(), q); !errors.Is(err, auth.ErrDenied) {
			t.Fatal(err)
		}
		lines, err := r.Ledger(other, report.LedgerQuery{})
		if err != nil || len(lines.Lines) != 0 {
			t.Fatalf("%+v, %v", lines, err)
		}
		for _, bad := range []report.Query{{From: "2026-12-01", To: "2026-11-01"}, {From: "x", To: "2026-11-01"}, {From: "1999-01-01", To: "2026-01-01"}, {From: "2026-01-01", To: "2026-02-01", By: "colour"}} {
			if _, err := r.Issuance(r.city(), bad); err == nil {
				t.Errorf("%+v was taken", bad)
			}
		}
	})
}

func TestTheLedgerHasALineForEveryEvent(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r rig) {
		id := r.Issue(t, r.Citizen()).CertificateID
		must(t, second(r.Suspend(r.Counter(), id)))
		must(t, second(r.Revoke(r.Counter(), id, pki.KeyCompromise, time.Time{})))
		var events []string
		q := report.LedgerQuery{Limit: 2, From: "2026-11-21", To: "2026-11-21"}
		for {
			page, err := r.Ledger(r.city(), q)
			must(t, err)
			for _, l := range page.Lines {
				events = append(events, l.Event+" "+l.Reason+" "+l.Actor)
			}
			if q.Cursor = page.Next; page.Next == "" {
				break
			}
		}
		if got := strings.Join(events, "; "); got != "revoke_held key_compromise account:lan; hold certificate_hold account:lan; new  account:lan" {
			t.Fatal(got)
		}
	})
}

func TestDocumentsAreCountedFromTheirCounters(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r rig) {
		d, _ := r.Rig.Store.DB()
		for _, row := range []struct {
			day, event string
			slot, n    int
		}{{"2026-11-20", "accepted", 0, 2}, {"2026-11-20", "accepted", 5, 1}, {"2026-11-21", "leader_signed", 0, 2}, {"2026-11-21", "sealed", 0, 1}, {"2026-10-01", "accepted", 0, 9}} {
			if _, err := d.Exec(fmt.Sprintf(`INSERT INTO doc_counts_day (day, unit_id, event, slot, n) VALUES ('%s', '%s', '%s', %d, %d)`, row.day, r.Ward.ID, row.event, row.slot, row.n)); err != nil {
				t.Fatal(err)
			}
		}
		out, err := r.Documents(r.city(), report.Query{From: "2026-11-01", To: "2026-11-30", By: report.ByUnit})
		if err != nil || len(out.Rows) != 1 || out.Rows[0].Accepted != 3 || out.Rows[0].SignedPercent != 66.7 || out.Total.SealedPercent != 33.3 {
			t.Fatalf("%+v, %v", out, err)
		}
		byDay, err := r.Documents(r.city(), report.Query{From: "2026-11-19", To: "2026-11-30", By: report.ByDay})
		if err != nil || len(byDay.Rows) != 3 || byDay.Rows[1].Accepted != 3 || byDay.Rows[2].LeaderSigned != 2 {
			t.Fatalf("%+v, %v", byDay, err)
		}
		if _, err := r.Documents(r.city(), report.Query{From: "2026-11-01", To: "2026-11-30", By: report.ByPoint}); !errors.Is(err, report.ErrBy) {
			t.Fatal(err)
		}
	})
}

func TestSheetsOpenAndHoldNoFormula(t *testing.T) {
	t.Parallel()
	hostile := report.Table{Title: "=1+1", Columns: []string{"Nhóm", "Đầu kỳ"},
		Rows: [][]any{{"=HYPERLINK(\"x\")", int64(-3)}, {"+84", int64(1)}, {"@x", 95.5}, {"-2", int64(0)}, {"Phường, \"A\"\nB", int64(7)}}}
	var out bytes.Buffer
	must(t, hostile.WriteCSV(&out))
	text, ok := strings.CutPrefix(out.String(), "\ufeff")
	if !ok {
		t.Fatal("no byte order mark")
	}
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	must(t, err)
	if got := fmt.Sprint(records); got != `[[Nhóm Đầu kỳ] ['=HYPERLINK("x") -3] ['+84 1] ['@x 95.5] ['-2 0] [Phường, "A"`+"\n"+`B 7]]` {
		t.Fatal(got)
	}
	out.Reset()
	must(t, hostile.WriteXLSX(&out))
	f, err := excelize.OpenReader(&out)
	must(t, err)
	rows, err := f.GetRows("Báo cáo")
	must(t, err)
	if rows[0][0] != "'=1+1" || rows[2][0] != "Nhóm" || rows[3][0] != `'=HYPERLINK("x")` || rows[5][1] != "95.5" {
		t.Fatalf("%q", rows)
	}
	must(t, f.Close())
	empty := report.Issuance{From: "2026-01-01", To: "2026-01-31"}.Table()
	if len(empty.Rows) != 1 || len(empty.Rows[0]) != len(empty.Columns) {
		t.Fatalf("%+v", empty)
	}
}

func TestPersonsAreCountedOnceInTheCity(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r rig) {
		officer := r.Citizen()
		officer.Kind, officer.Title = pki.Officer, "Chuyên viên"
		for _, u := range []unit.Unit{r.Ward, r.Other} {
			f := officer
			f.UnitID, f.PointID = u.ID, ""
			v, err := r.Submit(r.As("head", auth.RoleUnitAdmin, u.ID), f)
			if err != nil || v.State != issuance.Issued {
				t.Fatalf("%+v, %v", v, err)
			}
		}
		out := r.report(t, report.Query{From: "2026-11-01", To: "2026-11-30", By: report.ByUnit})
		if out.Rows[0].Persons != 1 || out.Rows[1].Persons != 1 || out.Total.Persons != 1 || out.Total.Closing != 2 {
			t.Fatalf("%+v", out)
		}
		byKind := r.report(t, report.Query{From: "2026-11-01", To: "2026-11-30", By: report.ByKind})
		if len(byKind.Rows) != 1 || byKind.Rows[0].Label != "Cán bộ, công chức" || byKind.Rows[0].Persons != 1 {
			t.Fatalf("%+v", byKind.Rows)
		}
		r.sameAsCertificates(t)
	})
}
