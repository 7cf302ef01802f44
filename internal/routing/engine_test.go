package routing_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/signer"
)

// killable is the real engine in a service that is killed before it writes a file.
type killable struct {
	*routing.PAdES
	r *rig
}

func (k killable) Finish(ctx context.Context, prepared []byte, in routing.Source, value []byte, stamp bool, out io.Writer) (signer.Level, error) {
	if k.r.halt.Load() {
		return 0, errors.New("killed")
	}
	return k.PAdES.Finish(ctx, prepared, in, value, stamp, out)
}

func (k killable) Raise(_ context.Context, in routing.Source, out io.Writer) (signer.Level, error) {
	if k.r.tsa.down.Load() {
		return 0, errors.New("no time-stamp")
	}
	_, err := io.Copy(out, io.NewSectionReader(in, 0, in.Size()))
	return signer.LevelLT, err
}

func (r *rig) engine(*testing.T) routing.Engine { return killable{&routing.PAdES{TSA: r.tsa}, r} }
