package api_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/pki/tsa"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/validate"
)

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
	s, err := p.r.Desk.CRL(ctx, ca, n)
	return s.DER, err
}

// engine signs at B-LT, with a time-stamp authority that is an anchor itself; the verifier
// trusts the same.
func (r *rig) engine(t testing.TB) (*routing.PAdES, func(context.Context, io.ReaderAt, int64) (*validate.Report, error)) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	eku, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	must(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "TSA"}, NotBefore: r.Now().Add(-time.Hour), NotAfter: r.Now().AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: eku}}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	stamps, err := tsa.NewServer(tsa.ServerOptions{Certificate: cert, Signer: key, Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 55555, 1}, Now: r.Now})
	must(t, err)
	anchors := []path.AnchorList{{Name: "test", Certificates: []*x509.Certificate{r.Root, cert}}}
	verify := func(ctx context.Context, file io.ReaderAt, size int64) (*validate.Report, error) {
		return validate.File(ctx, file, size, validate.Options{Anchors: anchors, Now: r.Now})
	}
	return &routing.PAdES{TSA: stamps, Augment: pades.AugmentOptions{Anchors: anchors, Fetcher: published{r}, Now: r.Now}}, verify
}
