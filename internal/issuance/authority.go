package issuance

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/profile"
)

// Signers hands out the CA keys; the agent lets them sign recorded drafts only.
type Signers interface {
	Service(ctx context.Context, key string, purpose agent.Purpose) (crypto.Signer, error)
}

// authority is a CA ready to work.
type authority struct {
	Authority
	ca     *ca.CA
	signer crypto.Signer
}

// authorities remembers the CAs of the register, which changes at ceremonies only.
type authorities struct {
	mu     sync.Mutex
	byName map[string]*authority
	loaded time.Time
}

// registerLife is how long another process's new CA may go unnoticed.
const registerLife = 30 * time.Second

// authorities returns every CA by name, from the register when what is remembered is old.
func (d *Desk) authorities(ctx context.Context) (map[string]*authority, error) {
	d.cas.mu.Lock()
	defer d.cas.mu.Unlock()
	if d.cas.byName != nil && time.Since(d.cas.loaded) < registerLife {
		return d.cas.byName, nil
	}
	rows, err := d.Store.CAs(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the CAs: %w", err)
	}
	byName := make(map[string]*authority, len(rows))
	for _, r := range rows {
		if old := d.cas.byName[r.Name]; old != nil {
			byName[r.Name] = &authority{Authority: r, ca: old.ca, signer: old.signer}
			continue
		}
		if byName[r.Name], err = d.open(ctx, r); err != nil {
			return nil, fmt.Errorf("CA %s: %w", r.Name, err)
		}
	}
	d.cas.byName, d.cas.loaded = byName, time.Now()
	return byName, nil
}

func (d *Desk) open(ctx context.Context, r Authority) (*authority, error) {
	cert, err := x509.ParseCertificate(r.DER)
	if err != nil {
		return nil, fmt.Errorf("parse the certificate: %w", err)
	}
	signer, err := d.Agent.Service(ctx, r.KeyName, agent.PurposeCA)
	if err != nil {
		return nil, err
	}
	linter, err := d.linter()
	if err != nil {
		return nil, err
	}
	c, err := ca.New(ca.Config{Certificate: cert, Signer: signer, Addresses: pki.Addresses{Base: d.Base, CA: r.Name},
		Shards: r.Shards, WholeCRL: r.Shards == 0, Linter: linter, Now: d.now})
	if err != nil {
		return nil, err
	}
	return &authority{Authority: r, ca: c, signer: signer}, nil
}

// authorityFor returns the newest active CA for the application's kind, and the profile.
func (d *Desk) authorityFor(ctx context.Context, app Application) (*authority, *profile.Profile, error) {
	p, err := d.Profiles.Get(string(app.Kind))
	if err != nil {
		return nil, nil, err
	}
	byName, err := d.authorities(ctx)
	if err != nil {
		return nil, nil, err
	}
	var newest *authority
	for _, a := range byName {
		if a.Active && slices.Contains(a.Serves, app.Kind) && (newest == nil || a.CreatedAt.After(newest.CreatedAt)) {
			newest = a
		}
	}
	if newest == nil {
		return nil, nil, ErrNoCA
	}
	return newest, p, nil
}

// RegisterCA enters a CA that a ceremony made. The same CA again changes nothing.
func (d *Desk) RegisterCA(ctx context.Context, r Authority) error {
	a, err := auth.Require(ctx, auth.ServiceRun, auth.WholeCity)
	if err != nil {
		return d.denied(ctx, "ca.register", "ca:"+r.Name, "", err)
	}
	cert, err := x509.ParseCertificate(r.DER)
	if err != nil || !cert.IsCA {
		return errors.Join(errors.New("register a CA: not a CA certificate"), err)
	}
	if err := (pki.Addresses{Base: d.Base, CA: r.Name}).Check(); err != nil {
		return fmt.Errorf("register CA %s: %w", r.Name, err)
	}
	now := d.now()
	r.CreatedAt, r.Active = now, true
	if r.Parent == "" {
		r.Shards = 0
	}
	sum := sha256.Sum256(r.DER)
	e := d.event(a, now, "ca.register", "ca:"+r.Name, "")
	e.Detail = map[string]string{"sha256": hex.EncodeToString(sum[:]), "key": r.KeyName, "parent": r.Parent}
	if err := d.Store.InsertCA(ctx, r, e); err != nil {
		return err
	}
	d.cas.mu.Lock()
	d.cas.loaded = time.Time{}
	d.cas.mu.Unlock()
	return nil
}

// RecordOwn enters a certificate of the PKI's own, of kind "ca", "ocsp" or "tsa", that the
// CA named issuer signed at a ceremony, so that its status is known.
func (d *Desk) RecordOwn(ctx context.Context, issuer, kind string, der []byte) error {
	a, err := auth.Require(ctx, auth.ServiceRun, auth.WholeCity)
	if err != nil {
		return d.denied(ctx, "certificate.record", "ca:"+issuer, "", err)
	}
	byName, err := d.authorities(ctx)
	if err != nil {
		return err
	}
	authority := byName[issuer]
	if authority == nil {
		return auth.ErrNotFound
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("record a certificate: %w", err)
	}
	if err := cert.CheckSignatureFrom(authority.ca.Certificate()); err != nil {
		return fmt.Errorf("record a certificate of %s: %w", issuer, err)
	}
	serial, err := pki.SerialFromBig(cert.SerialNumber)
	if err != nil {
		return err
	}
	now := d.now()
	c := Certificate{ID: uuid.NewString(), CA: issuer, Serial: serial.String(), Shard: serial.Shard(authority.Shards),
		State: StateIssued, Status: Good, Event: New, Kind: pki.Kind(kind), SubjectID: "pki:" + kind, Name: cert.Subject.CommonName,
		NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, ReservedAt: now, IssuedAt: now, ActivatedAt: now}
	e := d.event(a, now, "certificate.record", "certificate:"+c.ID, "")
	e.Detail = map[string]string{"ca": issuer, "serial": c.Serial, "kind": kind}
	return d.Store.RecordOwn(ctx, c, der, e)
}

// CACertificate returns a CA's certificate in DER, for the public; auth.ErrNotFound.
func (d *Desk) CACertificate(ctx context.Context, name string) ([]byte, error) {
	byName, err := d.authorities(ctx)
	if err != nil {
		return nil, err
	}
	if a := byName[name]; a != nil {
		return a.DER, nil
	}
	return nil, auth.ErrNotFound
}

// Chain returns the certificates in DER from the CA named name up to its root.
func (d *Desk) Chain(ctx context.Context, name string) ([][]byte, error) {
	byName, err := d.authorities(ctx)
	if err != nil {
		return nil, err
	}
	var chain [][]byte
	for a := byName[name]; a != nil && len(chain) < 8; a = byName[a.Parent] {
		chain = append(chain, a.DER)
	}
	if chain == nil {
		return nil, auth.ErrNotFound
	}
	return chain, nil
}

// Authorities returns the register, oldest first, for the public.
func (d *Desk) Authorities(ctx context.Context) ([]Authority, error) { return d.Store.CAs(ctx) }
