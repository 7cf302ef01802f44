package p11

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/kyso-vn/kyso/hsm"
)

// Config says which token to open, and how. Module is required; so is one of
// Label and Serial when the module has several tokens.
type Config struct {
	Module string // path of the PKCS#11 library
	Label  string // CKA label of the token
	Serial string // its serial number
	Model  string // as the token calls itself, "" for any
	Maker  string // its manufacturer, "" for any

	// PIN of the normal user. Kept in memory, to log in again after a loss.
	PIN string

	// Sessions is how many operations may run at once. Zero: four for each
	// core, at least eight. The token's own limit is obeyed.
	Sessions int

	// WrapMechanism is the module's number for AES key wrap with padding
	// (RFC 5649). Zero: 0x210A, SoftHSM's; the standard's is 0x210B.
	WrapMechanism uint

	// SignOnly opens a token that need not know how to make and wrap keys.
	SignOnly bool

	// Now is the clock for pauses after a loss. Nil: time.Now.
	Now func() time.Time
}

// ConfigFor opens what a pkcs11: URI names, for signing only. The PIN is read
// from the URI's file; a URI without a module path takes the one given.
func ConfigFor(u hsm.URI, module string) (Config, error) {
	if u.ModulePath != "" {
		module = u.ModulePath
	}
	cfg := Config{Module: module, Label: u.Token, Serial: u.Serial, Model: u.Model, Maker: u.Maker, SignOnly: true}
	if u.PINFile == "" {
		return Config{}, &hsm.Error{Code: hsm.CodePINMissing, Op: "open token", Subject: u.Token,
			Err: errors.New("the URI has no pin-source=file:")}
	}
	var err error
	cfg.PIN, err = hsm.ReadPIN(u.PINFile)
	return cfg, err
}

// Token is a logged-in PKCS#11 token.
type Token struct {
	cfg Config
	m   *module

	// places holds one entry for each operation that may run at once: an idle
	// session, or nil for one not opened yet. Who holds the entry owns the session.
	places chan *session
	size   atomic.Int32 // entries in circulation
	closed chan struct{}
	once   sync.Once

	attachMu sync.Mutex
	attached atomic.Pointer[attachment]
	epochs   atomic.Uint64
	stopped  atomic.Pointer[hsm.Error] // the PIN was refused

	making sync.Mutex // one token object is made at a time
	keys   keyCache
}

var _ hsm.Token = (*Token)(nil)

// attachment is one login. Handles found in one epoch mean nothing in another.
type attachment struct {
	epoch      uint64
	generation uint64
	slot       uint
	keeper     pkcs11.SessionHandle
}

