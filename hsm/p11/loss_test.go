package p11_test

import (
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/hsm/p11"
	"github.com/kyso-vn/kyso/internal/testkit/token"
)

// clock is a time that tests set.
type clock struct{ atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(1_800_000_000, c.Load()) }

// folder is where SoftHSM keeps the token: its name ends in the end of the
// serial number.
func folder(t *testing.T, tok *token.Token) string {
	t.Helper()
	x := breakIn(t, tok)
	info := must(x.GetSessionInfo(x.s))(t)
	serial := must(x.GetTokenInfo(info.SlotID))(t).SerialNumber
	found := must(filepath.Glob(filepath.Join(tok.Dir, "tokens", "*"+serial[4:])))(t)
	if len(found) != 1 {
		t.Fatalf("%d folders for serial %s", len(found), serial)
	}
	return found[0]
}

func TestTokenGoneAndBack(t *testing.T) {
	tok := token.New(t)
	var c clock
	p := must(p11.Open(t.Context(), p11.Config{Module: tok.Module, Label: tok.Label, PIN: tok.PIN, Now: c.now}))(t)
	defer p.Close()
	key := must(p.GenerateKey(t.Context(), hsm.KeyRef{Label: "ca"}, hsm.P256))(t)
	wrap := hsm.KeyRef{Label: "wrap"}
	if err := errors.Join(p.GenerateWrapKey(t.Context(), wrap), p.GenerateMACKey(t.Context(), hsm.KeyRef{Label: "mac"})); err != nil {
		t.Fatal(err)
	}
	person := must(p.GenerateWrapped(t.Context(), wrap, hsm.P256))(t)
	d := sha256.Sum256(nil)
	work := map[string]func() error{
		"sign": func() error {
			sig, err := key.Sign(nil, d[:], crypto.SHA256)
			if err == nil {
				err = hsm.Verify(key.Public(), d[:], sig, crypto.SHA256)
			}
			return err
		},
		"sign wrapped": func() error {
			_, err := p.SignWrapped(t.Context(), wrap, person, [][]byte{d[:]}, crypto.SHA256)
			return err
		},
		"mac": func() error { _, err := p.MAC(t.Context(), hsm.KeyRef{Label: "mac"}, d[:]); return err },
	}
	for name, do := range work {
		if err := do(); err != nil {
			t.Fatalf("%s before: %v", name, err)
		}
	}
	// 1. Gone: within a few calls everything is told to come back later.
	home := folder(t, tok)
	away := filepath.Join(tok.Dir, "away") // not beside it: SoftHSM reads every folder there
	if err := os.Rename(home, away); err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		err := work["sign"]()
		t.Logf("try %d: %v", i, err)
		if errors.Is(err, hsm.ErrUnavailable) {
			break
		}
		if i == 5 {
			t.Fatalf("still %v", err)
		}
	}
	// 2. The pauses grow, to half a minute and no further.
	var last time.Duration
	for range 12 {
		for name, do := range work {
			err := do()
			e, ok := errors.AsType[*hsm.Error](err)
			if !ok || e.Code != hsm.CodeUnavailable || e.RetryAfter <= 0 || e.RetryAfter > 30*time.Second {
				t.Fatalf("%s while away: %v", name, err)
			}
			last = e.RetryAfter
		}
		c.Add(int64(last))
	}
	if last < 15*time.Second {
		t.Errorf("pause is only %v after a long loss", last)
	}
	// 3. Back: everything works at the next try.
	if err := os.Rename(away, home); err != nil {
		t.Fatal(err)
	}
	c.Add(int64(30 * time.Second))
	for name, do := range work {
		if err := do(); err != nil {
			t.Errorf("%s after: %v", name, err)
		}
	}
}

func TestKeyReplacedDuringALossIsNotUsed(t *testing.T) {
	p, tok := open(t)
	ctx := t.Context()
	key := must(p.GenerateKey(ctx, hsm.KeyRef{Label: "ca", ID: []byte{1}}, hsm.P256))(t)
	if err := p.GenerateMACKey(ctx, hsm.KeyRef{Label: "mac", ID: []byte{2}}); err != nil {
		t.Fatal(err)
	}
	before := must(p.MAC(ctx, hsm.KeyRef{Label: "mac"}, nil))(t)
	// Someone puts other keys under the same names.
	x := breakIn(t, tok)
	for _, h := range x.find(t) {
		if err := x.DestroyObject(x.s, h); err != nil {
			t.Fatal(err)
		}
	}
	q := openAgain(t, tok)
	must(q.GenerateKey(ctx, hsm.KeyRef{Label: "ca", ID: []byte{1}}, hsm.P256))(t)
	if err := q.GenerateMACKey(ctx, hsm.KeyRef{Label: "mac", ID: []byte{2}}); err != nil {
		t.Fatal(err)
	}
	open(t) // a new generation: handles are found again
	d := sha256.Sum256(nil)
	if _, err := key.Sign(nil, d[:], crypto.SHA256); !errors.Is(err, hsm.ErrKeyMismatch) {
		t.Errorf("signs with another key: %v", err)
	}
	if after, err := p.MAC(ctx, hsm.KeyRef{Label: "mac"}, nil); !errors.Is(err, hsm.ErrKeyMismatch) {
		t.Errorf("MAC with another key: %v (same value: %t)", err, string(after) == string(before))
	}
}

