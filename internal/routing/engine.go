package routing

import (
	"context"
	"crypto"
	"crypto/x509"
	"io"
	"time"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/validate"
)

// Source is a PDF that is never in memory as a whole.
type Source interface {
	io.ReaderAt
	Size() int64
}

// Engine makes and raises signatures in PDFs; PAdES is the one in use. Refusals carry a
// stable code (signer.CodeOf).
type Engine interface {
	// Inspect parses strictly and tells what a file has.
	Inspect(ctx context.Context, in Source) (File, error)
	// Room returns the free space for a signature between the post and the signer's name
	// on a page, in user space.
	Room(ctx context.Context, in Source, page int, post, name string) (appearance.Rect, error)
	// Beside returns the words that stand left and right of a rectangle in its line, ""
	// where nothing is near.
	Beside(ctx context.Context, in Source, page int, rect appearance.Rect) (left, right string, err error)
	// AddFields makes or resizes fields in a revision of its own; changed is false when
	// nothing had to be done and nothing was written.
	AddFields(ctx context.Context, in Source, fields []FieldPlan, out io.Writer) (changed bool, err error)
	// Prepare fixes everything of a signature but its value.
	Prepare(ctx context.Context, in Source, o Order) (Prepared, error)
	// Finish writes the signed file. A time-stamp authority that fails is an error with the
	// code signer.CodeTSAFailed; without stamp none is asked.
	Finish(ctx context.Context, prepared []byte, in Source, value []byte, stamp bool, out io.Writer) (signer.Level, error)
	// Raise adds by new revisions what the signature in field needs for B-LT; for others it
	// does what it can.
	Raise(ctx context.Context, in Source, field string, out io.Writer) (signer.Level, error)
	// Check parses what we wrote and verifies the signature in field cryptographically.
	Check(ctx context.Context, in Source, field string) error
	// Report judges a file as a verifier would.
	Report(ctx context.Context, in Source) (*validate.Report, error)
	// Evidence takes out what proves the signatures of a file.
	Evidence(ctx context.Context, in Source) ([]EvidenceFile, error)
}

// File is what Inspect tells.
type File struct {
	Pages  []appearance.Page
	Fields []FileField
	// Signatures counts fields that hold a signature.
	Signatures int
}

// FileField is a form field.
type FileField struct {
	Name      string
	Signature bool // else text
	Filled    bool // signed, or text that is not empty
	Page      int  // from 1; 0 for none
	Rect      appearance.Rect
}

func (f File) field(name string) (FileField, bool) {
	for _, x := range f.Fields {
		if x.Name == name {
			return x, true
		}
	}
	return FileField{}, false
}

// FieldPlan is a field to make or resize.
type FieldPlan struct {
	Name    string
	Text    bool // a text field; else a signature field
	Page    int
	Rect    appearance.Rect
	LockAll bool // the seal's FieldMDP
	Tooltip string
}

// Order says how to sign.
type Order struct {
	Field       string
	Certificate *x509.Certificate
	Chain       []*x509.Certificate
	At          time.Time // /M
	Appearance  *appearance.Form
	LockAll     bool
	Fill        map[string]string // text fields filled in the same increment
	// Page, from 1, and Rect make Field in the same increment; 0 for one that exists.
	Page int
	Rect appearance.Rect
}

// Prepared is a signature but for its value.
type Prepared struct {
	State    []byte // to be stored, for Finish
	Hash     []byte // what the key signs
	HashAlg  crypto.Hash
	Digest   []byte // of the document's bytes that the signature covers
	Warnings []string
}
