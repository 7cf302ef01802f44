package pades

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"io"
	"slices"
	"time"

	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// Codes of refusals of this package beside those of signer. The codes of validation data
// that can't be had are those of pki/path.
const (
	CodeTSAMissing   = "tsa_missing"          // the level needs a time-stamp authority
	CodeNotSigned    = "not_signed"           // there is no signature to raise
	CodeKeyMismatch  = "key_mismatch"         // the key is not that of the certificate
	CodeExpired      = "certificate_period"   // the certificate is not valid at the time of signing
	CodeDataTooLarge = "evidence_too_large"   // more validation data than may be embedded
	CodeUnreadable   = "signature_unreadable" // a signature that is there can't be read
	CodePageUnknown  = "page_unknown"         // there is no page of that number
)

// MaxValidationData is how many bytes of validation data one raise embeds unless
// AugmentOptions say otherwise.
const MaxValidationData = 4 << 20

// AugmentOptions say from where time-stamps and validation data come.
type AugmentOptions struct {
	// TSA is needed for B-T, and for the document time-stamp of B-LTA.
	TSA Timestamper
	// Anchors end the paths. Empty: every self-signed CA certificate that comes with the
	// signatures, Certificates or the DSS does, for validation data is collected here, not
	// judged.
	Anchors []path.AnchorList
	// Certificates complete paths that the signatures don't.
	Certificates []*x509.Certificate
	// OCSPs and CRLs (DER) are used before anything is fetched.
	OCSPs, CRLs [][]byte
	// Fetcher gets what is not at hand; nil fetches nothing.
	Fetcher path.Fetcher
	// MaxBytes bounds the validation data that is embedded at once, and each CRL in it; 0
	// is MaxValidationData.
	MaxBytes int
	// Field is the full name of the one signature that must be raised; "" is all of them.
	// Without validation data for the others the work goes on.
	Field string
	// Password opens an encrypted file.
	Password string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

func (o *AugmentOptions) now() time.Time {
	if o.Now == nil {
		return time.Now()
	}
	return o.Now()
}

func (o *AugmentOptions) maxBytes() int {
	if o.MaxBytes <= 0 {
		return MaxValidationData
	}
	return o.MaxBytes
}

// Augment raises what is signed in a file to a level, or renews B-LTA, by further updates
// (EN 319 142-1, Section 6), and writes the whole file to out:
//
//	B-T    a document time-stamp, unless every signature is time-stamped already
//	B-LT   and the DSS with the validation data of all signers and time-stamp authorities
//	B-LTA  and a document time-stamp over that; each further call adds one more
//
// What is there already is not repeated; out is then a copy of the input. A certification
// never forbids these updates (ISO 32000-2, Table 257). After an error what was written to
// out is no document.
func Augment(ctx context.Context, in Source, level signer.Level, o AugmentOptions, out io.Writer) (signer.Result, error) {
	s := &stack{base: in, out: out}
	if level > signer.LevelB {
		s.sum = sha256.New()
	}
	r, err := raise(ctx, s, level, &o)
	if err != nil {
		return signer.Result{}, err
	}
	return r, s.finish(ctx)
}

// raise appends the updates that a level needs.
func raise(ctx context.Context, s *stack, level signer.Level, o *AugmentOptions) (signer.Result, error) {
	r := &raiser{s: s, o: o}
	if err := r.read(); err != nil {
		return signer.Result{}, err
	}
	last := r.lastSignature()
	if last == nil {
		return signer.Result{}, refuse(CodeNotSigned, "the file has no signature to raise")
	}
	// 1. A trusted time.
	if level >= signer.LevelT && !r.stamped() {
		if err := r.stamp(ctx); err != nil {
			return signer.Result{}, err
		}
	}
	// 2. Validation data.
	if level >= signer.LevelLT {
		if err := r.keep(ctx); err != nil {
			return signer.Result{}, err
		}
	}
	// 3. A time-stamp over all.
	if level >= signer.LevelLTA {
		if err := r.stamp(ctx); err != nil {
			return signer.Result{}, err
		}
	}
	return signer.Result{Field: last.field, Level: level, Time: o.now(), Bytes: s.Size()}, nil
}

// raiser appends updates to a file, which is read again for the next one.
type raiser struct {
	s      *stack
	o      *AugmentOptions
	reader *pdf.Reader // nil when the file has grown since
	fields []*pdf.Field
	list   []*found
}

// read reads the file as it is now.
func (r *raiser) read() error {
	if r.reader != nil {
		return nil
	}
	reader, err := open(r.s, r.o.Password)
	if err != nil {
		return err
	}
	if r.fields, err = pdf.Fields(reader.Last()); err != nil {
		return err
	}
	if r.list, err = findSignatures(reader.Last(), r.fields, r.list); err != nil {
		return err
	}
	r.reader = reader
	return nil
}

// add appends an update.
func (r *raiser) add(ctx context.Context, inc *pdf.Increment) error {
	r.reader = nil
	return r.s.add(ctx, inc)
}

// lastSignature is the signature that is asked for, else the newest one; a document
// time-stamp only where there is nothing else.
func (r *raiser) lastSignature() *found {
	var last *found
	for _, x := range r.list {
		switch {
		case r.o.Field != "" && x.field.Name == r.o.Field:
			return x
		case last == nil || !x.archive || last.archive:
			last = x
		}
	}
	if r.o.Field != "" {
		return nil
	}
	return last
}

// stamped reports whether every signature that must be raised has a trusted time.
func (r *raiser) stamped() bool {
	for i, x := range r.list {
		if !x.archive && (r.o.Field == "" || x.field.Name == r.o.Field) && stampedAt(r.list, i).IsZero() {
			return false
		}
	}
	return true
}

// keep adds validation data to the DSS.
func (r *raiser) keep(ctx context.Context) error {
	if err := r.read(); err != nil {
		return err
	}
	// 1. What the file has.
	u := pdf.NewUpdate(r.reader)
	st, err := readStore(u)
	if err != nil {
		return err
	}
	who, err := subjects(r.list, r.o.Field)
	if err != nil {
		return err
	}
	// 2. What it needs.
	c := &collector{o: r.o, now: r.o.now(), have: st.evidence}
	c.have.Certificates = slices.Clone(c.have.Certificates)
	c.have.Merge(path.Evidence{OCSPs: r.o.OCSPs, CRLs: r.o.CRLs})
	data, err := c.gather(ctx, who)
	if err != nil {
		return err
	}
	var all path.Evidence
	for _, e := range data.byKey {
		all.Merge(*e)
	}
	if n := all.Size(); n > r.o.maxBytes() {
		return refuse(CodeDataTooLarge, "%d bytes of validation data, at most %d", n, r.o.maxBytes())
	}
	// 3. The update.
	changed, err := st.merge(u, data)
	if err != nil || !changed {
		return err
	}
	inc, err := u.Build()
	if err != nil {
		return err
	}
	return r.add(ctx, inc)
}
