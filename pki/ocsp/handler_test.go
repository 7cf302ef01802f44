package ocsp_test

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	xocsp "golang.org/x/crypto/ocsp"

	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/ca/catest"
	"github.com/kyso-vn/kyso/pki/ocsp"
)

func serve(t *testing.T, h *ocsp.Handler) string {
	t.Helper()
	s := httptest.NewServer(http.StripPrefix("/ocsp/citizens", h))
	t.Cleanup(s.Close)
	return s.URL + "/ocsp/citizens"
}

func fetch(t *testing.T, request *http.Request) (*http.Response, []byte) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

func get(t *testing.T, address string, header ...string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return fetch(t, request)
}

func post(t *testing.T, address, kind string, body []byte) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	return fetch(t, request)
}

func TestGETIsCachedUntilSoonAndNotLonger(t *testing.T) {
	t.Parallel()
	r := newRig(t, "P-256", nil)
	address := serve(t, &ocsp.Handler{Responder: r.responder})
	text := base64.StdEncoding.EncodeToString(r.request(t, crypto.SHA1, nil, r.good))
	for name, path := range map[string]string{
		"escaped": url.QueryEscape(text), "path escaped": url.PathEscape(text),
		"bare": text, "unpadded": url.QueryEscape(strings.TrimRight(text, "=")), "twice": url.QueryEscape(url.QueryEscape(text)),
	} {
		response, body := get(t, address+"/"+path)
		judge, err := xocsp.ParseResponse(body, r.Issuing.Certificate())
		if err != nil || judge.Status != xocsp.Good {
			t.Fatalf("%s: %v", name, err)
		}
		h := response.Header
		if response.StatusCode != 200 || h.Get("Content-Type") != "application/ocsp-response" ||
			h.Get("Cache-Control") != "max-age=30, public, no-transform, must-revalidate" ||
			h.Get("Content-Length") != strconv.Itoa(len(body)) ||
			h.Get("Last-Modified") != judge.ThisUpdate.Format(http.TimeFormat) ||
			h.Get("Expires") != judge.NextUpdate.Format(http.TimeFormat) || h.Get("ETag") == "" || h.Get("Date") == "" {
			t.Errorf("%s: %v", name, h)
		}
		if again, body := get(t, address+"/"+path, "If-None-Match", h.Get("ETag")); again.StatusCode != http.StatusNotModified || len(body) > 0 {
			t.Errorf("%s: %d for what the client has", name, again.StatusCode)
		}
	}
	unknown := base64.StdEncoding.EncodeToString(r.request(t, crypto.SHA1, nil, newSerial(t)))
	if response, _ := get(t, address+"/"+url.QueryEscape(unknown)); response.Header.Get("Cache-Control") != "no-store" {
		t.Error("unknown is cached, though it may be issued the next moment")
	}
}

func TestHTTPRefusalsAreClientErrors(t *testing.T) {
	t.Parallel()
	r := newRig(t, "P-256", nil)
	address := serve(t, &ocsp.Handler{Responder: r.responder})
	good := r.request(t, crypto.SHA1, nil, r.good)
	for _, row := range []struct {
		name     string
		response func() (*http.Response, []byte)
		code     int
	}{
		{"post", func() (*http.Response, []byte) { return post(t, address, "application/ocsp-request", good) }, 200},
		{"garbage", func() (*http.Response, []byte) { return post(t, address, "application/ocsp-request", []byte("hello")) }, 200},
		{"wrong type", func() (*http.Response, []byte) { return post(t, address, "text/plain", good) }, 415},
		{"too large", func() (*http.Response, []byte) {
			return post(t, address, "application/ocsp-request", make([]byte, 16<<10+1))
		}, 413},
		{"no request", func() (*http.Response, []byte) { return get(t, address+"/") }, 400},
		{"not base64", func() (*http.Response, []byte) { return get(t, address+"/!!!") }, 400},
		{"long path", func() (*http.Response, []byte) { return get(t, address+"/"+strings.Repeat("A", 30_000)) }, 414},
		{"method", func() (*http.Response, []byte) {
			request, err := http.NewRequest(http.MethodDelete, address, nil)
			if err != nil {
				t.Fatal(err)
			}
			return fetch(t, request)
		}, 405},
	} {
		response, body := row.response()
		if response.StatusCode != row.code || response.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", row.name, response.StatusCode, response.Header)
		}
		if _, err := ocsp.Parse(body); row.name != "post" && !errors.Is(err, ocsp.ErrStatus) {
			t.Errorf("%s: body is no OCSP refusal: %v", row.name, err)
		}
	}
}

