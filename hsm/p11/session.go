package p11

import (
	"context"
	"errors"

	"github.com/miekg/pkcs11"

	"github.com/kyso-vn/kyso/hsm"
)

// session is a PKCS#11 session with one owner: the function that Token.with
// lends it to. Two goroutines on one session crash libraries.
type session struct {
	lib *pkcs11.Ctx
	h   pkcs11.SessionHandle
	at  *attachment
	gen func() uint64 // the module's current generation
}

// close ends a session of the current generation. The nil session, and one of
// an older generation whose handle may be somebody else's by now, are left alone.
func (s *session) close() {
	if s != nil && s.at.generation == s.gen() {
		_ = s.lib.CloseSession(s.h) // gone either way
	}
}

// with lends fn a session. It is the only way to one.
//
// fn runs inside the module's gate and must not call with again. ctx ends the
// waiting, not fn: a call into the library cannot be cancelled.
func (t *Token) with(ctx context.Context, op, subject string, fn func(*session) error) error {
	// 1. Is the token there at all?
	if err := t.m.recover(ctx, t.cfg.Now()); err != nil {
		return err
	}
	// 2. A place in the pool. The pool shrinks when the token has fewer sessions
	// than we hoped for.
	for {
		s, err := t.borrow(ctx)
		if err != nil {
			return err
		}
		err = t.lend(ctx, op, subject, s, fn)
		if !errors.Is(err, errShrunk) {
			return err
		}
	}
}

// errShrunk tells with that the place is gone from the pool.
var errShrunk = errors.New("the token gave no session for this place")

// lend runs fn in the place of s and gives the place back.
func (t *Token) lend(ctx context.Context, op, subject string, s *session, fn func(*session) error) (err error) {
	spoilt := true // also when fn panics
	defer func() {
		if !errors.Is(err, errShrunk) {
			t.giveBack(s, spoilt)
		}
	}()
	if err := t.m.gate.enter(ctx); err != nil {
		spoilt = false
		return fault(op, subject, err)
	}
	defer t.m.gate.leave()
	// 1. A session of this login.
	s, err = t.fresh(s)
	if errors.Is(err, pkcs11.Error(pkcs11.CKR_SESSION_COUNT)) && t.shrink() {
		return errShrunk
	}
	if err != nil {
		return t.judge(op, subject, nil, err)
	}
	// 2. The work.
	err = fn(s)
	if err == nil {
		spoilt = false
		t.m.heal.well()
		return nil
	}
	spoilt = spoils(err)
	return t.judge(op, subject, s, err)
}

// shrink takes the caller's place out of the pool, unless it is the last.
func (t *Token) shrink() bool {
	for {
		n := t.size.Load()
		if n <= 1 {
			return false
		}
		if t.size.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// again is with, for work that may safely be done twice: it repeats once when a
// new session or a new login can help.
func (t *Token) again(ctx context.Context, op, subject string, fn func(*session) error) error {
	err := t.with(ctx, op, subject, fn)
	switch classOf(err) {
	case classNewSession, classLogin:
		return t.with(ctx, op, subject, fn)
	}
	return err
}

func (t *Token) borrow(ctx context.Context) (*session, error) {
	select {
	case <-t.closed:
		return nil, hsm.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, fault("wait for a session on", t.cfg.Label, err)
	}
	select {
	case s := <-t.places:
		return s, nil
	case <-t.closed:
		return nil, hsm.ErrClosed
	case <-ctx.Done():
		return nil, fault("wait for a session on", t.cfg.Label, ctx.Err())
	}
}

// giveBack returns a place, and closes a session that an error may have left
// in the middle of an operation.
func (t *Token) giveBack(s *session, spoilt bool) {
	if spoilt && s != nil {
		_ = t.inside(context.Background(), func() error { s.close(); return nil })
		s = nil
	}
	t.places <- s
}

// fresh gives s when it belongs to the current login, else a new session.
func (t *Token) fresh(s *session) (*session, error) {
	at, err := t.attach()
	if err != nil {
		s.close()
		return nil, err
	}
	if s != nil && s.at == at {
		return s, nil
	}
	s.close()
	h, err := t.m.lib.OpenSession(at.slot, pkcs11.CKF_SERIAL_SESSION)
	if err != nil {
		return nil, err
	}
	return &session{lib: t.m.lib, h: h, at: at, gen: t.m.generation.Load}, nil
}

// judge acts on an error's class, and words it. s is nil when there was no session.
func (t *Token) judge(op, subject string, s *session, err error) error {
	generation := t.m.generation.Load()
	switch classOf(err) {
	case classLogin:
		if s != nil {
			t.detach(s.at.epoch)
		}
	case classReinit:
		t.m.heal.lost(t.cfg.Now(), generation)
	case classMaybe:
		if t.m.heal.maybe.Add(1) >= maybeLimit {
			t.m.heal.lost(t.cfg.Now(), generation)
		}
	}
	// A token that was here and is not any more is lost, not misspelt.
	if errors.Is(err, hsm.ErrTokenNotFound) && t.size.Load() > 0 {
		t.m.heal.lost(t.cfg.Now(), generation)
		return unavailable(firstPause, err)
	}
	return fault(op, subject, err)
}

// spoils tells whether an error may have left the session in an operation.
// After a refusal of ours nothing was begun.
func spoils(err error) bool {
	_, fromLibrary := errors.AsType[pkcs11.Error](err)
	return fromLibrary
}

// withWriter lends fn a session that may make token objects. Such work is rare,
// never repeated, and done by one at a time, so the session is not kept.
func (t *Token) withWriter(ctx context.Context, op, subject string, fn func(*session) error) error {
	t.making.Lock()
	defer t.making.Unlock()
	return t.with(ctx, op, subject, func(s *session) error {
		h, err := s.lib.OpenSession(s.at.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
		if err != nil {
			return err
		}
		w := &session{lib: s.lib, h: h, at: s.at, gen: s.gen}
		defer w.close()
		return fn(w)
	})
}