func TestNamesAreNotTakenTwice(t *testing.T) {
	t.Parallel()
	p, _ := open(t)
	ctx := t.Context()
	a := must(p.GenerateKey(ctx, hsm.KeyRef{Label: "a", ID: []byte{1}}, hsm.P256))(t)
	for _, ref := range []hsm.KeyRef{{Label: "a"}, {Label: "b", ID: []byte{1}}} {
		if _, err := p.GenerateKey(ctx, ref, hsm.P256); !errors.Is(err, hsm.ErrKeyExists) {
			t.Errorf("%v: %v", ref, err)
		}
	}
	for _, generate := range []func(context.Context, hsm.KeyRef) error{p.GenerateWrapKey, p.GenerateMACKey} {
		ref := hsm.KeyRef{Label: "secret"}
		if err := generate(ctx, ref); err != nil {
			t.Error(err)
		}
		if err := generate(ctx, ref); !errors.Is(err, hsm.ErrKeyExists) {
			t.Errorf("%v", err)
		}
	}
	b := must(p.Signer(ctx, hsm.KeyRef{ID: []byte{1}}))(t)
	if !a.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(b.Public()) || b.Ref().Label != "a" {
		t.Error("found by ID, it is another key")
	}
	for _, ref := range []hsm.KeyRef{{}, {Label: "none"}, {Label: "a", ID: []byte{2}}, {Label: "secret"}} {
		if _, err := p.Signer(ctx, ref); !errors.Is(err, hsm.ErrKeyNotFound) {
			t.Errorf("%v: %v", ref, err)
		}
	}
	for kind, want := range map[hsm.Kind]bool{hsm.KindSign: false, hsm.KindWrap: true, hsm.KindMAC: true} {
		if has, err := p.Has(ctx, kind, hsm.KeyRef{Label: "secret"}); err != nil || has != want {
			t.Errorf("kind %d: %t, %v", kind, has, err)
		}
	}
}

func TestKeyIsFoundByURI(t *testing.T) {
	t.Parallel()
	p, tok := open(t)
	want := must(p.GenerateKey(t.Context(), hsm.KeyRef{Label: "leader", ID: []byte{0xAB, 0}}, hsm.P256))(t)
	pin := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(pin, []byte(tok.PIN+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	u := must(hsm.ParseURI("pkcs11:token=" + tok.Label + ";manufacturer=SoftHSM%20project;id=%AB%00;type=private?pin-source=file:" + pin))(t)
	q := must(p11.Open(t.Context(), must(p11.ConfigFor(u, tok.Module))(t)))(t)
	defer q.Close()
	got := must(q.Signer(t.Context(), u.Key()))(t)
	if !got.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(want.Public()) {
		t.Error("another key")
	}
	if cert, err := q.Certificate(t.Context(), got); err != nil || cert != nil {
		t.Errorf("certificate %v, %v", cert, err)
	}
	u.PINFile = ""
	if _, err := p11.ConfigFor(u, tok.Module); hsm.CodeOf(err) != hsm.CodePINMissing {
		t.Errorf("without a PIN: %v", err)
	}
}

func TestMissingMechanismIsNamed(t *testing.T) {
	t.Parallel()
	tok := token.New(t)
	cfg := p11.Config{Module: tok.Module, Label: tok.Label, PIN: tok.PIN, WrapMechanism: 0x210B}
	_, err := p11.Open(t.Context(), cfg)
	if !errors.Is(err, hsm.ErrMechanismMissing) || !strings.Contains(err.Error(), "0x210B") {
		t.Errorf("%v", err)
	}
	cfg.SignOnly = true
	p := must(p11.Open(t.Context(), cfg))(t)
	p.Close()
}

func TestSigningGoesOnWhileTheModuleIsInitialisedAgain(t *testing.T) {
	p, _ := open(t)
	key := must(p.GenerateKey(t.Context(), hsm.KeyRef{Label: "k"}, hsm.P256))(t)
	wrap := hsm.KeyRef{Label: "wrap"}
	if err := p.GenerateWrapKey(t.Context(), wrap); err != nil {
		t.Fatal(err)
	}
	person := must(p.GenerateWrapped(t.Context(), wrap, hsm.P256))(t)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var signed atomic.Int64
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				d := sha256.Sum256([]byte{byte(signed.Add(1))})
				sig, err := key.Sign(nil, d[:], crypto.SHA256)
				if err == nil {
					err = hsm.Verify(key.Public(), d[:], sig, crypto.SHA256)
				}
				if err == nil {
					_, err = p.SignWrapped(t.Context(), wrap, person, [][]byte{d[:]}, crypto.SHA256)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 10 {
		open(t) // each new token is found by initialising the module again
	}
	stop()
	wg.Wait()
	if signed.Load() < 10 {
		t.Errorf("only %d signatures", signed.Load())
	}
}
