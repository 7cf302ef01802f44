package unit_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/unit"
)

func as(role auth.Role) context.Context {
	return auth.WithActor(context.Background(), auth.Actor{AccountID: "a", Grants: []auth.Grant{{Role: role, UnitID: auth.WholeCity}}})
}

func city(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../testdata/units/hanoi_units.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTheCityIsImportedOnceInItsVersions(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		units := &unit.Service{Store: s, Now: func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }}
		admin := as(auth.RoleCityAdmin)
		if _, err := units.Import(as(auth.RoleCounter), strings.NewReader("{}")); !errors.Is(err, auth.ErrDenied) {
			t.Fatalf("counter imports: %v", err)
		}
		got, err := units.Import(admin, strings.NewReader(city(t)))
		if err != nil || got != (unit.Imported{Units: 1 + 30 + 526 + 126, Successions: 667, New: 1 + 30 + 526 + 126 + 667}) {
			t.Fatalf("%+v, %v", got, err)
		}
		again, err := units.Import(admin, strings.NewReader(city(t)))
		if err != nil || again.New != 0 {
			t.Fatalf("%+v, %v", again, err)
		}
		if _, err := units.Import(admin, strings.NewReader(strings.Replace(city(t), "Phường Phúc Xá", "Phường Phúc Xã", 1))); !errors.Is(err, unit.ErrImportChanged) {
			t.Fatalf("another file: %v", err)
		}

		// One code, two units: Trúc Bạch until the reform, Ba Đình from then on.
		for day, name := range map[unit.Day]string{"2025-06-30": "Phường Trúc Bạch", "2025-07-01": "Phường Ba Đình", "": "Phường Ba Đình"} {
			if u, err := units.At(admin, "00004", day); err != nil || u.Name != name {
				t.Errorf("00004 on %q is %q, %v", day, u.Name, err)
			}
		}
		for _, gone := range []struct {
			code string
			day  unit.Day
		}{{"001", "2025-07-01"}, {"00001", "2026-01-01"}, {"99999", ""}, {"00004", "1999-01-01"}} {
			if _, err := units.At(admin, gone.code, gone.day); !errors.Is(err, unit.ErrUnknown) {
				t.Errorf("%s on %s: %v", gone.code, gone.day, err)
			}
		}
		old, err := units.At(admin, "00001", "2025-01-01")
		if err != nil {
			t.Fatal(err)
		}
		next, err := units.Followers(admin, old.ID)
		if err != nil || len(next) == 0 || next[0].From != "2025-07-01" {
			t.Fatalf("%+v, %v", next, err)
		}

		for _, q := range []struct {
			unit.Query
			want int
		}{
			{unit.Query{Level: unit.Commune}, 126},
			{unit.Query{Level: unit.Commune, Day: "2025-06-30"}, 526},
			{unit.Query{Level: unit.District, Day: "2025-06-30"}, 30},
			{unit.Query{Level: unit.District}, 0},
			{unit.Query{Text: "ba dinh"}, 1},
			{unit.Query{Text: "BA ĐÌNH", Ever: true}, 2},
			{unit.Query{Text: "00004", Ever: true}, 2},
		} {
			if list, err := units.Search(admin, q.Query); err != nil || len(list) != q.want {
				t.Errorf("%+v: %d units, %v; want %d", q.Query, len(list), err, q.want)
			}
		}
	})
}

func TestAgenciesPointsAndDesks(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		units := &unit.Service{Store: s}
		admin := as(auth.RoleCityAdmin)
		u, err := units.CreateUnit(admin, unit.Unit{Code: "H26.19", Name: " Sở Tư pháp "})
		if err != nil || u.Name != "Sở Tư pháp" || u.Level != unit.Agency {
			t.Fatalf("%+v, %v", u, err)
		}
		if _, err := units.CreateUnit(admin, unit.Unit{Code: "H26.19", Name: "Sở khác"}); !errors.Is(err, unit.ErrExists) {
			t.Fatalf("same code and day: %v", err)
		}
		if _, err := units.CreateUnit(admin, unit.Unit{Code: "H 26", Name: ""}); !errors.Is(err, unit.ErrCode) || !errors.Is(err, unit.ErrName) {
			t.Fatalf("bad unit: %v", err)
		}
		p, err := units.CreatePoint(admin, unit.Point{UnitID: u.ID, Name: "Điểm số 1", Address: "221 Trần Phú"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := units.CreatePoint(admin, unit.Point{UnitID: "x", Name: "Điểm"}); !errors.Is(err, unit.ErrUnknown) {
			t.Fatal(err)
		}
		if _, err := units.CreateDesk(admin, unit.Desk{PointID: p.ID, Name: "Quầy 1"}); err != nil {
			t.Fatal(err)
		}
		desks, err := units.Desks(as(auth.RoleCounter), p.ID)
		if err != nil || len(desks) != 1 {
			t.Fatalf("%+v, %v", desks, err)
		}
		if err := units.SetPolicy(admin, u.ID, unit.Policy{NeedsApproval: true, DailyQuota: 9}); err != nil {
			t.Fatal(err)
		}
		if back, err := units.Get(as(auth.RoleCounter), u.ID); err != nil || back.Policy.DailyQuota != 9 {
			t.Fatalf("%+v, %v", back, err)
		}
		if err := units.SetPolicy(admin, "x", unit.Policy{}); !errors.Is(err, unit.ErrUnknown) {
			t.Fatal(err)
		}
	})
}

func TestDaysAreTheCitys(t *testing.T) {
	t.Parallel()
	if d := unit.DayOf(time.Date(2025, 6, 30, 17, 0, 0, 0, time.UTC)); d != "2025-07-01" {
		t.Errorf("midnight in Hanoi is on %s", d)
	}
	if d := unit.Day("2024-02-28").Next(); d != "2024-02-29" {
		t.Error(d)
	}
	for _, bad := range []string{"2025-7-1", "2025-02-30", "", "01/07/2025"} {
		if _, err := unit.ParseDay(bad); !errors.Is(err, unit.ErrDay) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestFoldFindsEverySpelling(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"Hoà": "hoa", "Hòa": "hoa", "ĐẶNG  Thị\u00a0Ước ": "dang thi uoc", "Ho\u0300a": "hoa", "": ""} {
		if got := unit.Fold(in); got != want {
			t.Errorf("%q is %q", in, got)
		}
	}
}

func FuzzImport(f *testing.F) {
	f.Add(`{"city":{"code":"01","name":"Hà Nội"},"districts_until_2025_06_30":[],"units_from_2025_07_01":[],"succession":[]}`)
	f.Add(`{"city":{"code":"01","name":"x"},"succession":[{"old":"1","new":"2"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		memory := &inMemory{}
		n, err := (&unit.Service{Store: memory}).Import(as(auth.RoleCityAdmin), strings.NewReader(text))
		if err == nil && (n.Units != len(memory.units) || n.Units == 0) {
			t.Fatalf("%+v of %d", n, len(memory.units))
		}
	})
}
