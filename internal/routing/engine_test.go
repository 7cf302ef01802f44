package routing_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
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
	if k.r.haltAfter.Load() > 0 && k.r.haltAfter.Add(-1) == 0 {
		k.r.halt.Store(true)
	}
	return k.PAdES.Finish(ctx, prepared, in, value, stamp, out)
}

// published gets CRLs as the plain listener would serve them; OCSP does not answer.
type published struct{ r *rig }

func (published) OCSP(context.Context, string, []byte) ([]byte, error) {
	return nil, errors.New("no responder")
}

func (p published) CRL(ctx context.Context, url string) ([]byte, error) {
	name := strings.TrimSuffix(strings.TrimPrefix(url, desk.Base+"/crl/"), ".crl")
	ca, shard, _ := strings.Cut(name, "/")
	n, _ := strconv.Atoi(shard) // none for a whole CRL
	if _, err := p.r.BuildCRLs(ctx, false); err != nil {
		return nil, err
	}
	s, err := p.r.Rig.Desk.CRL(ctx, ca, n)
	return s.DER, err
}

func (r *rig) engine() routing.Engine {
	anchors := path.AnchorList{Name: "test", Certificates: []*x509.Certificate{r.Root, r.tsa.certificate}}
	return killable{&routing.PAdES{TSA: r.tsa, Augment: pades.AugmentOptions{Anchors: []path.AnchorList{anchors}, Fetcher: published{r}, Now: r.Now}}, r}
}
