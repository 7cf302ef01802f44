// Package issuance is the counter: people apply, a second person approves, certificates are
// issued in an order that can't lose one, activated, renewed, suspended and revoked.
package issuance

import (
	"context"
	"sync"
	"time"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki/lint"
	"github.com/kyso-vn/kyso/pki/profile"
)

// Desk is the service. Its exported fields are set before first use and not changed; its
// methods may be called at once by many goroutines.
type Desk struct {
	Store Store
	Agent Keys
	Units Units
	// Profiles are the certificate profiles; they have the names of the kinds of subject.
	Profiles *profile.Set
	// Linter is shared by all CAs; nil makes one.
	Linter *lint.Linter
	// Base is the plain listener's address inside certificates, without a slash at the end.
	Base string
	// Organisation is the O of officers' certificates; empty is DefaultOrganisation.
	Organisation string
	// MinAge is the youngest age of a subscriber, in years; 0 is DefaultMinAge.
	MinAge int
	// Notifier delivers activation codes; see SendNotice.
	Notifier Notifier
	// StatusChanged is told of every change of a status after it is committed, so that
	// cached OCSP responses can be dropped. May be nil.
	StatusChanged func(ca, serial string)
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	cas    authorities
	busy   keyed
	lintMu sync.Mutex
}

func (d *Desk) linter() (*lint.Linter, error) {
	d.lintMu.Lock()
	defer d.lintMu.Unlock()
	if d.Linter == nil {
		l, err := lint.New()
		if err != nil {
			return nil, err
		}
		d.Linter = l
	}
	return d.Linter, nil
}

// DefaultOrganisation is the city's People's Committee.
const DefaultOrganisation = "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"

// Keys is what issuing needs of the agent.
type Keys interface {
	CreateKey(ctx context.Context, req agent.KeyRequest) (agent.Key, error)
	DiscardKey(ctx context.Context, credentialID string) error
	Activate(ctx context.Context, credentialID, code, pin string) error
	Credential(ctx context.Context, credentialID string) (agent.Credential, error)
	Signers
}

// Units looks up where facts are made; it checks no permission.
type Units interface {
	UnitByID(ctx context.Context, id string) (unit.Unit, error)
	PointByID(ctx context.Context, id string) (unit.Point, error)
	Desks(ctx context.Context, pointID string) ([]unit.Desk, error)
}

// Notice is a message to a person, as an activation code.
type Notice struct {
	ID   string
	Kind string // NoticeActivation
	To   string // a telephone number or mail address, "" when the person left none
	Body string // JSON: Activation
}

// NoticeActivation brings the activation code to the owner of a key.
const NoticeActivation = "activation"

// Activation is the body of a NoticeActivation.
type Activation struct {
	ApplicationID string `json:"application_id"`
	Name          string `json:"name"`
	Code          string `json:"code"`
}

// Notifier delivers a notice. It may be called again for the same ID.
type Notifier interface {
	Notify(ctx context.Context, n Notice) error
}

// SendNotice is the job that delivers a notice.
type SendNotice struct {
	NoticeID string `json:"notice_id"`
}

// Kind implements job.Args.
func (SendNotice) Kind() string { return "notice.send" }

// SendNotice delivers the notice of a job and wipes it from the store.
func (d *Desk) SendNotice(ctx context.Context, j SendNotice) error {
	n, ok, err := d.Store.Notice(ctx, j.NoticeID)
	if err != nil || !ok {
		return err
	}
	if err := d.Notifier.Notify(ctx, n); err != nil {
		return err
	}
	return d.Store.NoticeSent(ctx, n.ID, d.now())
}

func (d *Desk) now() time.Time {
	if d.Now != nil {
		return d.Now().UTC().Truncate(time.Microsecond)
	}
	return time.Now().UTC().Truncate(time.Microsecond)
}

func (d *Desk) event(a auth.Actor, at time.Time, action, object, unitID string) audit.Event {
	return audit.Event{At: at, Actor: a.ID(), ActorName: a.Name, RequestID: a.RequestID,
		Action: action, Object: object, UnitID: unitID, Outcome: audit.OutcomeDone}
}

// refused writes that an attempt was refused and returns err. A refusal that can't be
// written is a fault.
func (d *Desk) refused(ctx context.Context, e audit.Event, err error) error {
	if werr := d.Store.RecordAudit(context.WithoutCancel(ctx), e.Refused(err)); werr != nil {
		return werr
	}
	return err
}

// actor returns who acts, for events of attempts that a permission check refused.
func actor(ctx context.Context) auth.Actor {
	a, ok := auth.ActorFrom(ctx)
	if !ok {
		a.Name = "nobody"
	}
	return a
}

// keyed is a mutex for each key, so that two calls about one thing wait for each other.
type keyed struct {
	mu    sync.Mutex
	locks map[string]*keyedLock
}

type keyedLock struct {
	mu    sync.Mutex
	users int
}

func (k *keyed) lock(key string) (unlock func()) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[string]*keyedLock{}
	}
	l := k.locks[key]
	if l == nil {
		l = new(keyedLock)
		k.locks[key] = l
	}
	l.users++
	k.mu.Unlock()
	l.mu.Lock()
	return func() {
		l.mu.Unlock()
		k.mu.Lock()
		if l.users--; l.users == 0 {
			delete(k.locks, key)
		}
		k.mu.Unlock()
	}
}
