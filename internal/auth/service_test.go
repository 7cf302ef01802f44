package auth_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
)

// city is who may give every role.
var city = auth.Actor{Name: "setup", Grants: []auth.Grant{{Role: auth.RoleCityAdmin, UnitID: auth.WholeCity}}}

type otp string

func (o otp) VerifyTOTP(_ context.Context, _, got string) error {
	if got != string(o) {
		return errors.New("wrong")
	}
	return nil
}

type world struct {
	*auth.Service
	now atomic.Int64
}

func newWorld(s *store.Store) *world {
	w := &world{}
	w.now.Store(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC).UnixMicro())
	w.Service = &auth.Service{Store: s, Second: otp("123456"), Now: func() time.Time { return time.UnixMicro(w.now.Load()) }}
	return w
}

func (w *world) pass(d time.Duration) { w.now.Add(d.Microseconds()) }

func (w *world) account(t *testing.T, login string, totp bool) (id, person string) {
	t.Helper()
	ctx := auth.WithActor(t.Context(), city)
	id, person, err := w.CreateAccount(ctx, auth.NewAccount{Login: login, Password: "một mật khẩu dài", NeedsTOTP: totp, DisplayName: "Nguyễn Văn A",
		Person: auth.Person{Identity: "CCCD:001190012345", Name: "Nguyễn Văn A"},
		Grants: []auth.Grant{{Role: auth.RoleCounter, UnitID: "u1", From: w.Now().Add(-time.Second)}}})
	if err != nil {
		t.Fatal(err)
	}
	return id, person
}

func TestTwoStepLoginChangesTheTokenAndEndsOnTheServer(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		w, ctx := newWorld(s), t.Context()
		w.account(t, "lan", true)
		half, full, err := w.Login(ctx, " LAN ", "một mật khẩu dài")
		if err != nil || full {
			t.Fatalf("full=%v err=%v", full, err)
		}
		if _, _, err := w.Actor(ctx, half); !errors.Is(err, auth.ErrUnauthenticated) {
			t.Fatalf("half a login acts: %v", err)
		}
		if _, err := w.Confirm(ctx, half, "000000"); err == nil {
			t.Fatal("wrong one-time password confirmed")
		}
		token, err := w.Confirm(ctx, half, "123456")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.Actor(ctx, half); !errors.Is(err, auth.ErrUnauthenticated) {
			t.Fatalf("old token lives: %v", err)
		}
		a, _, err := w.Actor(ctx, token)
		if err != nil || a.Name != "lan" || len(a.Grants) != 1 || a.StepUp.IsZero() {
			t.Fatalf("actor %+v, %v", a, err)
		}
		if err := w.Logout(ctx, token); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.Actor(ctx, token); !errors.Is(err, auth.ErrUnauthenticated) {
			t.Fatalf("after logout: %v", err)
		}
	})
}

func TestSessionsEndByIdlenessAndByAge(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(db.SQLite(t)), t.Context()
	w.account(t, "lan", false)
	login := func() string {
		token, full, err := w.Login(ctx, "lan", "một mật khẩu dài")
		if err != nil || !full {
			t.Fatalf("full=%v err=%v", full, err)
		}
		return token
	}
	idle := login()
	w.pass(auth.SessionIdle + time.Second)
	if _, _, err := w.Actor(ctx, idle); !errors.Is(err, auth.ErrUnauthenticated) {
		t.Fatalf("idle session: %v", err)
	}
	busy := login()
	for range 60 {
		w.pass(10 * time.Minute)
		if _, _, err := w.Actor(ctx, busy); err != nil {
			return // ended by age, as it must before 10 hours are over
		}
	}
	t.Fatal("a session lived for ten hours")
}

