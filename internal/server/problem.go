package server

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"

	"golang.org/x/text/language"

	"github.com/kyso-vn/kyso/internal/errs"
)

// Problem is an error as the API answers it (RFC 9457).
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Code is stable; clients act on it.
	Code string `json:"code"`
	// Field is the JSON field that is wrong.
	Field     string `json:"field,omitempty"`
	RequestID string `json:"request_id"`
}

var statuses = map[errs.Kind]int{
	errs.Invalid: http.StatusUnprocessableEntity, errs.NotFound: http.StatusNotFound, errs.Conflict: http.StatusConflict,
	errs.Denied: http.StatusForbidden, errs.Unauthenticated: http.StatusUnauthorized, errs.TooLarge: http.StatusRequestEntityTooLarge,
	errs.RateLimited: http.StatusTooManyRequests, errs.Unavailable: http.StatusServiceUnavailable,
}

// statusClientGone is logged when the client went away before its answer; it is nobody's
// standard, but nginx's custom.
const statusClientGone = 499

// errFault is what the outside is told of a fault of ours.
var errFault = errs.New(errs.Fault, "internal",
	"Hệ thống đang bận. Dữ liệu chưa mất. Thử lại sau 30 giây.", "The service had a fault. Nothing is lost; try again in 30 seconds.")

// Refusal returns err as the outside may see it, and its HTTP status. An error without a
// kind is a fault: logged here, once, and answered without detail.
func Refusal(r *http.Request, log *slog.Logger, err error) (*errs.Error, int) {
	if e, ok := errors.AsType[*errs.Error](err); ok && e.Kind != errs.Fault {
		if e.Kind == errs.Unavailable || e.Err != nil {
			log.Warn("refused", "code", e.Code, "request_id", RequestID(r.Context()), "path", r.URL.Path, "cause", e.Err)
		}
		return e, statuses[e.Kind]
	}
	if errors.Is(err, r.Context().Err()) && r.Context().Err() != nil {
		return errFault, statusClientGone // nobody reads this
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errs.New(errs.TooLarge, "too_large", "Tệp vượt quá dung lượng cho phép.", "The body is over "+strconv.FormatInt(e.Limit, 10)+" bytes."), http.StatusRequestEntityTooLarge
	}
	log.Error("fault", "err", err, "request_id", RequestID(r.Context()), "method", r.Method, "path", r.URL.Path)
	return errFault, http.StatusInternalServerError
}

// WriteProblem answers err in the language of the request.
func WriteProblem(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	e, status := Refusal(r, log, err)
	p := Problem{
		Type: "urn:kyso:problem:" + e.Code, Title: http.StatusText(status), Status: status, Detail: e.Text(Lang(r)),
		Code: e.Code, Field: e.Field, RequestID: RequestID(r.Context()),
	}
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="kyso"`)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone
}

var languages = language.NewMatcher([]language.Tag{language.Vietnamese, language.English})

// Lang returns "vi" or "en" by Accept-Language; Vietnamese unless English is preferred.
func Lang(r *http.Request) string {
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(tags) == 0 {
		return "vi"
	}
	if _, i, _ := languages.Match(tags...); i == 1 {
		return "en"
	}
	return "vi"
}
