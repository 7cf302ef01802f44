package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/kyso-vn/kyso/internal/testkit/trust"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
)

// padesArchive measures whole B-LTA signatures of a 20 kB document: the signature with its time-stamp, OCSP answers and
// CRLs in the DSS, and the document time-stamp over all. The authorities are ours, in this process: the TSA is called, the
// OCSP responder and the CRLs are asked over HTTP on loopback, for each document anew.
func padesArchive(ctx context.Context, o options) (line, error) {
	world, err := trust.New()
	if err != nil {
		return line{}, err
	}
	defer world.Close()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return line{}, err
	}
	person, err := world.Person("Bench", key)
	if err != nil {
		return line{}, err
	}
	in, err := os.ReadFile(smallDocument)
	if err != nil {
		return line{}, err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4 * runtime.NumCPU()}, Timeout: time.Minute}
	raise := pades.AugmentOptions{TSA: world.TSA, Fetcher: &path.HTTPFetcher{Client: client}}
	l, err := measure(ctx, o.parallel, o.seconds, func(ctx context.Context, _ int) error {
		var out bytes.Buffer
		out.Grow(len(in) + 64<<10)
		_, err := pades.Sign(ctx, pades.FromBytes(in), pades.Options{Certificate: person.Cert, Chain: person.Chain}, person.Key, signer.LevelLTA, raise, &out)
		return err
	})
	l.Unit = "documents/s"
	return l, err
}
