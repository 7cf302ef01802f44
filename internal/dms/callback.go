// Package dms speaks with document systems: it takes edXML packages (QCVN 102:2016) in, and
// tells the systems by signed callbacks what became of their documents.
//
// A callback is a POST of JSON with these headers:
//
//	X-Kyso-Event-Id   the event's id, the same in every try
//	X-Kyso-Timestamp  seconds since 1970 of this try
//	X-Kyso-Signature  "v1=" and HMAC-SHA256 over timestamp "." id "." body, in hex
//
// Any 2xx answer accepts it. The events of one document are sent in order: the next one only
// when the one before was accepted.
package dms

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/routing"
)

// The headers of a callback.
const (
	HeaderEvent     = "X-Kyso-Event-Id"
	HeaderTimestamp = "X-Kyso-Timestamp"
	HeaderSignature = "X-Kyso-Signature"
)

const (
	sendLimit  = 15 * time.Second
	lease      = 20 * time.Second // longer than a try takes
	busyPause  = 5 * time.Second  // before a look at who holds the lease
	maxAnswer  = 64 << 10
	maxRetry   = time.Hour
	firstRetry = 2 * time.Second
)

// Store keeps the queue of callbacks. Each method is one transaction.
type Store interface {
	// TakeCallback leases the document's first undelivered callback to the caller and
	// counts the try; ok is false when there is none. ErrBusy when somebody else holds it.
	TakeCallback(ctx context.Context, documentID string, now time.Time, lease time.Duration) (c routing.Callback, ok bool, err error)
	// CallbackTried records the outcome of a try and gives the lease back.
	CallbackTried(ctx context.Context, id string, status int, delivered bool, at time.Time) error
	// Callback returns one callback, or routing.ErrNotFound.
	Callback(ctx context.Context, id string) (routing.Callback, error)
	// Callbacks lists the callbacks of units, newest first, those with ids before before.
	Callbacks(ctx context.Context, sc auth.Scope, onlyWaiting bool, before string, limit int) ([]routing.Callback, error)
	// ResendCallback records who asked and enqueues routing.ResendArgs.
	ResendCallback(ctx context.Context, id string, ev audit.Event) error
}

// Options are the parts of a Service.
type Options struct {
	Store Store
	// Client sends; it must guard the target's address and follow no redirects
	// (internal/safehttp).
	Client *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Service sends callbacks.
type Service struct {
	o Options
}

// New checks the options and makes a Service.
func New(o Options) (*Service, error) {
	if o.Store == nil || o.Client == nil {
		return nil, errors.New("callbacks need a store and a guarded HTTP client")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{o: o}, nil
}

// ErrBusy says that somebody else is sending a document's callbacks just now.
var ErrBusy = routing.ErrBusy

// Sign returns the value of HeaderSignature.
func Sign(key []byte, timestamp, id string, body []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(timestamp + "." + id + "."))
	m.Write(body)
	return "v1=" + hex.EncodeToString(m.Sum(nil))
}

// Verify reports whether a callback's headers are signed with key and at most maxAge old.
func Verify(key []byte, h http.Header, body []byte, now time.Time, maxAge time.Duration) bool {
	ts := h.Get(HeaderTimestamp)
	sec, err := strconv.ParseInt(ts, 10, 64)
	if err != nil {
		return false
	}
	if age := now.Sub(time.Unix(sec, 0)); age > maxAge || age < -maxAge {
		return false
	}
	return hmac.Equal([]byte(h.Get(HeaderSignature)), []byte(Sign(key, ts, h.Get(HeaderEvent), body)))
}

// Return sends what a document's system was not told yet, in order, until one is not
// accepted: that is an error, and the job tries again. So is ErrBusy.
func (s *Service) Return(ctx context.Context, documentID string) error {
	for {
		c, ok, err := s.o.Store.TakeCallback(ctx, documentID, s.o.Now(), lease)
		if err != nil || !ok {
			return err
		}
		if err := s.send(ctx, c); err != nil {
			return fmt.Errorf("callback %d of document %s: %w", c.N, documentID, err)
		}
	}
}

// Resend sends one callback again, out of order if need be.
func (s *Service) Resend(ctx context.Context, id string) error {
	c, err := s.o.Store.Callback(ctx, id)
	if err != nil {
		return err
	}
	return s.send(ctx, c)
}

// send tries once and records the outcome.
func (s *Service) send(ctx context.Context, c routing.Callback) error {
	status, err := s.post(ctx, c)
	delivered := err == nil && status >= 200 && status < 300
	rec := s.o.Store.CallbackTried(context.WithoutCancel(ctx), c.ID, status, delivered, s.o.Now())
	if err == nil && !delivered {
		err = fmt.Errorf("answered %d", status)
	}
	return errors.Join(err, rec)
}

func (s *Service) post(ctx context.Context, c routing.Callback) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, sendLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(c.Body))
	if err != nil {
		return 0, errors.New("the address can't be used")
	}
	ts := strconv.FormatInt(s.o.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "kyso")
	req.Header.Set(HeaderEvent, c.ID)
	req.Header.Set(HeaderTimestamp, ts)
	if len(c.Key) > 0 {
		req.Header.Set(HeaderSignature, Sign(c.Key, ts, c.ID, c.Body))
	}
	resp, err := s.o.Client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("post: %w", err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // so that the connection can be used again
	return resp.StatusCode, resp.Body.Close()
}

