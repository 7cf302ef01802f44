package api_test

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"testing"

	"github.com/kyso-vn/kyso/internal/testkit/db"
)

// No body, whoever sends it, is a fault of ours.
func FuzzBodies(f *testing.F) {
	r := newRig(f, db.SQLite(f))
	targets := []struct{ as, path, media string }{
		{"lan", "/applications", "application/json"}, {"lan", "/certificates/search", "application/json"}, {"lan", "/certificates/x/revoke", "application/json"},
		{"", "/applications/x/activate", "application/json"}, {"dms", "/documents", "application/json"}, {"dms", "/documents", "application/xml"},
		{"dms", "/documents", "multipart/form-data; boundary=b"}, {"vuong", "/authorizations", "application/json"}, {"vuong", "/batches", "application/json"},
		{"vuong", "/documents/x/sign", "application/json"}, {"vuong", "/signatures", "application/json"}, {"", "/verify", "application/pdf"},
		{"", "/verify", "multipart/form-data; boundary=b"},
	}
	for i := range targets {
		for _, s := range []string{`{}`, `{"identity":"001090012345","cursor":"*"}`, `{"documents":["x"],"sad":"y","pin":"1","otp":"2"}`, `{"metadata":{},"url":"http://[::1"}`,
			`{"hashes":["AAAA"],"hash_algorithm":"MD5"}`, "%PDF-1.7\n%%EOF", "<a/>", "--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{}\r\n--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n%PDF\r\n--b--\r\n",
			`{"limit":-1,"name":"\u0000","unit_id":"\u202e"}`, `{"reason":"key_compromise","invalid_at":"0001-01-01T00:00:00Z"}`} {
			f.Add(uint8(i), []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		c := targets[int(which)%len(targets)]
		a := r.do(t, request{method: http.MethodPost, path: "/api/v1" + c.path, as: c.as, key: rand.Text(), media: c.media, body: bytes.NewReader(body)})
		if a.status >= 500 {
			t.Fatalf("%s: %d %s\n%s", c.path, a.status, a.body, r.logged)
		}
		if a.status >= 400 && a.code() == "" {
			t.Fatalf("%s: %d %s", c.path, a.status, a.body)
		}
	})
}
