package routing

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/blob"
	"github.com/kyso-vn/kyso/internal/signing"
	"github.com/kyso-vn/kyso/signer/appearance"
)

// hashAlg is the algorithm of every hash that a person's key signs here.
const hashAlg = crypto.SHA256

// Prepare fixes what will be signed: whose turn, the certificate, the unchanged bytes, the
// appearance, and for each document the signing time, the reserved room and the signed
// attributes. What it returns is exactly what Authorize and Sign will do.
func (s *Service) Prepare(ctx context.Context, req PrepareRequest) (Confirmation, error) {
	kind, ok := actStep[req.Act]
	if !ok {
		return Confirmation{}, ErrBatch
	}
	if n := len(req.Documents); n == 0 || n > maxBatch || len(slices.Compact(slices.Sorted(slices.Values(req.Documents)))) != n {
		return Confirmation{}, ErrBatch
	}
	a, _, err := auth.RequireAny(ctx, stepVerb[kind])
	if err != nil {
		return Confirmation{}, err
	}
	docs := make([]Document, len(req.Documents))
	for i, id := range req.Documents {
		if docs[i], err = s.due(ctx, id, kind); err != nil {
			return Confirmation{}, err
		}
	}
	cert, err := s.certificate(ctx, req, docs)
	if err != nil {
		return Confirmation{}, s.refused(ctx, s.event(a, "document.prepare", "credential:"+req.CredentialID, docs[0].UnitID), err)
	}
	b := Batch{ID: uuid.Must(uuid.NewV7()).String(), AccountID: a.AccountID, PersonID: a.PersonID, ActorName: a.Name, Act: req.Act,
		CredentialID: cert.CredentialID, CertificateID: cert.ID, State: BatchPrepared, CreatedAt: s.o.Now()}
	for _, d := range docs {
		sg, err := s.prepareOne(ctx, a, d, cert, req.Seal[d.ID], b.CreatedAt)
		if err != nil {
			return Confirmation{}, s.refused(ctx, s.event(a, "document.prepare", "document:"+d.ID, d.UnitID), err)
		}
		along := []SigningRecord(nil)
		if kind == Seal {
			along, sg.Prepared.Entry.Attachments, err = s.prepareAttachments(ctx, d, cert, sg, b.CreatedAt)
			if err != nil {
				return Confirmation{}, s.refused(ctx, s.event(a, "document.prepare", "document:"+d.ID, d.UnitID), err)
			}
		}
		for _, sg := range append([]SigningRecord{sg}, along...) {
			sg.BatchID, sg.N = b.ID, len(b.Signings)+1
			b.Signings = append(b.Signings, sg)
		}
	}
	if len(b.Signings) > maxHashes {
		return Confirmation{}, ErrBatch
	}
	ev := s.event(a, "document.prepare", "batch:"+b.ID, docs[0].UnitID)
	if err := s.free(ctx, b); err != nil {
		return Confirmation{}, s.refused(ctx, ev, err)
	}
	ev.Detail = map[string]string{"certificate": cert.ID, "count": fmt.Sprint(len(docs))}
	if err := s.o.Store.InsertBatch(ctx, b, ev); err != nil {
		return Confirmation{}, fmt.Errorf("store a batch: %w", err)
	}
	return s.confirmation(ctx, b, cert)
}

// due returns a document whose current step is of the kind and may be taken by the actor.
func (s *Service) due(ctx context.Context, id string, kind StepKind) (Document, error) {
	a, d, err := s.read(ctx, id)
	if err != nil {
		return d, err
	}
	ev := s.event(a, "document.prepare", "document:"+d.ID, d.UnitID)
	st, ok := d.current()
	if kind == Seal && ok && st.Kind != Seal && d.State != Issued {
		if i := slices.IndexFunc(d.Steps, func(x Step) bool { return x.Kind == Seal }); i >= 0 && !s.turn(ctx, a, d.Steps[i]) {
			return d, s.refused(ctx, ev, auth.ErrDenied)
		}
		return d, s.refused(ctx, ev, ErrSealBeforeLeader)
	}
	if !ok || (d.State != Waiting && d.State != Signed) {
		return d, s.refused(ctx, ev, ErrState.Reason(d.State.VI(), string(d.State)))
	}
	if st.Kind != kind || st.State != StepWaiting {
		return d, s.refused(ctx, ev, ErrNotYourTurn)
	}
	if !s.turn(ctx, a, st) {
		return d, s.refused(ctx, ev, auth.ErrDenied)
	}
	if kind == Seal && !d.authorised() {
		return d, s.refused(ctx, ev, ErrSealBeforeLeader)
	}
	return d, nil
}