func TestParallelGuessesOfAPasswordAreAllCountedAndLock(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		w, ctx := newWorld(s), t.Context()
		w.account(t, "lan", false)
		var evaluated, locked atomic.Int32
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, _, err := w.Login(ctx, "lan", "sai")
				switch {
				case errors.Is(err, auth.ErrLoginLocked):
					locked.Add(1)
				case errors.Is(err, auth.ErrLogin):
					evaluated.Add(1)
				default:
					t.Errorf("unexpected: %v", err)
				}
			})
		}
		wg.Wait()
		if evaluated.Load() != auth.LoginTries || locked.Load() != 20-auth.LoginTries {
			t.Fatalf("%d evaluated, %d locked", evaluated.Load(), locked.Load())
		}
		if _, _, err := w.Login(ctx, "lan", "một mật khẩu dài"); !errors.Is(err, auth.ErrLoginLocked) {
			t.Fatalf("right password while locked: %v", err)
		}
		w.pass(auth.LoginLock + time.Second)
		if _, _, err := w.Login(ctx, "lan", "một mật khẩu dài"); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAPersonIsOneAcrossAccountsAndALoginIsTakenOnce(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(s)
		_, p1 := w.account(t, "lan", false)
		_, p2 := w.account(t, "lan2", false)
		if p1 != p2 {
			t.Fatal("one identity became two persons")
		}
		ctx := auth.WithActor(t.Context(), city)
		_, _, err := w.CreateAccount(ctx, auth.NewAccount{Login: "LAN", Password: "một mật khẩu dài", Person: auth.Person{Identity: "CCCD:1"}})
		if !errors.Is(err, auth.ErrLoginTaken) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestClientTokens(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(s)
		ctx := auth.WithActor(t.Context(), city)
		id, secret, _, err := w.CreateClient(ctx, "DMS", "http://127.0.0.1/cb", []auth.Grant{{Role: auth.RoleClient, UnitID: "u1"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.ClientToken(ctx, id, secret+"x"); !errors.Is(err, auth.ErrClient) {
			t.Fatalf("wrong secret: %v", err)
		}
		token, _, err := w.ClientToken(ctx, id, secret)
		if err != nil {
			t.Fatal(err)
		}
		a, err := w.ClientActor(ctx, token)
		if err != nil || a.ClientID != id || len(a.Grants) != 1 {
			t.Fatalf("%+v %v", a, err)
		}
		w.pass(auth.ClientTokenTTL + time.Second)
		if _, err := w.ClientActor(ctx, token); !errors.Is(err, auth.ErrUnauthenticated) {
			t.Fatalf("expired token: %v", err)
		}
	})
}

func TestRefusedLoginsAreInTheAuditRecordWithoutWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := db.SQLite(t)
	w, ctx := newWorld(s), t.Context()
	id, _ := w.account(t, "lan", true)
	if _, _, err := w.Login(ctx, "mật khẩu gõ nhầm ô", "x"); !errors.Is(err, auth.ErrLogin) {
		t.Fatal(err)
	}
	for range auth.LoginTries + 1 {
		if _, _, err := w.Login(ctx, "lan", "sai"); err == nil {
			t.Fatal("a wrong password passed")
		}
	}
	w.pass(auth.LoginLock + time.Second)
	half, _, err := w.Login(ctx, "lan", "một mật khẩu dài")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Confirm(ctx, half, "000000"); err == nil {
		t.Fatal("a wrong one-time password passed")
	}
	pool, _ := s.DB()
	count := func(query string, args ...any) (n int) {
		t.Helper()
		if err := pool.QueryRowContext(ctx, "SELECT count(*) FROM audit_events WHERE outcome <> 'done' AND "+query, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count("action = 'login' AND object = ?", "account:"+id); n != auth.LoginTries+1 {
		t.Errorf("%d refused logins of a known account", n)
	}
	if n := count("action = 'login.confirm' AND object = ?", "account:"+id); n != 1 {
		t.Errorf("%d refused one-time passwords", n)
	}
	if n := count("object = 'account:unknown'"); n != 1 {
		t.Errorf("%d refused unknown logins", n)
	}
	if n := count("event LIKE '%gõ nhầm%'"); n != 0 {
		t.Error("what was typed is in the record")
	}
}

func TestAUnitAdministratorGivesNoRoleOfTheCity(t *testing.T) {
	t.Parallel()
	w := newWorld(db.SQLite(t))
	n := 0
	create := func(by []auth.Grant, give ...auth.Grant) error {
		n++
		ctx := auth.WithActor(t.Context(), auth.Actor{AccountID: "a", Grants: by})
		_, _, err := w.CreateAccount(ctx, auth.NewAccount{Login: string(rune('a' + n)), Password: "một mật khẩu dài", DisplayName: "A", Person: auth.Person{Identity: "CCCD:001190012345"}, Grants: give})
		return err
	}
	unit := []auth.Grant{{Role: auth.RoleUnitAdmin, UnitID: "u1"}}
	if err := create(unit, auth.Grant{Role: auth.RoleCounter, UnitID: "u1"}); err != nil {
		t.Errorf("own unit: %v", err)
	}
	for name, err := range map[string]error{
		"city role in own unit": create(unit, auth.Grant{Role: auth.RoleCityAdmin, UnitID: "u1"}),
		"other unit":            create(unit, auth.Grant{Role: auth.RoleCounter, UnitID: "u2"}),
		"no grants by nobody":   create(nil),
		"by a nameless actor":   create(nil, auth.Grant{Role: auth.RoleCounter, UnitID: "u1"}),
	} {
		if err == nil {
			t.Errorf("%s: given", name)
		}
	}
	ctx := auth.WithActor(t.Context(), auth.Actor{})
	if _, _, _, err := w.CreateClient(ctx, "x", "", []auth.Grant{{Role: auth.RoleClient, UnitID: auth.WholeCity}}); !errors.Is(err, auth.ErrDenied) {
		t.Errorf("an empty actor made a client: %v", err)
	}
}
