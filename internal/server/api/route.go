package api

import (
	"context"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/server"
)

// maxJSON limits a JSON body, in bytes.
const maxJSON = 1 << 20

const mediaJSON = "application/json"

// access says who reaches a route at all.
type access uint8

const (
	caller access = iota // somebody who is logged in; a POST carries an Idempotency-Key
	anyone               // nobody needs to be; a caller's Idempotency-Key is obeyed if sent
	reader               // anyone, and nothing is kept of the request
)

// route is one operation.
type route struct {
	method, path string // path without Prefix
	summary      string
	tag          string
	access       access
	// status of the good answer; 0 is 200.
	status int
	// body is a value of the JSON body's type, answer one of the good answer's; nil: none.
	body, answer any
	// metadata is a value of the type of the part metadata of a multipart body; nil: none.
	metadata any
	// media are the accepted types of a body other than JSON, produces those of an answer.
	media, produces []string
	// limit of the body in bytes; 0 is maxJSON.
	limit int64
}

// empty is the body of a POST that needs none: nothing, or {}.
type empty struct{}

// handler does a route's work. What it returns is answered as a problem.
type handler[P any] func(w http.ResponseWriter, r *http.Request, params *P) error

// handle adds a route whose parameters in path, query and header are P's.
func handle[P any](a *api, rt route, h handler[P]) {
	op := a.operation(rt)
	huma.Register(a.huma, op, func(_ context.Context, params *P) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			r, w := humachi.Unwrap(hc)
			if err := h(w, r, params); err != nil {
				a.fail(w, r, err)
			}
		}}, nil
	})
	a.describeBody(rt) // after Register, which would read a body that it knows of
}

// get adds a route that answers JSON.
func get[P, O any](a *api, rt route, h func(ctx context.Context, params *P) (O, error)) {
	rt.method, rt.answer = http.MethodGet, *new(O)
	handle(a, rt, func(w http.ResponseWriter, r *http.Request, params *P) error {
		out, err := h(r.Context(), params)
		if err == nil {
			a.answer(w, r, http.StatusOK, out)
		}
		return err
	})
}

// post adds a route that takes and answers JSON.
func post[P, B, O any](a *api, rt route, h func(ctx context.Context, params *P, body B) (O, error)) {
	rt.method, rt.answer, rt.body = http.MethodPost, *new(O), *new(B)
	handle(a, rt, func(w http.ResponseWriter, r *http.Request, params *P) error {
		var body B
		if err := decodeBody(r, &body); err != nil {
			return err
		}
		out, err := h(r.Context(), params, body)
		if err == nil {
			a.answer(w, r, rt.good(), out)
		}
		return err
	})
}

func (rt route) good() int {
	if rt.status == 0 {
		return http.StatusOK
	}
	return rt.status
}

// operation is rt as huma knows it.
func (a *api) operation(rt route) huma.Operation {
	op := huma.Operation{
		OperationID: operationID(rt), Method: rt.method, Path: Prefix + rt.path, Summary: rt.summary, Tags: []string{rt.tag},
		DefaultStatus: rt.good(), Metadata: map[string]any{"route": rt},
		Security: []map[string][]string{{"bearer": {}}, {"session": {}}},
	}
	if rt.access != caller {
		op.Security = []map[string][]string{}
	}
	if rt.method == http.MethodPost && rt.access != reader {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header", Required: rt.access == caller,
			Description: "The same key and body again get the same answer and have no second effect.",
			Schema:      &huma.Schema{Type: "string", MinLength: new(1), MaxLength: new(255)}})
	}
	good := &huma.Response{Description: http.StatusText(rt.good()), Content: map[string]*huma.MediaType{}}
	if rt.answer != nil {
		good.Content[mediaJSON] = &huma.MediaType{Schema: a.schema(rt.answer)}
	}
	for _, m := range rt.produces {
		good.Content[m] = &huma.MediaType{}
	}
	op.Responses = map[string]*huma.Response{strconv.Itoa(rt.good()): good, "default": {Description: "Problem (RFC 9457)",
		Content: map[string]*huma.MediaType{mediaProblem: {Schema: a.schema(problem{})}}}}
	return op
}

// describeBody adds the request body to the description.
func (a *api) describeBody(rt route) {
	if rt.body == nil && len(rt.media) == 0 {
		return
	}
	body := &huma.RequestBody{Content: map[string]*huma.MediaType{}, Required: reflect.TypeOf(rt.body) != reflect.TypeFor[empty]()}
	if rt.body != nil {
		body.Content[mediaJSON] = &huma.MediaType{Schema: a.schema(rt.body)}
	}
	for _, m := range rt.media {
		body.Content[m] = &huma.MediaType{Schema: &huma.Schema{Type: "string", Format: "binary"}}
		if m == mediaMultipart {
			body.Content[m].Schema = a.formSchema(rt.metadata)
		}
	}
	a.huma.OpenAPI().Paths[Prefix+rt.path].Post.RequestBody = body
}

// formSchema describes a multipart body: the file, and with metadata the attachments.
func (a *api) formSchema(metadata any) *huma.Schema {
	file := &huma.Schema{Type: "string", Format: "binary"}
	form := &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{"file": file}, Required: []string{"file"}}
	if metadata != nil {
		form.Properties["metadata"] = a.schema(metadata)
		form.Properties["attachments"] = &huma.Schema{Type: "array", Items: file}
		form.Required = append(form.Required, "metadata")
	}
	return form
}

func (a *api) schema(v any) *huma.Schema {
	return a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(v), true, "")
}

// operationID is the method and the words of the path: post_documents_id_sign.
func operationID(rt route) string {
	words := strings.FieldsFunc(rt.method+rt.path, func(r rune) bool { return r == '/' || r == '{' || r == '}' || r == '-' })
	return strings.ToLower(strings.Join(words, "_"))
}

// adapter puts huma's operations on the router, behind what their access asks for.
type adapter struct{ *api }

// Handle implements huma.Adapter.
func (d adapter) Handle(op *huma.Operation, handler func(huma.Context)) {
	rt, _ := op.Metadata["route"].(route)
	d.mux.Method(op.Method, op.Path, d.guard(rt, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler(humachi.NewContext(op, r, w))
	})))
}

// ServeHTTP implements huma.Adapter.
func (d adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.mux.ServeHTTP(w, r) }

// guard refuses before the body is read, and bounds it.
func (a *api) guard(rt route, next http.Handler) http.Handler {
	keyed := server.Idempotent(a.Requests, a.Log, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.admit(rt, r); err != nil {
			a.fail(w, r, err)
			return
		}
		limit := rt.limit
		if limit == 0 {
			limit = maxJSON
		}
		if r.ContentLength > limit {
			a.fail(w, r, &http.MaxBytesError{Limit: limit})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		if rt.access == reader || (rt.access == anyone && r.Header.Get("Idempotency-Key") == "") {
			next.ServeHTTP(w, r)
			return
		}
		keyed.ServeHTTP(w, r)
	})
}

func (a *api) admit(rt route, r *http.Request) error {
	if _, ok := auth.ActorFrom(r.Context()); !ok && rt.access == caller {
		return auth.ErrUnauthenticated
	}
	if r.Method != http.MethodPost || r.ContentLength == 0 {
		return nil
	}
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	known := slices.Contains(rt.media, media) || (media == mediaJSON && rt.body != nil)
	if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") {
		known = false
	}
	if err != nil || !known || r.Header.Get("Content-Encoding") != "" {
		return errMediaType
	}
	return nil
}
