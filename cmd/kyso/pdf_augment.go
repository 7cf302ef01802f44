package main

import (
	"context"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
)

// pdfAugment raises or renews the level of what is signed.
func pdfAugment(ctx context.Context, e env, args []string) error {
	var r raiseFlags
	f := newFlags(e, "pdf augment")
	r.define(f, "")
	defer r.close()
	if err := r.open(args, f); err != nil {
		return err
	}
	if r.parsed < signer.LevelT {
		return usageError("%s: --level is B-T, B-LT or B-LTA", f.Name())
	}
	if r.parsed == signer.LevelLTA && len(r.tsa) == 0 {
		return errTSAMissing
	}
	o, err := r.options()
	if err != nil {
		return err
	}
	if err := r.create(); err != nil {
		return err
	}
	result, err := pades.Augment(ctx, r.source, r.parsed, o, r.output)
	return r.done(e, result, err)
}

var errTSAMissing = errs.New(errs.Invalid, pades.CodeTSAMissing,
	"Mức này cần địa chỉ máy chủ cấp dấu thời gian (--tsa).", "The level needs the address of a time-stamp authority (--tsa)")
