package routing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/blob"
	"github.com/kyso-vn/kyso/internal/job"
)

// Accept takes a document in:
//
//  1. permission, and the rules for what is said about it;
//  2. the bytes are kept, encrypted, while they arrive;
//  3. a resend gets the document that exists; other content under the same id is refused;
//  4. the file is parsed strictly, and every field of every coming step is made or resized
//     now, before any signature: a field's Rect never changes afterwards;
//  5. one transaction makes the document, its steps, the audit record, counts and jobs.
//
// created is false for a resend.
func (s *Service) Accept(ctx context.Context, in Intake, files Files) (v View, created bool, err error) {
	a, err := auth.Require(ctx, auth.DocumentAccept, in.UnitID)
	if err != nil {
		return View{}, false, err
	}
	ev := s.event(a, "document.accept", "document:", in.UnitID)
	in.Steps, in.Attachments = slices.Clone(in.Steps), slices.Clone(in.Attachments) // check normalises them; the caller's stay
	if err := in.check(); err != nil {
		return View{}, false, s.refused(ctx, ev, err)
	}
	var kept keeper
	defer func() { kept.dropUnlessUsed(ctx, s.o.Blobs) }()
	d, err := s.keep(ctx, in, files, &kept)
	if err != nil {
		return View{}, false, s.refused(ctx, ev, err)
	}
	d.ClientID, d.ContentHash = a.ClientID, contentHash(in, d)
	id, err := s.resend(ctx, d)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return View{}, false, s.refused(ctx, ev, err)
	}
	if err == nil {
		v, err = s.Get(ctx, id)
		return v, false, err
	}
	if err := s.fields(ctx, &d, in, &kept); err != nil {
		return View{}, false, s.refused(ctx, ev, err)
	}
	err = s.insert(ctx, a, &d, in)
	if errors.Is(err, ErrExists) { // somebody else's copy of this request was first
		if id, err = s.resend(ctx, d); err != nil {
			return View{}, false, s.refused(ctx, ev, err)
		}
		v, err = s.Get(ctx, id)
		return v, false, err
	}
	if err != nil {
		return View{}, false, fmt.Errorf("accept a document: %w", err)
	}
	kept.used = true
	v, err = s.Get(ctx, d.ID)
	return v, true, err
}

// resend returns the document that the client handed over before, ErrNotFound when there is
// none, or ErrExists when its content was another.
func (s *Service) resend(ctx context.Context, d Document) (id string, err error) {
	id, hash, err := s.o.Store.FindDocument(ctx, d.ClientID, d.ExternalID)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(hash, d.ContentHash) {
		return "", ErrExists
	}
	return id, nil
}

// keeper remembers the blobs of a request until a document names them.
type keeper struct {
	ids  []string
	used bool
}

func (k *keeper) dropUnlessUsed(ctx context.Context, blobs *blob.Store) {
	if k.used {
		return
	}
	for _, id := range k.ids {
		_ = blobs.Delete(context.WithoutCancel(ctx), id) // an orphan costs room, no more
	}
}

// keep stores the bytes and starts the document.
func (s *Service) keep(ctx context.Context, in Intake, files Files, kept *keeper) (Document, error) {
	now := s.o.Now()
	d := Document{ID: uuid.Must(uuid.NewV7()).String(), UnitID: in.UnitID, ExternalID: in.ExternalID, Metadata: in.Metadata,
		Deadline: in.Metadata.Deadline, State: Waiting, Step: 1, Revision: 1, CreatedAt: now, UpdatedAt: now}
	ref, err := s.store(ctx, files.Document, kept)
	if err != nil {
		return d, err
	}
	d.Revisions = []Revision{{N: 1, Kind: RevisionSubmitted, BlobID: ref.ID, Size: ref.Size, SHA256: ref.SHA256, At: now}}
	next := 0
	for i, at := range in.Attachments {
		sa := StoredAttachment{Attachment: at, N: i + 1}
		if !at.SameFile {
			if next == len(files.Attachments) {
				return d, ErrMetadata.Reason("thiếu tệp phụ lục", "an attachment's file is missing").On("attachments")
			}
			ref, err := s.store(ctx, files.Attachments[next], kept)
			if err != nil {
				return d, err
			}
			next++
			sa.BlobID, sa.Size, sa.SHA256 = ref.ID, ref.Size, ref.SHA256
			if in.sealed() {
				if sa.Signable, err = s.signable(ctx, ref); err != nil {
					return d, onAttachment(err, i)
				}
			}
		}
		d.Attachments = append(d.Attachments, sa)
	}
	if next != len(files.Attachments) {
		return d, ErrMetadata.Reason("thừa tệp phụ lục", "there are more files than attachments").On("attachments")
	}
	return d, nil
}

