// Package ca makes certificates in two steps that cannot be mixed up: Prepare
// fixes and checks every byte that will be signed, and Issue signs exactly
// those bytes, once.
//
// Between the two the caller records the draft, so that no certificate can
// ever exist that nobody knows of. The order is
//
//	draft, err := authority.Prepare(request)   // checks, lints
//	err = store.RecordDraft(draft.Serial(), draft.TBS())   // committed
//	cert, err := authority.Issue(ctx, draft)   // signs, verifies, compares
//	err = store.RecordIssued(cert)
//
// Keys come as crypto.Signer; one that implements crypto.MessageSigner or
// pki.ContextSigner is given the whole TBSCertificate, never its hash.
package ca

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io"
	"time"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/lint"
)

// Refusals of this package; see pki.Code. Those of keys and requests stand
// beside their checks.
const (
	// ErrConfig: a CA that can't work.
	ErrConfig pki.Code = "ca_config"
	// ErrRequest: a request that lacks something.
	ErrRequest pki.Code = "request_invalid"
	// ErrRole: a profile this CA doesn't issue: a root signs CAs only, and
	// nobody else signs roots.
	ErrRole pki.Code = "profile_not_for_ca"
	// ErrValidity: a period that is empty, or longer than the profile allows.
	ErrValidity pki.Code = "validity_invalid"
	// ErrOutlivesCA: a period that isn't inside the CA's own.
	ErrOutlivesCA pki.Code = "validity_outside_ca"
	// ErrDraftUsed: a draft that was given to Issue before.
	ErrDraftUsed pki.Code = "draft_used"
	// ErrDraftForeign: a draft that another CA prepared.
	ErrDraftForeign pki.Code = "draft_foreign"
	// ErrMismatch: what was signed is not what was prepared.
	ErrMismatch pki.Code = "draft_mismatch"
)

// Config describes one CA.
type Config struct {
	// Certificate of the CA; nil for a root that doesn't exist yet.
	Certificate *x509.Certificate
	// Signer holds the CA's key.
	Signer crypto.Signer
	// Addresses where the CA publishes. Not used while Certificate is nil.
	Addresses pki.Addresses
	// Shards is how many CRLs the CA's certificates are spread over; 0 is
	// pki.DefaultShards. A self-signed CA always has one whole CRL.
	Shards int
	// WholeCRL: one CRL for all, Shards is ignored.
	WholeCRL bool
	// Linter to share among CAs; nil makes one.
	Linter *lint.Linter
	// Rand draws serial numbers; nil is crypto/rand.Reader.
	Rand io.Reader
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// CA prepares and issues certificates. It may be used by many goroutines if
// its signer may.
type CA struct {
	certificate *x509.Certificate // nil before the root exists
	selfSigned  bool
	signer      crypto.Signer
	addresses   pki.Addresses
	shards      int
	linter      *lint.Linter
	rand        io.Reader
	now         func() time.Time
	throwAway   *throwAway
}

// New checks c and makes the CA. It signs nothing.
func New(c Config) (*CA, error) {
	if c.Signer == nil {
		return nil, &pki.Error{Code: ErrConfig, Field: "signer", Detail: "missing"}
	}
	a := &CA{certificate: c.Certificate, selfSigned: c.Certificate == nil, signer: c.Signer,
		addresses: c.Addresses, linter: c.Linter, rand: c.Rand, now: c.Now}
	if c.Certificate != nil {
		if err := a.checkCertificate(); err != nil {
			return nil, err
		}
	}
	if !a.selfSigned && !c.WholeCRL {
		a.shards = c.Shards
		if a.shards == 0 {
			a.shards = pki.DefaultShards
		}
		if a.shards < 2 || a.shards > 65536 {
			return nil, &pki.Error{Code: ErrConfig, Field: "shards", Detail: "want 2 to 65536"}
		}
	}
	if a.rand == nil {
		a.rand = rand.Reader
	}
	if a.now == nil {
		a.now = time.Now
	}
	var err error
	if a.linter == nil {
		if a.linter, err = lint.New(); err != nil {
			return nil, err
		}
	}
	if a.throwAway, err = newThrowAway(c.Signer.Public()); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *CA) checkCertificate() error {
	c := a.certificate
	a.selfSigned = string(c.RawIssuer) == string(c.RawSubject)
	switch public, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); {
	case !ok || !public.Equal(a.signer.Public()):
		return &pki.Error{Code: ErrConfig, Field: "certificate", Detail: "not for the signer's key"}
	case !c.BasicConstraintsValid || !c.IsCA || c.KeyUsage&x509.KeyUsageCertSign == 0 || len(c.SubjectKeyId) == 0:
		return &pki.Error{Code: ErrConfig, Field: "certificate", Detail: "not a CA's"}
	}
	if err := a.addresses.Check(); err != nil {
		return fmt.Errorf("addresses of the CA: %w", err)
	}
	return nil
}

// Certificate returns the CA's certificate, nil for a root that doesn't exist
// yet.
func (a *CA) Certificate() *x509.Certificate { return a.certificate }

// Addresses returns where the CA publishes.
func (a *CA) Addresses() pki.Addresses { return a.addresses }

// Shards returns over how many CRLs the CA's certificates are spread; 0 means
// that its CRL is whole.
func (a *CA) Shards() int { return a.shards }
