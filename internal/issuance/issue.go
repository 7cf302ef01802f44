package issuance

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca"
	"github.com/kyso-vn/kyso/pki/profile"
)

const (
	// recordTime bounds what must be written once the HSM may have signed; it outlives the
	// request.
	recordTime = 30 * time.Second
	// reservationLife is after what time a reservation belongs to a process that died.
	reservationLife = 30 * time.Second
)

// Issue issues the certificate of an approved application, or of one whose issuing broke
// off. It is safe to repeat: an application has one certificate. ErrNotApproved, ErrIssuing.
func (d *Desk) Issue(ctx context.Context, id string) (ApplicationView, error) {
	a, app, err := d.own(ctx, id)
	if err != nil {
		return ApplicationView{}, err
	}
	if app.State == Draft || app.State == Submitted || app.State == Rejected || app.State == Cancelled {
		return ApplicationView{}, ErrNotApproved
	}
	return d.finish(ctx, a, app)
}

// issue reads from top to bottom in the order that can't lose a certificate: nothing is
// signed that is not recorded, and nothing recorded is signed twice. A process may die
// between any two steps; Sweep then finds what is left.
func (d *Desk) issue(ctx context.Context, a auth.Actor, app Application) (Application, error) {
	defer d.busy.lock(app.ID)()
	now := d.now()
	authority, p, err := d.authorityFor(ctx, app)
	if err != nil {
		return app, err
	}
	// 1. Reserve a row with its serial number. Who comes second finds the first.
	c, fresh, err := d.reserve(ctx, authority, app, p, now)
	if err != nil {
		return app, fmt.Errorf("reserve a certificate: %w", err)
	}
	if !fresh {
		return d.already(ctx, app, c)
	}
	// 2. Make the key in the HSM.
	key, err := d.Agent.CreateKey(ctx, keyRequest(app))
	if err != nil {
		return app, d.giveUp(ctx, a, app, c, "", fmt.Errorf("create the key: %w", err))
	}
	// 3. Fix every byte by the profile, sign them with a throw-away key, lint.
	draft, err := d.prepare(ctx, authority.ca, app, c, p, key, now)
	if err != nil {
		return app, d.giveUp(ctx, a, app, c, key.CredentialID, fmt.Errorf("prepare the certificate: %w", err))
	}
	// From here on the request's end must not cut us off.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	// 4. Record what will be signed, committed.
	record, err := draftRecord(authority, c, key, draft, now)
	if err != nil {
		return app, d.giveUp(ctx, a, app, c, key.CredentialID, err)
	}
	if err := d.Store.RecordDraft(ctx, record); err != nil {
		return app, d.giveUp(ctx, a, app, c, key.CredentialID, fmt.Errorf("record the draft: %w", err))
	}
	// 5. The HSM signs; verified in software, the same bytes.
	cert, err := authority.ca.Issue(ctx, draft)
	if err != nil {
		return app, d.lost(ctx, a, c, fmt.Errorf("sign the certificate: %w", err))
	}
	// 6. Certificate, status, counts, audit, notice and its job: one transaction.
	if err := d.recordIssued(ctx, a, app, c, record, key, cert); err != nil {
		return app, fmt.Errorf("record the certificate: %w", err)
	}
	d.statusChanged(c)
	if app.Event == Reissue || app.Event == Change { // whose certificate was revoked along with it
		old, err := d.Store.Certificate(ctx, app.Replaces)
		if err != nil {
			return app, fmt.Errorf("read the replaced certificate: %w", err)
		}
		d.statusChanged(old)
	}
	return d.Store.Application(ctx, app.ID)
}

// reserve draws serial numbers until one is free.
func (d *Desk) reserve(ctx context.Context, authority *authority, app Application, p *profile.Profile, now time.Time) (Certificate, bool, error) {
	for {
		serial, err := pki.NewSerial(rand.Reader)
		if err != nil {
			return Certificate{}, false, err
		}
		c, fresh, err := d.Store.Reserve(ctx, Reservation{ID: uuid.NewString(), ApplicationID: app.ID, CA: authority.Name,
			Serial: serial, Shard: serial.Shard(authority.Shards), Profile: p.ID(), Regime: p.Regime, At: now, Before: now.Add(-reservationLife)})
		if !errors.Is(err, ErrSerialTaken) {
			return c, fresh, err
		}
	}
}

// already answers for a row that another call made.
func (d *Desk) already(ctx context.Context, app Application, c Certificate) (Application, error) {
	if c.State != StateIssued {
		return app, ErrIssuing
	}
	return d.Store.Application(ctx, app.ID)
}

