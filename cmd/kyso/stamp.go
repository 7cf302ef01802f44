package main

import (
	"context"
	"crypto"
	"fmt"
	"strconv"
	"strings"

	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/pki/path"
	"github.com/kyso-vn/kyso/pki/tsa"
	"github.com/kyso-vn/kyso/signer/appearance"
	"github.com/kyso-vn/kyso/signer/pades"
)

// stamper asks the configured time-stamp authorities in order; "own" is ours, in process.
type stamper struct{ app *app }

// Timestamp implements pades.Timestamper. Each authority has the whole time limit, so that
// one that hangs leaves the next its own.
func (s stamper) Timestamp(ctx context.Context, hash crypto.Hash, digest []byte) ([]byte, error) {
	err := errNoTSA
	for _, name := range s.app.cfg.Signing.TSA {
		var token []byte
		if token, err = s.ask(ctx, name, hash, digest); err == nil || ctx.Err() != nil {
			return token, err
		}
	}
	return nil, err
}

func (s stamper) ask(ctx context.Context, name string, hash crypto.Hash, digest []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.app.cfg.Signing.TSATimeout)
	defer cancel()
	if name != "own" {
		client := &tsa.Client{URLs: []string{name}, HTTP: s.app.outgoing, Timeout: s.app.cfg.Signing.TSATimeout}
		return client.Timestamp(ctx, hash, digest)
	}
	s.app.status.mu.RLock()
	own := s.app.status.tsa
	s.app.status.mu.RUnlock()
	if own == nil {
		return nil, errNoTSA
	}
	return own.Timestamp(ctx, hash, digest)
}

// ownFetcher answers for our own addresses in process, without the network, and for others
// by HTTP under the guard.
type ownFetcher struct {
	app    *app
	others path.HTTPFetcher
}

var _ path.Fetcher = (*ownFetcher)(nil)

func (a *app) fetcher() path.Fetcher {
	return &ownFetcher{app: a, others: path.HTTPFetcher{Client: a.outgoing}}
}

// OCSP implements path.Fetcher.
func (f *ownFetcher) OCSP(ctx context.Context, url string, request []byte) ([]byte, error) {
	ca, ok := strings.CutPrefix(url, f.app.cfg.URL.Plain+"/ocsp/")
	if !ok {
		return f.others.OCSP(ctx, url, request)
	}
	r := f.app.status.responder(ca)
	if r == nil {
		return nil, fmt.Errorf("there is no OCSP responder for %q", ca)
	}
	answer, err := r.Respond(ctx, request)
	if err != nil {
		return nil, err
	}
	return answer.DER, nil
}

// CRL implements path.Fetcher.
func (f *ownFetcher) CRL(ctx context.Context, url string) ([]byte, error) {
	name, ok := strings.CutPrefix(url, f.app.cfg.URL.Plain+"/crl/")
	if !ok {
		return f.others.CRL(ctx, url)
	}
	ca, shard, _ := strings.Cut(strings.TrimSuffix(name, ".crl"), "/")
	n := 0
	if shard != "" {
		var err error
		if n, err = strconv.Atoi(shard); err != nil {
			return nil, fmt.Errorf("no CRL at %q: %w", name, err)
		}
	}
	c, err := f.app.desk.CRL(ctx, ca, n)
	return c.DER, err
}

// engine signs documents, with time-stamps and validation data; without an authority
// signatures stay B-B.
func (a *app) engine() routing.Engine {
	e := &routing.PAdES{Augment: pades.AugmentOptions{Anchors: a.anchors, Fetcher: a.fetcher()}, Text: pageText}
	if len(a.cfg.Signing.TSA) > 0 {
		e.TSA = stamper{a}
	}
	return e
}

// pageText reads the text of a page as the reader sees it, for anchors.
func pageText(_ context.Context, in routing.Source, page int) ([]appearance.Run, error) {
	return pades.TextRuns(in, "", page)
}
