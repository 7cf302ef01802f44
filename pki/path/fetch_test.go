package path

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	xocsp "golang.org/x/crypto/ocsp"
)

func TestHTTPFetcherAsksRealServers(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	w := newWorld(t, spoil{
		ica: func(c *x509.Certificate) { c.CRLDistributionPoints = []string{server.URL + "/root.crl"} },
		end: func(c *x509.Certificate) { c.OCSPServer = []string{server.URL + "/ocsp"} },
	})
	mux.HandleFunc("POST /ocsp", func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != "application/ocsp-request" {
			http.Error(rw, "bad", http.StatusBadRequest)
			return
		}
		req, err := xocsp.ParseRequest(body)
		if err != nil || req.SerialNumber.Cmp(w.end.cert.SerialNumber) != 0 {
			http.Error(rw, "bad", http.StatusBadRequest)
			return
		}
		_, _ = rw.Write(w.ocsp(t, w.end, w.ica, ocspOptions{this: -time.Minute, next: time.Hour}))
	})
	mux.HandleFunc("GET /root.crl", func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = rw.Write(w.crl(t, w.root, crlOptions{this: -time.Minute, next: time.Hour}))
	})
	o := w.options()
	o.Fetcher = &HTTPFetcher{Client: server.Client()}
	if _, err := Collect(context.Background(), w.end.cert, o, 0); err != nil {
		t.Error(err)
	}
}

func TestHTTPFetcherKeepsItsLimits(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/large", func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(make([]byte, 101)) })
	mux.HandleFunc("/gone", http.NotFound)
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() { close(stop); server.Close() })
	f := &HTTPFetcher{Client: server.Client(), Timeout: 20 * time.Millisecond, MaxCRL: 100, MaxOCSP: 100}
	for path, want := range map[string]error{"/large": ErrEvidenceTooLarge, "/gone": ErrFetch, "/slow": context.DeadlineExceeded} {
		c := *f
		if path != "/slow" {
			c.Timeout = 0
		}
		if _, err := c.CRL(context.Background(), server.URL+path); !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := (&HTTPFetcher{}).CRL(context.Background(), server.URL); !errors.Is(err, ErrArgument) {
		t.Errorf("no client: %v", err)
	}
}
