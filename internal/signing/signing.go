// Package signing is the one place where people's keys are asked to sign: it checks whose
// key it is and that its certificate is good, gets the signature activation data (SAD) and
// spends it, and writes the audit record before and after.
package signing

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/errs"
)

// Store reads certificates and keeps the audit record.
type Store interface {
	// CredentialCertificate returns the newest certificate issued for a credential, or
	// agent.ErrNoCredential.
	CredentialCertificate(ctx context.Context, credentialID string) (Certificate, error)
	// PersonCertificates returns the certificates of a person whose key is kept here, and
	// UnitCertificates those of a unit's seals, newest first.
	PersonCertificates(ctx context.Context, personID string) ([]Certificate, error)
	UnitCertificates(ctx context.Context, unitID string) ([]Certificate, error)
	// RecordAudit writes events durably.
	RecordAudit(ctx context.Context, events ...audit.Event) error
}

// Certificate is what signing must know of a certificate.
type Certificate struct {
	ID           string
	CredentialID string
	// Kind is citizen, officer or organisation.
	Kind string
	// SubjectID is the person, or the unit whose seal it is; PersonID is empty for a seal.
	SubjectID, PersonID, UnitID string
	// Status is good, hold or revoked.
	Status              string
	Activated           bool
	NotBefore, NotAfter time.Time
	DER                 []byte
	// Chain are the CA certificates from the issuer up, without the root.
	Chain [][]byte
}

// Seal reports whether the certificate is an organisation's.
func (c Certificate) Seal() bool { return c.Kind == KindOrganisation }

// KindOrganisation is the kind of certificate that seals.
const KindOrganisation = "organisation"

// StatusGood is the status of a certificate that may sign.
const StatusGood = "good"

// Parse returns the certificate and its chain.
func (c Certificate) Parse() (leaf *x509.Certificate, chain []*x509.Certificate, err error) {
	if leaf, err = x509.ParseCertificate(c.DER); err != nil {
		return nil, nil, fmt.Errorf("parse certificate %s: %w", c.ID, err)
	}
	for _, der := range c.Chain {
		ca, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, nil, fmt.Errorf("parse the chain of certificate %s: %w", c.ID, err)
		}
		chain = append(chain, ca)
	}
	return leaf, chain, nil
}

// Refusals.
var (
	ErrRevoked = errs.New(errs.Conflict, "certificate_revoked",
		"Ký số không thành công: chứng thư đã bị thu hồi.", "The certificate is revoked.")
	ErrSuspended = errs.New(errs.Conflict, "certificate_suspended",
		"Ký số không thành công: chứng thư đang tạm dừng.", "The certificate is suspended.")
	ErrExpired = errs.New(errs.Conflict, "certificate_expired",
		"Ký số không thành công: chứng thư đã hết hạn từ ngày %s.", "The certificate expired on %s.")
	ErrNotYetValid = errs.New(errs.Conflict, "certificate_not_yet_valid",
		"Chứng thư chưa đến ngày có hiệu lực.", "The certificate is not valid yet.")
	ErrNoCertificate = errs.New(errs.Conflict, "certificate_none",
		"Chưa có chứng thư còn hiệu lực để thực hiện thao tác này.", "There is no active certificate for this.")
	ErrChoose = errs.New(errs.Invalid, "credential_required",
		"Có nhiều chứng thư; cần chọn một.", "There are several certificates; choose one.").On("credential_id")
	ErrHashes = errs.New(errs.Invalid, "hashes_invalid",
		"Danh sách giá trị băm không hợp lệ.", "The list of hashes is not valid.").On("hashes")
)

// maxHashes bounds what one SAD authorises.
const maxHashes = 1000

