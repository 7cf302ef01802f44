package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/server"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
)

var quiet = slog.New(slog.DiscardHandler)

func asClient(id string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(auth.WithActor(r.Context(), auth.Actor{ClientID: id})))
	})
}

func post(t *testing.T, url, key, body string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

func TestManyCopiesOfARequestHaveOneEffectAndOneAnswer(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		var effects atomic.Int32
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			a, _ := auth.ActorFrom(r.Context())
			if len(a.OpKey) != 64 {
				t.Errorf("operation key %q", a.OpKey)
			}
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, "effect %d of %d bytes", effects.Add(1), len(b))
		})
		srv := httptest.NewServer(server.Base(quiet, asClient("c1", server.Idempotent(s, quiet, h))))
		defer srv.Close()
		large := strings.Repeat("x", 3<<20) // spooled to disk
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				status, body, _ := post(t, srv.URL+"/a", "k1", large)
				if status != http.StatusCreated || body != fmt.Sprintf("effect 1 of %d bytes", len(large)) {
					t.Errorf("%d %s", status, body)
				}
			})
		}
		wg.Wait()
		if status, body, _ := post(t, srv.URL+"/a", "k1", "another"); status != 422 || !strings.Contains(body, "idempotency_key_reused") {
			t.Errorf("other body: %d %s", status, body)
		}
		if status, _, _ := post(t, srv.URL+"/b", "k1", "another"); status != http.StatusCreated || effects.Load() != 2 {
			t.Errorf("another route is another request: %d, %d effects", status, effects.Load())
		}
		if status, body, _ := post(t, srv.URL+"/a", "", "x"); status != 422 || !strings.Contains(body, "idempotency_key_missing") {
			t.Errorf("no key: %d %s", status, body)
		}
	})
}

func TestAFaultIsNotRememberedAndTellsNothing(t *testing.T) {
	t.Parallel()
	s := db.SQLite(t)
	fail := true
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fail {
			server.WriteProblem(w, r, quiet, fmt.Errorf("secret table is gone"))
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	srv := httptest.NewServer(server.Base(quiet, asClient("c1", server.Idempotent(s, quiet, h))))
	defer srv.Close()
	status, body, head := post(t, srv.URL+"/a", "k", "{}")
	if status != 500 || strings.Contains(body, "secret") || head.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%d %s", status, body)
	}
	var p server.Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Code != "internal" || p.RequestID == "" || p.RequestID != head.Get("X-Request-Id") {
		t.Fatalf("problem %+v, %v", p, err)
	}
	fail = false
	if status, _, _ := post(t, srv.URL+"/a", "k", "{}"); status != http.StatusNoContent {
		t.Fatalf("retry: %d", status)
	}
}

func TestProblemsSpeakTheLanguageAskedFor(t *testing.T) {
	t.Parallel()
	e := errs.New(errs.Conflict, "x", "tiếng Việt", "English")
	for accept, want := range map[string]string{"": "tiếng Việt", "en-GB,en;q=0.9": "English", "vi,en;q=0.5": "tiếng Việt", "fr": "tiếng Việt", ";;": "tiếng Việt"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", accept)
		w := httptest.NewRecorder()
		server.WriteProblem(w, r, quiet, fmt.Errorf("doing: %w", e))
		if w.Code != 409 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%q: %d %s", accept, w.Code, w.Body)
		}
	}
}

func TestABrowserCannotBeMadeToPostFromElsewhere(t *testing.T) {
	t.Parallel()
	h := server.SameOrigin(quiet, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for _, c := range []struct {
		site, origin string
		want         int
	}{{"same-origin", "", 204}, {"cross-site", "", 403}, {"same-site", "", 403}, {"", "https://evil.example", 403}, {"", "", 204}} {
		r := httptest.NewRequest(http.MethodPost, "https://kyso.example/x", nil)
		if c.site != "" {
			r.Header.Set("Sec-Fetch-Site", c.site)
		}
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%+v: %d", c, w.Code)
		}
	}
}

func TestAPanicIsAProblemNotACrash(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	server.Base(quiet, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("x") })).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != 500 || !strings.Contains(w.Body.String(), `"code":"internal"`) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
}

func TestAnAnswerToNobodyIsNotKept(t *testing.T) {
	t.Parallel()
	s := db.SQLite(t)
	send := func(ctx context.Context, h http.HandlerFunc) int {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/a", strings.NewReader("{}"))
		r.Header.Set("Idempotency-Key", "k")
		w := httptest.NewRecorder()
		asClient("c1", server.Idempotent(s, quiet, h)).ServeHTTP(w, r)
		return w.Code
	}
	ctx, leave := context.WithCancel(t.Context())
	send(ctx, func(w http.ResponseWriter, r *http.Request) {
		leave() // the client, while we work
		server.WriteProblem(w, r, quiet, fmt.Errorf("working: %w", r.Context().Err()))
	})
	if status := send(t.Context(), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }); status != http.StatusNoContent {
		t.Fatalf("the resend got %d", status)
	}
}

func TestTheQueryIsPartOfWhatAKeyStandsFor(t *testing.T) {
	t.Parallel()
	s := db.SQLite(t)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.RawQuery) })
	srv := httptest.NewServer(asClient("c1", server.Idempotent(s, quiet, h)))
	defer srv.Close()
	if status, body, _ := post(t, srv.URL+"/a?unit_id=1", "k", "x"); status != 200 || body != "unit_id=1" {
		t.Fatalf("%d %s", status, body)
	}
	if status, body, _ := post(t, srv.URL+"/a?unit_id=2", "k", "x"); status != 422 {
		t.Fatalf("another unit got the first one's answer: %d %s", status, body)
	}
}

func TestOddKeysAndAddressesAreRefused(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		srv := httptest.NewServer(asClient("c1", server.Idempotent(s, quiet, h)))
		defer srv.Close()
		for _, c := range []struct {
			path, key string
			want      int
		}{{"/a", "k\xff", 422}, {"/a", strings.Repeat("k", 256), 422}, {"/%00/%ff", "k", 204}, {"/" + strings.Repeat("q", 3000), "k", 404}} {
			if status, body, _ := post(t, srv.URL+c.path, c.key, "x"); status != c.want {
				t.Errorf("%.20q %.20q: %d %s", c.path, c.key, status, body)
			}
		}
	})
}

func TestHalfAnAnswerDoesNotLookWhole(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(server.Base(quiet, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "half")
		panic("x")
	})))
	defer srv.Close()
	srv.Config.ErrorLog = slog.NewLogLogger(quiet.Handler(), slog.LevelWarn)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return // cut off before the headers: as good
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err == nil {
		t.Fatalf("%d %q was taken for the whole answer", res.StatusCode, b)
	}
}
