package api_test

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/internal/testkit/db"
)

var update = flag.Bool("update", false, "write the golden files anew")

const golden = "testdata/routes.txt"

// document is what a reader of OpenAPI 3.1 must find.
type document struct {
	OpenAPI string
	Info    struct{ Title, Version string }
	Paths   map[string]map[string]struct {
		OperationID string
		Parameters  []struct {
			Name, In string
			Required bool
		}
		RequestBody struct{ Content map[string]any }
		Responses   map[string]struct{ Description string }
		Security    []map[string][]string
	}
	Components struct{ Schemas map[string]json.RawMessage }
}

func TestTheDescriptionListsEveryRoute(t *testing.T) {
	t.Parallel()
	r := newRig(t, db.SQLite(t))
	a := r.get(t, "", "/openapi.json")
	var d document
	a.into(t, &d)
	if !strings.HasPrefix(d.OpenAPI, "3.1") || d.Info.Title == "" || d.Info.Version == "" || !strings.Contains(a.header.Get("Content-Type"), "openapi+json") {
		t.Fatalf("frame %q %+v", d.OpenAPI, d.Info)
	}
	var lines []string
	ids := map[string]bool{}
	for path, methods := range d.Paths {
		for method, op := range methods {
			line := strings.ToUpper(method) + " " + path
			if len(op.Security) == 0 {
				line += " (anyone)"
			}
			lines = append(lines, line)
			if ids[op.OperationID] || op.OperationID == "" || len(op.Responses) != 2 {
				t.Errorf("%s: operation id %q, answers %v", line, op.OperationID, op.Responses)
			}
			ids[op.OperationID] = true
			for _, name := range strings.Split(path, "{")[1:] {
				name, _, _ = strings.Cut(name, "}")
				if !slices.ContainsFunc(op.Parameters, func(p struct {
					Name, In string
					Required bool
				}) bool {
					return p.Name == name && p.In == "path" && p.Required
				}) {
					t.Errorf("%s: the parameter %s is not described", line, name)
				}
			}
			key := slices.ContainsFunc(op.Parameters, func(p struct {
				Name, In string
				Required bool
			}) bool {
				return p.Name == "Idempotency-Key"
			})
			if key != (method == "post" && !strings.HasSuffix(path, "/verify")) {
				t.Errorf("%s: Idempotency-Key described: %v", line, key)
			}
			if method == "post" && len(op.RequestBody.Content) == 0 {
				t.Errorf("%s: no body is described", line)
			}
		}
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	if must(t, err); got != string(want) {
		t.Errorf("routes are\n%s", got)
	}
	for name := range d.Components.Schemas {
		if strings.HasPrefix(name, "V2") || strings.HasPrefix(name, "Huma") {
			t.Errorf("the schema %s is not ours", name)
		}
	}
	for _, ref := range refs(a.body) {
		if _, ok := d.Components.Schemas[ref]; !ok {
			t.Errorf("no schema %s", ref)
		}
	}
}

// refs are the schemas that text refers to.
func refs(text []byte) (out []string) {
	for _, part := range strings.Split(string(text), `"#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		out = append(out, name)
	}
	return out
}

func TestEveryDescribedRouteAsksWhoCalls(t *testing.T) {
	t.Parallel()
	r := newRig(t, db.SQLite(t))
	var d document
	r.get(t, "", "/openapi.json").into(t, &d)
	if len(d.Paths) < 30 {
		t.Fatalf("only %d paths", len(d.Paths))
	}
	for path, methods := range d.Paths {
		for method, op := range methods {
			if len(op.Security) == 0 {
				continue
			}
			path := strings.NewReplacer("{id}", "x", "{n}", "1").Replace(path)
			if a := r.do(t, request{method: strings.ToUpper(method), path: path, key: "k", media: "application/json", body: strings.NewReader("{}")}); a.status != 401 || a.code() != "unauthenticated" {
				t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
			}
		}
	}
}
