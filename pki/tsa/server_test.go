package tsa

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/pki/cms"
)

var errNoKey = errors.New("token is gone")

// brokenSigner has the right key and makes bad signatures, or none.
type brokenSigner struct {
	crypto.Signer
	err error
}

func (s brokenSigner) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.Signer.Sign(rand, make([]byte, len(digest)), opts)
}

func TestServerRefusesByRFC3161(t *testing.T) {
	t.Parallel()
	base := newAuthority(t, newP256(t), nil)
	digest := sha256.Sum256([]byte("x"))
	good := Request{Hash: crypto.SHA256, Digest: digest[:], Policy: testPolicy, Nonce: big.NewInt(7)}
	for name, tc := range map[string]struct {
		server  func(*ServerOptions)
		request func() []byte
		want    Failure
		code    Code
	}{
		"garbage":        {request: func() []byte { return []byte{0x30, 0x81} }, want: BadDataFormat, code: ErrMalformed},
		"empty sequence": {request: func() []byte { return []byte{0x30, 0x00} }, want: BadDataFormat, code: ErrMalformed},
		"trailing data":  {request: func() []byte { return append(must(good.Marshal())(t), 0) }, want: BadDataFormat, code: ErrMalformed},
		"version 2": {request: func() []byte {
			return bytes.Replace(must(good.Marshal())(t), []byte{2, 1, 1}, []byte{2, 1, 2}, 1)
		}, want: BadDataFormat, code: ErrMalformed},
		"SHA-1": {request: func() []byte {
			r := Request{Hash: crypto.SHA1, Digest: digest[:20]}
			return must(r.Marshal())(t)
		}, want: BadAlg, code: ErrImprint},
		"unknown hash": {request: func() []byte { // SHA-256's last arc becomes 9
			return bytes.Replace(must(good.Marshal())(t), []byte{3, 4, 2, 1}, []byte{3, 4, 2, 9}, 1)
		}, want: BadAlg, code: ErrImprint},
		"digest too short for its hash": {request: func() []byte { // SHA-256 becomes SHA-384
			return bytes.Replace(must(good.Marshal())(t), []byte{3, 4, 2, 1}, []byte{3, 4, 2, 2}, 1)
		}, want: BadDataFormat, code: ErrImprint},
		"other policy": {request: func() []byte {
			r := good
			r.Policy = asn1.ObjectIdentifier{1, 2, 3}
			return must(r.Marshal())(t)
		}, want: UnacceptedPolicy, code: ErrPolicy},
		"extensions": {request: func() []byte {
			der := must(good.Marshal())(t)
			der[1] += 2
			return append(der, 0xA0, 0x00)
		}, want: UnacceptedExtension, code: ErrExtension},
		"clock is off": {server: func(o *ServerOptions) { o.ClockCheck = func() error { return errors.New("3 s off") } },
			want: TimeNotAvailable, code: ErrUnavailable},
		"certificate over": {server: func(o *ServerOptions) { o.Now = func() time.Time { return time.Now().Add(100 * time.Hour) } },
			want: SystemFailure, code: ErrGenTime},
		"key gone": {server: func(o *ServerOptions) { o.Signer = brokenSigner{o.Signer, errNoKey} },
			want: SystemFailure, code: ErrUnavailable},
		"signature wrong": {server: func(o *ServerOptions) { o.Signer = brokenSigner{o.Signer, nil} },
			want: SystemFailure, code: ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := base
			var seen Outcome
			a.opts.Observe = func(_ context.Context, o Outcome) { seen = o }
			if tc.server != nil {
				tc.server(&a.opts)
			}
			request := must(good.Marshal())(t)
			if tc.request != nil {
				request = tc.request()
			}
			der, o := a.server(t).Respond(context.Background(), request)
			resp := must(ParseResponse(der))(t)
			if o.Failure != tc.want || resp.Failure != tc.want || resp.Granted() || resp.Status != statusRejection || resp.Text == "" {
				t.Errorf("outcome %+v, response %+v, want %s", o, resp, tc.want)
			}
			if !errors.Is(o.Err, tc.code) || seen.Failure != tc.want {
				t.Errorf("error %v, observed %+v", o.Err, seen)
			}
		})
	}
}

