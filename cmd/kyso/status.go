package main

import (
	"context"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/server/plain"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ocsp"
	"github.com/kyso-vn/kyso/pki/tsa"
)

// Names of token keys of the service's own.
func ocspKey(ca string) string { return "ocsp-" + ca }

const tsaKey = "tsa"

// tsaPolicy is what our time-stamps are made under; the arc is IANA's for documentation
// until the city has one of its own.
var tsaPolicy = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 1, 10}

// statusServer is what the plain listener gives out: it finds responders and the time-stamp
// authority among the PKI's own certificates.
type statusServer struct {
	app *app

	mu         sync.RWMutex
	responders map[string]*ocsp.Responder
	tsa        *tsa.Server
}

// renewWithin is how long before its end a certificate of the PKI's own is renewed.
const renewWithin = 14 * 24 * time.Hour

// run renews and reloads once an hour until ctx ends; another process may have renewed.
func (s *statusServer) run(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.open(ctx); err != nil {
				s.app.log.Error("reload responders", "err", err)
			}
		}
	}
}

// open loads the newest certificate of each responder and of the authority, renewed when it
// ends soon.
func (s *statusServer) open(ctx context.Context) error {
	responders := map[string]*ocsp.Responder{}
	own, err := s.app.store.OwnCertificates(ctx, "ocsp")
	if err != nil {
		return err
	}
	for _, c := range own {
		if responders[c.CA] != nil {
			continue
		}
		if c.DER, _, err = s.app.desk.RenewOwn(ctx, c.CA, "ocsp", c.DER, renewWithin); err != nil {
			return fmt.Errorf("renew the OCSP responder of %s: %w", c.CA, err)
		}
		if responders[c.CA], err = s.newResponder(ctx, c); err != nil {
			return fmt.Errorf("OCSP responder of %s: %w", c.CA, err)
		}
	}
	stamps, err := s.app.store.OwnCertificates(ctx, "tsa")
	if err != nil {
		return err
	}
	var authority *tsa.Server
	if len(stamps) > 0 {
		if stamps[0].DER, _, err = s.app.desk.RenewOwn(ctx, stamps[0].CA, "tsa", stamps[0].DER, renewWithin); err != nil {
			return fmt.Errorf("renew the time-stamp authority: %w", err)
		}
		if authority, err = s.authority(ctx, stamps[0]); err != nil {
			return fmt.Errorf("time-stamp authority: %w", err)
		}
	}
	s.mu.Lock()
	s.responders, s.tsa = responders, authority
	s.mu.Unlock()
	return nil
}

func (s *statusServer) newResponder(ctx context.Context, c store.OwnCertificate) (*ocsp.Responder, error) {
	cert, err := x509.ParseCertificate(c.DER)
	if err != nil {
		return nil, err
	}
	issuer, err := s.app.desk.CACertificate(ctx, c.CA)
	if err != nil {
		return nil, err
	}
	issuerCert, err := x509.ParseCertificate(issuer)
	if err != nil {
		return nil, err
	}
	signer, err := s.app.agent.Service(ctx, ocspKey(c.CA), agent.PurposeOCSP)
	if err != nil {
		return nil, err
	}
	return ocsp.New(ocsp.Config{Issuer: issuerCert, Certificate: cert, Signer: signer,
		Source: issuance.Statuses{Desk: s.app.desk, CA: c.CA}, Retention: 10 * 365 * 24 * time.Hour})
}

func (s *statusServer) authority(ctx context.Context, c store.OwnCertificate) (*tsa.Server, error) {
	cert, err := x509.ParseCertificate(c.DER)
	if err != nil {
		return nil, err
	}
	ders, err := s.app.desk.Chain(ctx, c.CA)
	if err != nil {
		return nil, err
	}
	var chain []*x509.Certificate
	for _, der := range ders {
		x, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		chain = append(chain, x)
	}
	signer, err := s.app.agent.Service(ctx, tsaKey, agent.PurposeTSA)
	if err != nil {
		return nil, err
	}
	return tsa.NewServer(tsa.ServerOptions{Certificate: cert, Chain: chain, Signer: signer, Policy: tsaPolicy})
}

// responder returns the responder of a CA, nil when it has none.
func (s *statusServer) responder(ca string) *ocsp.Responder {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.responders[ca]
}

// stamps returns the time-stamp authority, nil when there is none.
func (s *statusServer) stamps() *tsa.Server {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tsa
}

// forget drops cached answers about a certificate whose status changed.
func (s *statusServer) forget(ca, serial string) {
	r := s.responder(ca)
	n, err := pki.ParseSerial(serial)
	if r != nil && err == nil {
		r.Forget(n)
	}
}

// ocspHandler returns the responder of a CA, nil when it has none.
func (s *statusServer) ocspHandler(ca string) http.Handler {
	r := s.responder(ca)
	if r == nil {
		return nil
	}
	return &ocsp.Handler{Responder: r, OnError: func(_ context.Context, err error) {
		s.app.log.Warn("ocsp request", "ca", ca, "err", err)
	}}
}

var errNoTSA = errors.New("no time-stamp authority was set up")

// Published implements plain.Published on the register.
type published struct{ desk *issuance.Desk }

var _ plain.Published = published{}

func (p published) CACertificate(ctx context.Context, ca string) ([]byte, error) {
	return p.desk.CACertificate(ctx, ca)
}

func (p published) CRL(ctx context.Context, ca string, shard int) (der []byte, thisUpdate, nextUpdate time.Time, err error) {
	c, err := p.desk.CRL(ctx, ca, shard)
	return c.DER, c.ThisUpdate, c.NextUpdate, err
}