// Open loads the module, finds the token and logs in: one try of the PIN. It
// refuses a token that lacks a mechanism the configuration needs.
func Open(ctx context.Context, cfg Config) (*Token, error) {
	if cfg.Sessions <= 0 {
		cfg.Sessions = max(8, 4*runtime.GOMAXPROCS(0))
	}
	if cfg.WrapMechanism == 0 {
		cfg.WrapMechanism = pkcs11.CKM_AES_KEY_WRAP_PAD
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	m, err := openModule(cfg.Module)
	if err != nil {
		return nil, err
	}
	t := &Token{cfg: cfg, m: m, closed: make(chan struct{})}
	if err := t.start(ctx); err != nil {
		t.end()
		return nil, err
	}
	return t, nil
}

// start attaches for the first time and makes the pool.
func (t *Token) start(ctx context.Context) error {
	// 1. A library reads its tokens when it is initialised: one made since then
	// appears only after it is initialised again.
	seen := t.m.generation.Load()
	err := t.inside(ctx, func() error { return t.findOnly() })
	if errors.Is(err, hsm.ErrTokenNotFound) {
		if err := t.m.reinitialise(ctx, seen); err != nil {
			return fault("initialise PKCS#11 module", t.m.path, err)
		}
	} else if err != nil {
		return err
	}
	// 2. Log in, check what the token can do, count its sessions.
	return t.inside(ctx, func() error {
		at, err := t.attach()
		if err != nil {
			return err
		}
		if err := t.checkMechanisms(at.slot); err != nil {
			return err
		}
		info, err := t.m.lib.GetTokenInfo(at.slot)
		if err != nil {
			return fault("read token", t.cfg.Label, err)
		}
		n := poolSize(t.cfg.Sessions, info)
		t.places = make(chan *session, n)
		t.size.Store(int32(n))
		for range n {
			t.places <- nil
		}
		return nil
	})
}

// poolSize leaves room for the keeper and for one session that writes.
func poolSize(want int, info pkcs11.TokenInfo) int {
	limit := info.MaxSessionCount
	if limit == 0 || uint64(limit) == math.MaxUint64 || uint64(limit) == math.MaxUint32 { // no limit, or not told
		return want
	}
	return max(1, min(want, int(limit)-2))
}

// inside runs fn in the module's gate.
func (t *Token) inside(ctx context.Context, fn func() error) error {
	if err := t.m.gate.enter(ctx); err != nil {
		return fault("wait for token", t.cfg.Label, err)
	}
	defer t.m.gate.leave()
	return fn()
}

func (t *Token) findOnly() error {
	_, err := t.findSlot()
	return err
}

// findSlot looks for the token's slot. Inside the gate.
func (t *Token) findSlot() (uint, error) {
	slots, err := t.m.lib.GetSlotList(true)
	if err != nil {
		return 0, fault("list slots of", t.m.path, err)
	}
	var found []uint
	for _, slot := range slots {
		info, err := t.m.lib.GetTokenInfo(slot)
		if err != nil || info.Flags&pkcs11.CKF_TOKEN_INITIALIZED == 0 {
			continue // an empty slot, or one that is going away
		}
		if matches(t.cfg.Label, info.Label) && matches(t.cfg.Serial, info.SerialNumber) &&
			matches(t.cfg.Model, info.Model) && matches(t.cfg.Maker, info.ManufacturerID) {
			found = append(found, slot)
		}
	}
	name := t.cfg.Label
	if name == "" {
		name = t.cfg.Serial
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return 0, &hsm.Error{Code: hsm.CodeTokenNotFound, Op: "find token", Subject: name,
			Err: fmt.Errorf("not among the %d slots of %s", len(slots), t.m.path)}
	}
	return 0, &hsm.Error{Code: hsm.CodeTokenAmbiguous, Op: "find token", Subject: name,
		Err: fmt.Errorf("%d tokens match; name it by serial too", len(found))}
}

func matches(want, have string) bool { return want == "" || want == have }

// attach gives the current login, making it when there is none or the module
// was initialised since. Inside the gate.
func (t *Token) attach() (*attachment, error) {
	if at := t.attached.Load(); at != nil && at.generation == t.m.generation.Load() {
		return at, nil
	}
	t.attachMu.Lock()
	defer t.attachMu.Unlock()
	generation := t.m.generation.Load()
	old := t.attached.Load()
	if old != nil && old.generation == generation {
		return old, nil
	}
	if e := t.stopped.Load(); e != nil {
		return nil, e
	}
	slot, err := t.findSlot() // its number may have changed
	if err != nil {
		return nil, err
	}
	at, err := t.enterSlot(slot, generation)
	if err != nil {
		return nil, err
	}
	t.attached.Store(at)
	return at, nil
}

// detach drops a login whose handles were refused, so that the next operation
// finds its keys again, and logs in again where that is needed. Inside the gate.
func (t *Token) detach(epoch uint64) {
	t.attachMu.Lock()
	defer t.attachMu.Unlock()
	old := t.attached.Load()
	if old == nil || old.epoch != epoch {
		return
	}
	// The new keeper is opened before the old one is closed: never the last one.
	at, err := t.enterSlot(old.slot, old.generation)
	if err != nil {
		t.m.heal.lost(t.cfg.Now(), old.generation)
	}
	t.attached.Store(at) // nil sends the next operation to attach
	t.m.forget(old.slot, old.keeper)
}

// enterSlot opens a keeper session, which is never used and keeps us logged in,
// and tries the PIN once. Under attachMu, inside the gate.
func (t *Token) enterSlot(slot uint, generation uint64) (*attachment, error) {
	if e := t.stopped.Load(); e != nil {
		return nil, e
	}
	keeper, err := t.m.lib.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
	if err != nil {
		return nil, fault("open session on", t.cfg.Label, err)
	}
	if err := t.m.login(slot, keeper, t.cfg.PIN); err != nil {
		_ = t.m.lib.CloseSession(keeper) // it did not log in
		err = fault("log in to", t.cfg.Label, err)
		if e, ok := errors.AsType[*hsm.Error](err); ok && classOf(err) == classStop {
			t.stopped.Store(e)
		}
		return nil, err
	}
	return &attachment{epoch: t.epochs.Add(1), generation: generation, slot: slot, keeper: keeper}, nil
}

// Close waits for operations in flight and gives the sessions back. A second
// Close does nothing.
func (t *Token) Close() error {
	t.once.Do(func() {
		close(t.closed)
		for t.size.Load() > 0 {
			s := <-t.places
			t.size.Add(-1)
			_ = t.inside(context.Background(), func() error { s.close(); return nil })
		}
		t.end()
	})
	return nil
}

// end gives back what attach and openModule took.
func (t *Token) end() {
	_ = t.inside(context.Background(), func() error {
		if at := t.attached.Swap(nil); at != nil && at.generation == t.m.generation.Load() {
			t.m.forget(at.slot, at.keeper)
		}
		return nil
	})
	t.m.close()
}
