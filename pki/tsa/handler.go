package tsa

import (
	"errors"
	"io"
	"mime"
	"net/http"
)

// Media types of RFC 3161, Section 3.4.
const (
	queryType = "application/timestamp-query"
	replyType = "application/timestamp-reply"
)

// maxRequestBytes is far above any honest request (about 120 bytes).
const maxRequestBytes = 8 << 10

// ServeHTTP answers time-stamp queries over HTTP (RFC 3161, Section 3.4). A
// refusal is a proper TimeStampResp with status 200; when clock or key are not
// available it comes with 503 and Retry-After.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "use POST with "+queryType, http.StatusMethodNotAllowed)
		return
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != queryType {
		http.Error(w, "content type must be "+queryType, http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if err != nil {
		status := http.StatusBadRequest
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, "the request could not be read", status)
		return
	}
	der, o := s.Respond(r.Context(), body)
	w.Header().Set("Content-Type", replyType)
	w.Header().Set("Cache-Control", "no-store")
	if o.Failure == SystemFailure || o.Failure == TimeNotAvailable {
		w.Header().Set("Retry-After", "5")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write(der) // the peer may be gone; nothing is lost by that
}