// authorised reports whether the document carries the competent person's signature, or is
// a copy the organisation made (Decree 30/2020, Article 32).
func (d Document) authorised() bool {
	return slices.ContainsFunc(d.Steps, func(st Step) bool {
		return (st.Kind == Leader || st.Kind == Copy) && st.State == StepDone
	})
}

// certificate returns the one to sign with: the one asked for, or the only one that fits.
func (s *Service) certificate(ctx context.Context, req PrepareRequest, docs []Document) (signing.Certificate, error) {
	kind := actStep[req.Act]
	st, _ := docs[0].current()
	if kind != Seal && kind != Copy {
		if req.CredentialID != "" {
			return s.o.Signing.Use(ctx, stepVerb[kind], req.CredentialID)
		}
		return s.o.Signing.Choose(ctx, stepVerb[kind], st.UnitID)
	}
	for _, d := range docs { // one seal, hence one unit
		if x, _ := d.current(); x.UnitID != st.UnitID {
			return signing.Certificate{}, ErrBatch
		}
	}
	if req.CredentialID == "" {
		return s.o.Signing.Choose(ctx, auth.DocumentSeal, st.UnitID)
	}
	c, err := s.o.Signing.Use(ctx, auth.DocumentSeal, req.CredentialID)
	if err == nil && c.SubjectID != st.UnitID {
		return c, agent.ErrNoCredential
	}
	return c, err
}

// prepareOne prepares one signature.
func (s *Service) prepareOne(ctx context.Context, a auth.Actor, d Document, cert signing.Certificate, in SealInput, now time.Time) (SigningRecord, error) {
	st, _ := d.current()
	ps := d.Plan.Steps[st.N-1]
	leaf, chain, err := cert.Parse()
	if err != nil {
		return SigningRecord{}, err
	}
	order := Order{Field: ps.Field, Certificate: leaf, Chain: chain, At: now.In(hanoi).Truncate(time.Second), LockAll: st.Kind == Seal}
	state := SignState{Field: ps.Field}
	if st.Kind == Seal {
		printed := ""
		if in, printed, err = sealInput(in, d.Metadata, d.leaderAt(), now); err != nil {
			return SigningRecord{}, err
		}
		state.Number, state.Date = in.Number, in.Date
		if order.Fill, err = d.Plan.fill(in.Number, printed); err != nil {
			return SigningRecord{}, err
		}
	}
	if err := s.appearance(ctx, a, d, st, ps, &order); err != nil {
		return SigningRecord{}, err
	}
	src, err := s.unchanged(ctx, d.newest())
	if err != nil {
		return SigningRecord{}, err
	}
	defer src.Close()
	p, err := s.o.Engine.Prepare(ctx, src, order)
	if _, ok := errors.AsType[*appearance.OverflowError](err); ok {
		return SigningRecord{}, ErrTextFit.Wrap(err)
	}
	if err != nil {
		return SigningRecord{}, fileError(err)
	}
	if p.HashAlg != hashAlg {
		return SigningRecord{}, fmt.Errorf("the engine hashed with %v", p.HashAlg)
	}
	full := hexOf(p.Digest)
	state.Engine = p.State
	state.Entry = ConfirmEntry{DocumentID: d.ID, Subject: d.Metadata.Subject, Pages: d.Pages, Step: st.N, Capacity: ps.Capacity,
		Number: state.Number, Date: state.Date, Check: checkCode(full), CheckFull: full, Hash: hexOf(p.Hash), Warnings: p.Warnings}
	return SigningRecord{ID: uuid.Must(uuid.NewV7()).String(), DocumentID: d.ID, Step: st.N, Revision: d.Revision, State: SigningPrepared,
		Hash: p.Hash, Digest: p.Digest, Prepared: state, CreatedAt: now}, nil
}

// checkCode is mã kiểm tra as a page shows it: 9F2C…77E0.
func checkCode(full string) string {
	if len(full) < 8 {
		return full
	}
	return string(bytes.ToUpper([]byte(full[:4]))) + "…" + string(bytes.ToUpper([]byte(full[len(full)-4:])))
}

// leaderAt is when the leader signed, zero for a copy.
func (d Document) leaderAt() time.Time {
	for _, st := range d.Steps {
		if st.Kind == Leader {
			return st.ActedAt
		}
	}
	return time.Time{}
}

// unchanged opens a revision after reading it through: its bytes are those that were
// recorded.
func (s *Service) unchanged(ctx context.Context, rev Revision) (*blob.Reader, error) {
	src, err := s.open(ctx, rev)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(src, 0, src.Size())); err != nil {
		if errors.Is(err, blob.ErrChanged) {
			err = ErrFileChanged.Wrap(err)
		} else {
			err = ErrStorage.Wrap(err)
		}
		return nil, errors.Join(err, src.Close())
	}
	if !bytes.Equal(h.Sum(nil), rev.SHA256) {
		return nil, errors.Join(ErrFileChanged, src.Close())
	}
	return src, nil
}

