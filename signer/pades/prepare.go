package pades

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"hash/maphash"
	"io"
	"sync"
	"time"

	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// TimestampRoom is the room, in bytes, left for a signature time-stamp unless Options say
// otherwise: a token with a chain of three certificates needs some four thousand.
const TimestampRoom = 12 << 10

// Options say how to sign. Only Certificate, or Signer, is required.
type Options struct {
	// Field is the full name of the signature field to sign. "" makes a new one,
	// Signature1 or the next number that is free.
	Field string
	// Create makes the field Field when there is none; otherwise that is refused.
	Create bool

	// Signer, from NewSigner, saves work where many documents are signed; Certificate, Chain, Scheme and Hash are then
	// its, not those here.
	Signer      *Signer
	Certificate *x509.Certificate
	// Chain is put into the signature beside the certificate, in any order.
	Chain  []*x509.Certificate
	Scheme cms.Scheme  // "" goes by the key
	Hash   crypto.Hash // 0 goes by the key

	// SigningTime is the claimed time, /M; zero is now. Its offset from UTC is written.
	SigningTime                         time.Time
	Reason, Location, Name, ContactInfo string

	// Certify makes a certification signature with this DocMDP permission, 1 to 3; only a
	// document's first signature can be one.
	Certify int
	// LockAll adds a FieldMDP transform that locks every field.
	LockAll bool

	// Appearance is what the widget shows; nil shows nothing (and leaves the appearance of
	// an existing field).
	Appearance *appearance.Form
	// Page (1-based, -1 the last, 0 the first) and Rect (user space) place a new field;
	// a zero Rect makes it invisible.
	Page int
	Rect appearance.Rect

	// Fill are text fields, by full name, that get their text in the same update, each
	// with an appearance of its own. Only fields that are empty can be filled.
	Fill map[string]string
	// Italic are the fields of Fill that are set in italics, as Decree 30/2020 wants the
	// line of place and date.
	Italic []string

	// TimestampRoom is how many bytes are left for a signature time-stamp: 0 is
	// TimestampRoom, less than zero is none.
	TimestampRoom int
	// Password opens an encrypted file.
	Password string
	// Active says what to do about active content.
	Active ActivePolicy
}

// ActivePolicy says what to do about scripts, launches, forms that are sent, XFA and the
// like, which can make a signed document show something else.
type ActivePolicy uint8

// The policies. XFA is refused by all but ActiveUnchecked.
const (
	ActiveRefuse    ActivePolicy = iota // refuse with signer.CodeActiveContent
	ActiveWarn                          // sign, and say so in Prepared.Warnings
	ActiveUnchecked                     // the caller has inspected this very file before
)

// Prepared is a signature that lacks only its value: a small value that can be stored as
// JSON and finished by another process.
type Prepared struct {
	Increment *pdf.Increment `json:"increment"`
	CMS       *cms.Draft     `json:"cms"`
	Field     signer.Field   `json:"field"`
	Time      time.Time      `json:"time"`
	// Warnings are the codes of what is allowed but should be known.
	Warnings []string `json:"warnings,omitempty"`
	// input is a checksum of the file, when seen says so: for Finish in the same process, which then needs no digest to
	// find out that the file changed.
	input uint64
	seen  bool
}

// inputSeed makes checksums that nobody outside of this process can aim at.
var inputSeed = maphash.MakeSeed()

// Digest is what the key signs: the hash of the signed attributes.
func (p *Prepared) Digest() []byte { return p.CMS.Digest() }

// SignedAttrs is what a crypto.MessageSigner signs; Digest is its hash.
func (p *Prepared) SignedAttrs() []byte { return p.CMS.SignedAttrs() }

// HashAlg is the algorithm of Digest and DocumentDigest.
func (p *Prepared) HashAlg() crypto.Hash { return p.CMS.Hash() }

// SignerOpts are for the key: the hash, or PSS options.
func (p *Prepared) SignerOpts() crypto.SignerOpts { return p.CMS.SignerOpts() }

// DocumentDigest is the hash of the bytes that the signature covers.
func (p *Prepared) DocumentDigest() []byte { return p.CMS.MessageDigest() }

// Prepare fixes everything of a signature but its value. It reads the input once to the end.
func Prepare(ctx context.Context, in Source, o Options) (*Prepared, error) {
	return prepare(ctx, in, o, io.Discard)
}