// View is a callback as an administrator sees it.
type View struct {
	ID          string    `json:"id"`
	DocumentID  string    `json:"document_id"`
	Sequence    int       `json:"sequence"`
	Event       string    `json:"event"`
	Host        string    `json:"host"` // of the target; its path may hold a secret
	Delivered   bool      `json:"delivered"`
	Tries       int       `json:"tries"`
	Status      int       `json:"status"`
	CreatedAt   time.Time `json:"created_at"`
	TriedAt     time.Time `json:"tried_at,omitzero"`
	DeliveredAt time.Time `json:"delivered_at,omitzero"`
}

// Callbacks lists callbacks for an administrator, newest first; before is the last id of
// the page before.
func (s *Service) Callbacks(ctx context.Context, onlyWaiting bool, before string, limit int) ([]View, error) {
	_, scope, err := auth.RequireAny(ctx, auth.ClientManage)
	if err != nil {
		return nil, err
	}
	list, err := s.o.Store.Callbacks(ctx, scope, onlyWaiting, before, min(max(limit, 1), 100))
	if err != nil {
		return nil, err
	}
	out := make([]View, len(list))
	for i, c := range list {
		out[i] = View{ID: c.ID, DocumentID: c.DocumentID, Sequence: c.N, Event: c.Event, Host: hostOf(c.URL), Delivered: c.Delivered,
			Tries: c.Tries, Status: c.Status, CreatedAt: c.CreatedAt, TriedAt: c.TriedAt, DeliveredAt: c.DeliveredAt}
	}
	return out, nil
}

func hostOf(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// AskResend lets an administrator send a callback again.
func (s *Service) AskResend(ctx context.Context, id string) error {
	a, _, err := auth.RequireAny(ctx, auth.ClientManage)
	if err != nil {
		return err
	}
	c, err := s.o.Store.Callback(ctx, id)
	if err != nil {
		return err
	}
	if _, err := auth.Require(ctx, auth.ClientManage, c.UnitID); err != nil {
		return err
	}
	return s.o.Store.ResendCallback(ctx, id, audit.Event{At: s.o.Now(), Actor: a.ID(), ActorName: a.Name, RequestID: a.RequestID,
		Action: "callback.resend", Object: "callback:" + id, UnitID: c.UnitID, Outcome: audit.OutcomeDone})
}

// AddWorkers registers the service's jobs.
func (s *Service) AddWorkers(w *river.Workers) {
	river.AddWorker(w, &returnWorker{s: s})
	river.AddWorker(w, &resendWorker{s: s})
}

type returnWorker struct {
	river.WorkerDefaults[routing.ReturnArgs]
	s *Service
}

func (w *returnWorker) Work(ctx context.Context, j *river.Job[routing.ReturnArgs]) error {
	err := w.s.Return(ctx, j.Args.DocumentID)
	if errors.Is(err, ErrBusy) { // whoever holds the lease may have died
		return river.JobSnooze(busyPause)
	}
	return err
}

func (w *returnWorker) NextRetry(j *river.Job[routing.ReturnArgs]) time.Time {
	return w.s.o.Now().Add(retryAfter(j.Attempt))
}

type resendWorker struct {
	river.WorkerDefaults[routing.ResendArgs]
	s *Service
}

func (w *resendWorker) Work(ctx context.Context, j *river.Job[routing.ResendArgs]) error {
	return w.s.Resend(ctx, j.Args.CallbackID)
}

func (w *resendWorker) NextRetry(j *river.Job[routing.ResendArgs]) time.Time {
	return w.s.o.Now().Add(retryAfter(j.Attempt))
}

// retryAfter is the pause after the attempt-th failure: 2 s, doubling to an hour.
func retryAfter(attempt int) time.Duration {
	return min(maxRetry, firstRetry<<min(max(attempt-1, 0), 12))
}
