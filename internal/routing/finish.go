package routing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/blob"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/job"
	"github.com/kyso-vn/kyso/signer"
)

// Finish writes the file of a released signature. It needs no key, may run any number of
// times and at once in several places, and takes effect once. An error means that it is to
// be tried again; what can never succeed moves the document to Failed.
func (s *Service) Finish(ctx context.Context, signingID string) error {
	sg, err := s.o.Store.Signing(ctx, signingID)
	if err != nil {
		return fmt.Errorf("finish a signature: %w", err)
	}
	d, err := s.o.Store.Document(ctx, sg.DocumentID)
	if err != nil {
		return fmt.Errorf("finish a signature: %w", err)
	}
	// Looked at again behind the document: if nobody has finished it by now, the document
	// was read before anybody moved it.
	if sg, err = s.o.Store.Signing(ctx, signingID); err != nil {
		return fmt.Errorf("finish a signature: %w", err)
	}
	if sg.State != SigningReleased {
		return nil
	}
	if sg.Attachment != 0 {
		return nil // the document's own signature takes it along
	}
	lowest, err := s.finishAttachments(ctx, d, sg)
	var rev Revision
	var level signer.Level
	if err == nil {
		rev, level, err = s.write(ctx, d, sg)
	}
	if errors.Is(err, ErrStorage) || ctx.Err() != nil {
		return fmt.Errorf("finish the signature of document %s: %w", d.ID, err)
	}
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return s.failSigning(ctx, d, sg, e.Code, err)
	}
	if err != nil {
		return fmt.Errorf("finish the signature of document %s: %w", d.ID, err)
	}
	ok, err := s.recordStep(ctx, d, sg, rev, level, min(level, lowest))
	if err != nil || !ok {
		err = errors.Join(err, s.o.Blobs.Delete(context.WithoutCancel(ctx), rev.BlobID))
	}
	return err
}

// write makes the document's next revision.
func (s *Service) write(ctx context.Context, d Document, sg SigningRecord) (Revision, signer.Level, error) {
	base := d.newest()
	if base.N != sg.Revision {
		return Revision{}, 0, fmt.Errorf("revision %d was prepared, %d is the newest", sg.Revision, base.N)
	}
	ref, level, err := s.signFile(ctx, base, sg)
	return Revision{N: base.N + 1, Kind: RevisionSigned, BlobID: ref.ID, Size: ref.Size, SHA256: ref.SHA256, At: s.o.Now()}, level, err
}

// signFile makes the signed file: with a time-stamp and what B-LT needs when they can be
// had, without them when not, and checks our own output.
func (s *Service) signFile(ctx context.Context, base Revision, sg SigningRecord) (blob.Ref, signer.Level, error) {
	src, err := s.open(ctx, base)
	if err != nil {
		return blob.Ref{}, 0, err
	}
	defer src.Close()
	ref, level, err := s.finishFile(ctx, sg, src)
	if err != nil {
		return blob.Ref{}, 0, err
	}
	if level >= signer.LevelT {
		ref, level = s.raiseFile(ctx, ref, sg.Prepared.Field, level)
	}
	if err := s.checkFile(ctx, ref, sg.Prepared.Field); err != nil {
		return blob.Ref{}, 0, errors.Join(err, s.o.Blobs.Delete(context.WithoutCancel(ctx), ref.ID))
	}
	return ref, level, nil
}

// finishFile tries with a time-stamp first and without one when no authority answers.
func (s *Service) finishFile(ctx context.Context, sg SigningRecord, src Source) (blob.Ref, signer.Level, error) {
	tries := []bool{true, false}
	if s.o.NoStamp {
		tries = tries[1:]
	}
	for _, stamp := range tries {
		w, err := s.o.Blobs.Create(ctx)
		if err != nil {
			return blob.Ref{}, 0, ErrStorage.Wrap(err)
		}
		level, err := s.o.Engine.Finish(ctx, sg.Prepared.Engine, src, sg.Value, stamp, w)
		if err != nil {
			w.Abort()
			if stamp && signer.CodeOf(err) == signer.CodeTSAFailed && ctx.Err() == nil {
				continue
			}
			return blob.Ref{}, 0, fileError(err)
		}
		ref, err := w.Commit()
		if err != nil {
			return blob.Ref{}, 0, ErrStorage.Wrap(err)
		}
		return ref, level, nil
	}
	return blob.Ref{}, 0, errors.New("unreachable: the second try asks no time-stamp")
}

