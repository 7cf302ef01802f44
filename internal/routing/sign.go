package routing

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/job"
	"github.com/kyso-vn/kyso/internal/signing"
)

// Authorize checks PIN and one-time password for a prepared batch and ties the SAD to it.
func (s *Service) Authorize(ctx context.Context, batchID, pin, otp string) (agent.Grant, error) {
	b, err := s.batch(ctx, batchID)
	if err != nil {
		return agent.Grant{}, err
	}
	if b.State != BatchPrepared {
		return agent.Grant{}, ErrBatchUsed
	}
	r := b.request()
	r.PIN, r.OTP = pin, otp
	g, err := s.o.Signing.Authorize(ctx, r)
	if err != nil {
		return agent.Grant{}, err
	}
	if err := s.o.Store.BindSAD(ctx, b.ID, sadHash(g.SAD)); err != nil {
		return agent.Grant{}, err
	}
	return g, nil
}

// request names the batch's hashes in their order.
func (b Batch) request() signing.Request {
	r := signing.Request{CredentialID: b.CredentialID, Verb: stepVerb[actStep[b.Act]], HashAlg: hashAlg, Object: "batch:" + b.ID}
	for _, sg := range b.Signings {
		r.Hashes = append(r.Hashes, sg.Hash)
	}
	return r
}

func sadHash(sad string) []byte {
	h := sha256.Sum256([]byte(sad))
	return h[:]
}

// Sign spends a SAD on the batch it was given for:
//
//  1. the batch is claimed; of parallel calls one goes on, the others get the batch's state;
//  2. the agent signs all hashes in one call;
//  3. one transaction releases the values, after it has re-read the certificate's status
//     under lock;
//  4. each document is finished, without a key: here while time lasts, else by its job.
func (s *Service) Sign(ctx context.Context, req SignRequest) (BatchResult, error) {
	a, ok := auth.ActorFrom(ctx)
	if !ok {
		return BatchResult{}, auth.ErrUnauthenticated
	}
	ev := s.event(a, "document.sign", "batch:", "")
	b, err := s.o.Store.BatchBySAD(ctx, sadHash(req.SAD))
	if err == nil && b.AccountID != a.AccountID {
		err = ErrBatchUnknown
	}
	if err == nil && len(req.Documents) > 0 && !slices.Equal(slices.Sorted(slices.Values(req.Documents)), b.documents()) {
		err = ErrBatchMismatch
	}
	if err != nil {
		return BatchResult{}, s.refused(ctx, ev, err)
	}
	ev.Object = "batch:" + b.ID
	switch b.State {
	case BatchFailed:
		return BatchResult{}, s.refused(ctx, ev, ErrBatchUsed)
	case BatchPrepared:
		mine, err := s.o.Store.ClaimBatch(ctx, b.ID)
		if err != nil {
			return BatchResult{}, s.refused(ctx, ev, err)
		}
		if mine {
			if err := s.release(ctx, a, b, req.SAD); err != nil {
				return BatchResult{}, err
			}
		}
	}
	s.finishNow(ctx, b.ID)
	return s.result(ctx, b.ID)
}

// own are the signatures of the documents themselves.
func (b Batch) own() []SigningRecord {
	return slices.DeleteFunc(slices.Clone(b.Signings), func(sg SigningRecord) bool { return sg.Attachment != 0 })
}

func (b Batch) documents() []string {
	var ids []string
	for _, sg := range b.own() {
		ids = append(ids, sg.DocumentID)
	}
	slices.Sort(ids)
	return ids
}

// release signs a claimed batch and records the values. After a failure the batch can't be
// used again; its documents still wait.
func (s *Service) release(ctx context.Context, a auth.Actor, b Batch, sad string) error {
	ctx = context.WithoutCancel(ctx) // the SAD is spent: losing the client must not lose the values
	values, err := s.o.Signing.Sign(ctx, b.request(), sad)
	if err != nil {
		return s.abandon(ctx, b, err)
	}
	numbers, err := s.numbers(ctx, b)
	if err != nil {
		return s.abandon(ctx, b, err)
	}
	now := s.o.Now()
	r := Release{BatchID: b.ID, CertificateID: b.CertificateID, At: now, Values: values, Numbers: numbers,
		Event: s.event(a, "document.release", "batch:"+b.ID, "")}
	r.Event.Detail = map[string]string{"certificate": b.CertificateID, "count": fmt.Sprint(len(values))}
	for _, sg := range b.own() {
		r.Jobs = append(r.Jobs, job.Args(FinishArgs{SigningID: sg.ID, At: now.Add(s.o.FinishLimit + jobGrace)}))
	}
	if err := s.o.Store.Release(ctx, r); err != nil {
		return s.abandon(ctx, b, s.refused(ctx, r.Event, err))
	}
	return nil
}

// abandon closes a batch that failed and returns why.
func (s *Service) abandon(ctx context.Context, b Batch, why error) error {
	if err := s.o.Store.FailBatch(ctx, b.ID); err != nil {
		s.o.Log.ErrorContext(ctx, "close a failed batch", "batch", b.ID, "error", err)
	}
	return why
}

// finishNow finishes the released documents of a batch until FinishLimit. What fails or is
// left is the jobs' work.
func (s *Service) finishNow(ctx context.Context, batchID string) {
	ctx, cancel := context.WithTimeout(ctx, s.o.FinishLimit)
	defer cancel()
	b, err := s.o.Store.Batch(ctx, batchID)
	if err != nil {
		s.o.Log.ErrorContext(ctx, "read a batch to finish it", "batch", batchID, "error", err)
		return
	}
	for _, sg := range b.own() {
		if sg.State != SigningReleased {
			continue
		}
		if err := s.Finish(ctx, sg.ID); err != nil {
			s.o.Log.WarnContext(ctx, "a signature is finished later", "signing", sg.ID, "error", err)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// Batch tells how a batch of the actor goes on.
func (s *Service) Batch(ctx context.Context, id string) (BatchResult, error) {
	if _, err := s.batch(ctx, id); err != nil {
		return BatchResult{}, err
	}
	return s.result(ctx, id)
}

func (s *Service) result(ctx context.Context, id string) (BatchResult, error) {
	b, err := s.o.Store.Batch(ctx, id)
	if err != nil {
		return BatchResult{}, err
	}
	r := BatchResult{BatchID: b.ID, Act: b.Act, State: b.State, Done: b.State != BatchSigning, Documents: []DocumentResult{}}
	for _, sg := range b.own() {
		d, err := s.o.Store.Document(ctx, sg.DocumentID)
		if err != nil {
			return BatchResult{}, err
		}
		if sg.State == SigningReleased {
			r.Done = false
		}
		rev := d.newest()
		r.Documents = append(r.Documents, DocumentResult{DocumentID: d.ID, Subject: d.Metadata.Subject, Signing: sg.State, State: d.State,
			Revision: d.Revision, SHA256: hexOf(rev.SHA256), Level: d.Level, TimestampPending: d.TimestampPending, ReasonCode: d.ReasonCode})
	}
	return r, nil
}
