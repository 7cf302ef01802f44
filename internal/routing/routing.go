// Package routing takes documents from the document system along their way: submitted,
// initialled (ký nháy), signed by the leader, numbered and sealed by the clerk (văn thư),
// given back.
package routing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/blob"
	"github.com/kyso-vn/kyso/internal/signing"
)

// Hanoi is the zone of the administration: UTC+7 without daylight saving.
var hanoi = time.FixedZone("+07", 7*60*60)

// Options are the parts of a Service.
type Options struct {
	Store   Store
	Blobs   *blob.Store
	Signing *signing.Service
	// Engine makes and raises signatures.
	Engine Engine
	// NoStamp makes every signature B-B and leaves it so, where there is no time-stamp
	// authority.
	NoStamp bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log gets what jobs could not do; nil discards it.
	Log *slog.Logger
	// MaxBytes limits a document; zero means 100 MB.
	MaxBytes int64
	// TempDir holds working files for the length of a request; empty means the system's.
	TempDir string
	// FinishLimit is how long Sign finishes documents itself before it leaves the rest to
	// the jobs; zero means 8 s.
	FinishLimit time.Duration
}

const (
	defaultMaxBytes    = 100 << 20
	defaultFinishLimit = 8 * time.Second
	maxBatch           = 200
)

// Service is the one door to documents. It is safe for use by many goroutines.
type Service struct {
	o      Options
	images images
}

// New checks the options and makes a Service.
func New(o Options) (*Service, error) {
	if o.Store == nil || o.Blobs == nil || o.Signing == nil {
		return nil, errors.New("routing needs a store, blobs and the signing service")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.FinishLimit == 0 {
		o.FinishLimit = defaultFinishLimit
	}
	return &Service{o: o}, nil
}

// event starts the audit event of an act of a.
func (s *Service) event(a auth.Actor, action, object, unitID string) audit.Event {
	return audit.Event{At: s.o.Now(), Actor: a.ID(), ActorName: a.Name, RequestID: a.RequestID,
		Action: action, Object: object, UnitID: unitID, Outcome: audit.OutcomeDone}
}

// refused records that err stopped what ev tells of, and returns err. A refusal that can't
// be recorded is answered as a fault.
func (s *Service) refused(ctx context.Context, ev audit.Event, err error) error {
	if err := s.o.Store.RecordAudit(context.WithoutCancel(ctx), ev.Refused(err)); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return err
}

// day is the date of t in Hanoi, as counts keep it.
func day(t time.Time) string { return t.In(hanoi).Format(time.DateOnly) }
