package api_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/internal/testkit/db"
)

func TestTheTokenEndpointKeepsToRFC6749(t *testing.T) {
	t.Parallel()
	r := newRig(t, db.SQLite(t))
	basic := func(id, secret string) map[string]string {
		return map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))}
	}
	const form, grant = "application/x-www-form-urlencoded", "grant_type=client_credentials"
	post := grant + "&client_id=" + url.QueryEscape(r.clientID) + "&client_secret=" + url.QueryEscape(r.secret)
	for name, c := range map[string]struct {
		method, media, body string
		header              map[string]string
		status              int
		code                string
	}{
		"basic":             {"POST", form, grant, basic(r.clientID, r.secret), 200, ""},
		"post":              {"POST", form, post, nil, 200, ""},
		"both":              {"POST", form, post, basic(r.clientID, r.secret), 400, "invalid_request"},
		"wrong secret":      {"POST", form, grant, basic(r.clientID, "x"), 401, "invalid_client"},
		"unknown client":    {"POST", form, grant, basic("x", r.secret), 401, "invalid_client"},
		"nobody":            {"POST", form, grant, nil, 401, "invalid_client"},
		"no grant":          {"POST", form, "x=y", basic(r.clientID, r.secret), 400, "invalid_request"},
		"other grant":       {"POST", form, "grant_type=password", basic(r.clientID, r.secret), 400, "unsupported_grant_type"},
		"twice":             {"POST", form, grant + "&" + grant, basic(r.clientID, r.secret), 400, "invalid_request"},
		"JSON":              {"POST", "application/json", "{}", basic(r.clientID, r.secret), 400, "invalid_request"},
		"GET":               {"GET", "", "", basic(r.clientID, r.secret), 405, "invalid_request"},
		"too large":         {"POST", form, grant + "&x=" + strings.Repeat("x", 1<<20), nil, 400, "invalid_request"},
		"other scheme":      {"POST", form, grant, map[string]string{"Authorization": "Bearer x"}, 400, "invalid_request"},
		"broken encoding":   {"POST", form, grant, map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("%zz:x"))}, 400, "invalid_request"},
		"secret in the URL": {"POST", form, "", nil, 401, "invalid_client"},
	} {
		path := "/oauth2/token"
		if name == "secret in the URL" {
			path, c.body = path+"?"+post, grant
		}
		a := r.do(t, request{method: c.method, path: path, media: c.media, header: c.header, body: strings.NewReader(c.body)})
		var out struct {
			AccessToken string `json:"access_token"`
			TokenType   string `json:"token_type"`
			ExpiresIn   int    `json:"expires_in"`
			Error       string
		}
		must(t, json.Unmarshal(a.body, &out))
		if a.status != c.status || out.Error != c.code || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if c.status == http.StatusOK && (out.AccessToken == "" || out.TokenType != "Bearer" || out.ExpiresIn != 600) {
			t.Errorf("%s: %s", name, a.body)
		}
		if (c.status == http.StatusUnauthorized) != (a.header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s: WWW-Authenticate %q", name, a.header.Get("WWW-Authenticate"))
		}
	}
}