// raiseFile adds the validation material. When it can't be had the file stays as it is; the
// raise job tries again.
func (s *Service) raiseFile(ctx context.Context, ref blob.Ref, field string, level signer.Level) (blob.Ref, signer.Level) {
	better, higher, err := s.raised(ctx, ref, field)
	if err != nil {
		s.o.Log.WarnContext(ctx, "a signature's level is raised later", "error", err)
		return ref, level
	}
	if err := s.o.Blobs.Delete(context.WithoutCancel(ctx), ref.ID); err != nil {
		s.o.Log.WarnContext(ctx, "delete a blob that was replaced", "blob", ref.ID, "error", err)
	}
	return better, higher
}

// raised makes a new blob of a higher level.
func (s *Service) raised(ctx context.Context, ref blob.Ref, field string) (blob.Ref, signer.Level, error) {
	src, err := s.o.Blobs.Reader(ctx, ref.ID)
	if err != nil {
		return blob.Ref{}, 0, ErrStorage.Wrap(err)
	}
	defer src.Close()
	w, err := s.o.Blobs.Create(ctx)
	if err != nil {
		return blob.Ref{}, 0, ErrStorage.Wrap(err)
	}
	defer w.Abort()
	level, err := s.o.Engine.Raise(ctx, src, field, w)
	if err != nil {
		return blob.Ref{}, 0, err
	}
	out, err := w.Commit()
	if err != nil {
		return blob.Ref{}, 0, ErrStorage.Wrap(err)
	}
	return out, level, nil
}

// checkFile parses what was written and verifies its newest signature.
func (s *Service) checkFile(ctx context.Context, ref blob.Ref, field string) error {
	src, err := s.o.Blobs.Reader(ctx, ref.ID)
	if err != nil {
		return ErrStorage.Wrap(err)
	}
	defer src.Close()
	if err := s.o.Engine.Check(ctx, src, field); err != nil {
		return errOutput.Wrap(err)
	}
	return nil
}

var errOutput = errs.New(errs.Fault, "output_invalid",
	"Tệp đã ký không qua được kiểm tra; không phát hành.", "The signed file failed our own check; it is not released.")

// counted names the counter of a finished step.
var counted = map[StepKind]string{Initial: "initialled", Leader: "leader_signed", Seal: "sealed"}

// noticed names the event the document system is told.
var noticed = map[StepKind]string{Initial: "document.initialled", Leader: "document.signed", Seal: "document.issued", Copy: "document.copied"}

// recordStep records the finished step and what follows from it. lowest is the level of the
// document or of one of its attachments.
func (s *Service) recordStep(ctx context.Context, d Document, sg SigningRecord, rev Revision, level, lowest signer.Level) (bool, error) {
	now := s.o.Now()
	st := d.Steps[sg.Step-1]
	done := FinishedStep{SigningID: sg.ID, DocumentID: d.ID, Step: sg.Step, Revision: rev, Level: level.String(), State: Waiting,
		TimestampPending: lowest < signer.LevelLT && !s.o.NoStamp, Metadata: d.Metadata, PersonID: sg.PersonID}
	if sg.Step < len(d.Steps) {
		done.Next = sg.Step + 1
	}
	ev := audit.Event{At: now, Actor: "account:" + sg.AccountID, ActorName: sg.ActorName, Action: "document." + string(st.Kind), Object: "document:" + d.ID,
		UnitID: d.UnitID, Outcome: audit.OutcomeDone, Detail: map[string]string{"revision": fmt.Sprint(rev.N), "sha256": hexOf(rev.SHA256),
			"level": done.Level, "signing": sg.ID}}
	c := Change{At: now, Event: ev}
	count := func(event string) {
		c.Counts = append(c.Counts, Count{Day: day(now), UnitID: d.UnitID, Event: event})
	}
	if name := counted[st.Kind]; name != "" {
		count(name)
	}
	switch {
	case st.Kind == Seal:
		done.State = Issued
		done.Metadata.Number, done.Metadata.Notation = splitNumber(sg.Prepared.Number)
		done.Metadata.IssuedOn = sg.Prepared.Date
		count("issued")
	case st.Kind == Copy && done.Next == 0:
		done.State = Issued
		count("issued")
	case d.authorised() || st.Kind == Leader || done.Next == 0:
		done.State = Signed
	}
	d.State, d.Level, d.TimestampPending = done.State, done.Level, done.TimestampPending
	c.Notice = s.notice(d, noticed[st.Kind], done.State, rev)
	if d.CallbackURL != "" {
		c.Jobs = append(c.Jobs, job.Args(ReturnArgs{DocumentID: d.ID}))
	}
	if done.TimestampPending {
		c.Jobs = append(c.Jobs, job.Args(RaiseArgs{DocumentID: d.ID}))
	}
	return s.o.Store.RecordStep(ctx, done, c)
}

