package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/errs"
)

// IdempotencyStore remembers requests and their answers.
type IdempotencyStore interface {
	// BeginRequest claims (caller, route, key) for a body at now. The state is "mine" when
	// this call owns the request: it is new, or its owner began more than stale ago and
	// never ended; "done" with the kept answer; "busy" while somebody else works on it;
	// "other" when the key stands for another body.
	BeginRequest(ctx context.Context, caller, route, key string, bodyHash []byte, now time.Time, stale time.Duration) (state string, answer []byte, err error)
	// EndRequest keeps the answer, encrypted.
	EndRequest(ctx context.Context, caller, route, key string, answer []byte) error
	// ForgetRequest lets the request be tried again, after an answer that is no answer.
	ForgetRequest(ctx context.Context, caller, route, key string) error
}

// answer is what was answered, as it is kept.
type answer struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
}

// Refusals about Idempotency-Key.
var (
	ErrKeyMissing = errs.New(errs.Invalid, "idempotency_key_missing", "Thiếu tiêu đề Idempotency-Key.", "The header Idempotency-Key is missing.")
	ErrKeyInvalid = errs.New(errs.Invalid, "idempotency_key_invalid", "Idempotency-Key phải gồm 1 đến 255 ký tự ASCII in được.", "An Idempotency-Key has 1 to 255 printable ASCII characters.")
	ErrKeyReused  = errs.New(errs.Invalid, "idempotency_key_reused", "Idempotency-Key đã dùng cho một yêu cầu khác.", "The Idempotency-Key was used for another body.")
	ErrInProgress = errs.New(errs.Conflict, "request_in_progress", "Yêu cầu đang được xử lý.", "The same request is still being worked on.").After(time.Second)
)

// Limits of a request body with an Idempotency-Key.
const (
	MaxBody      = 110 << 20 // a file of 100 MB and its metadata
	spoolOver    = 1 << 20
	maxRoute     = 1000 // bytes; no route of ours is as long, and it stands in an index
	staleRequest = time.Minute
	waitRequest  = 15 * time.Second
)

// Idempotent makes every POST below it have one effect: a resend with the same key and body
// gets the first answer, also after a restart; another body with the same key is refused.
// Answers of 5xx and 429 are not kept, nor is what was said to a client that had gone.
func Idempotent(store IdempotencyStore, log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, ok := auth.ActorFrom(r.Context())
		if r.Method != http.MethodPost || !ok {
			next.ServeHTTP(w, r)
			return
		}
		if err := idempotent(store, w, r, actor, next); err != nil {
			WriteProblem(w, r, log, err)
		}
	})
}

func idempotent(store IdempotencyStore, w http.ResponseWriter, r *http.Request, actor auth.Actor, next http.Handler) error {
	key, route, ctx := r.Header.Get("Idempotency-Key"), r.Method+" "+r.URL.EscapedPath(), r.Context()
	if key == "" {
		return ErrKeyMissing
	}
	if len(key) > 255 || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ErrKeyInvalid
	}
	if len(route) > maxRoute {
		return auth.ErrNotFound
	}
	// 1. The whole body is read first: its hash and the query are what the key stands for.
	body, hash, err := spool(http.MaxBytesReader(w, r.Body, MaxBody), r.URL.RawQuery)
	if err != nil {
		return err
	}
	defer body.Close()
	// 2. Claim the request, or wait for whoever has it.
	kept, err := claim(ctx, store, actor.ID(), route, key, hash)
	if err != nil {
		return err
	}
	if kept != nil {
		w.Header().Set("Idempotency-Replayed", "true")
		kept.send(w)
		return nil
	}
	// 3. Work, and keep the answer before it is sent.
	actor.OpKey = OpKey(actor, route, key)
	r = r.WithContext(auth.WithActor(ctx, actor))
	r.Body = body
	rec := &recorder{header: w.Header().Clone(), status: http.StatusOK}
	next.ServeHTTP(rec, r)
	keep := context.WithoutCancel(ctx)
	if rec.status >= 500 || rec.status == http.StatusTooManyRequests || rec.status == statusClientGone {
		err = store.ForgetRequest(keep, actor.ID(), route, key)
	} else {
		var b []byte
		if b, err = json.Marshal(rec.answer()); err == nil {
			err = store.EndRequest(keep, actor.ID(), route, key, b)
		}
	}
	if err != nil {
		return err
	}
	rec.answer().send(w)
	return nil
}

func (a *answer) send(w http.ResponseWriter) {
	for k, v := range a.Header {
		if k != "X-Request-Id" { // each request keeps its own
			w.Header()[k] = v
		}
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // the client may be gone
}

func claim(ctx context.Context, store IdempotencyStore, caller, route, key string, hash []byte) (*answer, error) {
	deadline := time.Now().Add(waitRequest)
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		state, kept, err := store.BeginRequest(ctx, caller, route, key, hash, time.Now(), staleRequest)
		switch {
		case err != nil:
			return nil, err
		case state == "mine":
			return nil, nil
		case state == "other":
			return nil, ErrKeyReused
		case state == "done":
			var a answer
			if err := json.Unmarshal(kept, &a); err != nil {
				return nil, fmt.Errorf("read kept answer: %w", err)
			}
			return &a, nil
		case time.Now().After(deadline):
			return nil, ErrInProgress
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// recorder keeps an answer instead of sending it.
type recorder struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (r *recorder) answer() *answer {
	return &answer{Status: r.status, Header: r.header, Body: r.body.Bytes()}
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.wrote = true
	return r.body.Write(b)
}

// spool reads a body to its end: into memory when small, else into a file without a name.
// The hash is that of the query and the body.
func spool(body io.Reader, query string) (io.ReadCloser, []byte, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%d:%s", len(query), query)
	in := io.TeeReader(body, h)
	var small bytes.Buffer
	if _, err := io.CopyN(&small, in, spoolOver); errors.Is(err, io.EOF) {
		return io.NopCloser(&small), h.Sum(nil), nil
	} else if err != nil {
		return nil, nil, err
	}
	f, err := os.CreateTemp("", "kyso-upload-*")
	if err != nil {
		return nil, nil, err
	}
	fail := func(err error) (io.ReadCloser, []byte, error) { return nil, nil, errors.Join(err, f.Close()) }
	if err := os.Remove(f.Name()); err != nil { // it lives as long as it is open
		return fail(err)
	}
	if _, err := small.WriteTo(f); err != nil {
		return fail(err)
	}
	if _, err := io.Copy(f, in); err != nil {
		return fail(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fail(err)
	}
	return f, h.Sum(nil), nil
}
