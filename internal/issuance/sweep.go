package issuance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
)

const (
	// stuckAfter is when a row that is being signed counts as possibly issued and lost.
	stuckAfter = 2 * time.Minute
	// unfinishedAfter is when an approved application that nobody issues is taken up.
	unfinishedAfter = time.Minute
	sweepBatch      = 100
)

// Swept says what a sweep did.
type Swept struct {
	Lost   int // possibly signed, now revoked: an alarm
	Issued int // approved, but cut off before anything was signed
}

// sweeper is who the audit log names for work that nobody asked for.
func sweeper() auth.Actor { return auth.Actor{Name: "sweeper"} }

// Sweep takes care of what dead processes left: it revokes serials that may have been signed
// and issues approved applications that were cut off. It needs no actor and may run
// anywhere, any number of times at once.
func (d *Desk) Sweep(ctx context.Context) (Swept, error) {
	var done Swept
	now := d.now()
	stuck, err := d.Store.Stuck(ctx, now.Add(-stuckAfter), sweepBatch)
	if err != nil {
		return done, fmt.Errorf("find stuck certificates: %w", err)
	}
	var failures []error
	for _, c := range stuck {
		if err := d.lose(ctx, sweeper(), c); err != nil { // one that fails keeps none of the others
			failures = append(failures, fmt.Errorf("lose certificate %s: %w", c.ID, err))
			continue
		}
		done.Lost++
	}
	open, err := d.Store.Unfinished(ctx, now.Add(-unfinishedAfter), sweepBatch)
	if err != nil {
		return done, errors.Join(append(failures, fmt.Errorf("find unfinished applications: %w", err))...)
	}
	for _, app := range open {
		if _, err := d.issue(ctx, sweeper(), app); err != nil {
			failures = append(failures, fmt.Errorf("issue %s: %w", app.ID, err))
			if errors.Is(err, agent.ErrUnavailable) {
				break // the others would fare no better
			}
			continue
		}
		done.Issued++
	}
	return done, errors.Join(failures...)
}

// lose revokes the serial of a row that may have been signed, so that it stands on the CRL,
// raises the alarm in the audit log, and lets the application be issued again under another
// serial. If the certificate was recorded after all, nothing happens.
func (d *Desk) lose(ctx context.Context, a auth.Actor, c Certificate) error {
	now := d.now()
	e := d.event(a, now, "certificate.lost", "certificate:"+c.ID, c.UnitID)
	e.Outcome, e.Code = audit.OutcomeFailed, "possibly_issued"
	e.Detail = map[string]string{"ca": c.CA, "serial": c.Serial, "application": c.ApplicationID}
	done, err := d.Store.Lose(ctx, c.ID, now, a.ID(), e)
	if err != nil || !done {
		return err
	}
	d.statusChanged(c)
	full, err := d.Store.Certificate(ctx, c.ID)
	if err != nil || full.CredentialID == "" {
		return err
	}
	return d.Agent.DiscardKey(ctx, full.CredentialID)
}