// Options are the parts of a Service.
type Options struct {
	Agent agent.Agent
	Store Store
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Service signs. It is safe for use by many goroutines.
type Service struct {
	o Options
}

// New checks the options and makes a Service.
func New(o Options) (*Service, error) {
	if o.Agent == nil || o.Store == nil {
		return nil, errors.New("signing needs the agent and a store")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{o: o}, nil
}

// Use returns the certificate of a credential if the actor may sign with it now, for verb:
// its own, or for DocumentSeal the seal of a unit in which it is clerk. Other people's
// credentials answer as ones that don't exist.
func (s *Service) Use(ctx context.Context, verb auth.Verb, credentialID string) (Certificate, error) {
	a, ok := auth.ActorFrom(ctx)
	if !ok {
		return Certificate{}, auth.ErrUnauthenticated
	}
	c, err := s.o.Store.CredentialCertificate(ctx, credentialID)
	if err != nil {
		return Certificate{}, err
	}
	if c.Seal() {
		if _, err := auth.Require(ctx, auth.DocumentSeal, c.SubjectID); err != nil {
			return Certificate{}, agent.ErrNoCredential.Wrap(err)
		}
		if verb != auth.DocumentSeal {
			return Certificate{}, agent.ErrPurpose
		}
		return c, s.good(c)
	}
	if a.PersonID == "" || c.PersonID != a.PersonID {
		return Certificate{}, agent.ErrNoCredential
	}
	if verb == auth.DocumentSeal {
		return Certificate{}, agent.ErrPurpose
	}
	if _, _, err := auth.RequireAny(ctx, verb); err != nil {
		return Certificate{}, err
	}
	return c, s.good(c)
}

// good refuses a certificate that may not sign now.
func (s *Service) good(c Certificate) error {
	now := s.o.Now()
	switch {
	case c.Status == "hold":
		return ErrSuspended
	case c.Status != StatusGood:
		return ErrRevoked
	case now.Before(c.NotBefore):
		return ErrNotYetValid
	case now.After(c.NotAfter):
		return ErrExpired.Format(c.NotAfter.In(time.FixedZone("+07", 7*60*60)).Format("02/01/2006"))
	case !c.Activated && !c.Seal():
		return agent.ErrNotActive
	}
	return nil
}

// Credentials lists what the actor may sign with: its own certificates and the seals of
// the units in which it is clerk, also those that are no longer good.
func (s *Service) Credentials(ctx context.Context) ([]Certificate, error) {
	a, ok := auth.ActorFrom(ctx)
	if !ok {
		return nil, auth.ErrUnauthenticated
	}
	var out []Certificate
	if a.PersonID != "" {
		own, err := s.o.Store.PersonCertificates(ctx, a.PersonID)
		if err != nil {
			return nil, err
		}
		out = append(out, own...)
	}
	_, scope, err := auth.RequireAny(ctx, auth.DocumentSeal)
	if err != nil {
		return out, nil //nolint:nilerr // who is clerk nowhere has no seal, which is no error
	}
	for _, unit := range scope.Units {
		seals, err := s.o.Store.UnitCertificates(ctx, unit)
		if err != nil {
			return nil, err
		}
		out = append(out, seals...)
	}
	return out, nil
}

// Choose returns the one good credential of the actor that fits verb: a seal of unitID for
// DocumentSeal, else a personal one.
func (s *Service) Choose(ctx context.Context, verb auth.Verb, unitID string) (Certificate, error) {
	a, err := auth.Require(ctx, verb, unitID)
	if err != nil {
		return Certificate{}, err
	}
	var all []Certificate
	if verb == auth.DocumentSeal {
		all, err = s.o.Store.UnitCertificates(ctx, unitID)
	} else {
		all, err = s.o.Store.PersonCertificates(ctx, a.PersonID)
	}
	if err != nil {
		return Certificate{}, err
	}
	var found []Certificate
	var why error = ErrNoCertificate
	for _, c := range all {
		if err := s.good(c); err != nil {
			why = err
			continue
		}
		found = append(found, c)
	}
	switch len(found) {
	case 0:
		return Certificate{}, why
	case 1:
		return found[0], nil
	}
	return Certificate{}, ErrChoose
}

// Request is what somebody authorises.
type Request struct {
	CredentialID string
	// Verb is DocumentSign, DocumentInitial, DocumentSeal or HashSign.
	Verb     auth.Verb
	Hashes   [][]byte
	HashAlg  crypto.Hash
	PIN, OTP string
	// Object is what the audit record names: "batch:…".
	Object string
}

// Authorize checks the actor, the certificate, the PIN and the one-time password and
// returns the SAD for exactly these hashes in this order. A seal has no PIN: role and
// one-time password open it, and the audit record says so.
func (s *Service) Authorize(ctx context.Context, r Request) (agent.Grant, error) {
	if err := checkHashes(r.Hashes, r.HashAlg); err != nil {
		return agent.Grant{}, err
	}
	a, _ := auth.ActorFrom(ctx)
	ev := s.event(a, "signature.authorize", r.Object, r.Hashes)
	ev.Detail["credential"] = r.CredentialID
	c, err := s.Use(ctx, r.Verb, r.CredentialID)
	if err != nil {
		return agent.Grant{}, s.refused(ctx, ev, err)
	}
	ev.UnitID = c.UnitID
	ev.Detail["certificate"], ev.Detail["opened_by"] = c.ID, string(agent.UnlockPIN)
	if c.Seal() {
		ev.Detail["opened_by"] = string(agent.UnlockRole)
	}
	g, err := s.o.Agent.Authorize(ctx, agent.Authorization{CredentialID: c.CredentialID, SubjectID: a.PersonID, PIN: r.PIN, OTP: r.OTP,
		Hashes: r.Hashes, HashAlg: r.HashAlg})
	if err != nil {
		return agent.Grant{}, s.refused(ctx, ev, err)
	}
	if err := s.o.Store.RecordAudit(ctx, ev); err != nil {
		return agent.Grant{}, fmt.Errorf("record the authorisation: %w", err)
	}
	return g, nil
}

// Sign spends a SAD on the hashes it was given for and returns the signature values in
// their order. The intent is in the audit record before the key is touched, the outcome
// after. The caller must re-read the certificate's status in the transaction that releases
// the values.
func (s *Service) Sign(ctx context.Context, r Request, sad string) ([][]byte, error) {
	if err := checkHashes(r.Hashes, r.HashAlg); err != nil {
		return nil, err
	}
	a, _ := auth.ActorFrom(ctx)
	ev := s.event(a, "signature.intend", r.Object, r.Hashes)
	ev.Detail["credential"] = r.CredentialID
	c, err := s.Use(ctx, r.Verb, r.CredentialID)
	if err != nil {
		return nil, s.refused(ctx, ev, err)
	}
	ev.UnitID, ev.Detail["certificate"] = c.UnitID, c.ID
	if err := s.o.Store.RecordAudit(ctx, ev); err != nil {
		return nil, fmt.Errorf("record the intent: %w", err)
	}
	values, err := s.o.Agent.SignHashes(ctx, agent.SignRequest{SAD: sad, CredentialID: c.CredentialID, SubjectID: a.PersonID, Hashes: r.Hashes, HashAlg: r.HashAlg})
	ev.Action, ev.At = "signature.make", s.o.Now()
	if err != nil {
		return nil, s.refused(ctx, ev, err)
	}
	if len(values) != len(r.Hashes) {
		return nil, s.refused(ctx, ev, fmt.Errorf("the agent gave %d values for %d hashes", len(values), len(r.Hashes)))
	}
	if err := s.o.Store.RecordAudit(context.WithoutCancel(ctx), ev); err != nil {
		return nil, fmt.Errorf("record the signatures: %w", err)
	}
	return values, nil
}

func checkHashes(hashes [][]byte, alg crypto.Hash) error {
	if len(hashes) == 0 || len(hashes) > maxHashes {
		return ErrHashes
	}
	switch alg {
	case crypto.SHA256, crypto.SHA384, crypto.SHA512:
	default:
		return ErrHashes
	}
	for _, h := range hashes {
		if len(h) != alg.Size() {
			return ErrHashes
		}
	}
	return nil
}

func (s *Service) event(a auth.Actor, action, object string, hashes [][]byte) audit.Event {
	return audit.Event{At: s.o.Now(), Actor: a.ID(), ActorName: a.Name, RequestID: a.RequestID, Action: action, Object: object,
		Outcome: audit.OutcomeDone, Detail: map[string]string{"count": strconv.Itoa(len(hashes)), "hashes": digestOf(hashes)}}
}

// refused records that err stopped ev and returns err.
func (s *Service) refused(ctx context.Context, ev audit.Event, err error) error {
	if err := s.o.Store.RecordAudit(context.WithoutCancel(ctx), ev.Refused(err)); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return err
}
