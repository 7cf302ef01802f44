package path

import (
	"context"
	"crypto/x509"
	"errors"
)

// Validate builds a path from cert to an anchor and judges it at o.At. On a
// broken path the error says why, and the Result, if not nil, shows the path as
// far as one was found. Without error the path holds; what revocation says is
// in the Result, and in its Check.
func Validate(ctx context.Context, cert *x509.Certificate, o Options) (*Result, error) {
	if cert == nil {
		return nil, fail(ErrArgument, nil, "no certificate")
	}
	o = o.withDefaults()
	var broken, holding *Result // the first of each
	var cause error
	paths := 0
	err := build(cert, &o, func(p candidate) bool {
		// 1. Does the path hold?
		r := newResult(p)
		if err := checkPath(p, &o); err != nil {
			if broken == nil {
				broken, cause = r, err
			}
			return false
		}
		// 2. Was anything on it revoked? Another path may answer better.
		if !o.SkipRevocation {
			r.establish(ctx, &o)
		}
		if holding == nil || r.Check() == nil {
			holding = r
		}
		paths++
		return o.SkipRevocation || holding.Check() == nil || paths >= maxPaths || ctx.Err() != nil
	})
	switch {
	case holding != nil:
		return holding, nil
	case cause != nil:
		return broken, cause
	}
	return nil, err
}

func newResult(p candidate) *Result {
	r := &Result{Anchor: p.list, Chain: p.chain}
	for i, c := range p.chain {
		s := CertificateStatus{Certificate: c}
		if i == len(p.chain)-1 {
			s.Status = Trusted
		}
		r.Certificates = append(r.Certificates, s)
		r.Used.addCertificate(c)
	}
	return r
}

// establish fills in the status of everything below the anchor.
func (r *Result) establish(ctx context.Context, o *Options) {
	c := newChecker(ctx, o)
	for i := range r.Chain[:len(r.Chain)-1] {
		r.Certificates[i] = c.status(r.Chain[i], r.Chain[i+1], 0)
	}
	r.Used.Merge(c.used)
}

// Collect validates cert now, demands that every certificate is good, and
// returns the Result whose Used is what a document must hold for B-LT. OCSP is
// asked first, CRLs where that gives nothing. maxBytes bounds Used in all; 0 =
// 1 MiB. A single larger CRL is not used, so it leads to ErrUnknown.
func Collect(ctx context.Context, cert *x509.Certificate, o Options, maxBytes int) (*Result, error) {
	if maxBytes <= 0 {
		maxBytes = 1 << 20
	}
	o.At, o.SkipRevocation = o.Now, false
	if o.MaxEvidenceBytes <= 0 || o.MaxEvidenceBytes > maxBytes {
		o.MaxEvidenceBytes = maxBytes
	}
	r, err := Validate(ctx, cert, o)
	if err != nil {
		return r, err
	}
	if err := r.Check(); err != nil {
		return r, errors.Join(err, ctx.Err())
	}
	if n := r.Used.Size(); n > maxBytes {
		return r, fail(ErrEvidenceTooLarge, cert, "%d bytes of evidence, at most %d", n, maxBytes)
	}
	return r, nil
}