// prepare is Prepare, and copies the input to w while it is hashed.
func prepare(ctx context.Context, in Source, o Options, w io.Writer) (*Prepared, error) {
	// 1. What will sign, and how much room it takes.
	if o.SigningTime.IsZero() {
		o.SigningTime = time.Now()
	}
	who, err := o.signer()
	if err != nil {
		return nil, err
	}
	room, err := who.room(o.TimestampRoom)
	if err != nil {
		return nil, err
	}
	// 2. What the file is and permits.
	r, err := open(in, o.Password)
	if err != nil {
		return nil, err
	}
	warnings, err := checkActive(r.Last(), o.Active)
	if err != nil {
		return nil, err
	}
	if enabled, err := usageRights(r.Last()); err != nil {
		return nil, err
	} else if enabled {
		warnings = append(warnings, WarnUsageRights)
	}
	// 3. The update.
	d := &dress{u: pdf.NewUpdate(r), o: &o, hash: who.tmpl.Hash()}
	if err := d.sign(room); err != nil {
		return nil, err
	}
	inc, err := d.u.Build()
	if err != nil {
		return nil, err
	}
	// 4. The digest of what is covered, and with it the signed attributes.
	var seen maphash.Hash
	seen.SetSeed(inputSeed)
	digest, err := coveredDigest(ctx, in, inc, who.tmpl.Hash(), io.MultiWriter(w, &seen))
	if err != nil {
		return nil, err
	}
	draft, err := who.tmpl.Draft(digest)
	if err != nil {
		return nil, err
	}
	return &Prepared{Increment: inc, CMS: draft, Field: d.field, Time: o.SigningTime, Warnings: warnings, seen: true, input: seen.Sum64()}, nil
}

// coveredDigest hashes what the ByteRange covers, and copies the original to w on the way.
func coveredDigest(ctx context.Context, in Source, inc *pdf.Increment, alg crypto.Hash, w io.Writer) ([]byte, error) {
	h := alg.New()
	n, err := copyAll(ctx, io.MultiWriter(h, w), in)
	if err != nil {
		return nil, err
	}
	if n != inc.Base {
		return nil, refuse(signer.CodeInputChanged, "the file is no longer %d bytes long", inc.Base)
	}
	writeCovered(h, inc)
	return h.Sum(nil), nil
}

// writeCovered hashes what a ByteRange covers of an update: all but Contents.
func writeCovered(h hash.Hash, inc *pdf.Increment) {
	s := inc.Signature.Contents
	h.Write(inc.Bytes[:s.Start-inc.Base])
	h.Write(inc.Bytes[s.End-inc.Base:])
}

// copyBuffers are kept: small files are signed a thousand times a second.
var copyBuffers = sync.Pool{New: func() any { return new([copyBuffer]byte) }}

const copyBuffer = 64 << 10

// copyAll streams the whole of in to w and ends when ctx does.
func copyAll(ctx context.Context, w io.Writer, in Source) (int64, error) {
	var off int64
	if m, ok := in.(memory); ok {
		for off < in.Size() && ctx.Err() == nil {
			n, err := w.Write(m[off:min(off+1<<20, in.Size())])
			if off += int64(n); err != nil {
				return off, err
			}
		}
		return off, ctx.Err()
	}
	pooled := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(pooled)
	buf := pooled[:]
	for off < in.Size() {
		if err := ctx.Err(); err != nil {
			return off, err
		}
		n, err := in.ReadAt(buf[:min(int64(len(buf)), in.Size()-off)], off)
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil {
				return off, werr
			}
			off += int64(n)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return off, fmt.Errorf("read input: %w", err)
		}
		if n == 0 {
			break
		}
	}
	return off, nil
}

// WarnUsageRights is the warning that a file has usage rights (ISO 32000-1, Section 12.8.2.3): it is Reader-enabled. Their
// entry UR3 in Perms stays, for it takes no part in judging other signatures, and to remove it would change a catalog that
// others may have signed; but Adobe Reader will say that the rights are void, since only Adobe's software may update such
// a file without breaking them.
const WarnUsageRights = "usage_rights"

func usageRights(s pdf.Source) (bool, error) {
	catalog, err := pdf.Catalog(s)
	if err != nil {
		return false, err
	}
	perms, err := pdf.DictAt(s, catalog.Get("Perms"))
	return perms.Has("UR3") || perms.Has("UR"), err
}

func checkActive(v *pdf.View, policy ActivePolicy) (warnings []string, err error) {
	if policy == ActiveUnchecked {
		return nil, nil
	}
	found, err := pdf.ActiveContent(v)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		switch {
		case f.Kind == pdf.XFA:
			return nil, refuse(signer.CodeXFA, "the file has an XFA form")
		case f.Kind == pdf.RemoteGoTo: // a link is followed by a person, it does not act
			continue
		case policy == ActiveRefuse:
			return nil, refuse(signer.CodeActiveContent, "the file has active content: %s", f)
		default:
			warnings = append(warnings, signer.CodeActiveContent+":"+string(f.Kind))
		}
	}
	return warnings, nil
}