// appearance draws what the step shows (Decree 30/2020, Annex I).
func (s *Service) appearance(ctx context.Context, a auth.Actor, d Document, st Step, ps PlannedStep, o *Order) error {
	if st.Kind == Copy {
		return o.stamp(ps.PageInfo, appearance.CopyLines(appearance.CopyForm(ps.CopyForm), o.Certificate.Subject.CommonName, o.At))
	}
	place, err := ps.PageInfo.At(ps.Rect)
	if err != nil {
		return fmt.Errorf("place of step %d: %w", st.N, err)
	}
	kind, owner := PictureSignature, a.PersonID
	switch st.Kind {
	case Seal:
		kind, owner = PictureSeal, st.UnitID
	case Initial:
		kind = PictureInitial
	}
	pic, img, err := s.picture(ctx, owner, kind)
	if st.Kind == Initial && errors.Is(err, ErrPicture) {
		return nil // an initial may show nothing
	}
	if err != nil {
		return err
	}
	switch st.Kind {
	case Seal:
		if o.Appearance, err = appearance.NewSealForm(place, img, pic.DiameterMM); err != nil {
			return ErrSealSize.Wrap(err)
		}
		return nil
	case Leader:
		if err := d.overlap(ps, img); err != nil {
			return err
		}
	}
	o.Appearance, err = appearance.NewLeaderForm(place, img)
	return err
}

// stamp lets the signature show a text in the top right corner of page 1, in a field that is
// made with it.
func (o *Order) stamp(page appearance.Page, lines []string) error {
	place, err := appearance.TextStampPlace(page, lines)
	if err != nil {
		return fmt.Errorf("place of a text stamp: %w", err)
	}
	o.Page, o.Rect = 1, place.Rect
	o.Appearance, err = appearance.NewTextForm(place, lines, appearance.Plain)
	return err
}

// overlap refuses a picture of the leader's signature that the coming seal, whose place is
// fixed already, would not cover by about a third.
func (d Document) overlap(ps PlannedStep, img appearance.Image) error {
	for _, other := range d.Plan.Steps {
		if other.Kind != Seal {
			continue
		}
		if err := ps.PageInfo.CheckOverlap(pictureRect(ps.PageInfo, ps.Rect, img), other.Rect); err != nil {
			return ErrSealOverlap.Wrap(err)
		}
	}
	return nil
}

// confirmation is the page of a batch.
func (s *Service) confirmation(ctx context.Context, b Batch, cert signing.Certificate) (Confirmation, error) {
	leaf, _, err := cert.Parse()
	if err != nil {
		return Confirmation{}, err
	}
	c := Confirmation{BatchID: b.ID, Act: b.Act, CredentialID: b.CredentialID, Signer: leaf.Subject.CommonName,
		Issuer: leaf.Issuer.CommonName, Serial: leaf.SerialNumber.Text(16), ValidTo: leaf.NotAfter, NeedsPIN: !cert.Seal(),
		PreparedAt: b.CreatedAt, Documents: []ConfirmEntry{}}
	seen, err := s.o.Store.Viewed(ctx, b.AccountID, b.documents())
	if err != nil {
		return Confirmation{}, err
	}
	for _, sg := range b.own() {
		e := sg.Prepared.Entry
		e.Viewed = seen[sg.DocumentID] == sg.Revision
		if !e.Viewed {
			c.NotViewed++
		}
		c.Documents = append(c.Documents, e)
	}
	return c, nil
}

// Confirmation returns a prepared batch again, for its own actor.
func (s *Service) Confirmation(ctx context.Context, batchID string) (Confirmation, error) {
	b, err := s.batch(ctx, batchID)
	if err != nil {
		return Confirmation{}, err
	}
	if b.State != BatchPrepared {
		return Confirmation{}, ErrBatchUsed
	}
	cert, err := s.o.Signing.Use(ctx, stepVerb[actStep[b.Act]], b.CredentialID)
	if err != nil {
		return Confirmation{}, err
	}
	return s.confirmation(ctx, b, cert)
}

// batch returns a batch of the actor.
func (s *Service) batch(ctx context.Context, id string) (Batch, error) {
	a, ok := auth.ActorFrom(ctx)
	if !ok {
		return Batch{}, auth.ErrUnauthenticated
	}
	b, err := s.o.Store.Batch(ctx, id)
	if errors.Is(err, ErrBatchUnknown) || (err == nil && (a.AccountID == "" || b.AccountID != a.AccountID)) {
		return Batch{}, ErrNotFound
	}
	return b, err
}