func TestNonceIsLeftOutWhereItIsNotAllowed(t *testing.T) {
	t.Parallel()
	r := newRig(t, "P-256", nil)
	address := serve(t, &ocsp.Handler{Responder: r.responder, AllowNonce: func(*http.Request) bool { return false }})
	_, body := post(t, address, "application/ocsp-request", r.request(t, crypto.SHA1, []byte("nonce of the client"), r.good))
	response, err := ocsp.Parse(body)
	if err != nil || response.Nonce != nil {
		t.Errorf("%v, nonce %x", err, response.Nonce)
	}
}

func TestOpenSSLAsksOverHTTP(t *testing.T) {
	t.Parallel()
	r := newRig(t, "P-256", nil)
	address := serve(t, &ocsp.Handler{Responder: r.responder})
	dir := t.TempDir()
	root := catest.WritePEM(t, filepath.Join(dir, "root.pem"), "CERTIFICATE", r.Root.Certificate().Raw)
	issuer := catest.WritePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", r.Issuing.Certificate().Raw)
	never := newSerial(t)
	for _, digest := range []string{"-sha1", "-sha256"} {
		for _, nonce := range []string{"-nonce", "-no_nonce"} {
			out, err := exec.Command("openssl", "ocsp", "-url", address, "-CAfile", root, "-issuer", issuer,
				digest, nonce, "-serial", "0x"+r.good.String(), "-serial", "0x"+r.revoked.String(),
				"-serial", "0x"+r.held.String(), "-serial", "0x"+never.String()).CombinedOutput()
			if err != nil {
				t.Fatalf("%s %s: %v\n%s", digest, nonce, err, out)
			}
			text := string(out)
			for _, want := range []string{"Response verify OK", "0x" + r.good.String() + ": good", "0x" + r.revoked.String() + ": revoked",
				"Reason: keyCompromise", "0x" + r.held.String() + ": revoked", "Reason: certificateHold", "0x" + never.String() + ": unknown"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s %s: no %q in\n%s", digest, nonce, want, text)
				}
			}
			if strings.Contains(text, "WARNING") && nonce == "-nonce" {
				t.Errorf("nonce not repeated:\n%s", text)
			}
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	r := newRig(f, "P-256", nil)
	f.Add(r.request(f, crypto.SHA1, nil, r.good))
	f.Add(r.request(f, crypto.SHA256, []byte("nonce"), r.good, r.held))
	f.Add([]byte{0x30, 0x81})
	f.Fuzz(func(t *testing.T, der []byte) {
		request, err := ocsp.ParseRequest(der, ocsp.Limits{})
		if err != nil {
			if pki.CodeOf(err) == "" {
				t.Errorf("no code: %v", err)
			}
			return
		}
		again, err := request.DER()
		if err != nil {
			t.Fatal(err)
		}
		twice, err := ocsp.ParseRequest(again, ocsp.Limits{})
		if err != nil || len(twice.IDs) != len(request.IDs) || !bytes.Equal(twice.Nonce, request.Nonce) {
			t.Fatalf("%v", err)
		}
		for i := range twice.IDs {
			if twice.IDs[i].Serial != request.IDs[i].Serial || twice.IDs[i].Hash != request.IDs[i].Hash {
				t.Fatal("another certificate after a round trip")
			}
		}
	})
}

func FuzzParseResponse(f *testing.F) {
	r := newRig(f, "P-256", nil)
	for _, serial := range []pki.Serial{r.good, r.held, newSerial(f)} {
		a, err := r.responder.Respond(f.Context(), r.request(f, crypto.SHA1, nil, serial))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a.DER)
	}
	f.Add([]byte{0x30, 0x03, 0x0a, 0x01, 0x06})
	original, err := r.responder.Respond(f.Context(), r.request(f, crypto.SHA1, nil, r.good))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		// Whatever verifies must say what was signed.
		one, err := ocsp.VerifyResponse(der, ocsp.Check{Issuer: r.Issuing.Certificate(), Serial: r.good, At: original.ThisUpdate})
		if err == nil && one.State != ocsp.Good {
			t.Fatalf("%+v", one)
		}
	})
}

func BenchmarkRespond(b *testing.B) {
	for name, fresh := range map[string]time.Duration{"live": -1, "cached": 0} {
		b.Run(name, func(b *testing.B) {
			r := newRig(b, "P-256", func(c *ocsp.Config) {
				c.Fresh = fresh
				if fresh < 0 {
					c.MaxCached = -1
				}
			})
			request := r.request(b, crypto.SHA1, nil, r.good)
			for b.Loop() {
				if _, err := r.responder.Respond(b.Context(), request); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
