package routing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/blob"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/job"
	"github.com/kyso-vn/kyso/internal/signing"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
)

// Attachments follow Decree 30/2020, Annex I. What is part of the same file is signed with
// it. A PDF in a file of its own is signed by the organisation in the act of the seal, and
// shows number and notation and the time of signing in the top right corner of page 1.
// Files of other kinds are kept and given back as they came: nothing here can sign them.

// fieldAttachment is the name of the signature field in an attachment.
const fieldAttachment = "chu_ky_co_quan"

// maxHashes is what one authorisation covers.
const maxHashes = 1000

// headerRoom is within how many bytes a PDF says that it is one.
const headerRoom = 1024

// signable reports whether the blob is a PDF; one that can't be signed is refused.
func (s *Service) signable(ctx context.Context, ref blob.Ref) (bool, error) {
	src, err := s.o.Blobs.Reader(ctx, ref.ID)
	if err != nil {
		return false, ErrStorage.Wrap(err)
	}
	defer src.Close()
	head := make([]byte, min(headerRoom, ref.Size))
	if _, err := src.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return false, ErrStorage.Wrap(err)
	}
	if !bytes.Contains(head, []byte("%PDF-")) {
		return false, nil
	}
	_, err = s.o.Engine.Inspect(ctx, src)
	return true, fileError(err)
}

// onAttachment says which attachment a refusal is about.
func onAttachment(err error, i int) error {
	if e, ok := errors.AsType[*errs.Error](err); ok {
		return e.On(fmt.Sprintf("attachments.%d", i))
	}
	return err
}

// prepareAttachments prepares the signatures of a document's attachments, which go with its
// seal: under the same number, at the same time.
func (s *Service) prepareAttachments(ctx context.Context, d Document, cert signing.Certificate, seal SigningRecord, now time.Time) ([]SigningRecord, []AttachmentEntry, error) {
	var out []SigningRecord
	var entries []AttachmentEntry
	for _, at := range d.Attachments {
		if !at.Signable {
			continue
		}
		sg, entry, err := s.prepareAttachment(ctx, d, at, cert, seal, now)
		if err != nil {
			return nil, nil, onAttachment(err, at.N-1)
		}
		out, entries = append(out, sg), append(entries, entry)
	}
	return out, entries, nil
}

func (s *Service) prepareAttachment(ctx context.Context, d Document, at StoredAttachment, cert signing.Certificate, seal SigningRecord, now time.Time) (SigningRecord, AttachmentEntry, error) {
	leaf, chain, err := cert.Parse()
	if err != nil {
		return SigningRecord{}, AttachmentEntry{}, err
	}
	src, err := s.unchanged(ctx, Revision{BlobID: at.BlobID, Size: at.Size, SHA256: at.SHA256})
	if err != nil {
		return SigningRecord{}, AttachmentEntry{}, err
	}
	defer src.Close()
	file, err := s.o.Engine.Inspect(ctx, src)
	if err != nil {
		return SigningRecord{}, AttachmentEntry{}, fileError(err)
	}
	order := Order{Field: file.unused(fieldAttachment), Certificate: leaf, Chain: chain, At: now.In(hanoi).Truncate(time.Second), LockAll: true}
	if err := order.stamp(file.Pages[0], appearance.AttachmentLines(seal.Prepared.Number, order.At)); err != nil {
		return SigningRecord{}, AttachmentEntry{}, err
	}
	p, err := s.o.Engine.Prepare(ctx, src, order)
	if err != nil {
		return SigningRecord{}, AttachmentEntry{}, fileError(err)
	}
	full := hexOf(p.Digest)
	return SigningRecord{ID: uuid.Must(uuid.NewV7()).String(), DocumentID: d.ID, Step: seal.Step, Attachment: at.N, Revision: d.Revision, State: SigningPrepared,
			Hash: p.Hash, Digest: p.Digest, Prepared: SignState{Engine: p.State, Field: order.Field}, CreatedAt: now},
		AttachmentEntry{N: at.N, Name: at.Name, Check: checkCode(full), CheckFull: full, Hash: hexOf(p.Hash)}, nil
}