func TestServerEchoesAndNeverRepeatsASerial(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, newP256(t), nil)
	second := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1, 2}
	a.opts.Policies = []asn1.ObjectIdentifier{second}
	a.opts.Accuracy = 1500*time.Millisecond + 20*time.Microsecond
	s := a.server(t)
	digest := sha512.Sum512([]byte("x"))
	nonce := new(big.Int).Lsh(big.NewInt(-5), 70)
	req := Request{Hash: crypto.SHA512, Digest: digest[:], Policy: second, Nonce: nonce, CertReq: true}
	body := must(req.Marshal())(t)
	var mu sync.Mutex
	serials := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				der, _ := s.Respond(context.Background(), body)
				resp, err := ParseResponse(der)
				if err != nil {
					t.Error(err)
					return
				}
				tok, err := ParseToken(resp.Token, cms.Limits{})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := tok.Verify(digest[:], VerifyOptions{Policy: second}); err != nil {
					t.Error(err)
				}
				if tok.Nonce.Cmp(nonce) != 0 || tok.Accuracy != a.opts.Accuracy || tok.Hash != crypto.SHA512 || tok.GenTime.After(time.Now()) {
					t.Errorf("token %+v", tok.Info)
				}
				mu.Lock()
				serials[tok.Serial.String()] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(serials) != 200 {
		t.Errorf("%d different serials of 200", len(serials))
	}
}

func TestServerRefusesUnfitCertificates(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*x509.Certificate){
		"EKU not critical": func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{timestampEKU(t, false)} },
		"EKU not alone": func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{timestampEKU(t, true, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 3})}
		},
		"EKU with an unknown one": func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{timestampEKU(t, true, asn1.ObjectIdentifier{1, 2, 3})}
		},
		"no EKU":    func(c *x509.Certificate) { c.ExtraExtensions = nil },
		"key usage": func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageKeyEncipherment },
		"CA":        func(c *x509.Certificate) { c.IsCA = true },
	} {
		a := newAuthority(t, newP256(t), change)
		if _, err := NewServer(a.opts); !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a := newAuthority(t, newP256(t), nil)
	a.opts.Signer = newP256(t)
	if _, err := NewServer(a.opts); !errors.Is(err, ErrCertificate) {
		t.Errorf("other key: %v", err)
	}
}

func TestHandlerSpeaksHTTP(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, newP256(t), nil)
	var clock error
	a.opts.ClockCheck = func() error { return clock }
	s := a.server(t)
	digest := sha256.Sum256([]byte("x"))
	query := must((&Request{Hash: crypto.SHA256, Digest: digest[:]}).Marshal())(t)
	do := func(method, contentType string, body []byte) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/tsa", bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	for name, tc := range map[string]struct {
		method, contentType string
		body                []byte
		want                int
	}{
		"good":      {"POST", queryType, query, http.StatusOK},
		"parameter": {"POST", queryType + "; x=y", query, http.StatusOK},
		"garbage":   {"POST", queryType, []byte("xx"), http.StatusOK},
		"GET":       {"GET", queryType, nil, http.StatusMethodNotAllowed},
		"type":      {"POST", "text/plain", query, http.StatusUnsupportedMediaType},
		"too large": {"POST", queryType, make([]byte, maxRequestBytes+1), http.StatusRequestEntityTooLarge},
	} {
		if w := do(tc.method, tc.contentType, tc.body); w.Code != tc.want {
			t.Errorf("%s: status %d, want %d", name, w.Code, tc.want)
		}
	}
	clock = errNoKey
	w := do("POST", queryType, query)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get("Content-Type") != replyType {
		t.Errorf("clock off: %d %v", w.Code, w.Header())
	}
	if bytes.Contains(w.Body.Bytes(), []byte(errNoKey.Error())) {
		t.Error("the cause leaks into the answer")
	}
}

func BenchmarkServerP256(b *testing.B) {
	a := newAuthority(b, newP256(b), nil)
	s := a.server(b)
	digest := sha256.Sum256([]byte("x"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Timestamp(context.Background(), crypto.SHA256, digest[:]); err != nil {
			b.Fatal(err)
		}
	}
}
