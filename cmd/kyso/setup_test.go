package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/hsm/p11"
	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/testkit/db"
	"github.com/kyso-vn/kyso/internal/testkit/token"
	"github.com/kyso-vn/kyso/internal/unit"
)

func TestASetUpThatWasCutOffIsCompletedTheNextTime(t *testing.T) {
	t.Parallel()
	tok := token.New(t)
	p, err := p11.Open(t.Context(), p11.Config{Module: tok.Module, Label: tok.Label, PIN: tok.PIN})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	if err := agent.SetUp(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	keys, err := agent.NewLocal(t.Context(), agent.LocalConfig{Token: p})
	if err != nil {
		t.Fatal(err)
	}
	s := db.SQLite(t)
	keys.UseStore(s)
	a := &app{agent: keys, store: s, auth: &auth.Service{Store: s, Second: keys, Now: time.Now}, units: &unit.Service{Store: s, Now: time.Now}}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pw"), []byte("một mật khẩu dài\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	x := &setter{app: a, ctx: asService(t.Context(), "setup"), dir: dir, out: json.NewEncoder(&out)}
	file := setupFile{Units: []setupUnit{{Code: "01", Name: "Hà Nội", Level: "city", From: "2025-01-01"}}}
	if err := x.all(file); err != nil {
		t.Fatal(err)
	}
	// Cut off between an account and its second factor, and a point and its desks.
	if _, _, err := a.auth.CreateAccount(x.ctx, auth.NewAccount{Login: "lan", Password: "một mật khẩu dài", DisplayName: "Lan", NeedsTOTP: true,
		Person: auth.Person{Identity: "CCCD:001190012345"}}); err != nil {
		t.Fatal(err)
	}
	u, err := x.find("01")
	if err != nil {
		t.Fatal(err)
	}
	point, err := a.units.CreatePoint(x.ctx, unit.Point{UnitID: u.ID, Name: "P", Address: "A", From: u.From})
	if err != nil {
		t.Fatal(err)
	}
	file.Points = []setupPoint{{Unit: "01", Name: "P", Address: "A", Desks: []string{"1", "2"}}}
	file.Accounts = []setupAccount{{Login: "lan", PasswordFile: "pw", Name: "Lan", Identity: "CCCD:001190012345", TOTP: true, Grants: []string{"counter@01"}}}
	for _, secrets := range []int{1, 0} {
		out.Reset()
		if err := x.all(file); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.String(), "totp_secret"); n != secrets {
			t.Errorf("%d secrets, want %d: %s", n, secrets, &out)
		}
		if desks, err := a.units.Desks(x.ctx, point.ID); err != nil || len(desks) != 2 {
			t.Errorf("desks %v %v", desks, err)
		}
	}
}