// splitNumber cuts number and notation at the first slash.
func splitNumber(s string) (num, notation string) {
	for i, r := range s {
		if r == '/' {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// failSigning gives up a signature that can never be finished.
func (s *Service) failSigning(ctx context.Context, d Document, sg SigningRecord, code string, why error) error {
	s.o.Log.ErrorContext(ctx, "a released signature can't be finished", "document", d.ID, "signing", sg.ID, "error", why)
	ev := audit.Event{At: s.o.Now(), Actor: "account:" + sg.AccountID, ActorName: sg.ActorName, Action: "document." + string(d.Steps[sg.Step-1].Kind),
		Object: "document:" + d.ID, UnitID: d.UnitID}.Refused(why)
	c := Change{At: ev.At, Event: ev, Counts: []Count{{Day: day(ev.At), UnitID: d.UnitID, Event: "failed"}},
		Notice: s.notice(d, "document.failed", Failed, d.newest())}
	if d.CallbackURL != "" {
		c.Jobs = append(c.Jobs, job.Args(ReturnArgs{DocumentID: d.ID}))
	}
	return s.o.Store.FailSigning(ctx, sg.ID, code, c)
}

// giveUp fails a signature that its job has tried for weeks.
func (s *Service) giveUp(ctx context.Context, signingID string, why error) error {
	sg, err := s.o.Store.Signing(ctx, signingID)
	if err != nil {
		return errors.Join(why, err)
	}
	d, err := s.o.Store.Document(ctx, sg.DocumentID)
	if err != nil {
		return errors.Join(why, err)
	}
	return s.failSigning(ctx, d, sg, "not_finished", why)
}

// Raise raises a document whose last signature waits for a time-stamp or its validation
// material. An error means that it is to be tried again.
func (s *Service) Raise(ctx context.Context, documentID string) error {
	d, err := s.o.Store.Document(ctx, documentID)
	if err != nil {
		return fmt.Errorf("raise a document: %w", err)
	}
	if !d.TimestampPending || d.State == Signing {
		if d.State == Signing {
			return fmt.Errorf("raise document %s: a signature is being written", d.ID)
		}
		return nil
	}
	if err := s.raiseAttachments(ctx, d); err != nil {
		return fmt.Errorf("raise document %s: %w", d.ID, err)
	}
	if d.Level == signer.LevelLT.String() {
		return s.raisedAll(ctx, d)
	}
	base := d.newest()
	src, err := s.unchanged(ctx, base)
	if err != nil {
		return fmt.Errorf("raise document %s: %w", d.ID, err)
	}
	if err := src.Close(); err != nil {
		return err
	}
	ref, level, err := s.raised(ctx, blob.Ref{ID: base.BlobID}, d.lastField())
	if err != nil {
		return fmt.Errorf("raise document %s: %w", d.ID, err)
	}
	drop := func() error { return s.o.Blobs.Delete(context.WithoutCancel(ctx), ref.ID) }
	if err := s.checkFile(ctx, ref, d.lastField()); err != nil {
		return errors.Join(err, drop())
	}
	now := s.o.Now()
	rev := Revision{N: base.N + 1, Kind: RevisionRaised, BlobID: ref.ID, Size: ref.Size, SHA256: ref.SHA256, At: now}
	ev := audit.Event{At: now, Actor: "service:routing", ActorName: "routing", Action: "document.raise", Object: "document:" + d.ID, UnitID: d.UnitID,
		Outcome: audit.OutcomeDone, Detail: map[string]string{"level": level.String(), "revision": fmt.Sprint(rev.N), "sha256": hexOf(rev.SHA256)}}
	d.Level, d.TimestampPending = level.String(), false
	c := Change{At: now, Event: ev, Notice: s.notice(d, "document.timestamped", d.State, rev)}
	if d.CallbackURL != "" {
		c.Jobs = append(c.Jobs, job.Args(ReturnArgs{DocumentID: d.ID}))
	}
	ok, err := s.o.Store.RecordRaised(ctx, d.ID, base.N, rev, level.String(), c)
	if err != nil {
		return errors.Join(err, drop())
	}
	if !ok { // somebody signed meanwhile: look again
		return errors.Join(fmt.Errorf("raise document %s: it moved on", d.ID), drop())
	}
	return nil
}

// lastField is the field of the last finished step.
func (d Document) lastField() string {
	for i := len(d.Steps) - 1; i >= 0; i-- {
		if d.Steps[i].State == StepDone {
			return d.Plan.Steps[i].Field
		}
	}
	return ""
}

// jobGrace is how long a request keeps a signature to itself before the job looks.
const jobGrace = 2 * time.Second