// unused is a name that no field of the file has.
func (f File) unused(name string) string {
	free := name
	for i := 2; ; i++ {
		if _, taken := f.field(free); !taken {
			return free
		}
		free = fmt.Sprintf("%s_%d", name, i)
	}
}

// finishAttachments writes the signed attachments that go with a seal, before the document
// itself counts as sealed. It returns the lowest level among all of them.
func (s *Service) finishAttachments(ctx context.Context, d Document, seal SigningRecord) (lowest signer.Level, err error) {
	lowest = signer.LevelLT
	if !slices.ContainsFunc(d.Attachments, func(at StoredAttachment) bool { return at.Signable }) {
		return lowest, nil
	}
	b, err := s.o.Store.Batch(ctx, seal.BatchID)
	if err != nil {
		return 0, err
	}
	for _, sg := range b.Signings {
		if sg.DocumentID != d.ID || sg.Attachment == 0 {
			continue
		}
		at := d.Attachments[sg.Attachment-1]
		if sg.State == SigningFinished {
			if at.Level != signer.LevelLT.String() {
				lowest = signer.LevelB
			}
			continue
		}
		ref, level, err := s.signFile(ctx, Revision{BlobID: at.BlobID, Size: at.Size}, sg)
		if err != nil {
			return 0, fmt.Errorf("attachment %d: %w", at.N, err)
		}
		lowest = min(lowest, level)
		ok, err := s.o.Store.RecordAttachment(ctx, SignedAttachment{SigningID: sg.ID, DocumentID: d.ID, N: at.N, Field: sg.Prepared.Field,
			Blob: ref, Level: level.String(), At: s.o.Now()})
		if err != nil || !ok {
			if err := errors.Join(err, s.o.Blobs.Delete(context.WithoutCancel(ctx), ref.ID)); err != nil {
				return 0, err
			}
		}
	}
	return lowest, nil
}

// raiseAttachments raises the attachments that wait for it.
func (s *Service) raiseAttachments(ctx context.Context, d Document) error {
	for _, at := range d.Attachments {
		if at.SignedBlobID == "" || at.Level == signer.LevelLT.String() {
			continue
		}
		base := Revision{BlobID: at.SignedBlobID, Size: at.SignedSize, SHA256: at.SignedSHA256}
		src, err := s.unchanged(ctx, base)
		if err != nil {
			return err
		}
		if err := src.Close(); err != nil {
			return err
		}
		ref, level, err := s.raised(ctx, blob.Ref{ID: at.SignedBlobID}, at.SignedField)
		if err != nil {
			return fmt.Errorf("attachment %d: %w", at.N, err)
		}
		drop := func() error { return s.o.Blobs.Delete(context.WithoutCancel(ctx), ref.ID) }
		if err := s.checkFile(ctx, ref, at.SignedField); err != nil {
			return errors.Join(err, drop())
		}
		ok, err := s.o.Store.RecordAttachment(ctx, SignedAttachment{From: at.SignedBlobID, DocumentID: d.ID, N: at.N, Field: at.SignedField,
			Blob: ref, Level: level.String(), At: s.o.Now()})
		if err != nil || !ok {
			return errors.Join(err, drop())
		}
	}
	return nil
}

// raisedAll tells the document system that nothing waits for a time-stamp any more, when the
// document itself did not.
func (s *Service) raisedAll(ctx context.Context, d Document) error {
	now := s.o.Now()
	d.TimestampPending = false
	c := Change{At: now, Event: audit.Event{At: now, Actor: clockActor, ActorName: "routing", Action: "document.raise", Object: "document:" + d.ID,
		UnitID: d.UnitID, Outcome: audit.OutcomeDone, Detail: map[string]string{"level": d.Level}},
		Notice: s.notice(d, "document.timestamped", d.State, d.newest())}
	if d.CallbackURL != "" {
		c.Jobs = append(c.Jobs, job.Args(ReturnArgs{DocumentID: d.ID}))
	}
	return s.o.Store.RecordStamped(ctx, d.ID, c)
}
