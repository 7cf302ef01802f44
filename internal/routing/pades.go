package routing

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/pdf"
	"github.com/kyso-vn/kyso/signer/validate"
)

// PAdES is the Engine on signer/pades.
type PAdES struct {
	// TSA gives time-stamps; nil makes every signature B-B.
	TSA pades.Timestamper
	// Augment says which anchors are trusted and how validation data is fetched. Its TSA and
	// Field are set here.
	Augment pades.AugmentOptions
	// Text reads the text of a page in its upright view; nil means pades.TextRuns.
	Text func(ctx context.Context, in Source, page int) ([]appearance.Run, error)
}

var _ Engine = (*PAdES)(nil)

var errNoStamp = &signer.Error{ErrCode: signer.CodeTSAFailed, Message: "no time-stamp authority is configured"}

// Inspect implements Engine. Active content is refused at the door, not when people wait
// to sign.
func (e *PAdES) Inspect(ctx context.Context, in Source) (File, error) {
	info, err := pades.Inspect(ctx, in, "")
	if err != nil {
		return File{}, err
	}
	for _, f := range info.Active {
		switch f.Kind {
		case pdf.RemoteGoTo: // a link is followed by a person
		case pdf.XFA:
			return File{}, &signer.Error{ErrCode: signer.CodeXFA, Message: "the file has an XFA form"}
		default:
			return File{}, &signer.Error{ErrCode: signer.CodeActiveContent, Message: "the file has active content: " + string(f.Kind)}
		}
	}
	out := File{Pages: info.Pages, Signatures: info.Signed()}
	for _, f := range info.Fields {
		out.Fields = append(out.Fields, FileField{Name: f.Name, Signature: f.Signature, Filled: f.Filled, Page: f.Page, Rect: f.Rect})
	}
	return out, nil
}

func (e *PAdES) text(ctx context.Context, in Source, page int) ([]appearance.Run, error) {
	if e.Text == nil {
		return pades.TextRuns(in, "", page)
	}
	return e.Text(ctx, in, page)
}

// Room implements Engine.
func (e *PAdES) Room(ctx context.Context, in Source, page int, post, name string) (appearance.Rect, error) {
	runs, err := e.text(ctx, in, page)
	if err != nil {
		return appearance.Rect{}, fmt.Errorf("read the text of page %d: %w", page, err)
	}
	a, err := appearance.FindAnchor(runs, post, name)
	if err != nil {
		return appearance.Rect{}, err
	}
	geo, err := pades.Geometry(in, "", page)
	if err != nil {
		return appearance.Rect{}, err
	}
	return geo.ToUser(a.Room), nil
}

// AddFields implements Engine.
func (e *PAdES) AddFields(ctx context.Context, in Source, fields []FieldPlan, out io.Writer) (bool, error) {
	specs := make([]pades.FieldSpec, len(fields))
	for i, f := range fields {
		specs[i] = pades.FieldSpec{Name: f.Name, Text: f.Text, Page: f.Page, Rect: f.Rect, LockAll: f.LockAll, Tooltip: f.Tooltip}
	}
	return pades.AddFields(ctx, in, specs, "", out)
}

// Prepare implements Engine.
func (e *PAdES) Prepare(ctx context.Context, in Source, o Order) (Prepared, error) {
	p, err := pades.Prepare(ctx, in, pades.Options{Field: o.Field, Certificate: o.Certificate, Chain: o.Chain, Hash: hashAlg,
		SigningTime: o.At, LockAll: o.LockAll, Appearance: o.Appearance, Fill: o.Fill, Italic: []string{FieldDate},
		Create: o.Page > 0, Page: o.Page, Rect: o.Rect})
	if err != nil {
		return Prepared{}, err
	}
	state, err := json.Marshal(p)
	if err != nil {
		return Prepared{}, fmt.Errorf("encode a prepared signature: %w", err)
	}
	return Prepared{State: state, Hash: p.Digest(), HashAlg: p.HashAlg(), Digest: p.DocumentDigest(), Warnings: p.Warnings}, nil
}

// Finish implements Engine.
func (e *PAdES) Finish(ctx context.Context, prepared []byte, in Source, value []byte, stamp bool, out io.Writer) (signer.Level, error) {
	var p pades.Prepared
	if err := json.Unmarshal(prepared, &p); err != nil {
		return 0, fmt.Errorf("decode a prepared signature: %w", err)
	}
	var tsa pades.Timestamper
	if stamp {
		if e.TSA == nil {
			return 0, errNoStamp
		}
		tsa = e.TSA
	}
	r, err := pades.Finish(ctx, &p, in, value, tsa, out)
	return r.Level, err
}

// Raise implements Engine.
func (e *PAdES) Raise(ctx context.Context, in Source, field string, out io.Writer) (signer.Level, error) {
	if e.TSA == nil {
		return 0, errNoStamp
	}
	o := e.Augment
	o.TSA, o.Field = e.TSA, field
	r, err := pades.Augment(ctx, in, signer.LevelLT, o, out)
	return r.Level, err
}

// judgeLimit bounds the judgement of one of our own files.
const judgeLimit = 2 * time.Minute

func (e *PAdES) judge(ctx context.Context, in Source, o validate.Options) (*validate.Report, error) {
	o.Anchors, o.Now = e.Augment.Anchors, e.Augment.Now
	o.MaxBytes, o.Timeout = in.Size(), judgeLimit
	return validate.File(ctx, in, in.Size(), o)
}

// Check implements Engine: the strict parser reads the whole file again, and none of its
// signatures may fail. Validation data that can't be had yet is no failure.
func (e *PAdES) Check(ctx context.Context, in Source, field string) error {
	r, err := e.judge(ctx, in, validate.Options{})
	if err != nil {
		return err
	}
	if r.Verdict == validate.VerdictRefused {
		return fmt.Errorf("what was written is refused: %s", r.Code)
	}
	signed := false
	for _, sg := range r.Signatures {
		signed = signed || sg.Field == field
		if sg.Indication == validate.Failed {
			return fmt.Errorf("the signature in %q of what was written fails: %s", sg.Field, sg.SubIndication)
		}
	}
	if !signed {
		return fmt.Errorf("field %q is not signed in what was written", field)
	}
	return nil
}

// Report implements Engine.
func (e *PAdES) Report(ctx context.Context, in Source) (*validate.Report, error) {
	return e.judge(ctx, in, validate.Options{Fetcher: e.Augment.Fetcher})
}
