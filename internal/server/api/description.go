package api

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// description is the frame of the OpenAPI document.
func description(a *api, version string) huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Kyso", Version: version,
				Description: "Certificates, signed documents, verification and counts. Times are RFC 3339, days YYYY-MM-DD in Asia/Ho_Chi_Minh, " +
					"identifiers opaque. Refusals are problems of RFC 9457 with a stable code, in Vietnamese or English by Accept-Language.",
				License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer":  {Type: "oauth2", Flows: &huma.OAuthFlows{ClientCredentials: &huma.OAuthFlow{TokenURL: "/oauth2/token", Scopes: map[string]string{}}}},
					"session": {Type: "apiKey", In: "cookie", Name: a.Auth.CookieName()},
				}},
		},
		Formats: map[string]huma.Format{mediaJSON: {
			Marshal:   func(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) },
			Unmarshal: json.Unmarshal,
		}, mediaProblem: {
			Marshal:   func(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) },
			Unmarshal: json.Unmarshal,
		}},
		DefaultFormat:                mediaJSON,
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{a.ours},
	}
}

// schemaName puts the package before the type's name: routing.View is RoutingView. Types of
// this package stand for themselves.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if pkg := path.Base(t.PkgPath()); t.Name() != "" && pkg != "api" && pkg != "." {
		return strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
	return name
}

// spec is the OpenAPI document.
func (a *api) spec() ([]byte, error) {
	schemas := a.huma.OpenAPI().Components.Schemas.Map()
	for name := range schemas { // registered by huma for errors that never leave the house
		if strings.HasPrefix(name, "V2Error") {
			delete(schemas, name)
		}
	}
	b, err := json.Marshal(a.huma.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("describe the API: %w", err)
	}
	return b, nil
}
