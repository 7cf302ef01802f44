package validate

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"math"
	"time"

	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// Limits of one file unless Options say otherwise.
const (
	DefaultMaxBytes = 128 << 20 // 100 MB and room for signatures
	DefaultTimeout  = 10 * time.Second
)

// Options say against what to judge. The zero value trusts nobody.
type Options struct {
	// Name is what the report calls the file.
	Name string
	// Anchors are the lists of trust anchors.
	Anchors []path.AnchorList
	// At is the time for which to judge; zero is now. What is dated later proves nothing.
	At time.Time
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Fetcher gets revocation data that neither the file nor the Options hold; nil: none.
	Fetcher path.Fetcher
	// Certificates, CRLs and OCSPs (DER) are at hand beside what the file holds.
	Certificates []*x509.Certificate
	CRLs, OCSPs  [][]byte
	// Password opens an encrypted file.
	Password string
	// AllowAnnotations accepts annotations behind a certification that permits them (P=3).
	AllowAnnotations bool
	// MaxBytes and Timeout bound a file, which is REFUSED beyond them; 0 is the default.
	MaxBytes int64
	Timeout  time.Duration
}

// File judges the PDF file in the first size bytes of src. A file that can't be read is
// REFUSED in the report; the error is for a context that ended and options that make no sense.
func File(ctx context.Context, src io.ReaderAt, size int64, o Options) (*Report, error) {
	if src == nil || size < 0 {
		return nil, errors.New("validate: no file")
	}
	o = o.withDefaults()
	start := time.Now()
	now := o.Now()
	at := o.At
	if at.IsZero() {
		at = now
	}
	r := &Report{File: o.Name, Signatures: []Signature{}, ValidatedAt: at.UTC()}
	limited, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	v := &verifier{ctx: limited, o: &o, src: src, size: size, at: at, now: now, report: r, started: start}
	if err := v.run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.refuse(err)
	}
	r.settle()
	r.MS = math.Round(float64(time.Since(start).Microseconds())) / 1000
	return r, nil
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	return o
}

// refuse turns an error about the file into the report of a refused one.
func (r *Report) refuse(err error) {
	r.Verdict, r.Signatures = VerdictRefused, []Signature{}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		r.Code = "time_limit"
	default:
		if r.Code = signer.CodeOf(err); r.Code == "" {
			r.Code = "unreadable"
		}
	}
	r.Reasons = []Reason{refusal(r.Code)}
}

// verifier judges one file.
type verifier struct {
	ctx     context.Context
	o       *Options
	src     io.ReaderAt
	size    int64
	at, now time.Time
	started time.Time
	report  *Report

	r       *pdf.Reader
	last    *pdf.View
	found   []*candidate // by the end of what they sign, oldest first
	dss     *material
	outside *material // of the Options
}

// run is the whole procedure.
func (v *verifier) run() error {
	// 1. The file's structure.
	if v.size > v.o.MaxBytes {
		return &signer.Error{ErrCode: "size_limit", Message: "the file is too large"}
	}
	var err error
	if v.r, err = pdf.Open(v.src, v.size, pdf.Options{Password: v.o.Password}); err != nil {
		return err
	}
	v.last = v.r.Last()
	v.report.Revisions, v.report.Encrypted = len(v.r.Revisions()), v.r.Encrypted()
	// 2. Every signature in every revision.
	if err := v.collect(); err != nil || len(v.found) == 0 {
		return err
	}
	if err := v.number(); err != nil {
		return err
	}
	// 3. Each by itself: its dictionary, what it covers, its cryptography.
	for _, c := range v.found {
		if err := c.checkFormat(); err != nil {
			return err
		}
	}
	v.checkNesting()
	if err := v.hashAll(); err != nil {
		return err
	}
	for _, c := range v.found {
		c.checkCMS()
	}
	// 4. What was changed behind each.
	if err := v.checkModifications(); err != nil {
		return err
	}
	// 5. Times, newest first, since a later time-stamp protects an earlier one; then the
	// certificates.
	if v.dss, err = v.readDSS(); err != nil {
		return err
	}
	v.outside = v.given()
	v.judgeTimestamps()
	for _, c := range v.found {
		c.judgeSigner()
		c.recognise()
		v.report.Signatures = append(v.report.Signatures, *c.sig)
	}
	return v.ctx.Err()
}
