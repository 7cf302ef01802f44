package routing

import (
	"context"
	"errors"
	"fmt"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/job"
)

// withdrawable are the states from which a client may take a document back: before its way
// ended, and while no signature is being written.
var withdrawable = []State{Waiting, Signed}

// Refuse ends the document: the signer will not sign (từ chối ký).
func (s *Service) Refuse(ctx context.Context, id, reason string) (View, error) {
	return s.end(ctx, id, reason, Refused, "document.refuse", "refused")
}

// Return sends the document back to where it came from, to be corrected (trả lại).
func (s *Service) Return(ctx context.Context, id, reason string) (View, error) {
	return s.end(ctx, id, reason, Returned, "document.return", "returned")
}

// end is how somebody whose turn it is ends a document instead of signing.
func (s *Service) end(ctx context.Context, id, reason string, to State, action, count string) (View, error) {
	a, d, err := s.read(ctx, id)
	if err != nil {
		return View{}, err
	}
	ev := s.event(a, action, "document:"+d.ID, d.UnitID)
	if d.endedBy(a, to) {
		return s.Get(ctx, id)
	}
	if err := reasonOf(&reason); err != nil {
		return View{}, s.refused(ctx, ev, err)
	}
	st, ok := d.current()
	switch {
	case !ok || (d.State != Waiting && d.State != Signed):
		return View{}, s.refused(ctx, ev, ErrState.Reason(d.State.VI(), string(d.State)))
	case !s.turn(ctx, a, st), to == Refused && (st.Kind == Seal || st.Kind == Copy):
		return View{}, s.refused(ctx, ev, auth.ErrDenied)
	}
	e := Ending{DocumentID: d.ID, Step: d.Step, From: []State{Waiting, Signed}, To: to, Reason: reason, EndKey: a.OpKey, PersonID: a.PersonID}
	return s.conclude(ctx, d, e, ev, count, "document."+count)
}

// Withdraw takes a document back at the document system's wish (thu hồi).
func (s *Service) Withdraw(ctx context.Context, id, reason string) (View, error) {
	a, d, err := s.read(ctx, id)
	if err != nil {
		return View{}, err
	}
	ev := s.event(a, "document.withdraw", "document:"+d.ID, d.UnitID)
	if _, err := auth.Require(ctx, auth.DocumentWithdraw, d.UnitID); err != nil {
		return View{}, s.refused(ctx, ev, err)
	}
	if d.endedBy(a, Withdrawn) {
		return s.Get(ctx, id)
	}
	if err := reasonOf(&reason); err != nil {
		return View{}, s.refused(ctx, ev, err)
	}
	e := Ending{DocumentID: d.ID, From: withdrawable, To: Withdrawn, Reason: reason, EndKey: a.OpKey}
	return s.conclude(ctx, d, e, ev, "withdrawn", "document.withdrawn")
}

// endedBy reports whether this very operation of the actor has ended the document already.
func (d Document) endedBy(a auth.Actor, to State) bool {
	return a.OpKey != "" && d.EndKey == a.OpKey && d.State == to
}

// reasonOf normalises a reason, which must be given.
func reasonOf(reason *string) error {
	if err := text(reason, "reason", maxReason, false); err != nil {
		return err
	}
	if *reason == "" {
		return ErrReason
	}
	return nil
}

// conclude records the end of a document's way.
func (s *Service) conclude(ctx context.Context, d Document, e Ending, ev audit.Event, count, event string) (View, error) {
	c := Change{At: ev.At, Event: ev, Counts: []Count{{Day: day(ev.At), UnitID: d.UnitID, Event: count}},
		Notice: s.notice(d, event, e.To, d.newest())}
	if d.CallbackURL != "" {
		c.Jobs = append(c.Jobs, job.Args(ReturnArgs{DocumentID: d.ID}))
	}
	if err := s.o.Store.EndDocument(ctx, e, c); err != nil {
		if errors.Is(err, ErrState) {
			return View{}, s.refused(ctx, ev, err)
		}
		return View{}, fmt.Errorf("end document %s: %w", d.ID, err)
	}
	if e.PersonID == "" && ev.Actor == clockActor {
		return View{}, nil
	}
	return s.Get(ctx, d.ID)
}

const clockActor = "service:routing"

// Expire ends a document that nobody competent signed by its deadline. It is a job's work
// and takes effect at most once.
func (s *Service) Expire(ctx context.Context, id string) error {
	d, err := s.o.Store.Document(ctx, id)
	if err != nil {
		return fmt.Errorf("expire a document: %w", err)
	}
	now := s.o.Now()
	if d.State == Signing {
		return fmt.Errorf("expire document %s: a signature is being written", id)
	}
	if d.State != Waiting || d.Deadline.IsZero() || now.Before(d.Deadline) {
		return nil
	}
	ev := audit.Event{At: now, Actor: clockActor, ActorName: "routing", Action: "document.expire", Object: "document:" + d.ID, UnitID: d.UnitID, Outcome: audit.OutcomeDone}
	_, err = s.conclude(ctx, d, Ending{DocumentID: d.ID, From: []State{Waiting}, To: Expired}, ev, "expired", "document.expired")
	if errors.Is(err, ErrState) {
		return nil
	}
	return err
}
