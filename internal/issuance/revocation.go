package issuance

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/crl"
)

const (
	// crlLife is a shard's validity; it is made anew at half of it.
	crlLife = 48 * time.Hour
	// rootCRLLife is that of a root's list, whose key is used seldom.
	rootCRLLife = 30 * 24 * time.Hour
	// Tick is how often Run looks for dirty shards and stuck rows.
	Tick = 3 * time.Second
)

// Run builds CRLs and sweeps every Tick until ctx ends, and tells log what went wrong. Any
// number of processes may run it.
func (d *Desk) Run(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(Tick)
	defer tick.Stop()
	for {
		_, crlErr := d.BuildCRLs(ctx, false)
		_, sweepErr := d.Sweep(ctx)
		if err := errors.Join(crlErr, sweepErr); err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// BuildCRLs makes the lists that are dirty or half through their validity, or all, and
// returns how many. What one CA's list fails by keeps no other from being made.
func (d *Desk) BuildCRLs(ctx context.Context, all bool) (int, error) {
	byName, err := d.authorities(ctx)
	if err != nil {
		return 0, err
	}
	made := 0
	var failures []error
	for name, a := range byName {
		shards, err := d.Store.Shards(ctx, name, d.now(), all)
		if err != nil {
			return made, fmt.Errorf("find due CRLs of %s: %w", name, err)
		}
		for _, s := range shards {
			if err := d.buildCRL(ctx, a, s); err != nil {
				failures = append(failures, fmt.Errorf("CRL %d of %s: %w", s.Shard, name, err))
				continue
			}
			made++
		}
	}
	return made, errors.Join(failures...)
}

// buildCRL prepares a list, records it, has it signed and keeps it. s.Changes was read before
// the entries: a revocation in between leaves the shard dirty.
func (d *Desk) buildCRL(ctx context.Context, a *authority, s Shard) error {
	defer d.busy.lock(fmt.Sprintf("crl:%s:%d", s.CA, s.Shard))()
	now := d.now()
	// 1. Fix the bytes.
	entries, err := d.Store.Entries(ctx, s.CA, s.Shard, s.ThisUpdate)
	if err != nil {
		return fmt.Errorf("read the entries: %w", err)
	}
	last, _ := new(big.Int).SetString(s.Number, 10)
	s.Number = crl.Number(now, last).String()
	s.ThisUpdate, s.NextUpdate = now.Truncate(time.Second), now.Truncate(time.Second).Add(a.crlLife())
	t := crl.Template{Issuer: a.ca.Certificate(), ThisUpdate: s.ThisUpdate, NextUpdate: s.NextUpdate, Number: crl.Number(now, last),
		Shard: s.Shard, Shards: a.Shards, Entries: entriesOf(entries)}
	if a.Shards > 1 {
		t.Address = a.ca.Addresses().Shard(s.Shard)
	}
	linter, err := d.linter()
	if err != nil {
		return err
	}
	draft, err := crl.Prepare(t, linter)
	if err != nil {
		return err
	}
	// 2. Record, then sign.
	if err := d.Store.RecordTBS(ctx, a.KeyName, draft.TBSHash(), now); err != nil {
		return fmt.Errorf("record the draft: %w", err)
	}
	if s.DER, err = crl.Issue(ctx, a.signer, draft); err != nil {
		return err
	}
	// 3. Keep.
	return d.Store.StoreCRL(ctx, s, a.KeyName, draft.TBSHash())
}

func (a *authority) crlLife() time.Duration {
	if a.Parent == "" {
		return rootCRLLife
	}
	return crlLife
}

// entriesOf yields what the store returned in order of serial numbers.
func entriesOf(entries []Entry) iter.Seq2[crl.Entry, error] {
	list := make([]crl.Entry, 0, len(entries))
	for _, e := range entries {
		serial, err := pki.ParseSerial(e.Serial)
		if err != nil {
			return func(yield func(crl.Entry, error) bool) { yield(crl.Entry{}, err) }
		}
		list = append(list, crl.Entry{Serial: serial, RevokedAt: e.RevokedAt, Reason: e.Reason, InvalidityDate: e.InvalidAt})
	}
	return crl.Entries(list)
}

// CRL returns the newest list of a CA's shard with its validity, for the public; shard is 0
// where the CA has one whole list. auth.ErrNotFound before the first was made.
func (d *Desk) CRL(ctx context.Context, ca string, shard int) (Shard, error) {
	s, err := d.Store.CRL(ctx, ca, shard)
	if err == nil && len(s.DER) == 0 {
		return s, auth.ErrNotFound
	}
	return s, err
}
