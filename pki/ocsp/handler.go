package ocsp

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The media types of RFC 6960, Appendix C.
const (
	requestType  = "application/ocsp-request"
	responseType = "application/ocsp-response"
)

// Handler serves a Responder over HTTP (RFC 6960, Appendix A; RFC 5019).
// POST takes the request as the body; GET takes it in base64 as what is left of
// the path, so mount it behind http.StripPrefix("/ocsp/{ca}", …).
type Handler struct {
	Responder *Responder
	// MaxAge is how long shared caches may keep an answer; 0 is 30 s. Never
	// longer than the answer is valid.
	MaxAge time.Duration
	// AllowNonce says whether the client may have its nonce repeated, which
	// takes a signature of its own; otherwise the answer comes without, as RFC
	// 5019, Section 2.1.1 allows. nil allows all.
	AllowNonce func(*http.Request) bool
	// OnError is told why a request got no real answer; nil for nobody. It must
	// return soon.
	OnError func(context.Context, error)
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, code := h.read(w, r)
	if code != 0 {
		h.refuse(w, code)
		return
	}
	request, err := ParseRequest(body, h.Responder.config.Limits)
	if err != nil {
		h.report(r.Context(), err)
		h.write(w, r, refusal(MalformedRequest))
		return
	}
	if request.Nonce != nil && h.AllowNonce != nil && !h.AllowNonce(r) {
		request.Nonce = nil
	}
	answer, err := h.Responder.answer(r.Context(), request)
	if err != nil {
		h.report(r.Context(), err)
	}
	h.write(w, r, answer)
}

func (h *Handler) report(ctx context.Context, err error) {
	if h.OnError != nil {
		h.OnError(ctx, err)
	}
}

// read returns the DER request, or the HTTP status that refuses it.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) (body []byte, code int) {
	limit := h.Responder.config.Limits.MaxBytes
	switch r.Method {
	case http.MethodPost:
		kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
		if !strings.EqualFold(strings.TrimSpace(kind), requestType) {
			return nil, http.StatusUnsupportedMediaType
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(limit)))
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return nil, http.StatusRequestEntityTooLarge
		}
		if err != nil {
			return nil, http.StatusBadRequest
		}
		return body, 0
	case http.MethodGet, http.MethodHead:
		text := strings.TrimPrefix(r.URL.Path, "/")
		if base64.StdEncoding.DecodedLen(len(text)) > limit+2 {
			return nil, http.StatusRequestURITooLong
		}
		return decodePath(text)
	}
	w.Header().Set("Allow", "GET, HEAD, POST")
	return nil, http.StatusMethodNotAllowed
}

// decodePath reads base64 that was URL-encoded once, as the standard says, or
// twice, as some clients do; with or without padding.
func decodePath(text string) ([]byte, int) {
	if strings.Contains(text, "%") {
		again, err := url.PathUnescape(text)
		if err != nil {
			return nil, http.StatusBadRequest
		}
		text = again
	}
	body, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(body) == 0 {
		return nil, http.StatusBadRequest
	}
	return body, 0
}

// refuse answers what isn't an OCSP request at all. The body says so to OCSP
// clients too.
func (h *Handler) refuse(w http.ResponseWriter, code int) {
	w.Header().Set("Content-Type", responseType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(errorResponse(MalformedRequest)) // the client is gone if this fails
}

// write sends an answer with the headers of RFC 5019, Section 6.2. Answers that
// aren't for everybody are no-store. max-age is shorter than nextUpdate, so
// that a revocation is seen in time; it overrides Expires (RFC 9111, Section
// 5.3), which old caches know.
func (h *Handler) write(w http.ResponseWriter, r *http.Request, a *Answer) {
	header := w.Header()
	header.Set("Content-Type", responseType)
	if !a.Cacheable || r.Method == http.MethodPost {
		header.Set("Cache-Control", "no-store")
		header.Set("Content-Length", strconv.Itoa(len(a.DER)))
		_, _ = w.Write(a.DER)
		return
	}
	age := h.MaxAge
	if age == 0 {
		age = 30 * time.Second
	}
	age = max(0, min(age, a.NextUpdate.Sub(h.Responder.config.Now())))
	sum := sha256.Sum256(a.DER)
	etag := `"` + hex.EncodeToString(sum[:]) + `"`
	header.Set("Cache-Control", fmt.Sprintf("max-age=%d, public, no-transform, must-revalidate", int(age/time.Second)))
	header.Set("Last-Modified", a.ThisUpdate.Format(http.TimeFormat))
	header.Set("Expires", a.NextUpdate.Format(http.TimeFormat))
	header.Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(a.DER)))
	_, _ = w.Write(a.DER)
}
