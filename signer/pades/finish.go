package pades

import (
	"context"
	"crypto"
	"fmt"
	"hash/maphash"
	"io"

	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/signer"
)

// Timestamper gives RFC 3161 tokens; *tsa.Client and *tsa.Server do.
type Timestamper interface {
	Timestamp(ctx context.Context, hash crypto.Hash, digest []byte) (token []byte, err error)
}

// Finish writes the signed file to out: the input, then the update with the signature value.
// The value is verified in software before, and while the input is copied it is compared
// with what was prepared. After an error what was written to out is no document.
//
// With a stamper the signature gets a signature time-stamp and is B-T; when the stamper
// fails the error has the code signer.CodeTSAFailed, and Finish may be called again, with or
// without it.
func Finish(ctx context.Context, p *Prepared, in Source, value []byte, stamper Timestamper, out io.Writer) (signer.Result, error) {
	level, err := p.fill(ctx, value, stamper)
	if err != nil {
		return signer.Result{}, err
	}
	same, err := p.copyInput(ctx, in, out)
	if err != nil {
		return signer.Result{}, err
	}
	if !same {
		return signer.Result{}, refuse(signer.CodeInputChanged, "the file is not the one that was prepared")
	}
	return p.write(out, level)
}

// copyInput copies the input and reports whether it is what was prepared.
func (p *Prepared) copyInput(ctx context.Context, in Source, out io.Writer) (bool, error) {
	if !p.seen { // elsewhere
		digest, err := coveredDigest(ctx, in, p.Increment, p.HashAlg(), out)
		return string(digest) == string(p.DocumentDigest()), err
	}
	var seen maphash.Hash
	seen.SetSeed(inputSeed)
	n, err := copyAll(ctx, io.MultiWriter(&seen, out), in)
	return n == p.Increment.Base && seen.Sum64() == p.input, err
}

// fill checks the value and puts the CMS into its place.
func (p *Prepared) fill(ctx context.Context, value []byte, stamper Timestamper) (signer.Level, error) {
	if err := p.CMS.CheckSignature(value); err != nil {
		return signer.LevelNone, fmt.Errorf("the signature value is wrong: %w", err)
	}
	der, err := p.CMS.Assemble(value)
	if err != nil {
		return signer.LevelNone, err
	}
	level := signer.LevelB
	if stamper != nil {
		h := crypto.SHA256.New()
		h.Write(value)
		token, err := askStamp(ctx, stamper, h.Sum(nil))
		if err != nil {
			return signer.LevelNone, err
		}
		if der, err = cms.WithTimestamp(der, token); err != nil {
			return signer.LevelNone, err
		}
		level = signer.LevelT
	}
	if room := p.Increment.Signature.Room(); len(der) > room {
		return signer.LevelNone, refuse(signer.CodeCMSTooLarge, "the signature has %d bytes, the room is %d", len(der), room)
	}
	return level, p.Increment.Fill(der)
}

// write appends the filled update.
func (p *Prepared) write(out io.Writer, level signer.Level) (signer.Result, error) {
	if _, err := out.Write(p.Increment.Bytes); err != nil {
		return signer.Result{}, err
	}
	return signer.Result{Field: p.Field, Level: level, Time: p.Time, Bytes: p.Increment.Size()}, nil
}
