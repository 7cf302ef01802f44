package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/server"
)

const mediaProblem = "application/problem+json"

// problem is server.Problem, with a line for each wrong field where there are several.
type problem struct {
	server.Problem
	Errors []fieldProblem `json:"errors,omitempty"`
}

// fieldProblem is one wrong field.
type fieldProblem struct {
	Code   string `json:"code"`
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail"`
}

// statusError is a refusal with a status that no kind of errs has: it is about HTTP itself.
type statusError struct {
	status int
	err    *errs.Error
}

func (e *statusError) Error() string { return e.err.Error() }

// Refusals of the door.
var (
	errNoRoute = errs.New(errs.NotFound, "not_found", "Không tìm thấy.", "Not found.")
	errMethod  = &statusError{http.StatusMethodNotAllowed, errs.New(errs.Invalid, "method_not_allowed",
		"Phương thức không được hỗ trợ ở địa chỉ này.", "This method is not for this address.")}
	errMediaType = &statusError{http.StatusUnsupportedMediaType, errs.New(errs.Invalid, "media_type",
		"Kiểu nội dung (Content-Type) không được hỗ trợ ở địa chỉ này.", "This Content-Type is not taken here.")}
	errParameter = errs.New(errs.Invalid, "parameter_invalid",
		"Tham số không hợp lệ.", "A parameter is not valid.")
)

// fail answers err.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	if e, ok := errors.AsType[*statusError](err); ok {
		write(w, e.status, a.problem(r, e.status, e.err))
		return
	}
	if list, ok := errors.AsType[issuance.Invalid](err); ok && len(list) > 1 {
		p := a.problem(r, http.StatusUnprocessableEntity, list[0])
		for _, e := range list {
			p.Errors = append(p.Errors, fieldProblem{Code: e.Code, Field: e.Field, Detail: e.Text(server.Lang(r))})
		}
		write(w, http.StatusUnprocessableEntity, p)
		return
	}
	server.WriteProblem(w, r, a.Log, err)
}

func (a *api) problem(r *http.Request, status int, e *errs.Error) problem {
	return problem{Problem: server.Problem{Type: "urn:kyso:problem:" + e.Code, Title: http.StatusText(status), Status: status,
		Detail: e.Text(server.Lang(r)), Code: e.Code, Field: e.Field, RequestID: server.RequestID(r.Context())}}
}

func write(w http.ResponseWriter, status int, p problem) {
	w.Header().Set("Content-Type", mediaProblem)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone
}

// ours turns what huma itself refuses, parameters only, into a problem of ours. What was
// sent is not repeated.
func (a *api) ours(hc huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	r, _ := humachi.Unwrap(hc)
	e := errParameter
	if len(m.Errors) > 0 {
		_, name, _ := strings.Cut(m.Errors[0].Location, ".")
		e = e.On(name)
	}
	return a.problem(r, m.Status, e), nil
}