// store copies at most MaxBytes into a new blob.
func (s *Service) store(ctx context.Context, r io.Reader, kept *keeper) (blob.Ref, error) {
	if r == nil {
		return blob.Ref{}, ErrMetadata.Reason("thiếu tệp", "the file is missing").On("file")
	}
	w, err := s.o.Blobs.Create(ctx)
	if err != nil {
		return blob.Ref{}, ErrStorage.Wrap(err)
	}
	defer w.Abort()
	n, err := io.Copy(w, io.LimitReader(r, s.o.MaxBytes+1))
	if err != nil {
		return blob.Ref{}, ErrStorage.Wrap(err)
	}
	if n > s.o.MaxBytes {
		return blob.Ref{}, ErrTooLarge
	}
	ref, err := w.Commit()
	if err != nil {
		return blob.Ref{}, ErrStorage.Wrap(err)
	}
	kept.ids = append(kept.ids, ref.ID)
	return ref, nil
}

// contentHash is SHA-256 over what was said and the hashes of all bytes, in order.
func contentHash(in Intake, d Document) []byte {
	h := sha256.New()
	said, err := json.Marshal(in)
	if err != nil {
		panic("an Intake has only plain fields: " + err.Error())
	}
	said32 := sha256.Sum256(said)
	h.Write(said32[:])
	h.Write(d.Revisions[0].SHA256)
	for _, a := range d.Attachments {
		h.Write(a.SHA256) // nothing for a part of the same file
	}
	return h.Sum(nil)
}

// fields plans every signature and prepares the file for them.
func (s *Service) fields(ctx context.Context, d *Document, in Intake, kept *keeper) error {
	src, err := s.o.Blobs.Reader(ctx, d.Revisions[0].BlobID)
	if err != nil {
		return ErrStorage.Wrap(err)
	}
	defer src.Close()
	file, err := s.o.Engine.Inspect(ctx, src)
	if err != nil {
		return fileError(err)
	}
	if file.Signatures > 0 && slices.ContainsFunc(in.Steps, func(st StepSpec) bool { return st.Kind != Copy }) {
		return ErrSigned // a copy is made of what was signed
	}
	d.Pages = len(file.Pages)
	p := planner{s: s, src: src, file: file, doc: d}
	todo, err := p.plan(ctx, in)
	if err != nil {
		return err
	}
	if len(todo) == 0 {
		return nil
	}
	w, err := s.o.Blobs.Create(ctx)
	if err != nil {
		return ErrStorage.Wrap(err)
	}
	defer w.Abort()
	changed, err := s.o.Engine.AddFields(ctx, src, todo, w)
	if err != nil {
		return fileError(err)
	}
	if !changed {
		return nil
	}
	ref, err := w.Commit()
	if err != nil {
		return ErrStorage.Wrap(err)
	}
	kept.ids = append(kept.ids, ref.ID)
	d.Revision = 2
	d.Revisions = append(d.Revisions, Revision{N: 2, Kind: RevisionPrepared, BlobID: ref.ID, Size: ref.Size, SHA256: ref.SHA256, At: d.CreatedAt})
	return nil
}

// insert makes the document exist.
func (s *Service) insert(ctx context.Context, a auth.Actor, d *Document, in Intake) error {
	rank := in.Metadata.Urgency.rank()
	d.SortKey = sortKey(rank, d.Deadline, d.CreatedAt, d.ID)
	d.Words = words(in.Metadata.Subject, in.Metadata.Number, in.Metadata.Notation, in.Metadata.Origin, in.ExternalID)
	d.CallbackURL = in.CallbackURL
	if d.CallbackURL == "" {
		url, err := s.o.Store.CallbackURL(ctx, a.ClientID)
		if err != nil {
			return err
		}
		d.CallbackURL = url
	}
	ev := s.event(a, "document.accept", "document:"+d.ID, d.UnitID)
	ev.Detail = map[string]string{"sha256": hexOf(d.Revisions[0].SHA256), "external_id_hash": hexOf(sumOf(d.ExternalID))}
	c := Change{At: d.CreatedAt, Event: ev, Counts: []Count{{Day: day(d.CreatedAt), UnitID: d.UnitID, Event: "accepted"}},
		Notice: s.notice(*d, "document.accepted", Waiting, d.newest())}
	if d.CallbackURL != "" {
		c.Jobs = append(c.Jobs, ReturnArgs{DocumentID: d.ID})
	}
	if !d.Deadline.IsZero() {
		c.Jobs = append(c.Jobs, job.Args(ExpireArgs{DocumentID: d.ID, At: d.Deadline}))
	}
	return s.o.Store.InsertDocument(ctx, *d, c)
}

// fileName makes a download name of a document's words; it is never a path.
func fileName(d Document) string {
	name := strings.Join(strings.FieldsFunc(d.Metadata.Number+" "+d.Metadata.Notation, func(r rune) bool {
		return r <= ' ' || strings.ContainsRune(`/\:*?"<>|`, r)
	}), "-")
	if name == "" {
		name = d.ID
	}
	return name + ".pdf"
}