func keyRequest(app Application) agent.KeyRequest {
	r := agent.KeyRequest{SubjectID: app.SubjectID, Unlock: agent.UnlockPIN}
	if app.Kind == pki.Organisation {
		r.Unlock = agent.UnlockRole
	}
	return r
}

func (d *Desk) prepare(ctx context.Context, a *ca.CA, app Application, c Certificate, p *profile.Profile, key agent.Key, now time.Time) (*ca.Draft, error) {
	u, err := d.Units.UnitByID(ctx, app.UnitID)
	if err != nil {
		return nil, err
	}
	serial, err := pki.ParseSerial(c.Serial)
	if err != nil {
		return nil, err
	}
	draft, err := a.Prepare(ca.Request{Profile: p, Subject: d.subject(app.Form, u, p), PublicKey: key.Public, Serial: serial, NotBefore: now})
	if err != nil {
		return nil, invalidOf(err)
	}
	return draft, nil
}

func draftRecord(authority *authority, c Certificate, key agent.Key, draft *ca.Draft, now time.Time) (DraftRecord, error) {
	spki, err := x509.MarshalPKIXPublicKey(key.Public)
	if err != nil {
		return DraftRecord{}, fmt.Errorf("encode the public key: %w", err)
	}
	notBefore, notAfter := draft.Validity()
	return DraftRecord{CertificateID: c.ID, KeyName: authority.KeyName, TBS: draft.TBS(), TBSHash: draft.TBSHash(),
		SPKIHash: sha256.Sum256(spki), CredentialID: key.CredentialID, NotBefore: notBefore, NotAfter: notAfter, At: now}, nil
}

func (d *Desk) recordIssued(ctx context.Context, a auth.Actor, app Application, c Certificate, record DraftRecord, key agent.Key, cert *x509.Certificate) error {
	now := d.now()
	e := d.event(a, now, "certificate.issue", "certificate:"+c.ID, app.UnitID)
	e.Detail = map[string]string{"application": app.ID, "ca": c.CA, "serial": c.Serial, "profile": c.Profile,
		"tbs_sha256": hex.EncodeToString(record.TBSHash[:]), "credential": key.CredentialID,
		"regime": string(c.Regime), "kind": string(app.Kind), "unlock": string(keyRequest(app).Unlock),
		"number": strconv.FormatInt(app.Number, 10)}
	r := IssuedRecord{CertificateID: c.ID, KeyName: record.KeyName, DER: cert.Raw, TBSHash: record.TBSHash, At: now, Actor: a.ID(), Event: e,
		Active: key.ActivationCode == ""}
	if key.ActivationCode != "" {
		body, err := json.Marshal(Activation{ApplicationID: app.ID, Name: app.Name, Code: key.ActivationCode})
		if err != nil {
			return err
		}
		to := app.Form.Phone
		if to == "" {
			to = app.Form.Mail
		}
		r.Notice = &Notice{ID: uuid.NewString(), Kind: NoticeActivation, To: to, Body: string(body)}
	}
	// The certificate exists: a hiccup of the database is no reason to lose it.
	var err error
	for try := range 3 {
		if err = d.Store.RecordIssued(ctx, r); err == nil {
			return nil
		}
		if errors.Is(err, ErrState) {
			// An earlier try may have been committed though we did not hear of it.
			if now, rerr := d.Store.Certificate(ctx, c.ID); try > 0 && rerr == nil && now.State == StateIssued {
				return nil
			}
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(try+1) * 50 * time.Millisecond):
		}
	}
	return err
}

// giveUp releases what was reserved: nothing was signed, so the next try starts clean. What
// can't be released now is found by age. When the cause won't go away by waiting, the
// application fails, and a person decides whether to try again.
func (d *Desk) giveUp(ctx context.Context, a auth.Actor, app Application, c Certificate, credentialID string, cause error) error {
	ctx = context.WithoutCancel(ctx)
	now := d.now()
	err := d.Store.Abandon(ctx, c.ID, now, errs.KindOf(cause) != errs.Unavailable)
	if credentialID != "" {
		err = errors.Join(err, d.Agent.DiscardKey(ctx, credentialID))
	}
	e := d.event(a, now, "certificate.issue", "application:"+app.ID, app.UnitID)
	return errors.Join(cause, err, d.Store.RecordAudit(ctx, e.Refused(cause)))
}

// lost closes a row that the HSM may have signed without our getting the certificate.
func (d *Desk) lost(ctx context.Context, a auth.Actor, c Certificate, cause error) error {
	return errors.Join(cause, d.lose(ctx, a, c))
}

func (d *Desk) statusChanged(c Certificate) {
	if d.StatusChanged != nil {
		d.StatusChanged(c.CA, c.Serial)
	}
}
